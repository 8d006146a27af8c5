//! The rules of multispace, and nothing else.
//!
//! Ids, the run machine, the stack graph and its walk, queue decisions, roles, which variable wins, edges between
//! workspaces, run triggers and their join, workspaces that destroy themselves, state version rules, plans and planned outputs,
//! repositories, addresses that are reached, characters that direct text and [`Problem`]: values in, values out. Absent on purpose: IO, async, serde, clocks and randomness. Whoever
//! needs the time passes it in.

pub mod auto_destroy;
pub mod dependency;
pub mod id;
pub mod names;
pub mod picture;
pub mod plan;
pub mod planned;
pub mod problem;
pub mod queue;
pub mod reach;
pub mod roles;
pub mod run;
pub mod stack;
pub mod stack_plan;
pub mod state;
pub mod text;
pub mod trigger;
pub mod variables;
pub mod vcs;

pub use problem::{Fault, Problem};
