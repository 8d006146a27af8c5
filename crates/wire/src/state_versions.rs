//! State versions: a workspace's state at one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource, ToMany, ToOne};
use crate::words::StateStatus;
use crate::{Timestamp, kind};

/// A state version as the API answers it.
pub type StateVersion = Resource<StateVersionAttributes, StateVersionRelationships>;

/// What a state version says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StateVersionAttributes {
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it is in its life; pending until the state has been put.
    pub status: StateStatus,
    /// Size of the state in bytes; null while it is pending.
    pub size: Option<u64>,
    /// Counts up with every change of the state.
    pub serial: u64,
    /// Names the line of states that this one belongs to.
    pub lineage: Option<String>,
    /// Version of the state's format; null while it is pending.
    pub state_version: Option<u64>,
    /// Version of terraform that wrote it; null while it is pending.
    pub terraform_version: Option<String>,
    /// Whether it was written in the midst of an apply.
    pub intermediate: bool,
    /// Where the state is read; null while it is pending.
    pub hosted_state_download_url: Option<String>,
    /// Where its JSON form is read; null while there is none.
    pub hosted_json_state_download_url: Option<String>,
    /// Where the state is to be put; null once it is there.
    pub hosted_state_upload_url: Option<String>,
    /// Where its JSON form may be put; null once it is there.
    pub hosted_json_state_upload_url: Option<String>,
    /// Whether the next three are known.
    pub resources_processed: bool,
    /// How many resources of each type each module has; null until known.
    pub modules: Option<BTreeMap<String, BTreeMap<String, u64>>>,
    /// How many resources of each type each provider has; null until known.
    pub providers: Option<BTreeMap<String, BTreeMap<String, u64>>>,
    /// Its resources; null until known.
    pub resources: Option<Vec<StateResource>>,
    /// Why it was not taken, for one that was refused and is kept; an attribute of multispace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Commit of the configuration that made it.
    pub vcs_commit_sha: Option<String>,
    /// Where that commit is read.
    pub vcs_commit_url: Option<String>,
}

impl Attributes for StateVersionAttributes {
    const KIND: &'static str = kind::STATE_VERSIONS;
}

/// A resource in a state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StateResource {
    /// Its name.
    pub name: String,
    /// Its type; written as `type`.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// How many instances it has.
    pub count: u64,
    /// The module it is in; `root` for the root module.
    pub module: String,
    /// `provider["registry.terraform.io/hashicorp/null"]`
    pub provider: String,
}

/// What a state version points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StateVersionRelationships {
    /// The workspace whose state it is.
    pub workspace: ToOne,
    /// The run that wrote it; null for an upload by hand.
    pub run: ToOne,
    /// Who wrote it.
    pub created_by: ToOne,
    /// Its outputs, as `state-version-outputs`.
    pub outputs: ToMany,
}

/// Body of a create.
pub type StateVersionBody = Request<StateVersionRequest, StateVersionRequestRelationships>;

/// What a client says of a state that it wants to upload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StateVersionRequest {
    /// Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<u64>,
    /// Required: MD5 of the state's bytes, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// Names the line of states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineage: Option<String>,
    /// Whether to overlook a serial or a lineage that does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
    /// Whether it is written in the midst of an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intermediate: Option<bool>,
    /// The state in base64, when it is not put later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Its JSON form in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_state: Option<String>,
    /// Its outputs in base64; decoded, a JSON text of [`StateOutput`] by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_state_outputs: Option<String>,
}

impl Attributes for StateVersionRequest {
    const KIND: &'static str = kind::STATE_VERSIONS;
}

/// One output in `json-state-outputs`, and in the state document itself. The value is there also when it is sensitive.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateOutput {
    /// Whether the value is to be hidden.
    pub sensitive: bool,
    /// The type as Terraform writes it in JSON; written as `type`.
    #[serde(rename = "type")]
    pub detailed_type: serde_json::Value,
    /// The value.
    pub value: serde_json::Value,
}

/// What a state to upload points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct StateVersionRequestRelationships {
    /// The run that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<ToOne>,
}

/// Body that makes an older state version current again.
pub type RollbackBody = Request<crate::NoRelationships, RollbackRelationships>;

/// Which state version shall be current again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RollbackRelationships {
    /// The older one.
    pub rollback_state_version: ToOne,
}
