//! What clients say of a workspace.

use serde::{Deserialize, Deserializer, Serialize};
use serde_with::rust::double_option;

use crate::Timestamp;
use crate::envelope::{Attributes, Items, Request, ToOne};
use crate::kind;
use crate::tag_bindings::TagBindingItem;
use crate::tags::TagItem;
use crate::words::{ExecutionMode, RunTriggerMode};

/// Body of a create or an update.
pub type WorkspaceBody = Request<WorkspaceRequest, WorkspaceRequestRelationships>;

/// What a client says of a workspace; absent means the default on create and unchanged on update. See
/// [`super::WorkspaceAttributes`] for what each attribute means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspaceRequest {
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
    /// Sets `setting-overwrites.execution-mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<ExecutionMode>,
    /// The older spelling: false is the execution mode `local`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<bool>,
    /// Sets `setting-overwrites.agent-pool`; empty text counts as null, which clears it.
    #[serde(deserialize_with = "blank_as_null", skip_serializing_if = "Option::is_none")]
    pub agent_pool_id: Option<Option<String>>,
    /// False goes back to the default of the project or the organization; `{}` says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting_overwrites: Option<SettingOverwritesRequest>,
    /// A version or `latest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terraform_version: Option<String>,
    /// Null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<Option<String>>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_apply: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_apply_run_trigger: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_trigger_mode: Option<RunTriggerMode>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_trigger_cutoff: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_destroy_plan: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_all_runs: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speculative_enabled: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_run_output_enabled: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_remote_state: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_remote_state: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessments_enabled: Option<bool>,
    /// Null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub auto_destroy_at: Option<Option<Timestamp>>,
    /// Null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub auto_destroy_activity_duration: Option<Option<String>>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherits_project_auto_destroy: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_triggers_enabled: Option<bool>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_prefixes: Option<Vec<String>>,
    /// See the attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_patterns: Option<Vec<String>>,
    /// Null disconnects the repository; `{}`, which pytfe sends with everything, says nothing.
    #[serde(deserialize_with = "empty_as_absent", skip_serializing_if = "Option::is_none")]
    pub vcs_repo: Option<Option<VcsRepoRequest>>,
    /// Only on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// Only on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
}

impl Attributes for WorkspaceRequest {
    const KIND: &'static str = kind::WORKSPACES;
}

/// Which settings a workspace shall set itself; absent is unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct SettingOverwritesRequest {
    /// The execution mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<bool>,
    /// The agent pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_pool: Option<bool>,
}

/// A repository to connect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VcsRepoRequest {
    /// `owner/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Absent, null or empty for the repository's default branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Whether submodules are fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_submodules: Option<bool>,
    /// The token that reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_token_id: Option<String>,
    /// The GitHub app installation that reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_app_installation_id: Option<String>,
    /// Which tags queue a run; empty when commits do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags_regex: Option<String>,
}

/// What a client wants a workspace to point to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspaceRequestRelationships {
    /// The project; absent means the default one on create and unchanged on update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ToOne>,
    /// Flat tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Items<TagItem>>,
    /// Tag bindings, which replace those there are; absent leaves them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_bindings: Option<Items<TagBindingItem>>,
}

/// Body that assigns an SSH key or takes it away.
pub type SshKeyBody = Request<SshKeyRequest>;

/// Which SSH key a workspace shall use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SshKeyRequest {
    /// The key; null takes it away.
    pub id: Option<String>,
}

impl Attributes for SshKeyRequest {
    const KIND: &'static str = kind::WORKSPACES;
}

fn blank_as_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(Some(text.filter(|text| !text.is_empty())))
}

fn empty_as_absent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<VcsRepoRequest>>, D::Error> {
    match Option::<VcsRepoRequest>::deserialize(deserializer)? {
        None => Ok(Some(None)),
        Some(repo) if repo == VcsRepoRequest::default() => Ok(None),
        Some(repo) => Ok(Some(Some(repo))),
    }
}
