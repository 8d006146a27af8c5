//! Run events: what happened in the life of a run. The CLI asks for them in every plan and dies on a 404.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Resource, ToOne};
use crate::{Timestamp, kind};

/// A run event as the API answers it.
pub type RunEvent = Resource<RunEventAttributes, RunEventRelationships>;

/// What happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunEventAttributes {
    /// A word for what happened (`queued`, `confirmed`, `discarded`).
    pub action: String,
    /// A sentence, where there is more to say.
    pub description: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
}

impl Attributes for RunEventAttributes {
    const KIND: &'static str = kind::RUN_EVENTS;
}

/// What a run event points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunEventRelationships {
    /// Who did it; null when the server did.
    pub actor: ToOne,
    /// What was said.
    pub comment: ToOne,
}
