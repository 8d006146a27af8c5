//! A run of a walk at home that is applied without a yes: one terraform plans and applies.
//!
//! The ticket for its apply is taken before terraform starts, with the move to `planning`, which such a run makes once and never back from
//! ([`progress::requeue`] refuses it): whatever dies then, what terraform did is recovered as after any apply, and nothing is begun again.
//! When terraform has planned, the run moves on to `applying` while terraform goes on; it ends as any other.

use std::sync::Arc;

use domain::Problem;
use domain::run::RunStatus;
use executor::{AtOnce, Failure, Foreseen, Recovered, Recovery};
use tokio_util::sync::CancellationToken;

use super::drive::{self, Receiver, watch};
use super::work;
use crate::app::App;
use crate::resources::runs::progress::{self, End, PlanResult};
use crate::resources::runs::{Phase, Run};

/// Plans and applies a run whose plan has begun.
pub(super) async fn run(app: &App, run: &Run, plan: &Phase, closing: CancellationToken) -> Result<(), Problem> {
    let receiver = Receiver::begin(app, run, &plan.id).await?;
    let stop = executor::Stop::new();
    let result = match work::assemble(app, run, &plan.id).await {
        Ok(work) => {
            let _watch = watch(app, &run.id, stop.clone(), closing);
            let held = app.held.take(&run.id);
            receiver.explained(executor::plan_and_apply(&work, held, receiver.clone(), stop).await).await
        }
        Err(problem) => Err(receiver.refuse(problem).await),
    };
    let ended = ended(app, run, result, receiver).await;
    app.held.forgets(&run.id);
    ended
}

/// Stores what came of it and ends the run.
async fn ended(app: &App, run: &Run, result: Result<AtOnce, Failure>, receiver: Arc<Receiver>) -> Result<(), Problem> {
    match result {
        Ok(AtOnce { foreseen, applied: Some(applied) }) => {
            if !receiver.has_gone_on() {
                // It could not be told when it was planned.
                let recovered = executor::recover(&work::folder(&app.setup, &run.id), None).await?;
                receiver.go_on(foreseen).await?;
                receiver.complete(&recovered.log).await?;
            }
            drive::applied(app, run, Ok(applied), receiver).await
        }
        Ok(AtOnce { foreseen, applied: None }) => nothing_to_do(app, run, foreseen, receiver).await,
        Err(failure) => drive::fail(app, run, failure, receiver).await,
    }
}

async fn nothing_to_do(app: &App, run: &Run, foreseen: Foreseen, receiver: Arc<Receiver>) -> Result<(), Problem> {
    receiver.finish().await?;
    let tx = app.db.write().await?;
    progress::planned(app, &tx, &run.id, &result(foreseen)).await?;
    tx.commit().await
}

/// What a plan that terraform goes on from came to.
pub(super) fn result(foreseen: Foreseen) -> PlanResult {
    PlanResult { has_changes: foreseen.has_changes, counts: foreseen.counts, generated_configuration: false }
}

/// Whether such a run is under way, and is recovered as an apply is.
pub(super) fn is_under_way(run: &Run) -> bool {
    run.is_at_once() && run.status() == RunStatus::Planning
}

/// Moves a run on to its apply whose terraform has come to that since it was last told of; `true` when it has.
///
/// # Errors
/// `storage/…`, `executor/failed`.
pub(super) async fn catch_up(app: &App, run: &Run) -> Result<bool, Problem> {
    let Some(foreseen) = executor::foreseen(&work::folder(&app.setup, &run.id))? else { return Ok(false) };
    if !foreseen.has_changes {
        return Ok(false);
    }
    let tx = app.db.write().await?;
    progress::went_on(app, &tx, &run.id, &result(foreseen)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Ends a run whose terraform planned, or found nothing to do, and is gone; `plan` is the id of its plan. `false` when it went on to apply,
/// and is to be ended as an apply.
///
/// # Errors
/// `storage/…`.
pub(super) async fn settle(app: &App, run: &Run, plan: &str, recovered: &Recovered) -> Result<bool, Problem> {
    let receiver = Receiver::open(app, run, plan).await?;
    if let Some(plan) = &recovered.plan {
        receiver.complete(&plan.log).await?;
    }
    match recovered.plan.as_ref().and_then(|plan| plan.foreseen) {
        Some(foreseen) if foreseen.has_changes => {
            receiver.finish().await?;
            catch_up(app, run).await?;
            return Ok(false);
        }
        Some(foreseen) if recovered.complete => nothing_to_do(app, run, foreseen, receiver).await?,
        _ => {
            let message = "Whoever started it was stopped while terraform planned; nothing was changed.";
            drive::end(app, run, End::Canceled, message, &Recovery::default(), receiver).await?;
        }
    }
    Ok(true)
}
