//! Runs: one plan, and perhaps one apply, of a workspace.

use domain::run::RunStatus;
use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Linked, Request, Resource, ToMany, ToOne};
use crate::flags::flags;
use crate::timestamp::StatusTimestamps;
use crate::words::{RunSource, Status, TriggerReason};
use crate::{Timestamp, kind};

/// A run as the API answers it.
pub type Run = Resource<RunAttributes, RunRelationships>;

/// What a run says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunAttributes {
    /// Where it is in its life.
    pub status: Status<RunStatus>,
    /// When each status was reached.
    pub status_timestamps: StatusTimestamps,
    /// When it was made.
    pub created_at: Timestamp,
    /// What somebody said when making it.
    pub message: String,
    /// What made it.
    pub source: RunSource,
    /// Whether somebody asked for it or another run caused it.
    pub trigger_reason: TriggerReason,
    /// Name of the workspace whose run triggered it; null when none did.
    pub triggering_source_name: Option<String>,
    /// The version of terraform that it uses.
    pub terraform_version: String,

    /// Whether a plan with changes is applied without asking.
    pub auto_apply: bool,
    /// Whether it destroys everything.
    pub is_destroy: bool,
    /// Whether it never applies.
    pub plan_only: bool,
    /// Whether the plan is kept until somebody confirms it.
    pub save_plan: bool,
    /// Whether the plan reads the real resources first.
    pub refresh: bool,
    /// Whether the plan only takes over what it reads.
    pub refresh_only: bool,
    /// Whether a plan without changes may be applied.
    pub allow_empty_apply: bool,
    /// Whether terraform may write configuration for imports.
    pub allow_config_generation: bool,
    /// Whether terraform logs in detail.
    pub debugging_mode: bool,
    /// Addresses that the plan keeps to; null for all.
    pub target_addrs: Option<Vec<String>>,
    /// Addresses that are replaced; null for none.
    pub replace_addrs: Option<Vec<String>>,
    /// Variables of this run alone.
    pub variables: Vec<RunVariable>,

    /// Whether the plan has changes; visible together with the status that follows the plan.
    pub has_changes: bool,
    /// Whether it has given its slot back until the runs that its terraform waits for are over. This server's own.
    pub parked: bool,
    /// Ids of those runs. This server's own.
    pub waiting_for: Vec<String>,
    /// What holds it up; null when nothing does. This server's own.
    pub blocked_by: Option<BlockedBy>,
    /// Place in the organization's queue, from 1; 0 when it is in none.
    pub position_in_queue: u64,
    /// When somebody cancelled it.
    pub canceled_at: Option<Timestamp>,
    /// From when on it can be killed.
    pub force_cancel_available_at: Option<Timestamp>,

    /// What can be done in this state. The CLI dereferences it without looking.
    pub actions: RunActions,
    /// What the caller may do.
    pub permissions: RunPermissions,
}

impl Attributes for RunAttributes {
    const KIND: &'static str = kind::RUNS;
}

flags! {
    /// What can be done with a run in this state. pytfe demands all four.
    RunActions { is_cancelable, is_confirmable, is_discardable, is_force_cancelable, }
}

flags! {
    /// What the caller may do with a run. pytfe demands most of them.
    RunPermissions {
        can_apply,
        can_cancel,
        can_comment,
        can_discard,
        can_force_cancel,
        can_force_execute,
        can_override_policy_check,
    }
}

/// What a run, or a downstream that may have to run, waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedBy {
    /// `run`, `lock`, `slot`, `approval` or `upstream`.
    pub kind: String,
    /// Id of the run, of the locked workspace, of what has no slot left, or of the upstream that has no run yet.
    pub id: String,
    /// The same in a sentence.
    pub words: String,
}

/// A variable of one run alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunVariable {
    /// Its name.
    pub key: String,
    /// An HCL expression: a text stands in quotes (`"\"bob\""`).
    pub value: String,
}

/// What a run points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunRelationships {
    /// The workspace it changes.
    pub workspace: ToOne,
    /// Its plan.
    pub plan: ToOne,
    /// Its apply; always there, and `unreachable` when it will never run.
    pub apply: ToOne,
    /// The configuration it uses.
    pub configuration_version: ToOne,
    /// The run whose terraform started it. This server's own.
    pub parent_run: ToOne,
    /// Who made it.
    pub created_by: ToOne,
    /// Who confirmed it.
    pub confirmed_by: ToOne,
    /// Null, so that the CLI asks for no estimate.
    pub cost_estimate: ToOne,
    /// Empty, so that the CLI asks for no checks.
    pub policy_checks: ToMany,
    /// Empty, so that the CLI asks for no stages.
    pub task_stages: ToMany,
    /// What happened to it.
    pub run_events: ToMany,
    /// The workspace whose run triggered it; of several the one that was applied last.
    pub triggering_source: ToOne,
    /// The run that triggered it.
    pub triggering_run: ToOne,
    /// Where its comments are read.
    pub comments: Linked,
}

/// Body of a create.
pub type RunBody = Request<RunRequest, RunRequestRelationships>;

/// What a client wants of a run; absent means the default. See [`RunAttributes`] for what each attribute means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunRequest {
    /// Absent for the server's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Absent for the workspace's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_apply: Option<bool>,
    /// False by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_destroy: Option<bool>,
    /// Destroys also what other workspaces still stand on; false by default. This server's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
    /// True by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<bool>,
    /// False by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_only: Option<bool>,
    /// Absent for the configuration's `speculative`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_only: Option<bool>,
    /// False by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_plan: Option<bool>,
    /// False by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_empty_apply: Option<bool>,
    /// False by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_config_generation: Option<bool>,
    /// False by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debugging_mode: Option<bool>,
    /// Only with `plan-only`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terraform_version: Option<String>,
    /// Absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_addrs: Option<Vec<String>>,
    /// Absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replace_addrs: Option<Vec<String>>,
    /// Variables of this run alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<RunVariable>>,
}

impl Attributes for RunRequest {
    const KIND: &'static str = kind::RUNS;
}

/// What a wanted run points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunRequestRelationships {
    /// Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<ToOne>,
    /// Absent, null, or `data` null for the workspace's current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_version: Option<ToOne>,
}

impl RunRequestRelationships {
    /// Id of the workspace, if it is named.
    pub fn workspace_id(&self) -> Option<&str> {
        self.workspace.as_ref()?.id()
    }

    /// Id of the configuration version, if one is named.
    pub fn configuration_version_id(&self) -> Option<&str> {
        self.configuration_version.as_ref()?.id()
    }
}
