//! Drives one phase of one run: tells the run what happens, and the executor when to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::run::RunStatus;
use domain::{Fault, Problem};
use executor::{Applied, Counts, Failure, FailureKind, Foreseen, Planned, Recovery, Stop, Upstream};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::approve;
use super::at_once;
use super::hands::Outcome;
use super::sweep;
use super::work::{self, plan_object};
use crate::app::App;
use crate::resources::runs::log::LogWriter;
use crate::resources::runs::progress::{self, End, PlanResult};
use crate::resources::runs::{self, Run};
use crate::resources::states::service::{Sent, Taken};
use crate::resources::{edges, states};
use crate::storage::{Change, RunNews, Tx};

/// What is applied within so long of its plan is not seen to apply.
const SOON: Duration = Duration::from_millis(50);

/// A run whose plan has begun.
pub struct Begun {
    run: Run,
    plan: runs::Phase,
}

impl Begun {
    /// Id of the run.
    pub fn id(&self) -> &str {
        &self.run.id
    }
}

/// Gives a run its slot, and where it is to plan begins that; returns the id of its project with that. What keeps the plan from
/// beginning is found out, and told, by [`plan`].
///
/// # Errors
/// Those of [`progress::start`]; `storage/unavailable`.
pub async fn start(app: &App, run: &str, turn: i64, plans: bool) -> Result<(String, Option<Begun>), Problem> {
    let tx = app.db.write().await?;
    if !plans {
        let project = progress::start(app, &tx, run, turn).await?;
        tx.commit().await?;
        return Ok((project, None));
    }
    match progress::start_plan(app, &tx, run, turn).await {
        Ok((project, run, plan)) => {
            tx.commit().await?;
            Ok((project, Some(Begun { run, plan })))
        }
        Err(problem) if problem.fault == Fault::Unavailable => Err(problem),
        Err(_) => {
            drop(tx);
            let tx = app.db.write().await?;
            let project = progress::start(app, &tx, run, turn).await?;
            tx.commit().await?;
            Ok((project, None))
        }
    }
}

/// Begins the plan of a run in the transaction that has made it, which saves the scheduler two looks and a commit. Whoever makes it so keeps to the
/// limits by itself.
///
/// # Errors
/// Those of [`progress::start_plan`].
pub async fn begin(app: &App, tx: &Tx, run: &str) -> Result<Begun, Problem> {
    let (_, run, plan) = progress::start_plan(app, tx, run, app.ports.now().timestamp_micros()).await?;
    Ok(Begun { run, plan })
}

/// Plans a run that was given its slot. `begun` is what it is when its plan began in the transaction that gave it the slot.
pub async fn plan(app: App, run: &str, begun: Option<Begun>, closing: CancellationToken) -> Outcome {
    let outcome = async {
        let (run, plan) = match begun {
            Some(Begun { run, plan }) => (run, plan),
            None => {
                let tx = app.db.write().await?;
                let begun = progress::plan_started(&app, &tx, run).await?;
                tx.commit().await?;
                begun
            }
        };
        if run.is_at_once() {
            // Before anything is changed: a state that finds no room would be lost.
            app.reserve.ready()?;
            return at_once::run(&app, &run, &plan, closing).await;
        }
        // What it will read is looked at before it can read anything else.
        if let Err(problem) = edges::code::noted(&app, &run).await {
            tracing::warn!(run = run.id, code = problem.code, cause = problem.cause, "{}", problem.message);
        }
        let receiver = Receiver::open(&app, &run, &plan.id).await?;
        let stop = Stop::new();
        let result = match work::assemble(&app, &run, &plan.id).await {
            Ok(work) => {
                let _watch = watch(&app, &run.id, stop.clone(), closing.clone());
                let held = app.held.take(&run.id);
                receiver.explained(executor::plan(&work, held, receiver.clone(), stop).await).await
            }
            Err(problem) => Err(receiver.refuse(problem).await),
        };
        planned(&app, &run, &plan.id, result, receiver, &closing).await
    };
    match outcome.await {
        Ok(()) => Outcome::Settled,
        Err(problem) => give_up(&app, run, problem).await,
    }
}

/// Applies a run that was given its slot.
pub async fn apply(app: App, run: &str, closing: CancellationToken) -> Outcome {
    let outcome = async {
        // Before anything is changed: a state that finds no room would be lost.
        app.reserve.ready()?;
        let tx = app.db.write().await?;
        let (run, apply) = progress::apply_started(&app, &tx, run).await?;
        let plan = runs::plan_of(&tx, &run.id).await?;
        tx.commit().await?;
        let receiver = Receiver::open(&app, &run, &apply.id).await?;
        let stop = Stop::new();
        let result = match work::assemble(&app, &run, &plan.id).await {
            Ok(work) => {
                let _watch = watch(&app, &run.id, stop.clone(), closing.clone());
                receiver.explained(executor::apply(&work, receiver.clone(), stop).await).await
            }
            Err(problem) => Err(receiver.refuse(problem).await),
        };
        applied(&app, &run, result, receiver).await
    };
    match outcome.await {
        Ok(()) => Outcome::Settled,
        Err(problem) => give_up(&app, run, problem).await,
    }
}

/// Stores what a plan left and moves the run on. The log has ended, and the plan can be read, before the run has moved:
/// a client that sees the run planned sees all of it.
async fn planned(
    app: &App,
    run: &Run,
    plan: &str,
    result: Result<Planned, Failure>,
    receiver: Arc<Receiver>,
    closing: &CancellationToken,
) -> Result<(), Problem> {
    let current = current(app, &run.id).await?;
    let asked = current.cancel_requested_at.is_some();
    match result {
        Ok(planned) if !asked => {
            let file = planned.plan_file.iter().map(|file| ("file", file));
            let description = planned.description.iter();
            let description = description.flat_map(|it| [("json", &it.json), ("redacted", &it.redacted)]);
            for (part, bytes) in file.chain(description) {
                app.objects.put(&plan_object(plan, part), bytes).await?;
            }
            if run.scratch {
                runs::preview::planned(app, plan, &planned.outputs).await?;
            }
            let changes = app.changes.listen();
            receiver.finish().await?;
            let result = PlanResult {
                has_changes: planned.has_changes,
                counts: planned.counts,
                generated_configuration: planned.generated_configuration,
            };
            let tx = app.db.write().await?;
            let run = progress::planned(app, &tx, &run.id, &result).await?;
            tx.commit().await?;
            match run.status() == RunStatus::Planned && run.auto_apply {
                true => approve::when_read(app, &run, plan, changes, closing).await,
                false => Ok(()),
            }
        }
        Err(failure) if failure.kind == FailureKind::Canceled && !asked && closing.is_cancelled() => {
            // The server stops: the plan is made again when it is back.
            let tx = app.db.write().await?;
            progress::requeue(app, &tx, &run.id).await?;
            tx.commit().await
        }
        Ok(_) => end(app, run, End::Canceled, "It was canceled.", &Recovery::default(), receiver).await,
        Err(failure) => fail(app, run, failure, receiver).await,
    }
}

/// Stores the state that an apply left and ends the run.
pub(super) async fn applied(
    app: &App,
    run: &Run,
    result: Result<Applied, Failure>,
    receiver: Arc<Receiver>,
) -> Result<(), Problem> {
    match result {
        Ok(applied) => {
            let Some(state) = applied.state else { return finish_applied(app, run, applied.counts, receiver).await };
            let (finished, sent) = tokio::join!(receiver.finish(), send_state(app, run, &state));
            finished?;
            let foreseen = receiver.settled().await;
            let taken = match (take_state(app, run, sent).await, foreseen) {
                (Err(problem), Some(foreseen)) => {
                    move_on(app, run, foreseen).await?;
                    return Err(problem);
                }
                (taken, _) => taken?,
            };
            note_applied(app, &taken.tx, run, foreseen, applied.counts).await?;
            taken.commit(app).await
        }
        Err(failure) => fail(app, run, failure, receiver).await,
    }
}

/// Ends a run whose apply succeeded and whose state is stored.
pub(super) async fn finish_applied(
    app: &App,
    run: &Run,
    counts: Counts,
    receiver: Arc<Receiver>,
) -> Result<(), Problem> {
    receiver.finish().await?;
    let foreseen = receiver.settled().await;
    let tx = app.db.write().await?;
    note_applied(app, &tx, run, foreseen, counts).await?;
    tx.commit().await
}

/// `foreseen` is what was planned, where that is not noted yet.
async fn note_applied(
    app: &App,
    tx: &Tx,
    run: &Run,
    foreseen: Option<Foreseen>,
    counts: Counts,
) -> Result<(), Problem> {
    match foreseen {
        Some(foreseen) => progress::went_through(app, tx, &run.id, &at_once::result(foreseen), counts).await,
        None => progress::applied(app, tx, &run.id, counts).await.map(drop),
    }
}

/// Ends a run that failed, with what could be saved.
pub(super) async fn fail(app: &App, run: &Run, failure: Failure, receiver: Arc<Receiver>) -> Result<(), Problem> {
    if let Some(foreseen) = receiver.settled().await {
        // What failed is its apply.
        move_on(app, run, foreseen).await?;
    }
    if let Some(state) = &failure.recovery.state {
        store_state(app, run, state).await?;
    }
    let killed = current(app, &run.id).await?.kill_requested_at.is_some();
    if let FailureKind::Deferred(deferred) = &failure.kind {
        let tx = app.db.write().await?;
        progress::deferred(&tx, &run.id, &deferred.reason).await?;
        tx.commit().await?;
    }
    let how = match failure.kind {
        FailureKind::Canceled if killed => End::Killed,
        FailureKind::Canceled => End::Canceled,
        FailureKind::Terraform | FailureKind::Executor | FailureKind::Deferred(_) => End::Failed,
    };
    end(app, run, how, &failure.message, &failure.recovery, receiver).await
}

/// Ends a run before its time, after its log; its state is stored by then.
pub(super) async fn end(
    app: &App,
    run: &Run,
    how: End,
    message: &str,
    recovery: &Recovery,
    receiver: Arc<Receiver>,
) -> Result<(), Problem> {
    receiver.finish().await?;
    let tx = app.db.write().await?;
    progress::ended(app, &tx, &run.id, how, message, recovery).await?;
    tx.commit().await
}

/// Stores the state that a run leaves.
pub(super) async fn store_state(app: &App, run: &Run, state: &Bytes) -> Result<(), Problem> {
    let sent = send_state(app, run, state).await;
    take_state(app, run, sent).await?.commit(app).await
}

/// Stores the bytes of the state that a run leaves.
async fn send_state(app: &App, run: &Run, state: &Bytes) -> Result<Sent, Problem> {
    let mut patience = Patience::default();
    loop {
        match states::service::send(app, run, state.clone(), false).await {
            Err(problem) => patience.after(app, run, problem).await?,
            sent => return sent,
        }
    }
}

/// Takes the state that a run leaves, in a transaction that is still open.
async fn take_state(app: &App, run: &Run, sent: Result<Sent, Problem>) -> Result<Taken, Problem> {
    let (sent, mut patience) = (sent?, Patience::default());
    loop {
        match states::service::take(app, run, &sent).await {
            Err(problem) => patience.after(app, run, problem).await?,
            taken => return taken,
        }
    }
}

/// With a state that a run leaves, a store that does not answer is asked again for a while: nothing is worth more.
struct Patience {
    pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { pause: Duration::from_millis(500) }
    }
}

impl Patience {
    /// Returns when it is time to ask again.
    ///
    /// # Errors
    /// The `problem`, when it is another one or there is no patience left.
    async fn after(&mut self, app: &App, run: &Run, problem: Problem) -> Result<(), Problem> {
        if problem.fault != Fault::Unavailable || self.pause >= Duration::from_secs(60) {
            return Err(problem);
        }
        tracing::warn!(run = run.id, cause = problem.cause, "the state could not be stored, trying again");
        app.reserve.release();
        tokio::time::sleep(self.pause).await;
        self.pause *= 2;
        Ok(())
    }
}

/// What is done when a phase cannot be told of, or its state not be stored: the run ends with the reason, and its folder
/// stays for whoever has to look. Where nothing can be stored at the moment, the run is let go as it is: what it came to is in
/// its folder, and it is taken up once the database answers.
pub(super) async fn give_up(app: &App, run: &str, problem: Problem) -> Outcome {
    tracing::error!(run, code = problem.code, cause = problem.cause, "{}", problem.message);
    if problem.fault == Fault::Unavailable {
        return Outcome::LetGo;
    }
    let outcome = async {
        let run_now = current(app, run).await?;
        let was_applying = run_now.status() == RunStatus::Applying || at_once::is_under_way(&run_now);
        let kept = if was_applying { sweep::keep(app, run) } else { None };
        let kept = kept.map(|folder| format!(" What terraform saved is in {folder}.")).unwrap_or_default();
        let tx = app.db.write().await?;
        let message = format!("{problem}{kept}");
        progress::ended(app, &tx, run, End::Failed, &message, &Recovery::default()).await?;
        tx.commit().await
    };
    match outcome.await {
        Ok(()) => Outcome::Settled,
        Err(problem) => {
            tracing::error!(run, code = problem.code, cause = problem.cause, "{}", problem.message);
            if problem.fault == Fault::Unavailable { Outcome::LetGo } else { Outcome::Settled }
        }
    }
}

async fn current(app: &App, run: &str) -> Result<Run, Problem> {
    runs::by_id(&app.db.look(), run)
        .await?
        .ok_or_else(|| Problem::not_found("run/not-found", "The run is gone.").advice("There is nothing to do."))
}

/// Passes on to the executor that somebody asked for the run to be canceled or killed, or that the server stops.
pub(super) fn watch(app: &App, run: &str, stop: Stop, closing: CancellationToken) -> AbortOnDropHandle<()> {
    let (app, run) = (app.clone(), run.to_owned());
    let mut changes = app.changes.listen();
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            if let Ok(run) = current(&app, &run).await {
                if run.kill_requested_at.is_some() {
                    stop.kill();
                } else if run.cancel_requested_at.is_some() {
                    stop.interrupt();
                }
            }
            loop {
                tokio::select! {
                    change = changes.recv() => match change {
                        Ok(Change::Run { run: asked, what: RunNews::Asked, .. }) if asked == run => break,
                        Ok(_) => {}
                        Err(_) => break,
                    },
                    () = closing.cancelled(), if !stop.is_asked() => stop.interrupt(),
                }
            }
        }
    }))
}

/// Moves a run on from its plan to its apply.
async fn move_on(app: &App, run: &Run, foreseen: Foreseen) -> Result<(), Problem> {
    let tx = app.db.write().await?;
    progress::went_on(app, &tx, &run.id, &at_once::result(foreseen)).await?;
    tx.commit().await
}

/// Where output and snapshots of one phase go.
pub(super) struct Receiver {
    app: App,
    run: Run,
    log: Mutex<Option<LogWriter>>,
    /// Nobody has begun its logs before.
    new: bool,
    /// Terraform went on from the plan to the apply, whose log this is now.
    gone_on: AtomicBool,
    /// What it had planned by then, until the run has moved on as well.
    foreseen: Arc<Mutex<Option<Foreseen>>>,
    moving: std::sync::Mutex<Option<AbortOnDropHandle<()>>>,
}

impl Receiver {
    /// Begins a phase, or goes on with one.
    pub(super) async fn open(app: &App, run: &Run, phase: &str) -> Result<Arc<Self>, Problem> {
        Ok(Self::writing(app, run, LogWriter::open(app, phase).await?, false))
    }

    /// Begins a phase of a run that begins once, and does so now.
    pub(super) async fn begin(app: &App, run: &Run, phase: &str) -> Result<Arc<Self>, Problem> {
        Ok(Self::writing(app, run, LogWriter::begin(app, phase).await?, true))
    }

    fn writing(app: &App, run: &Run, log: LogWriter, new: bool) -> Arc<Self> {
        let (app, run, log) = (app.clone(), run.clone(), Mutex::new(Some(log)));
        let gone_on = AtomicBool::new(false);
        Arc::new(Self { app, run, log, new, gone_on, foreseen: Arc::default(), moving: std::sync::Mutex::default() })
    }

    /// Whether the run has gone on to its apply.
    pub(super) fn has_gone_on(&self) -> bool {
        self.gone_on.load(Ordering::Relaxed)
    }

    /// Moves this on to the apply's log, and the run from its plan to its apply: soon, because of one that is applied by then it is noted together
    /// with its end.
    pub(super) async fn go_on(&self, foreseen: Foreseen) -> Result<(), Problem> {
        let mut log = self.log.lock().await;
        if let Some(plan) = log.take() {
            plan.finish().await?;
        }
        let apply = runs::apply_of(&self.app.db.look(), &self.run.id).await?;
        *log = Some(match self.new {
            true => LogWriter::begin(&self.app, &apply.id).await?,
            false => LogWriter::open(&self.app, &apply.id).await?,
        });
        self.gone_on.store(true, Ordering::Relaxed);
        *self.foreseen.lock().await = Some(foreseen);
        let (app, run, foreseen) = (self.app.clone(), self.run.clone(), self.foreseen.clone());
        let moving = AbortOnDropHandle::new(tokio::spawn(async move {
            tokio::time::sleep(SOON).await;
            // Whoever ends the run waits for this.
            let mut foreseen = foreseen.lock().await;
            if let Some(planned) = foreseen.take()
                && let Err(problem) = move_on(&app, &run, planned).await
            {
                tracing::error!(run = run.id, code = problem.code, cause = problem.cause, "{}", problem.message);
                *foreseen = Some(planned);
            }
        }));
        *self.moving.lock().unwrap_or_else(PoisonError::into_inner) = Some(moving);
        Ok(())
    }

    /// What was planned by a run that has not moved on yet, and does not by itself any more.
    pub(super) async fn settled(&self) -> Option<Foreseen> {
        self.foreseen.lock().await.take()
    }

    /// Says in the log why terraform was not started.
    pub(super) async fn refuse(&self, problem: Problem) -> Failure {
        self.log(Bytes::from(format!("\nError: {}\n\n{}\n", problem.message, problem.advice))).await;
        Failure { kind: FailureKind::Executor, message: problem.to_string(), recovery: Recovery::default() }
    }

    /// Says in the log what went wrong outside of terraform, which says its own errors itself.
    pub(super) async fn explained<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(failure) = &result
            && failure.kind == FailureKind::Executor
        {
            self.log(Bytes::from(format!("\nError: {}\n", failure.message))).await;
        }
        result
    }

    /// Brings a log that was cut off up to `whole`, of which it may have the beginning.
    pub(super) async fn complete(&self, whole: &Bytes) -> Result<(), Problem> {
        match self.log.lock().await.as_mut() {
            Some(log) => {
                let written = usize::try_from(log.written()).unwrap_or(usize::MAX).min(whole.len());
                log.append(&whole[written..]).await
            }
            None => Ok(()),
        }
    }

    pub(super) async fn finish(&self) -> Result<(), Problem> {
        match self.log.lock().await.take() {
            Some(log) => log.finish().await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Upstream for Receiver {
    async fn log(&self, bytes: Bytes) {
        if let Some(log) = self.log.lock().await.as_mut()
            && let Err(problem) = log.append(&bytes).await
        {
            tracing::error!(run = self.run.id, code = problem.code, cause = problem.cause, "{}", problem.message);
        }
    }

    async fn initialised(&self) {
        if self.run.home {
            let (workspace, run) = (self.run.workspace_id.clone(), self.run.id.clone());
            self.app.changes.tell(Change::Run { workspace, run, what: RunNews::Initialised });
        }
    }

    async fn planned(&self, foreseen: Foreseen, outputs: &[String]) {
        self.app.held.foresees(&self.run.id, outputs);
        if let Err(problem) = self.go_on(foreseen).await {
            tracing::error!(run = self.run.id, code = problem.code, cause = problem.cause, "{}", problem.message);
        }
    }

    async fn snapshot(&self, state: Bytes) {
        if let Err(problem) = states::service::from_run(&self.app, &self.run, state, true).await {
            tracing::error!(run = self.run.id, code = problem.code, cause = problem.cause, "{}", problem.message);
        }
    }
}
