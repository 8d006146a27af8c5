//! What the scheduler tells of a run: it started, it was planned, it was applied, it failed.

use domain::Problem;
use domain::run::{PlanOutcome, RunEvent, RunStatus};
use executor::{Counts, Recovery};
use serde_json::json;

use super::moves::{Both, advance, advance_through};
use super::reads::Reads;
use super::store::{self, Model as Run, PhaseModel as Phase};
use crate::app::App;
use crate::resources::workspaces::{self, Workspace};
use crate::storage::Tx;

/// Source of runs whose log is read by `terraform apply` with a `cloud` block.
const WATCHED: &str = "terraform+cloud";

/// What became of a plan that succeeded.
pub struct PlanResult {
    /// Whether applying it would do anything.
    pub has_changes: bool,
    /// Counts of resource instances.
    pub counts: Counts,
    /// Configuration was generated.
    pub generated_configuration: bool,
}

/// How a run came to an end before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It failed.
    Failed,
    /// It was stopped on request.
    Canceled,
    /// It was killed on request.
    Killed,
    /// Nobody waits for it any more.
    Discarded,
}

/// The configuration that a run waited for is here: it waits in the queue from now on. A run that came of itself gets the first line of
/// what the commit says.
pub async fn fetched(app: &App, tx: &Tx, id: &str, configuration: &str, message: &str) -> Result<(), Problem> {
    let mut run = locked(tx, id).await?;
    if !run.plan_only {
        workspaces::set_current_configuration(tx, &run.workspace_id, configuration).await?;
    }
    if run.status() != RunStatus::Fetching {
        // Canceled meanwhile.
        return Ok(());
    }
    run.configuration_id = configuration.to_owned();
    if run.message.is_empty() {
        run.message = message.lines().next().unwrap_or_default().to_owned();
    }
    advance(app, tx, &mut run, RunEvent::Requeue).await
}

/// Gives a waiting run its slot, and its workspace if it needs that: it is about to be planned or applied. `turn` is that of
/// its project, in microseconds; returns the project's id.
///
/// # Errors
/// `run/wrong-status` when it does not wait any more, `workspace/locked` when its workspace was taken meanwhile.
pub async fn start(app: &App, tx: &Tx, id: &str, turn: i64) -> Result<String, Problem> {
    let mut run = locked(tx, id).await?;
    let event = match run.status() {
        RunStatus::Confirmed => RunEvent::QueueApply,
        _ => RunEvent::Start,
    };
    advance(app, tx, &mut run, event).await?;
    let workspace = workspaces::by_id(tx, &run.workspace_id).await?.ok_or_else(gone)?;
    store::queue::set_turn(tx, &workspace.project_id, turn).await?;
    Ok(workspace.project_id)
}

/// Gives a waiting run its slot and begins its plan, at one moment: [`start`] and [`plan_started`].
///
/// # Errors
/// As both.
pub async fn start_plan(app: &App, tx: &Tx, id: &str, turn: i64) -> Result<(String, Run, Phase), Problem> {
    let mut run = locked(tx, id).await?;
    // What it reads is looked at when nobody else can change it any more.
    let workspace = workspaces::lock_row(tx, &run.workspace_id).await?.ok_or_else(gone)?;
    note_reads(app, tx, &mut run, &workspace).await?;
    let phases = Both::of(tx, id).await?;
    let phases = advance_through(app, tx, &mut run, phases, &[RunEvent::Start, RunEvent::PlanStarted]).await?;
    store::queue::set_turn(tx, &workspace.project_id, turn).await?;
    Ok((workspace.project_id, run, phases.plan))
}

/// The plan begins. What it will read is noted, so that its apply can tell whether that is still so.
///
/// # Errors
/// `run/wrong-status` when the run was canceled meanwhile.
pub async fn plan_started(app: &App, tx: &Tx, id: &str) -> Result<(Run, Phase), Problem> {
    let mut run = locked(tx, id).await?;
    let workspace = workspaces::by_id(tx, &run.workspace_id).await?.ok_or_else(gone)?;
    note_reads(app, tx, &mut run, &workspace).await?;
    let phases = Both::of(tx, id).await?;
    let phases = advance_through(app, tx, &mut run, phases, &[RunEvent::PlanStarted]).await?;
    Ok((run, phases.plan))
}

async fn note_reads(app: &App, tx: &Tx, run: &mut Run, workspace: &Workspace) -> Result<(), Problem> {
    if !run.is_at_once() {
        run.reads = Some(Reads::now(app, tx, run, workspace).await?.sealed(app, &run.id)?);
    }
    run.state_before = workspace.current_state_id.clone();
    Ok(())
}

/// The plan is there. In the same transaction the run is confirmed if that is to happen by itself, or is over. One that
/// terraform's CLI looks at is left planned, for [`confirm_by_itself`] to follow.
pub async fn planned(app: &App, tx: &Tx, id: &str, result: &PlanResult) -> Result<Run, Problem> {
    let run = locked(tx, id).await?;
    Ok(planned_and(app, tx, run, result, &[]).await?.0)
}

/// The plan is there, and what follows from that does so at the same moment; then `more` does, if it is to be applied.
async fn planned_and(
    app: &App,
    tx: &Tx,
    mut run: Run,
    result: &PlanResult,
    more: &[RunEvent],
) -> Result<(Run, Both), Problem> {
    let mut phases = Both::of(tx, &run.id).await?;
    count(&mut phases.plan, result.counts);
    phases.plan.has_changes = result.has_changes;
    phases.plan.generated_configuration = result.generated_configuration;

    run.has_changes = result.has_changes;
    let outcome = match (run.plan_only, result.has_changes || run.allow_empty_apply, run.save_plan) {
        (true, _, _) => PlanOutcome::PlanOnly,
        (false, false, _) => PlanOutcome::NoChanges,
        (false, true, true) => PlanOutcome::Saved,
        (false, true, false) => PlanOutcome::Changes,
    };
    let mut events = vec![RunEvent::PlanFinished(outcome)];
    if outcome == PlanOutcome::Changes && run.auto_apply && run.source != WATCHED {
        events.push(RunEvent::Confirm);
    }
    events.extend_from_slice(more);
    let phases = advance_through(app, tx, &mut run, phases, &events).await?;
    Ok((run, phases))
}

/// Terraform has planned, and goes on to apply in the same process: the run does so too. Returns its apply; one that has gone on before stays as
/// it is. Its ticket was taken when its plan began.
///
/// # Errors
/// `run/wrong-status` when it does not plan, `run/reviewed` when it is one that waits between plan and apply.
pub async fn went_on(app: &App, tx: &Tx, id: &str, result: &PlanResult) -> Result<Phase, Problem> {
    let run = locked(tx, id).await?;
    if !run.is_at_once() {
        return Err(reviewed(id));
    }
    if run.status() == RunStatus::Applying {
        return store::apply_of(tx, id).await;
    }
    let more = [RunEvent::QueueApply, RunEvent::ApplyStarted];
    Ok(planned_and(app, tx, run, result, &more).await?.1.apply)
}

/// Terraform has planned and applied in one process before it was noted that it had planned: [`went_on`] and [`applied`] in one. Its state is stored.
///
/// # Errors
/// As [`went_on`].
pub async fn went_through(app: &App, tx: &Tx, id: &str, result: &PlanResult, counts: Counts) -> Result<(), Problem> {
    let mut run = locked(tx, id).await?;
    if !run.is_at_once() {
        return Err(reviewed(id));
    }
    let mut phases = Both::of(tx, id).await?;
    count(&mut phases.plan, result.counts);
    phases.plan.has_changes = result.has_changes;
    count(&mut phases.apply, counts);
    run.has_changes = result.has_changes;
    let moves = [
        RunEvent::PlanFinished(PlanOutcome::Changes),
        RunEvent::Confirm,
        RunEvent::QueueApply,
        RunEvent::ApplyStarted,
        RunEvent::ApplyFinished,
    ];
    advance_through(app, tx, &mut run, phases, &moves).await?;
    discard_saved(app, tx, &run).await
}

/// Confirms a run that is planned and to be applied by itself; anything else stays as it is.
pub async fn confirm_by_itself(app: &App, tx: &Tx, id: &str) -> Result<(), Problem> {
    let mut run = locked(tx, id).await?;
    if run.status() == RunStatus::Planned && run.auto_apply {
        advance(app, tx, &mut run, RunEvent::Confirm).await?;
    }
    Ok(())
}

/// The apply begins: the one moment after which it is never begun again.
///
/// # Errors
/// `run/stale-plan` when anything that was planned on is another by now: state, configuration, variables, terraform; `run/wrong-status` when the run was
/// canceled meanwhile or has begun its apply before.
pub async fn apply_started(app: &App, tx: &Tx, id: &str) -> Result<(Run, Phase), Problem> {
    let mut run = locked(tx, id).await?;
    let workspace = workspaces::by_id(tx, &run.workspace_id).await?.ok_or_else(gone)?;
    let stale = |why: &str| {
        Problem::conflict("run/stale-plan", format!("{why}, so its plan is stale.")).advice("Start a new run.")
    };
    if run.state_before != workspace.current_state_id {
        return Err(stale("The workspace's state has changed since this run was planned"));
    }
    if let Some(plan) = Reads::of(app, &run)?
        && let Some(why) = plan.differs(&Reads::now(app, tx, &run, &workspace).await?)
    {
        return Err(stale(why));
    }
    let phases = Both::of(tx, id).await?;
    let phases = advance_through(app, tx, &mut run, phases, &[RunEvent::ApplyStarted]).await?;
    Ok((run, phases.apply))
}

/// The apply is done and its state is stored. Saved plans that were made on the state before it are discarded.
pub async fn applied(app: &App, tx: &Tx, id: &str, counts: Counts) -> Result<Run, Problem> {
    let mut run = locked(tx, id).await?;
    let mut phases = Both::of(tx, id).await?;
    count(&mut phases.apply, counts);
    advance_through(app, tx, &mut run, phases, &[RunEvent::ApplyFinished]).await?;
    discard_saved(app, tx, &run).await?;
    Ok(run)
}

/// Discards the saved plans of its workspace that were made on a state before the one that it has left.
async fn discard_saved(app: &App, tx: &Tx, run: &Run) -> Result<(), Problem> {
    let saved = store::saved_of(tx, &run.workspace_id).await?;
    if saved.is_empty() {
        return Ok(());
    }
    let workspace = workspaces::by_id(tx, &run.workspace_id).await?.ok_or_else(gone)?;
    for saved in saved {
        if saved.state_before != workspace.current_state_id {
            let mut saved = locked(tx, &saved.id).await?;
            advance(app, tx, &mut saved, RunEvent::Discard).await?;
        }
    }
    Ok(())
}

/// A scratch plan cannot be made yet; the run ends with that. Only what is noted here tells it from one that failed.
pub async fn deferred(tx: &Tx, id: &str, reason: &str) -> Result<(), Problem> {
    let mut run = locked(tx, id).await?;
    run.deferred = Some(reason.to_owned());
    store::update(tx, &run).await
}

/// The run ends before its time. What an apply left unsaved or in doubt is noted on it.
pub async fn ended(app: &App, tx: &Tx, id: &str, end: End, message: &str, recovery: &Recovery) -> Result<Run, Problem> {
    let mut run = locked(tx, id).await?;
    if run.status().is_final() {
        return Ok(run);
    }
    run.failure = Some(message.to_owned());
    if !recovery.unsaved.is_empty() || !recovery.in_doubt.is_empty() {
        let unsaved = recovery.unsaved.iter().map(
            |it| json!({ "address": it.address, "id-key": it.id_key, "id-value": it.id_value, "action": it.action }),
        );
        let in_doubt = recovery.in_doubt.iter().map(|it| json!({ "address": it.address, "action": it.action }));
        run.recovery = json!({
            "unsaved": unsaved.collect::<Vec<_>>(),
            "in-doubt": in_doubt.collect::<Vec<_>>(),
        });
    }
    let event = match end {
        End::Failed => RunEvent::Fail,
        End::Canceled => RunEvent::Cancel,
        End::Killed => RunEvent::ForceCancel,
        End::Discarded => RunEvent::Discard,
    };
    advance(app, tx, &mut run, event).await?;
    Ok(run)
}

/// Whoever planned it, or was about to apply it, is gone: it waits again.
pub async fn requeue(app: &App, tx: &Tx, id: &str) -> Result<(), Problem> {
    let mut run = locked(tx, id).await?;
    if run.is_at_once() && run.status() == RunStatus::Planning {
        let problem = Problem::conflict("run/begun", "The run may have begun to apply, so it does not wait again.");
        return Err(problem.advice("Start a new run; what this one did is recovered."));
    }
    advance(app, tx, &mut run, RunEvent::Requeue).await
}

async fn locked(tx: &Tx, id: &str) -> Result<Run, Problem> {
    store::lock_row(tx, id).await?.ok_or_else(gone)
}

fn count(phase: &mut Phase, counts: Counts) {
    let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    phase.additions = number(counts.additions);
    phase.changes = number(counts.changes);
    phase.destructions = number(counts.destructions);
    phase.imports = number(counts.imports);
}

fn reviewed(id: &str) -> Problem {
    Problem::ours("run/reviewed", "The run does not go on from its plan by itself.", id)
}

fn gone() -> Problem {
    Problem::not_found("run/not-found", "The run or its workspace is gone.").advice("There is nothing to do.")
}
