//! The last run of a workspace that was to change it: how it ended, and what went into it.

use domain::Problem;

use super::store::{Model as Run, inputs};
use crate::actor::{Action, Actor};
use crate::resources::{states, workspaces};
use crate::storage::Tx;

/// The last run, and what has happened since.
#[derive(Debug, Clone)]
pub struct LastRun {
    /// It.
    pub run: Run,
    /// What went into it, in the words of whoever started it.
    pub inputs: Option<String>,
    /// The workspace got another state after it had ended.
    pub state_moved: bool,
    /// The id of the last run that did change the workspace.
    pub applied: Option<String>,
}

/// The last run of a workspace that was to change it.
///
/// # Errors
/// `workspace/not-found`, also for who may not see it; `storage/unavailable`.
pub async fn of(tx: &Tx, actor: &Actor, workspace: &str) -> Result<Option<LastRun>, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadRun).await?;
    let Some(run) = inputs::last(tx, &workspace.id).await? else { return Ok(None) };
    let state = states::service::current_of(tx, &workspace).await?;
    Ok(Some(LastRun {
        inputs: inputs::of(tx, &workspace.id, &run.id).await?,
        state_moved: run.status().is_final() && state.is_some_and(|state| state.created_at > run.updated_at),
        applied: inputs::last_applied(tx, &workspace.id).await?.map(|run| run.id),
        run,
    }))
}

/// Says that this may as well have gone into the last run: a plan with it changed nothing.
///
/// # Errors
/// As [`of`].
pub async fn keep(tx: &Tx, actor: &Actor, workspace: &str, went_in: String) -> Result<(), Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::StartRun).await?;
    match inputs::last(tx, &workspace.id).await? {
        Some(run) => inputs::put(tx, &workspace.id, &run.id, went_in).await,
        None => Ok(()),
    }
}
