//! Takes up what an earlier process of this server left: no run stays in limbo.
//!
//! What was being planned is queued again. What was being applied is never started again: its terraform, which outlives the
//! server, is waited for and its state is stored; the run is applied if terraform ended well meanwhile, and otherwise
//! ends `errored` with what is unsaved or in doubt.

use domain::Problem;
use domain::run::RunStatus;
use executor::{Recovery, Stop};
use tokio_util::sync::CancellationToken;

use super::drive::{self, Receiver};
use super::hands::{Hands, Outcome};
use super::{at_once, sweep, work};
use crate::app::App;
use crate::resources::runs::progress::{self, End};
use crate::resources::runs::{self, Run, waits};
use crate::resources::{states, users, workspaces};
use crate::upkeep::RESTORED;

/// Looks at every run that has not ended, and removes the folders of those that have; returns who waits for terraforms that are
/// still at work.
///
/// # Errors
/// `storage/unavailable`.
pub async fn take_up(app: &App, closing: &CancellationToken) -> Result<Hands, Problem> {
    waits::take_up(app).await?;
    end_restored(app).await?;
    let mut hands = Hands::default();
    take_up_again(app, closing, &mut hands).await?;
    sweep::all(app).await;
    Ok(hands)
}

/// Looks at every run that has not ended and that nobody drives; `hands` drives those that need it.
///
/// # Errors
/// `storage/unavailable`; what is left is taken up by the next call.
pub async fn take_up_again(app: &App, closing: &CancellationToken, hands: &mut Hands) -> Result<(), Problem> {
    let tx = app.db.read().await?;
    let unfinished = runs::unfinished(&tx).await?;
    drop(tx);
    for run in unfinished.into_iter().filter(|run| !hands.have(&run.id) && !app.held.have(&run.id)).collect::<Vec<_>>()
    {
        match run.status() {
            // Most of a long queue: nothing has happened to it yet.
            RunStatus::Pending if app.setup.resume && run.cancel_requested_at.is_none() => {}
            status if status == RunStatus::Applying || at_once::is_under_way(&run) => {
                if status == RunStatus::Planning && executor::leftover(&work::folder(&app.setup, &run.id)).is_some() {
                    at_once::catch_up(app, &run).await?;
                }
                let (app, closing) = (app.clone(), closing.clone());
                hands.take(run.id.clone(), async move {
                    match settle(&app, &run, closing).await {
                        Ok(()) => Outcome::Settled,
                        Err(problem) => drive::give_up(&app, &run.id, problem).await,
                    }
                });
            }
            status => {
                if matches!(status, RunStatus::PlanQueued | RunStatus::Planning) {
                    executor::kill_leftover(&work::folder(&app.setup, &run.id)).await?;
                }
                take_back(app, &run).await?;
            }
        }
    }
    Ok(())
}

/// Ends what was under way when a backup was taken, at the first start on what was restored from it.
async fn end_restored(app: &App) -> Result<(), Problem> {
    let marker = app.setup.runs.with_file_name(RESTORED);
    let Ok(text) = std::fs::read(&marker) else { return Ok(()) };
    let said: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let taken = said["taken-at"].as_str().unwrap_or("an unknown time");
    for run in runs::unfinished(&app.db.look()).await? {
        end_one_restored(app, &run, taken).await?;
    }
    std::fs::remove_file(&marker).map_err(|error| {
        Problem::ours("engine/data", format!("{} cannot be removed.", marker.display()), error)
            .advice("Remove it, and start the server again.")
    })
}

/// A run that was under way when a backup was taken. What it did after that is not known here, so it does not go on; where it may have
/// changed something, somebody has to look before anything else does.
async fn end_one_restored(app: &App, run: &Run, taken: &str) -> Result<(), Problem> {
    let tx = app.db.write().await?;
    let was_applying = run.status() == RunStatus::Applying;
    let (end, more) = match run.status() {
        RunStatus::Applying => (End::Failed, " It was applying: objects that it made since may not be in the state."),
        status if status.can_be_discarded() => (End::Discarded, ""),
        _ => (End::Canceled, ""),
    };
    let message = format!("The server was restored from a backup of {taken}, when this run was under way.{more}");
    progress::ended(app, &tx, &run.id, end, &message, &Recovery::default()).await?;
    if was_applying && let Some(workspace) = workspaces::lock_row(&tx, &run.workspace_id).await? {
        let owner = users::service::owner(app, &tx).await?;
        let reason = format!(
            "Restored from a backup: the run {} was applying. Compare a plan with the objects, then unlock.",
            run.id
        );
        workspaces::take(&tx, &workspace, &workspaces::Holder::User(owner.id), &reason).await?;
    }
    tx.commit().await
}

/// A run that had not begun to apply: it waits again where it was under way, is confirmed where that was about to happen,
/// and ends where nobody waits for it.
async fn take_back(app: &App, run: &Run) -> Result<(), Problem> {
    let tx = app.db.write().await?;
    let nothing = Recovery::default();
    if run.cancel_requested_at.is_some() {
        progress::ended(app, &tx, &run.id, End::Canceled, "It was canceled.", &nothing).await?;
    } else if !app.setup.resume {
        let end = if run.status().can_be_discarded() { End::Discarded } else { End::Canceled };
        progress::ended(app, &tx, &run.id, end, "Whoever started it was stopped.", &nothing).await?;
    } else if run.status().holds_slot() {
        progress::requeue(app, &tx, &run.id).await?;
    } else {
        progress::confirm_by_itself(app, &tx, &run.id).await?;
    }
    tx.commit().await
}

/// Waits for the terraform of an apply that was cut off, stores what it saved, and ends the run.
async fn settle(app: &App, run: &Run, closing: CancellationToken) -> Result<(), Problem> {
    let tx = app.db.read().await?;
    let (plan, apply) = (runs::plan_of(&tx, &run.id).await?, runs::apply_of(&tx, &run.id).await?);
    let prior = match &run.state_before {
        Some(state) => states::by_id(&tx, state).await?,
        None => None,
    };
    let own_backend = workspaces::by_id(&tx, &run.workspace_id).await?.is_some_and(|it| it.own_backend);
    drop(tx);
    let prior = match prior.filter(|_| !own_backend) {
        Some(state) => Some(states::service::download(app, &state).await?),
        None => None,
    };
    let folder = work::folder(&app.setup, &run.id);

    // A cancel reaches the terraform that was left, as it would have reached our own.
    let stop = Stop::new();
    let _watch = drive::watch(app, &run.id, stop.clone(), closing);
    let recovered = tokio::select! {
        recovered = executor::recover(&folder, prior.as_ref()) => recovered,
        () = async {
            stop.interrupted().await;
            if let Some(leftover) = executor::leftover(&folder) {
                leftover.interrupt();
            }
            std::future::pending::<()>().await;
        } => return Ok(()),
    };
    let recovered = recovered?;
    let now = runs::by_id(&app.db.look(), &run.id).await?;
    if now.as_ref().is_some_and(at_once::is_under_way) && at_once::settle(app, run, &plan.id, &recovered).await? {
        return Ok(());
    }
    let receiver = Receiver::open(app, run, &apply.id).await?;
    if !recovered.begun {
        let message = "The server had to stop before terraform began to apply; nothing was changed.";
        return drive::end(app, run, End::Failed, message, &Recovery::default(), receiver).await;
    }
    receiver.complete(&recovered.log).await?;
    if let Some(state) = &recovered.recovery.state {
        drive::store_state(app, run, state).await?;
    }
    let lost = !recovered.recovery.unsaved.is_empty() || !recovered.recovery.in_doubt.is_empty();
    if recovered.complete && !lost {
        // Terraform ended well while the server was away: that is an apply like any other.
        return drive::finish_applied(app, run, recovered.counts, receiver).await;
    }
    let message = match lost {
        false => "The server was stopped while terraform applied; the state that it saved was stored.",
        true => "The server was stopped while terraform applied; some resources are not in the state that it saved.",
    };
    drive::end(app, run, End::Failed, message, &recovered.recovery, receiver).await
}
