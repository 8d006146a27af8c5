//! What people ask of run triggers.

use domain::id::RunTriggerId;
use domain::trigger::{Edge, Waiting};
use domain::{Fault, Problem};

use super::firing;
use super::store::{self, DecisionModel as Decision, Model as RunTrigger};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::organizations;
use crate::resources::workspaces::{self, Workspace};
use crate::storage::{Change, Tx};

/// A trigger with both its workspaces.
pub struct Whole {
    /// The trigger.
    pub trigger: RunTrigger,
    /// The downstream.
    pub workspace: Workspace,
    /// The upstream.
    pub source: Workspace,
}

/// Which triggers of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Those that start its runs.
    Inbound,
    /// Those that its runs set off.
    Outbound,
}

impl Direction {
    /// Reads the filter that a list needs.
    ///
    /// # Errors
    /// `run-trigger/filter`.
    pub fn parse(word: Option<&str>) -> Result<Self, Problem> {
        match word {
            Some("inbound") => Ok(Self::Inbound),
            Some("outbound") => Ok(Self::Outbound),
            _ => Err(Problem::new(
                Fault::Malformed,
                "run-trigger/filter",
                "A list of run triggers needs a filter that says which way they point.",
            )
            .advice("Add filter[run-trigger][type]=inbound or filter[run-trigger][type]=outbound.")),
        }
    }
}

/// Makes a trigger: runs of `source` start runs of `target`. Needs the right to manage the target and to see runs of the
/// source.
///
/// # Errors
/// `workspace/not-found`, `run-trigger/elsewhere`, and those of [`domain::trigger::check`].
pub async fn create(app: &App, tx: &Tx, actor: &Actor, target: &str, source: &str) -> Result<Whole, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, target, Action::ManageWorkspace).await?;
    let source = workspaces::service::for_action(tx, actor, source, Action::ReadRun).await?;
    if source.organization_id != workspace.organization_id {
        return Err(Problem::invalid("run-trigger/elsewhere", "The two workspaces are in different organizations.")
            .advice("Name a source of the same organization.")
            .attribute("sourceable"));
    }
    // Two that are made at once could close a cycle which neither of them sees.
    organizations::lock_row(tx, &workspace.organization_id).await?;
    let there = edges_of(store::in_organization(tx, &workspace.organization_id).await?);
    let all = workspaces::in_organization(tx, &workspace.organization_id).await?;
    let name = |id: &str| all.iter().find(|it| it.id == id).map_or_else(|| id.to_owned(), |it| it.name.clone());
    domain::trigger::check(&there, &Edge { source: source.id.clone(), target: workspace.id.clone() }, name)?;
    let trigger = RunTrigger {
        id: app.ports.id::<RunTriggerId>().to_string(),
        organization_id: workspace.organization_id.clone(),
        workspace_id: workspace.id.clone(),
        source_id: source.id.clone(),
        created_at: app.ports.now(),
    };
    store::insert(tx, &trigger).await?;
    Ok(Whole { trigger, workspace, source })
}

/// One trigger.
///
/// # Errors
/// `run-trigger/not-found`, also for who may not see both its workspaces.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Whole, Problem> {
    let trigger = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    whole(tx, actor, trigger).await?.ok_or_else(not_found)
}

/// Triggers of a workspace by the time they were made, as far as the actor may see the workspace at the other end.
///
/// # Errors
/// `workspace/not-found`.
pub async fn list(tx: &Tx, actor: &Actor, workspace: &str, direction: Direction) -> Result<Vec<Whole>, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadRun).await?;
    let triggers = match direction {
        Direction::Inbound => store::into(tx, &workspace.id).await?,
        Direction::Outbound => store::out_of(tx, &workspace.id).await?,
    };
    let mut seen = Vec::with_capacity(triggers.len());
    for trigger in triggers {
        seen.extend(whole(tx, actor, trigger).await?);
    }
    Ok(seen)
}

/// Removes a trigger, and what its source has left to decide on.
///
/// # Errors
/// `run-trigger/not-found`, also for who may not manage its downstream.
pub async fn delete(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let trigger = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    let managed = workspaces::service::for_action(tx, actor, &trigger.workspace_id, Action::ManageWorkspace).await;
    let workspace = managed.map_err(|_| not_found())?;
    store::delete(tx, &trigger).await?;
    // Who waited for what came over it waits no more.
    tx.announce(Change::Workspace { workspace: workspace.id });
    Ok(())
}

/// What was last decided on a workspace because of its upstreams, newest first, and before that what it waits for.
pub struct Decisions {
    /// The downstream.
    pub workspace: Workspace,
    /// What it waits for, if it does.
    pub waiting: Option<(Waiting, String)>,
    /// What was decided.
    pub decided: Vec<Decision>,
}

/// Why a workspace ran, did not run, or does not run yet.
///
/// # Errors
/// `workspace/not-found`.
pub async fn decisions(tx: &Tx, actor: &Actor, workspace: &str) -> Result<Decisions, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadRun).await?;
    let waiting = firing::waiting(tx, &workspace.id).await?;
    let decided = store::decisions_of(tx, &workspace.id).await?;
    Ok(Decisions { workspace, waiting, decided })
}

/// Triggers as the domain has them.
pub(super) fn edges_of(triggers: Vec<RunTrigger>) -> Vec<Edge> {
    triggers.into_iter().map(|it| Edge { source: it.source_id, target: it.workspace_id }).collect()
}

async fn whole(tx: &Tx, actor: &Actor, trigger: RunTrigger) -> Result<Option<Whole>, Problem> {
    let workspace = workspaces::service::read(tx, actor, &trigger.workspace_id).await;
    let source = workspaces::service::read(tx, actor, &trigger.source_id).await;
    match (workspace, source) {
        (Ok(workspace), Ok(source)) => Ok(Some(Whole { trigger, workspace, source })),
        (Err(problem), _) | (_, Err(problem)) if problem.fault != Fault::NotFound => Err(problem),
        _ => Ok(None),
    }
}

/// There is no such trigger, or not here.
pub(super) fn not_found() -> Problem {
    Problem::not_found("run-trigger/not-found", "There is no such run trigger, or this token may not see it.")
        .advice("Check its id, and use a token that may see it.")
}
