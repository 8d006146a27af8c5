//! Turns one phase of one run into terraform processes.
//!
//! In: a [`Work`] with everything the phase needs. Out: output as it is written and state as it is saved, through
//! [`Upstream`], and at the end what came of it. The run's folder is durable: whatever dies, [`recover`] finds there what
//! was saved. Absent on purpose: HTTP, a database, and any idea of who asked.

mod work;

pub use work::{
    Applied, Backend, Counts, Failure, FailureKind, InDoubt, Names, Operation, Output, Phase, Planned, Recovery,
    Source, Unsaved, Upstream, UpstreamOutputs, Variable, VariableCategory, Work,
};
