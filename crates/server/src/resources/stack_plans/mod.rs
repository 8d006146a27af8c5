//! Plans of whole stacks: what a walk elsewhere would do to many workspaces, as one question that is answered once, there or
//! here.
//!
//! Whoever plans a stack (`multispace apply --host`) says which runs that only plan belong together, and waits. What these
//! runs would do is read from them and not believed. One is decided at most once (`domain::stack_plan`), by somebody who
//! sees all of it and may decide about the runs of each of its workspaces. Absent: applying it, which is done by whoever
//! asked, with runs of its own.

mod api;
mod page;
mod read;
pub mod service;
mod store;

pub use api::routes;
pub use page::pages;
pub use store::{Counts, Fate, Row, Totals, delete_all};
