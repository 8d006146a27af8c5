//! Runs of an organization or of one of its workspaces, a page at a time: who looks needs few of many.

use std::collections::BTreeMap;

use domain::Problem;
use domain::run::RunStatus;

use super::Run;
use super::store;
use crate::actor::{Action, Actor};
use crate::resources::organizations::Organization;
use crate::resources::workspaces::{self, Workspace};
use crate::storage::Tx;

/// Which runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Group {
    /// All of them.
    #[default]
    All,
    /// Those that wait for somebody's decision.
    Asks,
    /// Those that have not ended.
    UnderWay,
    /// Those that failed or were killed.
    Failed,
    /// Those that were applied.
    Applied,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 5] = [Self::All, Self::Asks, Self::UnderWay, Self::Failed, Self::Applied];

    /// Its word in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Asks => "approval",
            Self::UnderWay => "under-way",
            Self::Failed => "failed",
            Self::Applied => "applied",
        }
    }

    /// Which statuses are in it; `None` when all are.
    fn statuses(self) -> Option<Vec<RunStatus>> {
        let those =
            |is_in: fn(RunStatus) -> bool| Some(RunStatus::ALL.iter().copied().filter(|it| is_in(*it)).collect());
        match self {
            Self::All => None,
            Self::Asks => those(|it| it.waits_for_approval() || it == RunStatus::PlannedAndSaved),
            Self::UnderWay => those(|it| !it.is_final()),
            Self::Failed => {
                those(|it| matches!(it, RunStatus::Errored | RunStatus::ForceCanceled | RunStatus::PolicySoftFailed))
            }
            Self::Applied => those(|it| it == RunStatus::Applied),
        }
    }
}

/// Part of a list of runs, newest first.
pub struct Listed {
    /// The runs, each with its workspace.
    pub runs: Vec<(Run, Workspace)>,
    /// How many there are in the whole list.
    pub total: usize,
}

/// Runs of an organization that the actor may see, or of its workspace of that name.
///
/// # Errors
/// `workspace/not-found`.
pub async fn list(
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    workspace: Option<&str>,
    group: Group,
    offset: usize,
    size: usize,
) -> Result<Listed, Problem> {
    let seen = match workspace {
        Some(name) => vec![workspaces::service::read_named(tx, actor, organization, name).await?],
        None => workspaces::service::list(tx, actor, organization).await?,
    };
    let may = |it: &Workspace| actor.can(Action::ReadRun, workspaces::service::on(it));
    let seen: BTreeMap<String, Workspace> = seen.into_iter().filter(may).map(|it| (it.id.clone(), it)).collect();
    let only = workspace.and_then(|_| seen.keys().next());
    if workspace.is_some() && only.is_none() {
        return Ok(Listed { runs: Vec::new(), total: 0 });
    }
    let mut ids = store::ids(tx, &organization.id, only.map(String::as_str), group.statuses().as_deref()).await?;
    ids.retain(|(_, workspace)| seen.contains_key(workspace));
    let total = ids.len();
    let chosen: Vec<String> = ids.into_iter().skip(offset).take(size).map(|(id, _)| id).collect();
    let with_workspace = |run: Run| seen.get(&run.workspace_id).map(|workspace| (run.clone(), workspace.clone()));
    let runs = store::by_ids(tx, &chosen).await?.into_iter().filter_map(with_workspace).collect();
    Ok(Listed { runs, total })
}

/// The newest run of each of these workspaces that the actor may see runs of.
///
/// # Errors
/// `storage/unavailable`.
pub async fn current(tx: &Tx, actor: &Actor, all: &[Workspace]) -> Result<BTreeMap<String, Run>, Problem> {
    let may = |it: &&Workspace| actor.can(Action::ReadRun, workspaces::service::on(it));
    let ids: Vec<String> = all.iter().filter(may).filter_map(|it| it.current_run_id.clone()).collect();
    Ok(store::by_ids(tx, &ids).await?.into_iter().map(|run| (run.workspace_id.clone(), run)).collect())
}
