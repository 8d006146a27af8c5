//! Repositories that feed workspaces: kinds of hosts, and addresses of hosts and repositories. Values in, values out.
//!
//! Absent: git itself, credentials, and whether a repository is there.

mod address;
mod host;

pub use address::{Base, Scheme, branch, identifier, submodule};
pub use host::ServiceProvider;
