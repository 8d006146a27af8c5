//! Runs: one plan, and perhaps one apply, of a workspace.
//!
//! `service` has what people ask of a run; `progress` what the scheduler tells of it; every move of a status goes through
//! `moves`, which keeps the run, its phases, the workspace's lock and what is announced together in one transaction.
//! Absent: terraform (the scheduler starts it) and when a run may start (`domain::queue`).

mod api;
pub mod last;
pub mod listing;
pub mod log;
mod marks;
mod moves;
pub mod outline;
mod page;
pub mod preview;
pub mod progress;
pub mod queue;
pub mod reads;
pub mod service;
mod store;
pub mod waits;
mod whole;

pub use api::routes;
pub use api::shown::{document, plan_document};
pub use page::start::{Start, start};
pub use page::{Changes, Line, Moment, Row, Tone, change_lines, length, listed, pages, rows};
pub use store::{
    Model as Run, PhaseModel as Phase, Reader, TriggeredBy, Upstream, apply_of, by_id, by_key, has_any, in_status,
    plan_of, queue::may_apply, since, unfinished, unfinished_of,
};
pub use waits::delete_of;
