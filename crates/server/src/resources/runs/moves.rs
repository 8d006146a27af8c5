//! Every move of a run's status: run, plan, apply, the workspace's lock and its current run change together.

use domain::Problem;
use domain::run::{Phases, RunEvent, RunStatus};
use serde_json::json;

use super::service::LIFECYCLE;
use super::store::{self, Model as Run};
use super::waits;
use crate::app::App;
use crate::resources::{edges, run_triggers, tokens, variables, workspaces};
use crate::storage::{Change, Tx};

/// Moves `run`, whose row the caller has locked, and writes it with every change the caller has made to it.
///
/// # Errors
/// `run/wrong-status` when the event cannot happen to it; `workspace/locked` when it is to take a workspace that
/// somebody else holds.
pub async fn advance(app: &App, tx: &Tx, run: &mut Run, event: RunEvent) -> Result<(), Problem> {
    advance_through(app, tx, run, &[event]).await
}

/// The same for several events at one moment, which are written once.
///
/// # Errors
/// As [`advance`]; what the caller holds of the run is of no use then.
pub async fn advance_through(app: &App, tx: &Tx, run: &mut Run, events: &[RunEvent]) -> Result<(), Problem> {
    let now = app.ports.now();
    let held = run.holds_workspace;
    let mut statuses = Vec::new();
    for event in events {
        let status = run.status().after(*event)?;
        run.status = status.as_str().into();
        run.status_timestamps[stamp(status)] = json!(now.to_rfc3339());
        if !status.holds_slot() {
            run.parked = None;
        }
        statuses.push(status);
    }
    let status = run.status();
    run.updated_at = now;
    run.holds_workspace = status.holds_workspace(run.kind());
    if run.holds_workspace && !held {
        occupy(tx, run).await?;
    }
    store::update(tx, run).await?;
    move_phases(app, tx, run, &statuses).await?;
    if held && !run.holds_workspace {
        vacate(tx, run).await?;
    }
    // The token of a plan does not live to see the apply, which may more.
    tokens::service::revoke_for_run(tx, &run.id).await?;
    if status.is_final() {
        edges::inputs::kept(app, tx, run).await?;
        variables::runs::unpin(tx, &run.id).await?;
        waits::over(tx, &run.id).await?;
        run_triggers::firing::settled(app, tx, run).await?;
        if run.source == LIFECYCLE {
            let applied = matches!(status, RunStatus::Applied | RunStatus::PlannedAndFinished);
            workspaces::auto_destroy::ended(tx, &run.workspace_id, applied).await?;
        }
        point_to_next(tx, run).await?;
    }
    tx.announce(Change::Run { workspace: run.workspace_id.clone(), run: run.id.clone() });
    Ok(())
}

async fn occupy(tx: &Tx, run: &Run) -> Result<(), Problem> {
    let workspace = workspaces::lock_row(tx, &run.workspace_id).await?.ok_or_else(gone)?;
    let holder = workspaces::Holder::Run(run.id.clone());
    workspaces::take(tx, &workspace, &holder, &format!("Locked by the run {}", run.id)).await?;
    workspaces::set_current_run(tx, &workspace.id, &run.id).await
}

async fn vacate(tx: &Tx, run: &Run) -> Result<(), Problem> {
    let workspace = workspaces::lock_row(tx, &run.workspace_id).await?.ok_or_else(gone)?;
    workspaces::release(tx, &workspace, &workspaces::Holder::Run(run.id.clone())).await?;
    Ok(())
}

async fn move_phases(app: &App, tx: &Tx, run: &Run, statuses: &[RunStatus]) -> Result<(), Problem> {
    let mut plan = store::plan_of(tx, &run.id).await?;
    let mut apply = store::apply_of(tx, &run.id).await?;
    let before = Phases { plan: plan.status(), apply: apply.status() };
    let mut after = before;
    let now = app.ports.now();
    for status in statuses {
        after = after.after(*status);
        plan.set_status(after.plan, now);
        apply.set_status(after.apply, now);
    }
    if after.plan != before.plan {
        store::update_phase(tx, plan).await?;
    }
    if after.apply != before.apply {
        store::update_phase(tx, apply).await?;
    }
    Ok(())
}

/// Clients look at the workspace's current run to learn whom they wait for: it moves on to the one that is next.
async fn point_to_next(tx: &Tx, run: &Run) -> Result<(), Problem> {
    match store::queue::next(tx, &run.workspace_id).await? {
        Some(next) => workspaces::set_current_run(tx, &run.workspace_id, &next).await,
        None => Ok(()),
    }
}

fn stamp(status: RunStatus) -> String {
    format!("{}-at", status.visible().as_str().replace('_', "-"))
}

fn gone() -> Problem {
    Problem::not_found("workspace/not-found", "The workspace of the run is gone.").advice("There is nothing to do.")
}
