//! Stacks: workspaces that belong together and go together, downstreams first, when somebody says so or their time is up.
//!
//! `service` has what people ask, `teardown` what follows from it, `page` the picture of a stack, which is also that of all
//! workspaces that one may see. A stack holds no state and starts no run but those that
//! destroy. Absent: the order (`domain::stack`), and when to look (`scheduler/stacks.rs`).

mod api;
mod page;
pub mod service;
mod store;
pub mod teardown;

pub use api::routes;
pub use page::pages;
pub use store::{Event, Model as Stack, delete_all};
