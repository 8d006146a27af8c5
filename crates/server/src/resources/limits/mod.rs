//! Limits: how many runs may have a slot at a time, of an organization, a project, workspaces with a tag, and on an
//! executor. A run counts in each that it falls under. The organization's own is kept with the organization and is always
//! there; the others are here, while somebody has set them. All can be changed while runs are under way: what has a slot
//! keeps it.

mod api;
mod page;
pub mod service;
mod store;

pub use api::routes;
pub use page::pages;
pub use store::{delete, delete_of};
