//! What a team may do in its whole organization, and what the organization's own token may.

use std::collections::BTreeSet;

use super::grant::{ProjectGrant, ProjectRole, WorkspaceGrant, WorkspaceRole};
use super::words::VariableSets;
use super::{Action, words};

words::levels! {
    /// One organization-wide right of a team, by the word that HCP Terraform has for it. Those about policies, run tasks,
    /// agent pools and the registry, which do not exist here, are kept for clients that set them.
    Flag {
        AccessSecretTeams = "access-secret-teams",
        DelegatePolicyOverrides = "delegate-policy-overrides",
        ManageAgentPools = "manage-agent-pools",
        ManageMembership = "manage-membership",
        ManageModules = "manage-modules",
        ManageOrganizationAccess = "manage-organization-access",
        ManagePolicies = "manage-policies",
        ManagePolicyOverrides = "manage-policy-overrides",
        ManageProjects = "manage-projects",
        ManageProviders = "manage-providers",
        ManageRunTasks = "manage-run-tasks",
        ManageTeams = "manage-teams",
        ManageVcsSettings = "manage-vcs-settings",
        ManageWorkspaces = "manage-workspaces",
        ReadProjects = "read-projects",
        ReadWorkspaces = "read-workspaces",
    }
}

/// The organization-wide rights of a team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationAccess(pub BTreeSet<Flag>);

impl OrganizationAccess {
    /// Every right.
    pub fn all() -> Self {
        Self(Flag::ALL.iter().copied().collect())
    }

    /// Whether the team has this right.
    pub fn has(&self, flag: Flag) -> bool {
        self.0.contains(&flag)
    }

    /// Whether every right of `other` is among these.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.is_subset(&self.0)
    }

    /// Whether it lets somebody do this to the organization. To see it, it is enough to be in a team.
    pub fn allows(&self, action: Action) -> bool {
        match action {
            Action::ReadOrganization => true,
            Action::CreateProject => self.has(Flag::ManageProjects),
            Action::CreateTeam => self.has(Flag::ManageTeams),
            Action::ManageOrganizationAccess => self.has(Flag::ManageOrganizationAccess),
            Action::ManageMembership => self.has(Flag::ManageMembership) || self.has(Flag::ManageTeams),
            Action::ManageVcs => self.has(Flag::ManageVcsSettings),
            Action::ManageVariableSets => self.has(Flag::ManageWorkspaces) || self.has(Flag::ManageProjects),
            Action::ReadVariableSets => self.every_project().is_some(),
            // Where it may be done in every project.
            Action::CreateWorkspace => self.every_project().is_some_and(|grant| grant.create),
            _ => false,
        }
    }

    /// What it grants on each project of the organization.
    pub fn every_project(&self) -> Option<ProjectGrant> {
        if self.has(Flag::ManageProjects) {
            return Some(ProjectRole::Admin.grant(ProjectGrant::default()));
        }
        if self.has(Flag::ManageWorkspaces) {
            return Some(ProjectGrant {
                variable_sets: VariableSets::Write,
                create: true,
                workspaces: WorkspaceRole::Admin.grant(WorkspaceGrant::default()),
                ..ProjectGrant::default()
            });
        }
        let reads = self.has(Flag::ReadProjects) || self.has(Flag::ReadWorkspaces);
        reads.then(|| ProjectRole::Read.grant(ProjectGrant::default()))
    }

    /// Whether it lets somebody do this to a team of the organization; `secret` is one that is seen by few, `owners` the
    /// team that owns the organization.
    pub fn allows_on_team(&self, action: Action, secret: bool, owners: bool) -> bool {
        match action {
            Action::ReadTeam => !secret || self.has(Flag::AccessSecretTeams) || self.has(Flag::ManageTeams),
            // Whoever could join the owners, or had a token of theirs, would be one of them.
            Action::ManageTeam | Action::ManageTeamTokens => self.has(Flag::ManageTeams) && !owners,
            _ => false,
        }
    }
}

/// Whether an organization's own token may do this to the organization and what is in it: it sets things up, but starts
/// and decides no runs and writes no state.
pub fn organization_token_may(action: Action) -> bool {
    !matches!(
        action,
        Action::ManageUsers
            | Action::StartRun
            | Action::DecideRun
            | Action::ForceCancelRun
            | Action::WriteState
            | Action::ReadPlanJson
            | Action::ManageOrganizationToken
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(flag: Flag) -> OrganizationAccess {
        OrganizationAccess(BTreeSet::from([flag]))
    }

    #[test]
    fn a_team_without_rights_sees_its_organization_and_nothing_else() {
        let none = OrganizationAccess::default();
        let allowed: Vec<_> = Action::ALL.iter().copied().filter(|action| none.allows(*action)).collect();
        assert_eq!(allowed, [Action::ReadOrganization]);
        assert_eq!(none.every_project(), None);
    }

    #[test]
    fn each_right_opens_what_its_name_says() {
        for (flag, action) in [
            (Flag::ManageProjects, Action::CreateProject),
            (Flag::ManageProjects, Action::CreateWorkspace),
            (Flag::ManageWorkspaces, Action::CreateWorkspace),
            (Flag::ManageWorkspaces, Action::ManageVariableSets),
            (Flag::ReadWorkspaces, Action::ReadVariableSets),
            (Flag::ManageTeams, Action::CreateTeam),
            (Flag::ManageMembership, Action::ManageMembership),
            (Flag::ManageVcsSettings, Action::ManageVcs),
            (Flag::ManageOrganizationAccess, Action::ManageOrganizationAccess),
        ] {
            assert!(with(flag).allows(action), "{flag:?} {action:?}");
        }
        assert!(!with(Flag::ManageWorkspaces).allows(Action::CreateProject));
        assert!(!with(Flag::ManageTeams).allows(Action::ManageOrganizationAccess));
    }

    #[test]
    fn rights_over_all_workspaces_are_those_of_a_role_on_each() {
        for (flag, may, may_not) in [
            (Flag::ReadWorkspaces, Action::ReadState, Action::StartRun),
            (Flag::ReadProjects, Action::ReadWorkspace, Action::WriteVariables),
            (Flag::ManageWorkspaces, Action::DeleteWorkspace, Action::ManageProjectAccess),
        ] {
            let grant = with(flag).every_project().unwrap();
            let allows = |action| grant.allows(action) || grant.workspaces.allows(action);
            assert!(allows(may) && !allows(may_not), "{flag:?}");
        }
        let manager = with(Flag::ManageProjects).every_project().unwrap();
        assert!(manager.allows(Action::DeleteProject) && manager.workspaces.allows(Action::DecideRun));
    }

    #[test]
    fn every_right_together_owns_nothing() {
        let all = OrganizationAccess::all();
        for action in [Action::ManageOrganization, Action::ManageOrganizationToken] {
            assert!(!all.allows(action), "{action:?}");
        }
        assert!(!all.allows_on_team(Action::ManageTeam, false, true));
        assert!(!all.allows_on_team(Action::ManageTeamTokens, false, true));
        assert!(all.allows_on_team(Action::ManageTeamTokens, true, false));
        assert!(all.covers(&with(Flag::ManageTeams)) && !with(Flag::ManageTeams).covers(&all));
    }

    #[test]
    fn a_secret_team_is_seen_by_who_manages_teams_or_may_see_secret_ones() {
        for (access, seen) in [
            (OrganizationAccess::default(), false),
            (with(Flag::ManageWorkspaces), false),
            (with(Flag::AccessSecretTeams), true),
            (with(Flag::ManageTeams), true),
        ] {
            assert_eq!(access.allows_on_team(Action::ReadTeam, true, false), seen, "{access:?}");
            assert!(access.allows_on_team(Action::ReadTeam, false, false));
        }
    }

    #[test]
    fn an_organization_token_sets_things_up_and_runs_nothing() {
        for action in [Action::CreateProject, Action::CreateTeam, Action::ManageTeamTokens, Action::WriteVariables] {
            assert!(organization_token_may(action), "{action:?}");
        }
        for action in [Action::StartRun, Action::DecideRun, Action::WriteState, Action::ReadPlanJson] {
            assert!(!organization_token_may(action), "{action:?}");
        }
    }
}
