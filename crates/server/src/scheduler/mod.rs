//! Decides which runs start, and drives each through terraform.
//!
//! At its own pace: woken by what was committed, it reads the facts, asks `domain::queue`, and starts what it is told. No
//! handler starts anything, and nothing here polls.

mod approve;
mod at_once;
mod auto_destroy;
mod describe;
mod drive;
mod fetch;
mod hands;
mod parked;
mod recover;
mod stacks;
mod sweep;
mod triggers;
mod work;

pub use describe::describe;
pub use drive::{Begun, begin};
pub use recover::take_up;
pub use work::{ahead, connection};

use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::Id;
use domain::queue::{Start, Wants};
use domain::{Fault, Problem};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::hands::{Hands, Outcome};
use crate::app::App;
use crate::resources::runs::queue::Ledger;
use crate::resources::runs::waits;
use crate::storage::{Change, RunNews};

/// Pause before a database that did not answer is asked again; doubled each time, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(250);
/// Longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Schedules until `closing` is cancelled, and then until everything that is in terraform has been interrupted and has
/// saved its state. `hands` are those of [`take_up`], which comes first.
///
/// When the database or the disk did not answer, runs may be under way that nobody drives: what they came to could not be
/// written, or was written without an answer. After a pause they are taken up as they would be after a restart.
pub async fn run(app: App, closing: CancellationToken, mut hands: Hands) {
    let mut changes = app.changes.listen();
    // What a server does by itself. A command that walks a stack at home starts what it wants, and nothing else is its to start.
    let (mut watches, mut fetching) = (Vec::new(), None);
    if app.setup.resume {
        let (app, closing) = (|| app.clone(), || closing.clone());
        watches.push(AbortOnDropHandle::new(tokio::spawn(triggers::watch(app(), closing()))));
        watches.push(AbortOnDropHandle::new(tokio::spawn(parked::watch(app(), closing()))));
        watches.push(AbortOnDropHandle::new(tokio::spawn(auto_destroy::watch(app(), closing()))));
        watches.push(AbortOnDropHandle::new(tokio::spawn(stacks::watch(app(), closing()))));
        fetching = Some(AbortOnDropHandle::new(tokio::spawn(fetch::run(app(), closing()))));
    }
    let mut ledger = None;
    let mut sweeper = sweep::Sweeper::new(app.clone());
    let mut news = News::default();
    let (mut again, mut pause) = (None, PAUSE);
    while !closing.is_cancelled() {
        let outcome = async {
            if again.is_some_and(|moment| moment <= Instant::now()) {
                recover::take_up_again(&app, &closing, &mut hands).await?;
                again = None;
            }
            dispatch(&app, &closing, &mut hands, &mut ledger, &news).await
        };
        if let Err(problem) = outcome.await {
            tracing::error!(code = problem.code, cause = problem.cause, "{}", problem.message);
            // What was to be noted may not have been.
            ledger = None;
            let now = Instant::now();
            if again.is_none_or(|moment| moment <= now) {
                again = Some(now + pause);
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        } else if again.is_none() {
            pause = PAUSE;
        }
        news = wait(&app, &mut changes, &closing, &mut hands, &mut sweeper, again).await;
        for (run, outcome) in std::mem::take(&mut news.ended) {
            match outcome {
                Outcome::Settled => {}
                Outcome::LetGo => again = again.or_else(|| Some(Instant::now() + pause)),
                Outcome::Died => {
                    let problem = Problem::ours("run/driver", "What drove this run in the server died.", &run)
                        .advice("Look at the server's log, and start a new run.");
                    let (app, id) = (app.clone(), run.clone());
                    hands.take(run, async move { drive::give_up(&app, &id, problem).await });
                }
            }
        }
        // Their slots are taken by whoever began them.
        for begun in app.held.begun() {
            let (app, closing, run) = (app.clone(), closing.clone(), begun.id().to_owned());
            hands.take(run.clone(), async move { drive::plan(app, &run, Some(begun), closing).await });
        }
        sweeper.sweep(std::mem::take(&mut news.over));
    }
    while hands.next().await.is_some() {}
    sweeper.swept().await;
    if let Some(fetching) = fetching {
        let _ = fetching.await;
    }
}

/// What has changed.
#[derive(Default)]
struct News {
    /// Runs that have ended.
    over: BTreeSet<String>,
    /// Workspaces whose queue, lock or tags may be others.
    workspaces: BTreeSet<String>,
    /// Limits may allow more or fewer.
    limits: bool,
    /// Everything may be: some news was missed.
    everything: bool,
    /// Runs that are not driven any more.
    ended: Vec<(String, Outcome)>,
}

impl News {
    fn note(&mut self, change: Change) -> bool {
        match change {
            // Whoever drives it stops it; nobody gets its slot for that.
            Change::Run { what: RunNews::Asked | RunNews::Initialised | RunNews::WaitsForMemory, .. } => return false,
            Change::Run { workspace, run, what } => {
                if what == RunNews::Over {
                    self.over.insert(run);
                }
                self.workspaces.insert(workspace);
            }
            Change::Workspace { workspace } if workspace.is_empty() => self.limits = true,
            Change::Workspace { workspace } => drop(self.workspaces.insert(workspace)),
            _ => return false,
        }
        true
    }
}

/// Returns when something has changed that may let a run start, when a run was left alone, and at the moment `again`.
async fn wait(
    app: &App,
    changes: &mut Receiver<Change>,
    closing: &CancellationToken,
    hands: &mut Hands,
    sweeper: &mut sweep::Sweeper,
    again: Option<Instant>,
) -> News {
    let mut news = News::default();
    let due = async {
        match again {
            Some(moment) => tokio::time::sleep_until(moment).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(due);
    loop {
        tokio::select! {
            () = &mut due => {
                news.everything = true;
                break;
            }
            change = changes.recv() => match change {
                Ok(change) => {
                    if news.note(change) {
                        break;
                    }
                }
                Err(RecvError::Lagged(_) | RecvError::Closed) => {
                    news.everything = true;
                    break;
                }
            },
            Some((run, outcome)) = hands.next() => {
                if outcome != Outcome::Settled {
                    news.ended.push((run, outcome));
                    break;
                }
            }
            () = app.held.heard() => break,
            () = sweeper.swept(), if sweeper.is_busy() => {}
            () = closing.cancelled() => break,
        }
    }
    // What has come in the meantime is answered by the same look at the facts.
    loop {
        match changes.try_recv() {
            Ok(change) => drop(news.note(change)),
            Err(TryRecvError::Lagged(_)) => news.everything = true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return news,
        }
    }
}

async fn dispatch(
    app: &App,
    closing: &CancellationToken,
    hands: &mut Hands,
    ledger: &mut Option<Ledger>,
    news: &News,
) -> Result<(), Problem> {
    let began = Instant::now();
    let tx = app.db.look();
    let ledger = match ledger {
        Some(known) if !news.everything => {
            known.refresh(&tx, &news.workspaces, news.limits).await?;
            known
        }
        _ => ledger.insert(Ledger::load(&tx).await?),
    };
    drop(tx);
    let decisions = ledger.decide();
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(micros, starts = decisions.starts.len(), "gave out slots");
    for run in decisions.resumes {
        let tx = app.db.write().await?;
        waits::resumed(&tx, run.as_str()).await?;
        tx.commit().await?;
    }
    for Start { run, wants } in decisions.starts {
        let turn = app.ports.now().timestamp_micros();
        let plans = wants != Wants::Apply;
        let begun = match drive::start(app, run.as_str(), turn, plans).await {
            Ok((project, begun)) => {
                ledger.turn(&project, turn);
                begun
            }
            Err(problem) if problem.fault == Fault::Unavailable => return Err(problem),
            // Canceled, or its workspace locked, since the facts were read.
            Err(problem) => {
                tracing::debug!(run = run.as_str(), code = problem.code, "not started: {}", problem.message);
                continue;
            }
        };
        let (app, closing) = (app.clone(), closing.clone());
        hands.take(run.as_str().to_owned(), async move {
            match wants {
                Wants::Apply => drive::apply(app, run.as_str(), closing).await,
                Wants::Plan | Wants::SavePlan | Wants::PlanOnly => drive::plan(app, run.as_str(), begun, closing).await,
            }
        });
    }
    Ok(())
}
