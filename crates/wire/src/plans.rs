//! Plans: the first phase of a run.

use domain::run::PhaseStatus;
use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Resource, ToMany};
use crate::flags::flags;
use crate::kind;
use crate::timestamp::StatusTimestamps;
use crate::words::{ExecutionMode, Status};

/// A plan as the API answers it; links `self`, `json-output` and `json-output-redacted`.
pub type Plan = Resource<PlanAttributes, PlanRelationships>;

/// What a plan says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct PlanAttributes {
    /// Where it is in its life.
    pub status: Status<PhaseStatus>,
    /// When each status was reached.
    pub status_timestamps: StatusTimestamps,
    /// Whether a resource or an output would change.
    pub has_changes: bool,
    /// Where the log is read, absolute and secret. Never empty: the CLI dies without it.
    pub log_read_url: String,
    /// Resources to create; null until the plan is done.
    pub resource_additions: Option<u64>,
    /// Resources to change; null until the plan is done.
    pub resource_changes: Option<u64>,
    /// Resources to destroy; null until the plan is done.
    pub resource_destructions: Option<u64>,
    /// Resources to import; null until the plan is done.
    pub resource_imports: Option<u64>,
    /// Whether terraform wrote configuration for imports.
    pub generated_configuration: bool,
    /// Where terraform runs.
    pub execution_details: ExecutionDetails,
    /// What can be done in this state.
    pub actions: PlanActions,
    /// What the caller may do.
    pub permissions: PlanPermissions,
}

impl Attributes for PlanAttributes {
    const KIND: &'static str = kind::PLANS;
}

/// Where terraform runs for a plan or an apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ExecutionDetails {
    /// On the server, or by an agent.
    pub mode: ExecutionMode,
}

flags! {
    /// What can be done with a plan in this state.
    PlanActions { is_exportable, }
}

flags! {
    /// What the caller may do with a plan.
    PlanPermissions { can_export, }
}

/// What a plan points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct PlanRelationships {
    /// Exports of its data for policies; none.
    pub exports: ToMany,
}
