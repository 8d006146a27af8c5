//! What a team may do on single projects and workspaces: fixed roles, custom ones, and their union.
//!
//! The fixed roles are those of HCP Terraform ("Permissions" in its documentation).

use super::Action;
use super::words::{Mocks, ProjectSettings, Runs, States, Teams, VariableSets, Variables, levels};

levels! {
    /// The role of a team on one workspace.
    WorkspaceRole { Read = "read", Plan = "plan", Write = "write", Admin = "admin", Custom = "custom", }
    /// The role of a team on one project and every workspace in it.
    ProjectRole { Read = "read", Write = "write", Maintain = "maintain", Admin = "admin", Custom = "custom", }
}

/// What may be done on a workspace. The default is the least that somebody with access has: to see it and its runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkspaceGrant {
    /// Settings, tags, readers, run triggers, breaking locks and killing runs.
    pub settings: bool,
    /// Which teams have access.
    pub access: bool,
    /// Deletion.
    pub delete: bool,
    /// Moving it to another project.
    pub relocate: bool,
    /// Locking and unlocking.
    pub locking: bool,
    /// Run tasks, which do not exist here: kept for clients that set it.
    pub run_tasks: bool,
    /// Overriding policies, which do not exist here: kept for clients that set it.
    pub policy_overrides: bool,
    /// Runs.
    pub runs: Runs,
    /// Variables.
    pub variables: Variables,
    /// State versions.
    pub states: States,
    /// Sentinel mocks.
    pub mocks: Mocks,
}

/// What may be done on a project. The default is the least that somebody with access has: to see it and its workspaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProjectGrant {
    /// The project itself.
    pub settings: ProjectSettings,
    /// Which teams have access.
    pub teams: Teams,
    /// Its variable sets.
    pub variable_sets: VariableSets,
    /// Making workspaces in it.
    pub create: bool,
    /// Every workspace in it.
    pub workspaces: WorkspaceGrant,
}

impl WorkspaceRole {
    /// What the role grants; `custom` grants what is said beside it.
    pub fn grant(self, custom: WorkspaceGrant) -> WorkspaceGrant {
        let read = WorkspaceGrant { variables: Variables::Read, states: States::Read, ..WorkspaceGrant::default() };
        match self {
            Self::Read => read,
            Self::Plan => WorkspaceGrant { runs: Runs::Plan, ..read },
            Self::Write => WorkspaceGrant {
                runs: Runs::Apply,
                variables: Variables::Write,
                states: States::Write,
                mocks: Mocks::Read,
                locking: true,
                ..WorkspaceGrant::default()
            },
            Self::Admin => WorkspaceGrant {
                settings: true,
                access: true,
                delete: true,
                relocate: true,
                run_tasks: true,
                policy_overrides: true,
                ..Self::Write.grant(custom)
            },
            Self::Custom => custom,
        }
    }
}

impl ProjectRole {
    /// What the role grants; `custom` grants what is said beside it.
    pub fn grant(self, custom: ProjectGrant) -> ProjectGrant {
        let of = |role: WorkspaceRole| role.grant(WorkspaceGrant::default());
        match self {
            Self::Read => ProjectGrant {
                variable_sets: VariableSets::Read,
                workspaces: of(WorkspaceRole::Read),
                ..ProjectGrant::default()
            },
            Self::Write => ProjectGrant {
                variable_sets: VariableSets::Read,
                workspaces: of(WorkspaceRole::Write),
                ..ProjectGrant::default()
            },
            Self::Maintain => ProjectGrant {
                variable_sets: VariableSets::Write,
                create: true,
                workspaces: WorkspaceGrant { access: false, ..of(WorkspaceRole::Admin) },
                ..ProjectGrant::default()
            },
            Self::Admin => ProjectGrant {
                settings: ProjectSettings::Delete,
                teams: Teams::Manage,
                variable_sets: VariableSets::Write,
                create: true,
                workspaces: of(WorkspaceRole::Admin),
            },
            Self::Custom => custom,
        }
    }
}

impl WorkspaceGrant {
    /// Whether it lets somebody do this to the workspace.
    pub fn allows(&self, action: Action) -> bool {
        match action {
            Action::ReadWorkspace | Action::ReadRun => true,
            Action::ManageWorkspace | Action::ForceUnlockWorkspace | Action::ForceCancelRun => self.settings,
            Action::ManageWorkspaceAccess => self.access,
            Action::DeleteWorkspace => self.delete,
            Action::MoveWorkspace => self.relocate,
            Action::LockWorkspace => self.locking,
            Action::ReadVariables => self.variables >= Variables::Read,
            Action::WriteVariables => self.variables >= Variables::Write,
            Action::ReadOutputs => self.states >= States::ReadOutputs,
            // A plan has what a state has.
            Action::ReadState | Action::ReadPlanJson => self.states >= States::Read,
            Action::WriteState => self.states >= States::Write,
            Action::StartRun => self.runs >= Runs::Plan,
            Action::DecideRun => self.runs >= Runs::Apply,
            _ => false,
        }
    }

    /// What either of two grants.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            settings: self.settings || other.settings,
            access: self.access || other.access,
            delete: self.delete || other.delete,
            relocate: self.relocate || other.relocate,
            locking: self.locking || other.locking,
            run_tasks: self.run_tasks || other.run_tasks,
            policy_overrides: self.policy_overrides || other.policy_overrides,
            runs: self.runs.max(other.runs),
            variables: self.variables.max(other.variables),
            states: self.states.max(other.states),
            mocks: self.mocks.max(other.mocks),
        }
    }
}

impl ProjectGrant {
    /// Whether it lets somebody do this to the project.
    pub fn allows(&self, action: Action) -> bool {
        match action {
            Action::ReadProject => true,
            Action::ManageProject => self.settings >= ProjectSettings::Update,
            Action::DeleteProject => self.settings >= ProjectSettings::Delete,
            Action::ReadProjectAccess => self.teams >= Teams::Read,
            Action::ManageProjectAccess => self.teams >= Teams::Manage,
            Action::ReadVariableSets => self.variable_sets >= VariableSets::Read,
            Action::ManageVariableSets => self.variable_sets >= VariableSets::Write,
            Action::CreateWorkspace => self.create,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::*;

    /// Actions on a workspace, each with the roles that allow it, in the order read, plan, write, admin.
    const WORKSPACE: &[(Action, [bool; 4])] = &[
        (ReadWorkspace, [true, true, true, true]),
        (ReadRun, [true, true, true, true]),
        (ReadVariables, [true, true, true, true]),
        (ReadOutputs, [true, true, true, true]),
        (ReadState, [true, true, true, true]),
        (ReadPlanJson, [true, true, true, true]),
        (StartRun, [false, true, true, true]),
        (DecideRun, [false, false, true, true]),
        (WriteVariables, [false, false, true, true]),
        (WriteState, [false, false, true, true]),
        (LockWorkspace, [false, false, true, true]),
        (ManageWorkspace, [false, false, false, true]),
        (DeleteWorkspace, [false, false, false, true]),
        (MoveWorkspace, [false, false, false, true]),
        (ForceUnlockWorkspace, [false, false, false, true]),
        (ForceCancelRun, [false, false, false, true]),
        (ManageWorkspaceAccess, [false, false, false, true]),
    ];

    /// Actions on a project and on a workspace in it, in the order read, write, maintain, admin.
    const PROJECT: &[(Action, [bool; 4])] = &[
        (ReadProject, [true, true, true, true]),
        (ReadVariableSets, [true, true, true, true]),
        (ManageVariableSets, [false, false, true, true]),
        (CreateWorkspace, [false, false, true, true]),
        (ManageProject, [false, false, false, true]),
        (DeleteProject, [false, false, false, true]),
        (ReadProjectAccess, [false, false, false, true]),
        (ManageProjectAccess, [false, false, false, true]),
        (ReadWorkspace, [true, true, true, true]),
        (ReadRun, [true, true, true, true]),
        (ReadVariables, [true, true, true, true]),
        (ReadOutputs, [true, true, true, true]),
        (ReadState, [true, true, true, true]),
        (ReadPlanJson, [true, true, true, true]),
        (StartRun, [false, true, true, true]),
        (DecideRun, [false, true, true, true]),
        (WriteVariables, [false, true, true, true]),
        (WriteState, [false, true, true, true]),
        (LockWorkspace, [false, true, true, true]),
        (ManageWorkspace, [false, false, true, true]),
        (DeleteWorkspace, [false, false, true, true]),
        (MoveWorkspace, [false, false, true, true]),
        (ForceUnlockWorkspace, [false, false, true, true]),
        (ForceCancelRun, [false, false, true, true]),
        (ManageWorkspaceAccess, [false, false, false, true]),
    ];

    #[test]
    fn a_role_on_a_workspace_may_what_the_table_says_and_nothing_else() {
        let roles = [WorkspaceRole::Read, WorkspaceRole::Plan, WorkspaceRole::Write, WorkspaceRole::Admin];
        for (at, role) in roles.into_iter().enumerate() {
            let grant = role.grant(WorkspaceGrant::default());
            for action in Action::ALL {
                let said = WORKSPACE.iter().find(|(it, _)| it == action).is_some_and(|(_, may)| may[at]);
                assert_eq!(grant.allows(*action), said, "{role:?} {action:?}");
            }
        }
    }

    #[test]
    fn a_role_on_a_project_may_what_the_table_says_and_nothing_else() {
        let roles = [ProjectRole::Read, ProjectRole::Write, ProjectRole::Maintain, ProjectRole::Admin];
        for (at, role) in roles.into_iter().enumerate() {
            let grant = role.grant(ProjectGrant::default());
            for action in Action::ALL {
                let said = PROJECT.iter().find(|(it, _)| it == action).is_some_and(|(_, may)| may[at]);
                assert_eq!(grant.allows(*action) || grant.workspaces.allows(*action), said, "{role:?} {action:?}");
            }
        }
    }

    #[test]
    fn a_custom_role_may_exactly_what_it_is_put_together_from() {
        let custom = WorkspaceGrant { states: States::ReadOutputs, locking: true, ..WorkspaceGrant::default() };
        let grant = WorkspaceRole::Custom.grant(custom);
        let allowed: Vec<_> = Action::ALL.iter().copied().filter(|action| grant.allows(*action)).collect();
        assert_eq!(allowed, [ReadWorkspace, LockWorkspace, ReadOutputs, ReadRun]);
    }

    #[test]
    fn two_grants_together_allow_what_either_allows() {
        let planner = WorkspaceRole::Plan.grant(WorkspaceGrant::default());
        let locker = WorkspaceGrant { locking: true, ..WorkspaceGrant::default() };
        for action in Action::ALL {
            let either = planner.allows(*action) || locker.allows(*action);
            assert_eq!(planner.or(locker).allows(*action), either, "{action:?}");
        }
    }

    #[test]
    fn every_level_is_found_by_its_word() {
        for role in ProjectRole::ALL {
            assert_eq!(ProjectRole::parse(role.as_str()), Some(*role));
        }
        assert_eq!(States::parse("read-outputs"), Some(States::ReadOutputs));
        assert_eq!(Runs::parse("write"), None);
    }
}
