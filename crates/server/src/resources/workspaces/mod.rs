//! Workspaces: one root module each, with its settings, tags, lock, and who may read its state.
//!
//! The lock is one for all: a user, or the run that is under way, holds it. Other rooms move `current_run`, `current_state`
//! and `current_configuration` through the functions exported here.

mod api;
pub mod auto_destroy;
mod lock;
mod page;
mod protection;
pub mod service;
mod store;

pub use api::routes;
pub use api::shown::document;
pub use lock::{Holder, release, take};
pub use page::{Head, Tab, pages};
pub use protection::{check as check_downstreams, remaining as remaining_downstreams};
pub use store::{
    Model as Workspace, Placed, Tag, by_id, by_name, in_organization, lock_row, placed, set_current_configuration,
    set_current_run, set_current_state, tags_of, tags_of_all,
};
