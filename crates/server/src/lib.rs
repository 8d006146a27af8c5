//! The engine: rooms, runs, queue and state, in one process; and the HCP Terraform API v2 in front of it.
//!
//! [`Engine::open`] opens a data folder; [`serve()`] puts the API on a listener; [`Engine::local`] is for a stack that runs
//! the engine in its own process.

mod actor;
mod app;
mod asking;
mod edge;
mod git;
mod held;
pub mod local;
mod passwords;
mod ports;
mod resources;
mod scheduler;
mod serve;
mod storage;
mod terraform;
pub mod upkeep;
#[doc(hidden)]
pub mod witness;

pub use edge::listed as routes;
pub use serve::{Engine, Options, Tls, serve};
pub use storage::{Keys, Moment, Probe};
