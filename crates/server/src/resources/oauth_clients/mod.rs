//! Connections to hosts of git repositories, and the credentials that they are read by. The API calls them OAuth clients and tokens.
//!
//! Credentials are written, sealed, and never shown. A host is not asked for anything when it is connected. Absent: which workspace reads
//! which repository (`repositories`), git itself, and the dance of OAuth in a browser: a connection begins with a token.

mod api;
mod page;
pub mod service;
mod store;

pub use api::routes;
pub use page::pages;
pub use store::{Model as Client, Token, by_id, tokens_of};
