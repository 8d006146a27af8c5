//! Projects: a grouping of an organization's workspaces. Each organization has one default project that cannot go.

mod api;
pub mod service;
mod store;

pub use api::{document, routes};
pub use store::{Model as Project, by_id, delete_all, that_destroy};
