//! Every move of a run's status: run, plan, apply, the workspace's lock and its current run change together.

use chrono::{DateTime, Utc};
use domain::Problem;
use domain::run::{Phases, RunEvent, RunStatus};
use serde_json::json;

use super::service::LIFECYCLE;
use super::store::{self, Model as Run, PhaseModel as Phase};
use super::waits;
use crate::app::App;
use crate::resources::{edges, run_triggers, tokens, variables, workspaces};
use crate::storage::{Change, RunNews, Tx};

/// The plan and the apply of a run whose row is locked; what is changed here is written when the run moves.
pub struct Both {
    pub plan: Phase,
    pub apply: Phase,
    written: (Phase, Phase),
}

impl Both {
    /// Those of this run.
    pub async fn of(tx: &Tx, run: &str) -> Result<Self, Problem> {
        let (plan, apply) = store::phases_of(tx, run).await?;
        Ok(Self { written: (plan.clone(), apply.clone()), plan, apply })
    }

    fn follow(&mut self, status: RunStatus, now: DateTime<Utc>) {
        let after = Phases { plan: self.plan.status(), apply: self.apply.status() }.after(status);
        self.plan.set_status(after.plan, now);
        self.apply.set_status(after.apply, now);
    }

    async fn write(&self, tx: &Tx) -> Result<(), Problem> {
        for (phase, written) in [(&self.plan, &self.written.0), (&self.apply, &self.written.1)] {
            if phase != written {
                store::update_phase(tx, phase.clone()).await?;
            }
        }
        Ok(())
    }
}

/// Moves `run`, whose row the caller has locked, and writes it with every change the caller has made to it.
///
/// # Errors
/// `run/wrong-status` when the event cannot happen to it; `workspace/locked` when it is to take a workspace that
/// somebody else holds.
pub async fn advance(app: &App, tx: &Tx, run: &mut Run, event: RunEvent) -> Result<(), Problem> {
    let phases = Both::of(tx, &run.id).await?;
    advance_through(app, tx, run, phases, &[event]).await?;
    Ok(())
}

/// The same through several events at one moment, each of which leaves its time: everything is written once. Returns the phases as they
/// are then.
///
/// # Errors
/// As [`advance`].
pub async fn advance_through(
    app: &App,
    tx: &Tx,
    run: &mut Run,
    mut phases: Both,
    events: &[RunEvent],
) -> Result<Both, Problem> {
    let now = app.ports.now();
    let held = run.holds_workspace;
    for event in events {
        let status = run.status().after(*event)?;
        run.status = status.as_str().into();
        run.status_timestamps[stamp(status)] = json!(now.to_rfc3339());
        run.holds_workspace = status.holds_workspace(run.kind());
        if !status.holds_slot() {
            run.parked = None;
        }
        phases.follow(status, now);
    }
    run.updated_at = now;
    if run.holds_workspace && !held {
        occupy(tx, run).await?;
    }
    store::update(tx, run).await?;
    phases.write(tx).await?;
    if held && !run.holds_workspace {
        vacate(tx, run).await?;
    }
    // The token of a plan does not live to see the apply, which may more.
    tokens::service::revoke_for_run(tx, &run.id).await?;
    if run.status().is_final() {
        over(app, tx, run).await?;
    }
    let what = if run.status().is_final() { RunNews::Over } else { RunNews::Moved };
    tx.announce(Change::Run { workspace: run.workspace_id.clone(), run: run.id.clone(), what });
    Ok(phases)
}

/// What follows from a run's end.
async fn over(app: &App, tx: &Tx, run: &Run) -> Result<(), Problem> {
    edges::inputs::kept(app, tx, run).await?;
    variables::runs::unpin(tx, &run.id).await?;
    waits::over(tx, &run.id).await?;
    run_triggers::firing::settled(app, tx, run).await?;
    if run.source == LIFECYCLE {
        let applied = matches!(run.status(), RunStatus::Applied | RunStatus::PlannedAndFinished);
        workspaces::auto_destroy::ended(tx, &run.workspace_id, applied).await?;
    }
    point_to_next(tx, run).await
}

async fn occupy(tx: &Tx, run: &Run) -> Result<(), Problem> {
    let workspace = workspaces::lock_row(tx, &run.workspace_id).await?.ok_or_else(gone)?;
    let holder = workspaces::Holder::Run(run.id.clone());
    workspaces::take(tx, &workspace, &holder, &format!("Locked by the run {}", run.id)).await?;
    if workspace.current_run_id.as_ref() == Some(&run.id) {
        return Ok(());
    }
    workspaces::set_current_run(tx, &workspace.id, &run.id).await
}

async fn vacate(tx: &Tx, run: &Run) -> Result<(), Problem> {
    let workspace = workspaces::lock_row(tx, &run.workspace_id).await?.ok_or_else(gone)?;
    workspaces::release(tx, &workspace, &workspaces::Holder::Run(run.id.clone())).await?;
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
