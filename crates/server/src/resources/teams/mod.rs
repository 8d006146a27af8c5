//! Teams: who belongs to which, and what a team may do in its whole organization. Each organization begins with its owners,
//! who may do everything in it and are neither renamed nor deleted. What a team may do on single projects and workspaces
//! is in `grants`, its tokens in `tokens`.

mod api;
mod page;
mod rights;
pub mod service;
mod store;

pub use api::routes;
pub use page::pages;
pub use store::Model as Team;
