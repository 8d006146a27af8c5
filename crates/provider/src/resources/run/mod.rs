//! A run that a resource wants done: started or taken up, watched, tried again, given up.
//!
//! - [`Order`]: what is wanted, and how long and how often.
//! - `launch`: starts the run, or takes up the one that an interrupted apply left behind.
//! - `watch`: until it is final, confirming it where that is wanted. Driven by "is it final" and "can it be confirmed",
//!   never by a list of statuses, so that a status nobody here has heard of is only a longer wait.
//! - `explain`: a failure in words, with the workspace, the phase, the address and terraform's own errors.

mod backoff;
mod explain;
mod launch;
mod order;
mod watch;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use client::runs::{self, Action, Run};
use client::{Client, Item, workspaces};

use crate::protocol::diagnostics::of_problem;
use crate::protocol::messages::Diagnostic;
use crate::provider::Context;

pub(super) use explain::interrupted;
pub(super) use launch::seen_in_a_state;
pub(super) use order::{Interrupt, Order, Retry, duration};

/// Note kept with a state whose run was not over when Terraform was interrupted.
pub(super) const PENDING: &[u8] = b"{\"pending\":true}";
/// Note kept with a state whose run bears the comment that a state has it.
pub(super) const SEEN: &[u8] = b"{\"seen\":true}";
/// How long the remote side of an interruption may take; Terraform waits for us meanwhile.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How an order ended, when it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The run is final, or was only to be started.
    Done {
        /// The run.
        id: String,
        /// Where people see it.
        url: String,
    },
    /// There was nothing to destroy: the workspace never had a configuration.
    Nothing,
    /// The person interrupted; the run, if there is one, goes on.
    Interrupted {
        /// The run.
        id: Option<String>,
        /// Where people see it.
        url: Option<String>,
        /// Whether the run was told to stop as well.
        is_cancelled: bool,
    },
}

/// What is known about the run in progress, also to whoever stops waiting for it.
#[derive(Debug, Clone, Default)]
struct Progress {
    id: Option<String>,
    url: Option<String>,
    status: String,
}

struct Job<'a> {
    context: &'a Context,
    client: &'a Client,
    workspace: &'a Item,
    order: &'a Order,
    progress: Mutex<Progress>,
}

/// Carries out an order in a workspace that was just read.
pub(super) async fn carry_out(
    context: &Context,
    client: &Client,
    workspace: &Item,
    order: &Order,
) -> Result<Ended, Diagnostic> {
    let job = Job { context, client, workspace, order, progress: Mutex::default() };
    let deadline = async {
        match order.timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        biased;
        () = context.stop.cancelled() => Ok(job.interrupted().await),
        ended = job.attempts() => ended,
        () = deadline => Err(job.timed_out().await),
    };
    // A run that ended well stays looked after: it will be in a state, though Terraform has not stored that yet.
    if let (Err(_), Some(id)) = (&ended, job.progress().id) {
        context.looked_after.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&id);
    }
    ended
}

impl Job<'_> {
    async fn attempts(&self) -> Result<Ended, Diagnostic> {
        let most = self.order.retry.map_or(0, |retry| retry.attempts);
        for attempt in 0.. {
            let known = self.order.resumes.as_deref().filter(|_| attempt == 0);
            let launched = match launch::launch(self, known).await {
                Err(problem) if self.order.is_destroy && runs::is_configuration_missing(&problem) => {
                    return Ok(Ended::Nothing);
                }
                Err(problem) => {
                    let tried = format!("error creating run for workspace {}", explain::name(self.workspace));
                    return Err(of_problem(&tried, &problem));
                }
                Ok(run) => run,
            };
            self.now_at(&launched).await?;
            let run = if self.order.wait { watch::watch(self, launched).await? } else { launched };
            if !self.order.wait || run.attributes.is_success() {
                return Ok(Ended::Done { url: self.progress().url.unwrap_or_default(), id: run.id });
            }
            if run.attributes.is_stopped() {
                return Err(explain::stopped(self.workspace, &run, self.progress().url.as_deref()));
            }
            let failure = runs::failure(self.client, &run).await;
            let verdict = explain::verdict(&failure, attempt, most);
            if !verdict.again {
                return Err(explain::failed(self.workspace, &run, &failure, self.progress().url.as_deref(), &verdict));
            }
            let pause = self.order.retry.map_or(Duration::ZERO, |retry| backoff::before(attempt + 1, retry));
            tracing::info!("run {} errored during {}: again in {:.1} s", run.id, failure.phase, pause.as_secs_f64());
            tokio::time::sleep(pause).await;
        }
        unreachable!("the last attempt is never followed by another")
    }

    /// Notes which run is in progress.
    async fn now_at(&self, run: &Run) -> Result<(), Diagnostic> {
        let url = workspaces::run_url(self.client, self.workspace, &run.id).await;
        let url = url.map_err(|problem| of_problem("finding the address of the run", &problem))?;
        tracing::info!("run {} of workspace {}: {url}", run.id, explain::name(self.workspace));
        let mut looked_after = self.context.looked_after.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        looked_after.insert(run.id.clone());
        drop(looked_after);
        let mut progress = self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *progress = Progress { id: Some(run.id.clone()), url: Some(url), status: run.attributes.status.clone() };
        Ok(())
    }

    fn note_status(&self, status: &str) {
        status.clone_into(&mut self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner).status);
    }

    fn progress(&self) -> Progress {
        self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    async fn interrupted(&self) -> Ended {
        let progress = self.progress();
        let mut is_cancelled = false;
        if let (Interrupt::Cancel, Some(id)) = (self.order.on_interrupt, &progress.id) {
            is_cancelled = tokio::time::timeout(LAST_WORDS, self.give_up(id)).await.unwrap_or_default();
        }
        Ended::Interrupted { id: progress.id, url: progress.url, is_cancelled }
    }

    /// Stops the run by whichever way its state allows. Says whether that worked.
    async fn give_up(&self, id: &str) -> bool {
        for action in [Action::Discard, Action::Cancel] {
            if runs::act(self.client, id, action, "Terraform was interrupted.").await.is_ok() {
                return true;
            }
        }
        false
    }

    async fn timed_out(&self) -> Diagnostic {
        let progress = self.progress();
        let holder = async {
            let id = self.workspace.id.as_str();
            let workspace = workspaces::read(self.client, id).await.ok()?;
            let own = progress.id.as_deref().unwrap_or_default();
            let holder = workspaces::holder(self.client, &workspace, own).await;
            let in_front = client::queue::in_front_in_workspace(self.client, id, own).await.unwrap_or_default();
            let organization = workspace.related("organization").unwrap_or_default();
            match (holder, in_front) {
                (Some(holder), 2..) => Some(format!("{holder}, and {in_front} runs are in front of it in all")),
                (Some(holder), _) => Some(holder),
                (None, _) => {
                    let place = client::queue::place_in_organization(self.client, organization, own).await.ok()?;
                    (place > 0).then(|| format!("it is number {place} in the queue of the organization"))
                }
            }
        };
        let holder = tokio::time::timeout(LAST_WORDS, holder).await.ok().flatten();
        explain::timed_out(self.workspace, self.order, &progress, holder.as_deref())
    }
}

/// Since when something has been going on, for the log.
fn seconds(since: Instant) -> u64 {
    since.elapsed().as_secs()
}
