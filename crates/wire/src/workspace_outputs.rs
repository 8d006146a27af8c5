//! Outputs of a workspace's current state, as the workspace includes them. The id (`wsout-…`) is that of the
//! [state version output](crate::state_version_outputs).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::envelope::{Attributes, Resource};
use crate::kind;
use crate::words::OutputType;

/// An output as a workspace includes it.
pub type WorkspaceOutput = Resource<WorkspaceOutputAttributes>;

/// What an output says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspaceOutputAttributes {
    /// Its name.
    pub name: String,
    /// Whether its value is to be hidden.
    pub sensitive: bool,
    /// Its broad type.
    pub output_type: OutputType,
    /// Its type as Terraform writes it in JSON (`"string"`, `["list", "string"]`).
    pub detailed_type: Value,
    /// Its value; null when it is sensitive.
    pub value: Value,
}

impl Attributes for WorkspaceOutputAttributes {
    const KIND: &'static str = kind::WORKSPACE_OUTPUTS;
}
