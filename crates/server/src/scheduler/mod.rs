//! Decides which runs start, and drives each through terraform.
//!
//! At its own pace: woken by what was committed, it reads the facts, asks `domain::queue`, and starts what it is told. No
//! handler starts anything, and nothing here polls.

mod approve;
mod auto_destroy;
mod drive;
mod fetch;
mod parked;
mod recover;
mod stacks;
mod sweep;
mod triggers;
mod work;

pub use recover::take_up;
pub use work::connection;

use std::collections::BTreeSet;

use domain::Problem;
use domain::id::Id;
use domain::queue::{Start, Wants};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::app::App;
use crate::resources::runs::queue::Ledger;
use crate::resources::runs::{self, waits};
use crate::storage::Change;

/// Schedules until `closing` is cancelled, and then until everything that is in terraform has been interrupted and has
/// saved its state. `tasks` are those of [`take_up`], which comes first.
pub async fn run(app: App, closing: CancellationToken, mut tasks: JoinSet<()>) {
    let mut changes = app.changes.listen();
    let _triggers = AbortOnDropHandle::new(tokio::spawn(triggers::watch(app.clone(), closing.clone())));
    let _parked = AbortOnDropHandle::new(tokio::spawn(parked::watch(app.clone(), closing.clone())));
    let _auto_destroy = AbortOnDropHandle::new(tokio::spawn(auto_destroy::watch(app.clone(), closing.clone())));
    let _stacks = AbortOnDropHandle::new(tokio::spawn(stacks::watch(app.clone(), closing.clone())));
    let mut ledger = None;
    let mut news = News::default();
    tasks.spawn(fetch::run(app.clone(), closing.clone()));
    while !closing.is_cancelled() {
        if let Err(problem) = dispatch(&app, &closing, &mut tasks, &mut ledger, &news).await {
            tracing::error!(code = problem.code, cause = problem.cause, "{}", problem.message);
            // What was to be noted may not have been.
            ledger = None;
        }
        news = wait(&mut changes, &closing, &mut tasks).await;
        sweep::these(&app, std::mem::take(&mut news.runs)).await;
    }
    while tasks.join_next().await.is_some() {}
}

/// What has changed.
#[derive(Default)]
struct News {
    /// Runs that have moved.
    runs: BTreeSet<String>,
    /// Workspaces whose queue, lock or tags may be others.
    workspaces: BTreeSet<String>,
    /// Limits may allow more or fewer.
    limits: bool,
    /// Everything may be: some news was missed.
    everything: bool,
}

impl News {
    fn note(&mut self, change: Change) -> bool {
        match change {
            Change::Run { workspace, run } => {
                self.runs.insert(run);
                self.workspaces.insert(workspace);
            }
            Change::Workspace { workspace } if workspace.is_empty() => self.limits = true,
            Change::Workspace { workspace } => drop(self.workspaces.insert(workspace)),
            _ => return false,
        }
        true
    }
}

/// Returns when something has changed that may let a run start.
async fn wait(changes: &mut Receiver<Change>, closing: &CancellationToken, tasks: &mut JoinSet<()>) -> News {
    let mut news = News::default();
    loop {
        tokio::select! {
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
            Some(_) = tasks.join_next() => {}
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
    tasks: &mut JoinSet<()>,
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
        let tx = app.db.write().await?;
        match runs::progress::start(app, &tx, run.as_str(), turn).await {
            Ok(project) => {
                tx.commit().await?;
                ledger.turn(&project, turn);
            }
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
