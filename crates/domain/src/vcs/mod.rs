//! Repositories that feed workspaces: kinds of hosts, addresses of hosts and repositories, and what a push
//! means. Values in, values out.
//!
//! Absent: git itself, credentials, and whether a repository is there.

mod address;
mod host;
mod push;

pub use address::{Base, Scheme, branch, identifier, submodule};
pub use host::ServiceProvider;
pub use push::{Matching, Push, Reference, Watch, concerns, heads, touches};
