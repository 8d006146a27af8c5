//! Tokens, and the users, teams, organizations and runs they speak for. A secret is shown once; what is kept is its digest
//! under the server's key.

mod api;
pub mod group;
pub mod own;
mod page;
pub mod service;
mod store;

pub use api::routes;
pub use page::{Made, Row, Wanted, pages};
pub use store::Model as Token;
