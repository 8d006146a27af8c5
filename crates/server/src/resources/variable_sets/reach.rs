//! Which variable sets reach a workspace, and how.

use domain::Problem;
use domain::variables::{Origin, Reach};

use super::store::{self, Model as VariableSet};
use crate::resources::workspaces::Workspace;
use crate::storage::Tx;

/// Ids of the sets that reach a workspace, each with every way in which it does.
pub async fn reaching(tx: &Tx, workspace: &Workspace) -> Result<Vec<(String, Vec<Origin>)>, Problem> {
    let mut found = Vec::new();
    for (set, targets) in with_targets(tx, &workspace.organization_id).await? {
        let ways = ways_to(&set, &targets, &workspace.id, &workspace.project_id);
        if !ways.is_empty() {
            let origin = |reach| Origin::Set {
                name: set.name.clone(),
                priority: set.priority,
                reach,
                of_project: set.project_id.is_some(),
            };
            found.push((set.id.clone(), ways.into_iter().map(origin).collect()));
        }
    }
    Ok(found)
}

/// The sets that reach a workspace, by name.
pub(super) async fn of_workspace(tx: &Tx, workspace: &Workspace) -> Result<Vec<VariableSet>, Problem> {
    let mut sets = with_targets(tx, &workspace.organization_id).await?;
    sets.retain(|(set, targets)| !ways_to(set, targets, &workspace.id, &workspace.project_id).is_empty());
    Ok(sets.into_iter().map(|(set, _)| set).collect())
}

/// The sets that reach every workspace of a project, by name.
pub(super) async fn of_project(tx: &Tx, organization: &str, project: &str) -> Result<Vec<VariableSet>, Problem> {
    let mut sets = with_targets(tx, organization).await?;
    sets.retain(|(set, targets)| !ways_to(set, targets, "", project).is_empty());
    Ok(sets.into_iter().map(|(set, _)| set).collect())
}

/// The sets of an organization by name, each with what it is attached to.
async fn with_targets(tx: &Tx, organization: &str) -> Result<Vec<(VariableSet, Vec<String>)>, Problem> {
    let sets = store::in_organization(tx, organization).await?;
    let ids: Vec<_> = sets.iter().map(|set| set.id.clone()).collect();
    let mut targets = store::targets_of_all(tx, &ids).await?;
    Ok(sets
        .into_iter()
        .map(|set| {
            let of = targets.remove(&set.id).unwrap_or_default();
            (set, of)
        })
        .collect())
}

/// A project's own set never leaves its project, also when a workspace that it is attached to has moved away.
fn ways_to(set: &VariableSet, targets: &[String], workspace: &str, project: &str) -> Vec<Reach> {
    let owner = set.project_id.as_deref();
    if owner.is_some_and(|owner| owner != project) {
        return Vec::new();
    }
    let attached = |id: &str| targets.iter().any(|target| target == id);
    [
        (attached(workspace), Reach::Workspace),
        (attached(project) || (set.global && owner.is_some()), Reach::Project),
        (set.global && owner.is_none(), Reach::Global),
    ]
    .into_iter()
    .filter_map(|(is, reach)| is.then_some(reach))
    .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn set(project: Option<&str>, global: bool) -> VariableSet {
        VariableSet {
            id: "varset-1".into(),
            organization_id: "org-1".into(),
            project_id: project.map(str::to_owned),
            name: "s".into(),
            description: String::new(),
            global,
            priority: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn ways(set: &VariableSet, targets: &[&str]) -> Vec<Reach> {
        let targets: Vec<_> = targets.iter().map(|&target| target.to_owned()).collect();
        ways_to(set, &targets, "ws-1", "prj-1")
    }

    #[test]
    fn a_set_reaches_a_workspace_by_itself_by_its_project_or_as_a_global_one() {
        assert_eq!(ways(&set(None, false), &["ws-1"]), [Reach::Workspace]);
        assert_eq!(ways(&set(None, false), &["prj-1", "ws-1"]), [Reach::Workspace, Reach::Project]);
        assert_eq!(ways(&set(None, true), &[]), [Reach::Global]);
        assert_eq!(ways(&set(None, false), &["ws-2", "prj-2"]), []);
    }

    #[test]
    fn a_project_s_own_set_is_for_its_project_alone() {
        assert_eq!(ways(&set(Some("prj-1"), true), &[]), [Reach::Project]);
        assert_eq!(ways(&set(Some("prj-1"), false), &[]), []);
        assert_eq!(ways(&set(Some("prj-2"), true), &["ws-1"]), []);
    }
}
