//! Workspaces that destroy themselves: at a moment that was said, or after they have lain idle for so long.
//!
//! `setting` says which of both applies and what may be asked for, `due` what follows from it and when. The words and
//! meanings are those of HCP Terraform. Absent: where any of this is kept, and the destroy run itself.

mod due;
mod idle;
mod setting;

pub use due::{Facts, Next, Reminders, next, reminders};
pub use idle::Idle;
pub use setting::{Request, Setting, change};
