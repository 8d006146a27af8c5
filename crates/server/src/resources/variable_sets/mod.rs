//! Variable sets: variables that many workspaces share. A set is for all workspaces of its owner, or is attached to
//! workspaces and projects; its owner is the organization or one of its projects.
//!
//! Its variables are kept in the room of variables, which also asks here which sets reach a workspace when a run is made.
//! Absent: which value wins (`domain::variables`).

mod api;
mod page;
mod reach;
pub mod service;
mod store;

pub use api::routes;
pub use page::pages;
pub use reach::reaching;
pub use store::{Model as VariableSet, forget_target};
