//! Comments on runs: what people, and programs on their behalf, say when they start, confirm, discard or cancel one, or at
//! any other time. A comment is never changed or taken back; it goes when its run goes.

mod api;
pub mod service;
mod store;

pub use api::routes;
pub use store::{Model as Comment, delete_of};
