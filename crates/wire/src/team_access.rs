//! What a team may do on one workspace or on one project, whichever role says so. The words are those of `domain::roles`;
//! a role other than `custom` is answered with what it implies.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource, ToOne};
use crate::kind;

/// The access of a team to a workspace, as the API answers it.
pub type TeamWorkspace = Resource<TeamWorkspaceAttributes, TeamWorkspaceRelationships>;

/// What the access of a team to a workspace says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TeamWorkspaceAttributes {
    /// `read`, `plan`, `write`, `admin` or `custom`.
    pub access: String,
    /// `read`, `plan` or `apply`.
    pub runs: String,
    /// `none`, `read` or `write`.
    pub variables: String,
    /// `none`, `read-outputs`, `read` or `write`.
    pub state_versions: String,
    /// `none` or `read`.
    pub sentinel_mocks: String,
    /// Whether it may be locked.
    pub workspace_locking: bool,
    /// Whether run tasks may be managed.
    pub run_tasks: bool,
    /// Whether policies may be overridden.
    pub policy_overrides: bool,
}

impl Attributes for TeamWorkspaceAttributes {
    const KIND: &'static str = kind::TEAM_WORKSPACES;
}

/// What the access of a team to a workspace points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TeamWorkspaceRelationships {
    /// Who has it.
    pub team: ToOne,
    /// Where.
    pub workspace: ToOne,
}

/// Body of a create or an update.
pub type TeamWorkspaceBody = Request<TeamWorkspaceRequest, TeamWorkspaceRelationships>;

/// What a client says of the access of a team to a workspace; absent is the least on create and unchanged on update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TeamWorkspaceRequest {
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// See [`TeamWorkspaceAttributes`]; only with `custom`, like all that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<String>,
    /// See [`TeamWorkspaceAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<String>,
    /// See [`TeamWorkspaceAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_versions: Option<String>,
    /// See [`TeamWorkspaceAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinel_mocks: Option<String>,
    /// See [`TeamWorkspaceAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_locking: Option<bool>,
    /// See [`TeamWorkspaceAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_tasks: Option<bool>,
    /// See [`TeamWorkspaceAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_overrides: Option<bool>,
}

impl Attributes for TeamWorkspaceRequest {
    const KIND: &'static str = kind::TEAM_WORKSPACES;
}

/// The access of a team to a project, as the API answers it.
pub type TeamProject = Resource<TeamProjectAttributes, TeamProjectRelationships>;

/// What the access of a team to a project says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TeamProjectAttributes {
    /// `read`, `write`, `maintain`, `admin` or `custom`.
    pub access: String,
    /// On the project itself.
    pub project_access: ProjectAccess,
    /// On every workspace in it.
    pub workspace_access: WorkspaceAccess,
}

impl Attributes for TeamProjectAttributes {
    const KIND: &'static str = kind::TEAM_PROJECTS;
}

/// What a team may do with a project itself. In a request everything may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProjectAccess {
    /// `read`, `update` or `delete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    /// `none`, `read` or `manage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teams: Option<String>,
    /// `none`, `read` or `write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable_sets: Option<String>,
}

/// What a team may do with every workspace of a project. In a request everything may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspaceAccess {
    /// Whether workspaces may be made in the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create: Option<bool>,
    /// Whether they may be moved out of it.
    #[serde(rename = "move", skip_serializing_if = "Option::is_none")]
    pub relocate: Option<bool>,
    /// Whether they may be locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locking: Option<bool>,
    /// Whether they may be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<bool>,
    /// `read`, `plan` or `apply`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<String>,
    /// `none`, `read` or `write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<String>,
    /// `none`, `read-outputs`, `read` or `write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_versions: Option<String>,
    /// `none` or `read`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinel_mocks: Option<String>,
    /// Whether run tasks may be managed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_tasks: Option<bool>,
    /// Whether policies may be overridden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_overrides: Option<bool>,
}

/// What the access of a team to a project points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TeamProjectRelationships {
    /// Who has it.
    pub team: ToOne,
    /// Where.
    pub project: ToOne,
}

/// Body of a create or an update.
pub type TeamProjectBody = Request<TeamProjectRequest, TeamProjectRelationships>;

/// What a client says of the access of a team to a project; absent is the least on create and unchanged on update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TeamProjectRequest {
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// See [`TeamProjectAttributes`]; only with `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_access: Option<ProjectAccess>,
    /// See [`TeamProjectAttributes`]; only with `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_access: Option<WorkspaceAccess>,
}

impl Attributes for TeamProjectRequest {
    const KIND: &'static str = kind::TEAM_PROJECTS;
}
