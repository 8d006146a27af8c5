//! A stack: workspaces and the edges between them. Its graph, how it is drawn, what of it is selected, how it is walked, and how it
//! is taken down.

mod critical;
mod cycle;
mod draw;
#[cfg(test)]
mod drawn;
pub mod graph;
pub mod inputs;
mod near;
mod select;
mod target;
mod teardown;
pub mod walk;

pub use critical::{Critical, Timed, critical};
pub use graph::{Edge, Graph, Reason};
pub use inputs::{Inputs, Last, Why, why};
pub use select::{Range, Selector, select};
pub use target::targets;
pub use teardown::{Standing, Teardown, teardown};
pub use walk::{Direction, Ended, Next, Outcome, Retry, Walk};
