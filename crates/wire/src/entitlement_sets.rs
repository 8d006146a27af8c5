//! What an organization may use. The CLI reads it first of all: without `operations` it runs everything locally.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Resource};
use crate::kind;

/// The entitlements of an organization; the id is the organization's `org-…`.
pub type EntitlementSet = Resource<EntitlementSetAttributes>;

/// Which parts of the API there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct EntitlementSetAttributes {
    /// Agents may run terraform.
    pub agents: bool,
    /// There is an audit trail.
    pub audit_logging: bool,
    /// Costs are estimated.
    pub cost_estimation: bool,
    /// Run tasks may apply to all workspaces.
    pub global_run_tasks: bool,
    /// Runs happen on the server. When false, the CLI runs everything locally.
    pub operations: bool,
    /// Policies are checked.
    pub policy_enforcement: bool,
    /// There is a registry of own modules.
    pub private_module_registry: bool,
    /// Run tasks may live in a private network.
    pub private_run_tasks: bool,
    /// There are run tasks.
    pub run_tasks: bool,
    /// Sentinel policies are understood.
    pub sentinel: bool,
    /// People come in by SAML or OIDC.
    pub sso: bool,
    /// State is kept.
    pub state_storage: bool,
    /// There are teams.
    pub teams: bool,
    /// Repositories can be connected.
    pub vcs_integrations: bool,
    /// Most users; null for any number.
    pub user_limit: Option<u64>,
}

impl Attributes for EntitlementSetAttributes {
    const KIND: &'static str = kind::ENTITLEMENT_SETS;
}

impl EntitlementSetAttributes {
    /// Everything but what a self-hosted server does not have: cost estimation and single sign-on.
    pub fn all() -> Self {
        Self {
            agents: true,
            audit_logging: true,
            cost_estimation: false,
            global_run_tasks: true,
            operations: true,
            policy_enforcement: true,
            private_module_registry: true,
            private_run_tasks: true,
            run_tasks: true,
            sentinel: true,
            sso: false,
            state_storage: true,
            teams: true,
            vcs_integrations: true,
            user_limit: None,
        }
    }
}
