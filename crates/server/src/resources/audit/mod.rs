//! The audit log, as it is read: by who owns an organization or answers for the server, in parts, as a whole, or only whether
//! it is as it was written.
//!
//! It is written elsewhere and by nobody in particular: see `storage::audit`. Absent: any way to change or shorten it. It stays when
//! its organization goes, and can then be read by who answers for the server.

mod api;
mod page;
pub mod service;
mod store;

pub use api::routes;
pub use page::pages;
