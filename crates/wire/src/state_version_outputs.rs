//! Outputs of a state version.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::envelope::{Attributes, Resource};
use crate::kind;
use crate::words::OutputType;

/// An output as the API answers it.
pub type StateVersionOutput = Resource<StateVersionOutputAttributes>;

/// What an output says of itself. pytfe demands name, sensitive, type and value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StateVersionOutputAttributes {
    /// Its name.
    pub name: String,
    /// Whether its value is to be hidden.
    pub sensitive: bool,
    /// Its broad type; written as `type`.
    #[serde(rename = "type")]
    pub broad_type: OutputType,
    /// Its type as Terraform writes it in JSON (`"string"`, `["list", "string"]`). Without it the CLI downloads the
    /// whole state.
    pub detailed_type: Value,
    /// Its value. In lists null when it is sensitive; real when the output is read by its id.
    pub value: Value,
}

impl Attributes for StateVersionOutputAttributes {
    const KIND: &'static str = kind::STATE_VERSION_OUTPUTS;
}
