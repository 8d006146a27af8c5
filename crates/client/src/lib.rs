//! Talks the HCP Terraform API v2 over HTTP to multispace, HCP Terraform or Terraform Enterprise.
//!
//! - [`settings`]: which host, which token, from arguments, `TFE_*` variables, CLI configuration and credentials files.
//! - [`Client`]: one request at a time, with retries, pages and errors as [`domain::Problem`].
//! - One module for each resource that has calls of its own: [`runs`], [`queue`], [`workspaces`],
//!   [`configurations`], [`outputs`], [`logs`], [`stack_plans`].
//!   Everything else is read and written as an [`Item`], whose attributes stay JSON.
//!
//! Answers are read leniently: another server may send a word that this build does not know, and that must not end a
//! wait. Absent on purpose: caches, and anything that decides what to do with an answer.

mod cli_config;
pub mod configurations;
mod hcl1;
mod http;
mod item;
pub mod logs;
pub mod outputs;
mod problem;
pub mod queue;
pub mod random;
mod retry;
pub mod runs;
pub mod settings;
pub mod stack_plans;
pub mod workspaces;

pub use http::Client;
pub use item::{Item, body, encoded, identifiers};
pub use settings::Settings;
