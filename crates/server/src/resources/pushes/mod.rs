//! Pushes: a host tells by webhook what happened in a repository, and the workspaces that it concerns run.
//!
//! `sender` says who told it and whether that may be believed, `payload` what it means, `service` what follows. Absent: which
//! workspaces a push concerns (`domain::vcs`), the secret (`oauth_clients`), and fetching what was pushed (the scheduler).

mod api;
mod payload;
mod sender;
mod service;
mod store;

pub use api::routes;
