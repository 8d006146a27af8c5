//! How busy an organization is. The CLI subtracts `running` from a run's position in the queue.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Resource};
use crate::kind;

/// The capacity of an organization; the id is the organization's name.
pub type Capacity = Resource<CapacityAttributes>;

/// Runs that wait and runs that go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct CapacityAttributes {
    /// Runs that wait for a slot.
    pub pending: u64,
    /// Runs that hold a slot.
    pub running: u64,
    /// Runs that have given their slot back until others are over. This server's own.
    pub parked: u64,
}

impl Attributes for CapacityAttributes {
    const KIND: &'static str = kind::ORGANIZATION_CAPACITY;
}
