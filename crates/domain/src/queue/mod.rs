//! Which runs get a slot now, and what the others wait for. Values in, values out: whoever asks supplies the facts of one
//! moment and acts on the answer.
//!
//! The rules: one run at a time that writes a workspace's state, first in first out; plans that write none (of plan-only
//! runs, and of runs that save their plan) wait for neither queue nor lock. Several limits may count one run: those of
//! its executor, organization, project and tags; it takes a slot of each or none. Slots go to applies first, then plans,
//! then plan-only runs. Within each of the three, what a parked run waits for goes first, and the rest of the projects
//! take turns. A run that waits for approval keeps its workspace and has no slot; nor has a parked one, see `facts`.
//! `lines` keeps the facts in order. Absent: executors, time, and who may do what.

mod circle;
mod decide;
mod facts;
mod lines;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

pub use circle::{Link, WaitGraph, Why, problem as circle_problem};
pub use decide::{Decisions, Start};
pub use facts::{Blocked, Hold, LimitFacts, QueueFacts, QueuedRun, Scope, Wants, WorkspaceFacts};
pub use lines::Queue;
