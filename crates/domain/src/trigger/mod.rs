//! Run triggers: standing edges between workspaces. An upstream that is applied has a downstream run.
//!
//! `cutoff` says whether anything is new to a downstream, `edges` which triggers there may be, `wave` what follows when upstreams settle, `words` how a decision is told.
//! Absent: runs themselves, and where any of this is kept.

mod cutoff;
mod edges;
mod wave;
mod words;

pub use cutoff::{Cutoff, Inputs, Read, cutoff};
pub use edges::{Edge, MOST_SOURCES, check};
pub use wave::{Blocker, Decisions, Facts, InFlight, Outcome, Settled, Skip, Start, Waiting, decide, upstreams};
pub use words::{skipped, started, waiting};

#[cfg(test)]
mod wave_tests;
