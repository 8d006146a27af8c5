//! Run triggers: standing edges between workspaces. An upstream that is applied has a downstream run.
//!
//! `edges` says which triggers there may be, `wave` what follows when upstreams settle, `words` how a decision is told.
//! Absent: runs themselves, and where any of this is kept.

mod edges;
mod wave;
mod words;

pub use edges::{Edge, MOST_SOURCES, check};
pub use wave::{Blocker, Decisions, Facts, InFlight, Outcome, Settled, Skip, Start, Waiting, decide};
pub use words::{skipped, started, waiting};

#[cfg(test)]
mod wave_tests;
