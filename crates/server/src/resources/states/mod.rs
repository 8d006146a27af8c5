//! State versions: what Terraform knows of a workspace, byte for byte, and its outputs.
//!
//! A finalized version is never changed. Written by the lock's holder alone: a user's terraform by two uploads, a run
//! through [`service::from_run`], also while its apply is under way (`intermediate`).

mod api;
pub mod comparison;
mod contents;
mod deleted;
mod document;
pub mod kept;
mod page;
mod secrets;
pub mod service;
mod store;

pub use api::routes;
pub use api::shown::{document as state_document, workspace_output_document};
pub use deleted::Deleted;
pub use page::pages;
pub use service::is_pending;
pub use store::{Model as State, OutputModel as Output, by_id, delete_of, discard_pending};
