//! Organizations. The id of an organization is its name.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Linked, Request, Resource, ToOne};
use crate::flags::flags;
use crate::words::ExecutionMode;
use crate::{Timestamp, kind};

/// An organization as the API answers it.
pub type Organization = Resource<OrganizationAttributes, OrganizationRelationships>;

/// What an organization says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OrganizationAttributes {
    /// The name, which is also the id.
    pub name: String,
    /// The id inside the server (`org-…`).
    pub external_id: String,
    /// Whom to write to.
    pub email: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Execution mode of workspaces that do not set their own.
    pub default_execution_mode: ExecutionMode,
    /// `password` or `two_factor_mandatory`.
    pub collaborator_auth_policy: String,
    /// Minutes until an idle session ends; null for the server's default.
    pub session_timeout: Option<u64>,
    /// Minutes until any session ends; null for the server's default.
    pub session_remember: Option<u64>,
    /// Whether costs are estimated.
    pub cost_estimation_enabled: bool,
    /// Whether health assessments are forced on every workspace.
    pub assessments_enforced: bool,
    /// Whether workspace administrators may delete workspaces that still have resources.
    pub allow_force_delete_workspaces: bool,
    /// Whether commit statuses are summed up in one.
    pub aggregated_commit_status_enabled: bool,
    /// Whether untriggered speculative plans report success.
    pub send_passing_statuses_for_untriggered_speculative_plans: bool,
    /// Whether outdated speculative plans are cancelled.
    pub speculative_plan_management_enabled: bool,
    /// SAML role of the owners team.
    pub owners_team_saml_role_id: Option<String>,
    /// Whether people come in by SAML.
    pub saml_enabled: bool,
    /// Whether all members have a second factor.
    pub two_factor_conformant: bool,
    /// Whether runs of many workspaces take turns.
    pub fair_run_queuing_enabled: bool,
    /// Whether HCP stacks exist.
    pub stacks_enabled: bool,
    /// What the caller may do.
    pub permissions: OrganizationPermissions,
}

impl Attributes for OrganizationAttributes {
    const KIND: &'static str = kind::ORGANIZATIONS;
}

flags! {
    /// What the caller may do with an organization.
    OrganizationPermissions {
        can_update,
        can_destroy,
        can_access_via_teams,
        can_create_team,
        can_create_workspace,
        can_create_project,
        can_update_oauth,
        can_update_api_token,
        can_update_sentinel,
        can_update_ssh_keys,
        can_traverse,
        can_manage_subscription,
        can_manage_sso,
        can_manage_users,
        can_manage_tags,
        can_manage_run_tasks,
        can_manage_varsets,
        can_manage_public_modules,
        can_manage_public_providers,
        can_read_run_tasks,
        can_read_varsets,
        can_start_trial,
    }
}

/// What an organization points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OrganizationRelationships {
    /// Where workspaces land that name no project.
    pub default_project: ToOne,
    /// Agent pool of workspaces that do not set their own.
    pub default_agent_pool: ToOne,
    /// What the organization may use.
    pub entitlement_set: ToOne,
    /// How long state versions and configurations are kept; null for ever.
    pub data_retention_policy: ToOne,
    /// Where its single token is read.
    pub authentication_token: Linked,
}

/// Body of a create or an update.
pub type OrganizationBody = Request<OrganizationRequest>;

/// What a client says of an organization; absent means the default on create and unchanged on update.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OrganizationRequest {
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// See [`OrganizationAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_execution_mode: Option<ExecutionMode>,
    /// See [`OrganizationAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_force_delete_workspaces: Option<bool>,
    /// See [`OrganizationAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessments_enforced: Option<bool>,
    /// See [`OrganizationAttributes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collaborator_auth_policy: Option<String>,
}

impl Attributes for OrganizationRequest {
    const KIND: &'static str = kind::ORGANIZATIONS;
}
