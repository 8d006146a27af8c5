//! Projects: groups of workspaces in an organization.

use serde::{Deserialize, Serialize};
use serde_with::rust::double_option;

use crate::envelope::{Attributes, Items, Linked, Request, Resource, ToOne, null_as_default};
use crate::flags::flags;
use crate::tag_bindings::TagBindingItem;
use crate::words::ExecutionMode;
use crate::{Timestamp, kind};

/// A project as the API answers it.
pub type Project = Resource<ProjectAttributes, ProjectRelationships>;

/// What a project says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProjectAttributes {
    /// Unique in the organization without regard to case.
    pub name: String,
    /// Words for people; an empty text when there are none, because the provider takes null for drift.
    #[serde(deserialize_with = "null_as_default")]
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many workspaces it has.
    pub workspace_count: u64,
    /// How many teams may use it.
    pub team_count: u64,
    /// Execution mode of workspaces that do not set their own. pytfe refuses null.
    pub default_execution_mode: ExecutionMode,
    /// Which defaults are the project's own and which the organization's.
    pub setting_overwrites: ProjectSettingOverwrites,
    /// How long a workspace may lie idle before it is destroyed (`14d`); null for ever.
    pub auto_destroy_activity_duration: Option<String>,
    /// What the caller may do.
    pub permissions: ProjectPermissions,
}

impl Attributes for ProjectAttributes {
    const KIND: &'static str = kind::PROJECTS;
}

flags! {
    /// Which defaults a project sets itself. pytfe demands both keys.
    ProjectSettingOverwrites { default_execution_mode, default_agent_pool, }
}

flags! {
    /// What the caller may do with a project.
    ProjectPermissions {
        can_read,
        can_update,
        can_destroy,
        can_create_workspace,
        can_move_workspace,
        can_move_stack,
        can_deploy_no_code_modules,
        can_read_teams,
        can_manage_tags,
        can_manage_teams,
        can_manage_in_hcp,
        can_manage_ephemeral_workspace_for_projects,
        can_manage_varsets,
    }
}

/// What a project points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProjectRelationships {
    /// Whose it is.
    pub organization: ToOne,
    /// Agent pool of workspaces that do not set their own.
    pub default_agent_pool: ToOne,
    /// Where its tag bindings are read.
    pub tag_bindings: Linked,
    /// Where its tag bindings with inherited ones are read.
    pub effective_tag_bindings: Linked,
}

/// Body of a create or an update.
pub type ProjectBody = Request<ProjectRequest, ProjectRequestRelationships>;

/// What a client says of a project; absent means the default on create and unchanged on update.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProjectRequest {
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// See [`ProjectAttributes`]; null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
    /// See [`ProjectAttributes`]; null clears it.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub auto_destroy_activity_duration: Option<Option<String>>,
    /// See [`ProjectAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_execution_mode: Option<ExecutionMode>,
    /// False goes back to the organization's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting_overwrites: Option<ProjectSettingOverwritesRequest>,
}

impl Attributes for ProjectRequest {
    const KIND: &'static str = kind::PROJECTS;
}

/// Which defaults a project shall set itself; absent is unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProjectSettingOverwritesRequest {
    /// The execution mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_execution_mode: Option<bool>,
    /// The agent pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_agent_pool: Option<bool>,
}

/// What a client wants a project to point to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProjectRequestRelationships {
    /// Its tag bindings, which replace those there are; absent leaves them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_bindings: Option<Items<TagBindingItem>>,
}
