//! Repositories that feed workspaces: which one, what waits to be fetched for a run, and the commit that each configuration came from.
//!
//! Absent: git itself (`crate::git`), credentials (`oauth_clients`), and when a fetch begins (the scheduler).

mod api;
pub mod service;
mod store;

pub use api::{ingress_document, routes, vcs_repo};
pub use store::{
    Event, Fetch, Ingress, PullRequest, Repository, by_tokens, delete_of, fetch_of, forget_fetch, ingress_of, of,
};
