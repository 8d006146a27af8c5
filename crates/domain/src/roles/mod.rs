//! Roles: what a team, an organization's token and a run's token may do.
//!
//! A team has flags for its whole organization, and a grant for single projects and workspaces; what it may do is
//! the union. A run's token has no grants: what it may do follows from where its run is. Absent: who belongs to which
//! team, and whether a thing exists.

mod action;
mod grant;
mod organization;
mod run;
mod words;

pub use action::Action;
pub use grant::{ProjectGrant, ProjectRole, WorkspaceGrant, WorkspaceRole};
pub use organization::{Flag, OrganizationAccess, organization_token_may};
pub use run::{Place, run_may_in_organization, run_may_in_project, run_may_on_workspace};
pub use words::{Mocks, ProjectSettings, Runs, States, Teams, VariableSets, Variables};
