//! Variables: input variables of the root module and environment variables of its runs. Values are sealed at rest, all of
//! them; a sensitive one is never shown again.
//!
//! A variable belongs to a workspace or to a variable set. `owned` has what is the same for both and asks nobody who they
//! are; `service` has the use cases of workspaces, and `runs` what a run gets. Absent: variable sets themselves.

mod api;
pub mod owned;
mod page;
pub mod runs;
pub mod service;
mod store;

pub use api::{document, routes, settings};
pub use page::fields::{Fields, Row, Typed};
pub use page::pages;
pub use store::delete_of;
