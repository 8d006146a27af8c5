//! A run: one plan, and perhaps one apply, of a workspace. Its statuses and the machine that moves between them.

mod status;

pub use status::{PhaseStatus, RunStatus};
