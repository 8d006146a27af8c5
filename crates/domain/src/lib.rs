//! The rules of multispace, and nothing else.
//!
//! Ids, the run machine, the stack graph and its walk, queue decisions, state version rules and [`Problem`]: values in,
//! values out. Absent on purpose: IO, async, serde, clocks and randomness. Whoever needs the time passes it in.

pub mod id;
pub mod problem;
pub mod run;

pub use problem::{Fault, Problem};
