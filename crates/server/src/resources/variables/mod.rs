//! Variables of workspaces: input variables of the root module and environment variables of its runs. Values are sealed at
//! rest, all of them; a sensitive one is never shown again.

mod api;
pub mod service;
mod store;

pub use api::routes;
pub use store::delete_of;
