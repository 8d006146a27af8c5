//! Organizations: the outermost room. Every project, workspace and run is in one, and the limit of concurrent runs is the
//! organization's. Clients name it by its name; its id is for the database alone.

mod api;
mod page;
pub mod service;
mod store;

pub use api::{document, routes};
pub use page::{Part, Top, pages};
pub use store::{Model as Organization, by_id, every, lock_row};
