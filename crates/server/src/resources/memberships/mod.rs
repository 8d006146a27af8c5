//! Memberships: which users are in an organization. Who is in it sees it, and may in it what their teams may. Whoever was
//! invited is a member as soon as they are, and may nothing until they come.

mod api;
mod page;
pub mod service;
mod store;

pub use api::{document, routes};
pub use page::pages;
