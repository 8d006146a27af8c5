//! Task stages: where run tasks and policies would stand in a run. The provider asks for the list and fails without an
//! answer; a server without run tasks answers an empty one.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Resource};
use crate::kind;

/// A task stage as the API answers it.
pub type TaskStage = Resource<TaskStageAttributes>;

/// What a task stage says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TaskStageAttributes {
    /// `pre_plan`, `post_plan`, `pre_apply` or `post_apply`.
    pub stage: String,
    /// `pending`, `running`, `passed`, `failed`, `awaiting_override`, `errored`, `canceled` or `unreachable`.
    pub status: String,
}

impl Attributes for TaskStageAttributes {
    const KIND: &'static str = kind::TASK_STAGES;
}
