//! What the token of a run may do.
//!
//! A run that reads or makes workspaces of its own project works without any set-up: while it plans it sees its project,
//! while it applies it may there what a team may that maintains the project. A plan never writes, so that the plan of a
//! change that nobody has looked at yet can change nothing.

use super::grant::{ProjectGrant, ProjectRole};
use super::{Action, WorkspaceGrant};

/// Where a workspace is, seen from the run that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// It is the run's own workspace.
    pub own: bool,
    /// It is in the project of the run.
    pub same_project: bool,
    /// It shares its state with the run's workspace.
    pub shares: bool,
}

/// Whether the token of a run may do this to its organization.
pub fn run_may_in_organization(action: Action) -> bool {
    action == Action::ReadOrganization
}

/// Whether the token of a run may do this to a project of its organization; `applies` while it is in its apply.
pub fn run_may_in_project(action: Action, own_project: bool, applies: bool) -> bool {
    match action {
        Action::ReadProject => true,
        Action::ReadVariableSets => own_project,
        _ => own_project && applies && maintainer().allows(action),
    }
}

/// Whether the token of a run may do this to a workspace of its organization; `applies` while it is in its apply.
pub fn run_may_on_workspace(action: Action, place: Place, applies: bool) -> bool {
    let reads = match action {
        Action::ReadWorkspace | Action::ReadOutputs => place.own || place.same_project || place.shares,
        Action::ReadState => place.own || place.shares,
        Action::ReadRun | Action::ReadVariables => place.own || place.same_project,
        Action::ReadPlanJson => place.own,
        _ => false,
    };
    reads || (place.same_project && applies && writes(action, place.own))
}

/// What an apply may change. Never the state: a run writes its own by itself, and others' are written by their runs.
fn writes(action: Action, own: bool) -> bool {
    let is_change = match action {
        Action::ManageWorkspace | Action::WriteVariables => true,
        // The run holds its own workspace: it would let go of it, wait for itself, or stop itself.
        Action::DeleteWorkspace
        | Action::MoveWorkspace
        | Action::LockWorkspace
        | Action::ForceUnlockWorkspace
        | Action::StartRun
        | Action::DecideRun
        | Action::ForceCancelRun => !own,
        _ => false,
    };
    let maintains: WorkspaceGrant = maintainer().workspaces;
    is_change && maintains.allows(action)
}

fn maintainer() -> ProjectGrant {
    ProjectRole::Maintain.grant(ProjectGrant::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::*;

    const OWN: Place = Place { own: true, same_project: true, shares: false };
    const SIBLING: Place = Place { own: false, same_project: true, shares: false };
    const SHARER: Place = Place { own: false, same_project: false, shares: true };
    const STRANGER: Place = Place { own: false, same_project: false, shares: false };

    fn allowed(place: Place, applies: bool) -> Vec<Action> {
        Action::ALL.iter().copied().filter(|action| run_may_on_workspace(*action, place, applies)).collect()
    }

    #[test]
    fn a_plan_reads_its_project_and_who_shares_with_it_and_changes_nothing() {
        assert_eq!(allowed(OWN, false), [ReadWorkspace, ReadVariables, ReadOutputs, ReadState, ReadRun, ReadPlanJson]);
        assert_eq!(allowed(SIBLING, false), [ReadWorkspace, ReadVariables, ReadOutputs, ReadRun]);
        assert_eq!(allowed(SHARER, false), [ReadWorkspace, ReadOutputs, ReadState]);
        assert_eq!(allowed(STRANGER, false), []);
    }

    #[test]
    fn an_apply_maintains_its_project_but_neither_deletes_nor_runs_its_own_workspace() {
        let added = |place| {
            let before = allowed(place, false);
            allowed(place, true).into_iter().filter(|action| !before.contains(action)).collect::<Vec<_>>()
        };
        assert_eq!(added(OWN), [ManageWorkspace, WriteVariables]);
        assert_eq!(
            added(SIBLING),
            [
                ManageWorkspace,
                DeleteWorkspace,
                MoveWorkspace,
                LockWorkspace,
                ForceUnlockWorkspace,
                WriteVariables,
                StartRun,
                DecideRun,
                ForceCancelRun
            ]
        );
        assert_eq!(added(SHARER), []);
        assert_eq!(added(STRANGER), []);
    }

    #[test]
    fn workspaces_and_variable_sets_are_made_in_the_own_project_and_by_an_apply_alone() {
        for (action, own_project, applies, may) in [
            (CreateWorkspace, true, true, true),
            (CreateWorkspace, true, false, false),
            (CreateWorkspace, false, true, false),
            (ManageVariableSets, true, true, true),
            (ManageVariableSets, true, false, false),
            (ReadVariableSets, true, false, true),
            (ReadVariableSets, false, true, false),
            (ReadProject, false, false, true),
            (ManageProject, true, true, false),
            (ManageProjectAccess, true, true, false),
        ] {
            assert_eq!(run_may_in_project(action, own_project, applies), may, "{action:?} {own_project} {applies}");
        }
    }

    #[test]
    fn of_its_organization_a_run_sees_what_is_there_and_no_more() {
        let allowed: Vec<_> = Action::ALL.iter().copied().filter(|it| run_may_in_organization(*it)).collect();
        assert_eq!(allowed, [ReadOrganization]);
    }
}
