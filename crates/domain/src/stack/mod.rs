//! A stack: workspaces and the edges between them. Its graph, how it is drawn, and how it is walked.

mod cycle;
mod draw;
#[cfg(test)]
mod drawn;
pub mod graph;
mod near;
mod target;
pub mod walk;

pub use graph::{Edge, Graph, Reason};
pub use target::targets;
pub use walk::{Direction, Ended, Next, Outcome, Retry, Walk};
