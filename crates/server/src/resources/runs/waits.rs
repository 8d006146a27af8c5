//! Whose terraform waits for whom.
//!
//! Nobody says so: a run waits for another while its terraform asks about it, again and again or in one request that is
//! held. The first question is stored, and parks the run that asks; when the wait is over it wants a slot again. That it
//! still asks is known in memory alone (`app.asking`), and after a restart everybody has a while to ask again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use domain::Problem;
use domain::id::{Id, RunId};
use domain::queue::{Link, WaitGraph, Why, circle_problem};
use domain::run::RunStatus;

use super::store::queue::{Line, Of, lines};
use super::store::{self, Model as Run, waits};
use crate::actor::Actor;
use crate::app::App;
use crate::asking::Held;
use crate::resources::workspaces::{self, Workspace};
use crate::storage::{Change, RunNews, Tx};

const PARKED: Option<&str> = Some("parked");
const RESUMING: Option<&str> = Some("resuming");

/// The terraform of the run `by` asks about the run `about`, with a question that may be held: it counts as asking until
/// the answer is dropped. Nothing happens when it is not an apply that asks, or there is nothing to wait for.
///
/// # Errors
/// `run/waits-in-a-circle` when the wait would close a circle.
pub async fn asked(app: &App, actor: &Actor, by: Option<&str>, about: &str) -> Result<Option<Held>, Problem> {
    let Some(by) = by.filter(|by| *by != about) else { return Ok(None) };
    if let Some(held) = app.asking.again(by, about) {
        return Ok(Some(held));
    }
    let tx = app.db.write().await?;
    let Some(run) = store::lock_row(&tx, by).await? else { return Ok(None) };
    // Whoever may not see it is told so by the handler.
    let Ok(other) = super::service::read(&tx, actor, about).await else { return Ok(None) };
    if run.status() != RunStatus::Applying || other.run.status().is_final() {
        return Ok(None);
    }
    refuse_circle(&tx, &run, &other.run, &other.workspace).await?;
    let wait = waits::Model { run_id: by.to_owned(), awaited_id: about.to_owned(), since: app.ports.now() };
    waits::insert(&tx, wait).await?;
    let parked =
        waits::set_parked(&tx, by, None, PARKED).await? || waits::set_parked(&tx, by, RESUMING, PARKED).await?;
    if parked {
        tracing::info!(run = by, waits_for = about, "parked");
    }
    announce(&tx, &run);
    announce(&tx, &other.run);
    tx.commit().await?;
    app.memory.waits(by);
    Ok(Some(app.asking.begin(by, about)))
}

/// Refuses a new run of `workspace` that the terraform of `parent` starts when it would have to wait for its parent: one
/// of the parent's own workspace, or, if the parent `waits` for it, one that stands behind a run that waits for the
/// parent.
///
/// # Errors
/// `run/waits-in-a-circle`.
pub async fn refuse_child(tx: &Tx, parent: &str, waits: bool, workspace: &Workspace) -> Result<(), Problem> {
    let runs = lines(tx, Of::Workspaces(std::slice::from_ref(&workspace.id))).await?;
    let Some(occupant) = runs.iter().find(|run| run.holds_workspace) else { return Ok(()) };
    if !waits && occupant.id != parent {
        return Ok(());
    }
    let parent = RunId::parse(parent)?;
    let (new, occupant) = (RunId::from_suffix("new"), RunId::parse(&occupant.id)?);
    let mut graph = from(tx, &occupant).await?;
    graph.add(parent, Why::Awaits, new.clone());
    match graph.closed_by(&new, Why::Behind, &occupant) {
        Some(circle) => Err(named(tx, &circle).await?),
        None => Ok(()),
    }
}

async fn refuse_circle(tx: &Tx, run: &Run, other: &Run, workspace: &Workspace) -> Result<(), Problem> {
    let (by, about) = (RunId::parse(&run.id)?, RunId::parse(&other.id)?);
    match from(tx, &about).await?.closed_by(&by, Why::Awaits, &about) {
        Some(circle) => {
            tracing::info!(run = run.id, workspace = workspace.id, "refused to wait for {about}: a circle");
            Err(named(tx, &circle).await?)
        }
        None => Ok(()),
    }
}

/// Whom `start` waits for, whom those wait for, and so on. Runs that a terraform has started count as waited for before it
/// asks about them: who asks comes after who starts.
async fn from(tx: &Tx, start: &RunId) -> Result<WaitGraph, Problem> {
    let mut graph = WaitGraph::default();
    let (mut open, mut seen) = (vec![start.clone()], BTreeSet::from([start.clone()]));
    while let Some(at) = open.pop() {
        let mut links: Vec<(Why, String)> = Vec::new();
        links.extend(waits::of(tx, at.as_str()).await?.into_iter().map(|id| (Why::Awaits, id)));
        let children = lines(tx, Of::Parent(at.as_str())).await?;
        links.extend(children.into_iter().filter(|it| !it.auto_apply).map(|it| (Why::Awaits, it.id)));
        if let Some(run) = lines(tx, Of::Run(at.as_str())).await?.first() {
            links.extend(behind(tx, run).await?.map(|id| (Why::Behind, id)));
        }
        for (why, id) in links {
            let next = RunId::parse(&id)?;
            graph.add(at.clone(), why, next.clone());
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    Ok(graph)
}

/// The run that holds the workspace that `run` waits to take.
async fn behind(tx: &Tx, run: &Line) -> Result<Option<String>, Problem> {
    let waits = matches!(run.status(), RunStatus::Pending | RunStatus::Confirmed) && !run.holds_workspace;
    let writes = run.status() == RunStatus::Confirmed || (!run.plan_only && !run.save_plan);
    if !waits || !writes {
        return Ok(None);
    }
    let runs = lines(tx, Of::Workspaces(std::slice::from_ref(&run.workspace_id))).await?;
    Ok(runs.into_iter().find(|it| it.holds_workspace).map(|it| it.id))
}

async fn named(tx: &Tx, circle: &[Link]) -> Result<Problem, Problem> {
    let mut names = BTreeMap::new();
    for link in circle {
        let Some(run) = store::by_id(tx, link.from.as_str()).await? else { continue };
        if let Some(workspace) = workspaces::by_id(tx, &run.workspace_id).await? {
            names.insert(link.from.clone(), workspace.name);
        }
    }
    Ok(circle_problem(circle, |run| names.get(run).cloned()))
}

/// The run is over, or gone: nobody waits for it any more, and it for nobody.
///
/// # Errors
/// `storage/unavailable`.
pub async fn over(tx: &Tx, run: &str) -> Result<(), Problem> {
    for waiting in waits::on(tx, run).await? {
        end(tx, &waiting, run).await?;
    }
    waits::delete_of(tx, run).await
}

/// Ends a wait. A run that waits for nobody any more wants a slot again.
async fn end(tx: &Tx, run: &str, about: &str) -> Result<(), Problem> {
    waits::delete(tx, run, about).await?;
    if waits::of(tx, run).await?.is_empty() && waits::set_parked(tx, run, PARKED, RESUMING).await? {
        tracing::info!(run, "goes on");
        if let Some(run) = store::by_id(tx, run).await? {
            announce(tx, &run);
        }
    }
    Ok(())
}

/// Ends the waits whose terraform has not asked for too long. Returns how long until it may be so for the next one;
/// `None` while nobody waits.
///
/// # Errors
/// `storage/unavailable`.
pub async fn lapse(app: &App) -> Result<Option<TimeDelta>, Problem> {
    let patience = TimeDelta::from_std(app.setup.patience).unwrap_or(TimeDelta::MAX);
    let silent = app.asking.silent_since(app.ports.now() - patience);
    if !silent.is_empty() {
        let tx = app.db.write().await?;
        for (run, about) in silent {
            store::lock_row(&tx, &run).await?;
            // It may have asked while this waited for its turn to write.
            if app.asking.give_up(&run, &about, app.ports.now() - patience) {
                end(&tx, &run, &about).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(app.asking.oldest().map(|at| at + patience - app.ports.now()))
}

/// After a start: everybody who waited has a while to ask again.
///
/// # Errors
/// `storage/unavailable`.
pub async fn take_up(app: &App) -> Result<(), Problem> {
    let tx = app.db.read().await?;
    for wait in waits::all(&tx).await? {
        drop(app.asking.begin(&wait.run_id, &wait.awaited_id));
    }
    Ok(())
}

/// A run that goes on has its slot.
///
/// # Errors
/// `storage/unavailable`.
pub async fn resumed(tx: &Tx, run: &str) -> Result<(), Problem> {
    if waits::set_parked(tx, run, RESUMING, None).await?
        && let Some(run) = store::by_id(tx, run).await?
    {
        announce(tx, &run);
    }
    Ok(())
}

/// Removes all runs of a workspace, rows only: the blobs stay.
pub async fn delete_of(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    for run in lines(tx, Of::Workspaces(&[workspace.to_owned()])).await? {
        over(tx, &run.id).await?;
    }
    store::delete_of(tx, workspace).await
}

fn announce(tx: &Tx, run: &Run) {
    tx.announce(Change::Run { workspace: run.workspace_id.clone(), run: run.id.clone(), what: RunNews::Moved });
}
