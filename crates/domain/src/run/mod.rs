//! A run: one plan, and perhaps one apply, of a workspace. Its statuses and the machine that moves between them.

mod event;
mod facts;
mod machine;
mod phases;
mod status;

pub use event::{PlanOutcome, RunEvent};
pub use facts::{RunFacts, RunKind};
pub use machine::IllegalMove;
pub use phases::Phases;
pub use status::{PhaseStatus, RunStatus};
