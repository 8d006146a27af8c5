//! Configuration versions: the Terraform code of a workspace, as an archive that somebody uploaded or that was fetched. Archives are checked
//! before they are stored; equal ones are stored once.

mod api;
pub mod service;
mod store;

pub use api::{include, routes};
pub use store::{Model as Configuration, Status, by_id, delete_of};
