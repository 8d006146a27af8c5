//! Decides which runs start, and drives each through terraform.
//!
//! At its own pace: woken by what was committed, it reads the facts, asks `domain::queue`, and starts what it is told. No
//! handler starts anything, and nothing here polls.

mod approve;
mod drive;
mod recover;
mod sweep;
mod work;

pub use recover::take_up;
pub use work::connection;

use std::collections::{BTreeMap, BTreeSet};

use domain::Problem;
use domain::id::{Id, OrganizationId, RunId, WorkspaceId};
use domain::queue::{Occupant, QueueFacts, Slots, Start, WaitingRun, Wants, decide};
use domain::run::{RunKind, RunStatus};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::resources::organizations;
use crate::resources::runs::{self, Run};
use crate::resources::workspaces::{self, Holder};
use crate::storage::{Change, Tx};

/// Schedules until `closing` is cancelled, and then until everything that is in terraform has been interrupted and has
/// saved its state. `tasks` are those of [`take_up`], which comes first.
pub async fn run(app: App, closing: CancellationToken, mut tasks: JoinSet<()>) {
    let mut changes = app.changes.listen();
    while !closing.is_cancelled() {
        if let Err(problem) = dispatch(&app, &closing, &mut tasks).await {
            tracing::error!(code = problem.code, cause = problem.cause, "{}", problem.message);
        }
        let moved = wait(&mut changes, &closing, &mut tasks).await;
        sweep::these(&app, moved).await;
    }
    while tasks.join_next().await.is_some() {}
}

/// Returns when something has changed that may let a run start, with the runs that have moved.
async fn wait(
    changes: &mut Receiver<Change>,
    closing: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> BTreeSet<String> {
    let mut moved = BTreeSet::new();
    let mut note = |change| {
        if let Change::Run { run, .. } = change {
            moved.insert(run);
        }
    };
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Ok(Change::Log { .. } | Change::Read { .. }) => {}
                Ok(change) => {
                    note(change);
                    break;
                }
                Err(RecvError::Lagged(_) | RecvError::Closed) => break,
            },
            Some(_) = tasks.join_next() => {}
            () = closing.cancelled() => break,
        }
    }
    // What has come in the meantime is answered by the same look at the facts.
    while let Ok(change) = changes.try_recv() {
        note(change);
    }
    moved
}

async fn dispatch(app: &App, closing: &CancellationToken, tasks: &mut JoinSet<()>) -> Result<(), Problem> {
    let tx = app.db.read().await?;
    let decisions = decide(&facts(&tx).await?);
    drop(tx);
    for Start { run, wants } in decisions.starts {
        let tx = app.db.write().await?;
        match runs::progress::start(app, &tx, run.as_str()).await {
            Ok(_) => tx.commit().await?,
            // Canceled, or its workspace locked, since the facts were read.
            Err(problem) => {
                tracing::debug!(run = run.as_str(), code = problem.code, "not started: {}", problem.message);
                continue;
            }
        }
        let (app, closing) = (app.clone(), closing.clone());
        tasks.spawn(async move {
            match wants {
                Wants::Apply => drive::apply(app, run.as_str(), closing).await,
                Wants::Plan | Wants::SavePlan | Wants::PlanOnly => drive::plan(app, run.as_str(), closing).await,
            }
        });
    }
    Ok(())
}

/// The facts of this moment, as `domain::queue` wants them.
pub async fn facts(tx: &Tx) -> Result<QueueFacts, Problem> {
    let unfinished = runs::unfinished(tx).await?;
    let mut facts = QueueFacts::default();
    for organization in organizations::every(tx).await? {
        let active = unfinished.iter().filter(|it| it.organization_id == organization.id && it.status().holds_slot());
        let slots = Slots { limit: usize::try_from(organization.run_limit).unwrap_or(0), active: active.count() };
        facts.organizations.insert(OrganizationId::parse(&organization.id)?, slots);
    }
    let waiting: Vec<_> =
        unfinished.iter().filter(|it| matches!(it.status(), RunStatus::Pending | RunStatus::Confirmed)).collect();
    let wanted: BTreeSet<_> = waiting.iter().map(|run| run.workspace_id.as_str()).collect();
    let mut holders = BTreeMap::new();
    for id in wanted {
        if let Some(workspace) = workspaces::by_id(tx, id).await? {
            holders.insert(id.to_owned(), workspace.holder());
        }
    }
    for run in waiting {
        let holder = holders.get(&run.workspace_id).cloned().flatten();
        facts.waiting.push(waiting_run(run, holder, &unfinished)?);
    }
    Ok(facts)
}

fn waiting_run(run: &Run, holder: Option<Holder>, unfinished: &[Run]) -> Result<WaitingRun, Problem> {
    let wants = match (run.status(), run.kind()) {
        (RunStatus::Confirmed, _) => Wants::Apply,
        (_, RunKind::PlanOnly) => Wants::PlanOnly,
        (_, RunKind::SavePlan) => Wants::SavePlan,
        (_, RunKind::Ordinary) => Wants::Plan,
    };
    let occupant = match &holder {
        Some(Holder::Run(id)) => {
            let needs_approval = unfinished.iter().any(|it| it.id == *id && it.status().waits_for_approval());
            Some(Occupant { run: RunId::parse(id)?, needs_approval })
        }
        _ => None,
    };
    Ok(WaitingRun {
        run: RunId::parse(&run.id)?,
        workspace: WorkspaceId::parse(&run.workspace_id)?,
        organization: OrganizationId::parse(&run.organization_id)?,
        number: u64::try_from(run.created_at.timestamp_micros()).unwrap_or(0),
        wants,
        locked: matches!(holder, Some(Holder::User(_))),
        occupant,
    })
}
