//! The apply phase: `apply` of the plan file, its state kept while it runs.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Problem;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::applied_log;
use crate::beside;
use crate::folder::{Folder, append_private, make_private, open_private, write_private};
use crate::follow::Follow;
use crate::foreign;
use crate::held;
use crate::init;
use crate::keeper::choose;
use crate::plan::{executor_failure, failure, unwritable};
use crate::planned;
use crate::prepare::{self, Prepared};
use crate::process::{Ended, Output as Streams, ours};
use crate::recovery;
use crate::render::{Form, Rendering};
use crate::ring::Ring;
use crate::state::Base;
use crate::stop::Stop;
use crate::work::{Applied, Failure, Output, Phase, Upstream, Work};

/// States that are saved within so long of one another are offered once.
const TOGETHER: Duration = Duration::from_millis(200);

/// Applies the plan that the plan phase left in the folder; where the folder is gone it is rebuilt around
/// `work.plan_file`.
///
/// The log begins with three lines that name terraform. Terraform runs with `-json` for both outputs: for
/// [`Output::Human`] its lines are rendered. Each state that it saves is offered to [`Upstream::snapshot`], the newest
/// only when the receiver is slow.
///
/// Dropping the future is like our death: terraform goes on, and [`recover`](crate::recover()) finds what came of it.
///
/// # Errors
/// A [`Failure`] whose `recovery` says what was saved, what was done and is not saved, and what is in doubt. An apply
/// that was interrupted is `Canceled`, unless terraform had nothing left to do. An apply that was begun once in this folder
/// is refused: it is never begun again.
pub async fn apply(work: &Work, upstream: Arc<dyn Upstream>, stop: Stop) -> Result<Applied, Failure> {
    let mut prepared = match prepare(work, stop).await {
        Ok(prepared) => prepared,
        Err(problem) => return Err(executor_failure(&problem)),
    };
    upstream.log(Bytes::from(prepared.version.preamble())).await;
    let outcome = initialised_and_run(work, &mut prepared, &upstream).await;
    told(work, &prepared, outcome).await
}

/// The end of an apply as its caller is told it: with what was saved, where it did not end well.
pub(crate) async fn told<T>(
    work: &Work,
    prepared: &Prepared,
    outcome: Result<Result<T, Failure>, Problem>,
) -> Result<T, Failure> {
    let ended = prepared.launcher.ended();
    let mut failed = match (outcome, ended) {
        (Ok(Ok(applied)), Ok(())) => return Ok(applied),
        (Ok(Err(failure)), _) => failure,
        (Err(problem), _) | (Ok(Ok(_)), Err(problem)) => executor_failure(&problem),
    };
    let (folder, record, prior) =
        (prepared.launcher.folder.clone(), prepared.launcher.record.clone(), work.state.clone());
    match tokio::task::spawn_blocking(move || recovery::of(&folder, &record, prior.as_ref())).await {
        Ok(recovery) => failed.recovery = recovery,
        Err(problem) => tracing::error!(%problem, "the run's folder could not be read; what it saved is still there"),
    }
    Err(prepared.secrets.failure(failed))
}

async fn prepare(work: &Work, stop: Stop) -> Result<Prepared, Problem> {
    prepare::refuse_second_apply(&Folder::new(&work.folder))?;
    if prepare::is_planned(work) {
        return prepare::reuse(work, Phase::Apply, stop).await;
    }
    let Some(plan_file) = &work.plan_file else {
        return Err(Problem::conflict("executor/no-plan", "The run's folder is gone, and with it the plan.")
            .advice("Plan again."));
    };
    let mut prepared = prepare::build(work, Phase::Apply, stop).await?;
    if !planned::is_unhashed(plan_file) {
        prepared.launcher.checks.leave();
    }
    let folder = &prepared.launcher.folder;
    make_private(&folder.made()).and_then(|()| write_private(&folder.plan_file(), plan_file)).map_err(unwritable)?;
    // It may have been held while it was planned.
    write_private(&folder.gate(), held::OPEN.as_bytes()).map_err(unwritable)?;
    Ok(prepared)
}

async fn initialised_and_run(
    work: &Work,
    prepared: &mut Prepared,
    upstream: &Arc<dyn Upstream>,
) -> Result<Result<Applied, Failure>, Problem> {
    if !prepare::is_initialised(&prepared.launcher.folder) {
        if let Some(failure) = init::run(prepared, upstream).await? {
            return Ok(Err(failure));
        }
        choose::by_plan(work, prepared).await?;
    }
    let prepared = &*prepared;
    let folder = &prepared.launcher.folder;
    let log = folder.log(Phase::Apply);
    open_private(&log).map_err(unwritable)?;
    let form = match work.output {
        Output::Json => Form::Json,
        Output::Human => Form::Human,
    };
    let follow = Follow::start(log, &prepared.secrets, Rendering::new(form), upstream.clone())?;
    let outcome = match Keeping::begin(work, prepared) {
        Ok(keeping) => kept(keeping, upstream, run(prepared)).await,
        Err(problem) => Err(problem),
    };
    follow.finish().await;
    match outcome? {
        // An interrupt that came too late to leave anything undone interrupted nothing.
        Ended::Exit(Some(0)) | Ended::Stopped(Some(0)) => Ok(Ok(applied(work, prepared).await?)),
        ended => Ok(Err(failure(&ended, "apply"))),
    }
}

/// The ring that keeps what terraform saves, and what it kept last.
pub(crate) struct Keeping {
    ring: Ring,
    newest: Newest,
}

impl Keeping {
    /// Begins to keep it; `None` where multispace does not hold the state.
    pub(crate) fn begin(work: &Work, prepared: &Prepared) -> Result<Option<Self>, Problem> {
        let Some(state) = prepared.state.clone() else { return Ok(None) };
        let ring = prepared.launcher.folder.ring();
        let (ring, newest) = Ring::open(&work.folder, state, ring, Base::new(work.state.as_ref()))?;
        Ok(Some(Self { ring, newest }))
    }
}

/// Lets terraform run while the ring keeps what it saves.
pub(crate) async fn kept(
    keeping: Option<Keeping>,
    upstream: &Arc<dyn Upstream>,
    run: impl Future<Output = Result<Ended, Problem>>,
) -> Result<Ended, Problem> {
    let Some(Keeping { ring, newest }) = keeping else { return run.await };
    let over = CancellationToken::new();
    let offering = AbortOnDropHandle::new(tokio::spawn(offer(newest, upstream.clone(), over.clone())));
    let ended = run.await;
    over.cancel();
    ring.close().await;
    match offering.await {
        // What did not end well may take its time: the newest is offered before anybody makes sense of the rest.
        Ok((newest, offered)) if !matches!(ended, Ok(Ended::Exit(Some(0)))) => {
            let state = newest.borrow().clone().filter(|state| offered.as_ref() != Some(state));
            if let Some(state) = state {
                upstream.snapshot(state).await;
            }
        }
        Ok(_) => {}
        Err(problem) => tracing::error!(%problem, "saved states could not be offered"),
    }
    ended
}

/// The newest state that was saved.
type Newest = watch::Receiver<Option<Bytes>>;

/// Offers the newest state, again and again, until the apply is over: the last one is then the result itself. What is saved right after
/// another is offered with it: the ring has each. Says which was offered last.
async fn offer(mut newest: Newest, upstream: Arc<dyn Upstream>, over: CancellationToken) -> (Newest, Option<Bytes>) {
    let mut offered = None;
    loop {
        tokio::select! {
            biased;
            () = over.cancelled() => return (newest, offered),
            changed = newest.changed() => if changed.is_err() { return (newest, offered) },
        }
        tokio::select! {
            biased;
            () = over.cancelled() => return (newest, offered),
            () = tokio::time::sleep(TOGETHER) => {}
        }
        let state = newest.borrow_and_update().clone();
        if let Some(state) = state {
            offered = Some(state.clone());
            upstream.snapshot(state).await;
        }
    }
}

async fn run(prepared: &Prepared) -> Result<Ended, Problem> {
    let launcher = &prepared.launcher;
    let log = append_private(&launcher.folder.log(Phase::Apply)).map_err(unwritable)?;
    let arguments: [OsString; 4] =
        ["apply".into(), "-input=false".into(), "-json".into(), launcher.folder.plan_file().into_os_string()];
    launcher.run("apply", &arguments, Streams::together(log).map_err(unwritable)?).await
}

pub(crate) async fn applied(work: &Work, prepared: &Prepared) -> Result<Applied, Problem> {
    let log = prepared.launcher.folder.log(Phase::Apply);
    let (folder, state, prior) = (work.folder.clone(), prepared.state.clone(), work.state.clone());
    let length = |file: &Path| fs::symlink_metadata(file).map_or(0, |found| found.len());
    let bytes = length(&log) + state.as_deref().map_or(0, length);
    let reading = beside::done(bytes, move || {
        let counts = applied_log::read(&log).map_err(unwritable)?.counts;
        let state = match state {
            Some(file) => final_state(&folder, &file, prior.as_ref())?,
            None => None,
        };
        Ok(Applied { state, counts })
    });
    reading.await.map_err(|problem| ours("Terraform's state could not be read.", problem))?
}

fn final_state(folder: &Path, file: &Path, prior: Option<&Bytes>) -> Result<Option<Bytes>, Problem> {
    let bytes = match foreign::read(folder, file) {
        Ok(bytes) => Bytes::from(bytes),
        // An empty plan on an empty workspace: there was nothing to write down.
        Err(problem) if problem.kind() == io::ErrorKind::NotFound && prior.is_none() => return Ok(None),
        Err(problem) => return Err(ours("Terraform left no state.", problem)),
    };
    if Base::new(prior).continues(&bytes) {
        Ok(Some(bytes))
    } else {
        Err(ours("Terraform's state does not continue the one before.", file.display()))
    }
}
