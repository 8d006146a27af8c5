//! Run triggers, and what was decided because of them.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource, ToOne};
use crate::runs::BlockedBy;
use crate::words::{TriggerOutcome, UpstreamOutcome};
use crate::{Timestamp, kind};

/// A run trigger as the API answers it.
pub type RunTrigger = Resource<RunTriggerAttributes, RunTriggerRelationships>;

/// What a run trigger says of itself. pytfe demands all three.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunTriggerAttributes {
    /// Name of the workspace whose runs are started.
    pub workspace_name: String,
    /// Name of the workspace whose applied runs start them.
    pub sourceable_name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Attributes for RunTriggerAttributes {
    const KIND: &'static str = kind::RUN_TRIGGERS;
}

/// What a run trigger points to. The provider dereferences both without looking.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunTriggerRelationships {
    /// The downstream.
    pub workspace: ToOne,
    /// The upstream.
    pub sourceable: ToOne,
}

/// Body of a create.
pub type RunTriggerBody = Request<RunTriggerRequest, RunTriggerRequestRelationships>;

/// A run trigger has nothing to say but what it points to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunTriggerRequest {}

impl Attributes for RunTriggerRequest {
    const KIND: &'static str = kind::RUN_TRIGGERS;
}

/// What a wanted run trigger points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunTriggerRequestRelationships {
    /// The upstream; required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sourceable: Option<ToOne>,
}

/// What was decided on a workspace because of its upstreams; not in HCP Terraform.
pub type TriggerDecision = Resource<TriggerDecisionAttributes, TriggerDecisionRelationships>;

/// What a decision says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TriggerDecisionAttributes {
    /// What became of it.
    pub outcome: TriggerOutcome,
    /// Why, in words.
    pub message: String,
    /// When it was decided; for one that waits, since when.
    pub created_at: Timestamp,
    /// For one that waits, the first of the upstreams that it waits for: kind `upstream`, and the id of its run, or of the
    /// workspace when that is about to be decided on itself.
    pub blocked_by: Option<BlockedBy>,
    /// What the decision rests on.
    pub upstreams: Vec<SettledUpstream>,
}

impl Attributes for TriggerDecisionAttributes {
    const KIND: &'static str = kind::TRIGGER_DECISIONS;
}

/// How an upstream came to rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct SettledUpstream {
    /// Id of the upstream.
    pub workspace_id: String,
    /// Its name.
    pub workspace_name: String,
    /// Its run; null when it was not run.
    pub run_id: Option<String>,
    /// How.
    pub outcome: UpstreamOutcome,
}

/// What a decision points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TriggerDecisionRelationships {
    /// The downstream.
    pub workspace: ToOne,
    /// The run that was started; null when there is none.
    pub run: ToOne,
}
