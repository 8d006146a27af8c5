//! Plans of whole stacks that somebody is asked about once. A resource of this server's own.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource};
use crate::{Timestamp, kind};

/// The plan of a stack as the API answers it.
pub type StackPlan = Resource<StackPlanAttributes>;

/// What the plan of a stack says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackPlanAttributes {
    /// `pending`, `approved`, `discarded` or `withdrawn`.
    pub status: String,
    /// What it is of, in the words of whoever made it.
    pub message: String,
    /// What whoever made it holds itself to; as it was sent.
    pub digest: String,
    /// Whether whoever made it waits for the answer.
    pub is_awaited: bool,
    /// Its workspaces in the order of the walk, as far as the caller may see them.
    pub rows: Vec<StackPlanRow>,
    /// How many of its workspaces are gone, or are not for the caller to see.
    pub hidden: u64,
    /// Whether the caller may decide.
    pub can_decide: bool,
    /// Who made it, by name.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who decided, by name.
    pub decided_by: Option<String>,
    /// When that was.
    pub decided_at: Option<Timestamp>,
    /// What was said along with it.
    pub comment: Option<String>,
}

impl Attributes for StackPlanAttributes {
    const KIND: &'static str = kind::STACK_PLANS;
}

/// What would become of one workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackPlanRow {
    /// Its id.
    pub workspace_id: String,
    /// Its name.
    pub workspace: String,
    /// `planned`, `unchanged` (nothing that goes into it has changed) or `deferred`.
    pub status: String,
    /// How many resources its plan touches; as the server counts them.
    pub counts: StackPlanCounts,
    /// Whether its plan changes something, be it outputs alone.
    pub has_changes: bool,
    /// Why it runs.
    pub why: Vec<String>,
    /// Workspaces that are to be applied before it can be planned.
    pub deferred_until: Vec<String>,
    /// Why it cannot be planned before.
    pub reason: Option<String>,
    /// The run that only planned it.
    pub run_id: Option<String>,
    /// The run that applies it, once there is one.
    pub apply_run_id: Option<String>,
}

/// How many resources a plan touches, each counted once but for those that are taken over and changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackPlanCounts {
    /// To be made.
    pub add: u32,
    /// To be changed in place.
    pub change: u32,
    /// To be destroyed for good.
    pub destroy: u32,
    /// To be destroyed and made anew.
    pub replace: u32,
    /// To be taken over.
    pub import: u32,
    /// To be moved to another address.
    pub r#move: u32,
    /// To be let go of.
    pub forget: u32,
}

/// Body of a create.
pub type StackPlanBody = Request<StackPlanRequest>;

/// What whoever planned a stack says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackPlanRequest {
    /// See [`StackPlanAttributes`].
    pub message: String,
    /// See [`StackPlanAttributes`].
    pub digest: String,
    /// See [`StackPlanAttributes`].
    pub rows: Vec<StackPlanRequestRow>,
}

impl Attributes for StackPlanRequest {
    const KIND: &'static str = kind::STACK_PLANS;
}

/// What it says of one workspace. What the plan would do is not said: the server reads it from the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StackPlanRequestRow {
    /// The workspace.
    pub workspace_id: String,
    /// See [`StackPlanRow`].
    pub status: String,
    /// See [`StackPlanRow`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// See [`StackPlanRow`].
    pub why: Vec<String>,
    /// See [`StackPlanRow`].
    pub deferred_until: Vec<String>,
    /// See [`StackPlanRow`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the message of the run will contain that applies this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
