//! Applies: the second phase of a run.

use domain::run::PhaseStatus;
use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Resource, ToMany};
use crate::kind;
use crate::plans::ExecutionDetails;
use crate::timestamp::StatusTimestamps;
use crate::words::Status;

/// An apply as the API answers it.
pub type Apply = Resource<ApplyAttributes, ApplyRelationships>;

/// What an apply says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ApplyAttributes {
    /// Where it is in its life; `unreachable` when it will never run.
    pub status: Status<PhaseStatus>,
    /// When each status was reached.
    pub status_timestamps: StatusTimestamps,
    /// Where the log is read, absolute and secret. Never empty: the CLI dies without it.
    pub log_read_url: String,
    /// Resources created; null until the apply is done.
    pub resource_additions: Option<u64>,
    /// Resources changed; null until the apply is done.
    pub resource_changes: Option<u64>,
    /// Resources destroyed; null until the apply is done.
    pub resource_destructions: Option<u64>,
    /// Resources imported; null until the apply is done.
    pub resource_imports: Option<u64>,
    /// Where terraform runs.
    pub execution_details: ExecutionDetails,
}

impl Attributes for ApplyAttributes {
    const KIND: &'static str = kind::APPLIES;
}

/// What an apply points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ApplyRelationships {
    /// The state versions it wrote, newest first.
    pub state_versions: ToMany,
}
