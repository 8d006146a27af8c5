//! One poller for each run: a held read where the server offers it, else a read now and then with growing pauses.
//! What changed is kept for whoever looks, and told through one channel.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use client::{Client, Item, encoded, logs};
use domain::Problem;
use domain::run::RunStatus;
use server::local::RunView;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use wire::Document;

use super::super::Heard;
use super::view;

/// The first pause between two reads of a run that did not move; each further one is longer by half.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5);
/// How long a server that can is asked to hold its answer back.
const HELD: Duration = Duration::from_secs(30);
/// An answer that was to be held and came sooner than this without news was not held.
const TOO_SOON: Duration = Duration::from_millis(500);
/// Changes that wait to be heard; who lags reads everything again.
const CHANGES: usize = 256;

/// Runs that are watched, and what is known of them.
pub(super) struct Watches {
    client: Arc<Client>,
    seen: Arc<Mutex<HashMap<String, RunView>>>,
    changes: broadcast::Sender<Result<String, Problem>>,
    /// Ended with this.
    pollers: Mutex<JoinSet<()>>,
}

/// Changes of the watched runs.
pub(crate) struct Changes(broadcast::Receiver<Result<String, Problem>>);

impl Changes {
    /// The next one.
    pub(crate) async fn next(&mut self) -> Result<Heard, Problem> {
        match self.0.recv().await {
            Ok(run) => run.map(Heard::Run),
            Err(broadcast::error::RecvError::Lagged(_)) => Ok(Heard::Missed),
            // The sender lives as long as the host, which outlives its listeners.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Watches {
    pub(super) fn new(client: Arc<Client>) -> Self {
        let (changes, _) = broadcast::channel(CHANGES);
        Self { client, seen: Arc::default(), changes, pollers: Mutex::default() }
    }

    pub(super) fn listen(&self) -> Changes {
        Changes(self.changes.subscribe())
    }

    /// What is known of a watched run.
    pub(super) fn seen(&self, id: &str) -> Option<RunView> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Reads a run, and watches it until it is over. Its first sight is told as a change.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn begin(&self, id: &str) -> Result<RunView, Problem> {
        let document: Document<Item> = self.client.get(&path(id, None)).await?;
        let mut poller =
            Poller { client: self.client.clone(), seen: self.seen.clone(), changes: self.changes.clone(), document };
        let first = poller.publish().await;
        if !first.status.is_final() {
            let id = id.to_owned();
            let poll = async move {
                if let Err(problem) = poller.follow(&id).await {
                    // Nobody listening is fine: the walk is over.
                    let _ = poller.changes.send(Err(problem));
                }
            };
            self.pollers.lock().unwrap_or_else(PoisonError::into_inner).spawn(poll);
        }
        Ok(first)
    }
}

struct Poller {
    client: Arc<Client>,
    seen: Arc<Mutex<HashMap<String, RunView>>>,
    changes: broadcast::Sender<Result<String, Problem>>,
    /// As it was last read.
    document: Document<Item>,
}

impl Poller {
    async fn follow(&mut self, id: &str) -> Result<(), Problem> {
        let mut pause = FIRST;
        loop {
            let asked = Instant::now();
            let path = path(id, Some(self.document.data.text("status")));
            let (document, is_held) = self.client.get_held::<Document<Item>>(&path, HELD).await.map_err(gone)?;
            let moved = news(&document) != news(&self.document);
            self.document = document;
            if moved {
                pause = FIRST;
                if self.publish().await.status.is_final() {
                    return Ok(());
                }
            } else {
                pause = (pause * 3 / 2).min(LONGEST);
            }
            // Who holds answers back may be asked again at once.
            if !is_held || (!moved && asked.elapsed() < TOO_SOON) {
                self.client.pause(pause).await?;
            }
        }
    }

    async fn publish(&self) -> RunView {
        let mut view = view::run(&self.document, None);
        if view.status == RunStatus::Errored {
            view.failure = Some(self.why().await);
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(view.id.clone(), view.clone());
        let _ = self.changes.send(Ok(view.id.clone()));
        view
    }

    /// Terraform's first error. A log that cannot be read is no reason to give up.
    async fn why(&self) -> String {
        let phases = self.document.included.iter().filter_map(|it| serde_json::from_value::<Item>(it.clone()).ok());
        for phase in phases.filter(|phase| phase.text("status") == "errored") {
            if let Ok(log) = logs::read(&self.client, phase.text("log-read-url")).await
                && let Some(error) = logs::errors(&log).into_iter().next()
            {
                return error.summary;
            }
        }
        "The run failed.".to_owned()
    }
}

/// What is told when it changes.
fn news(document: &Document<Item>) -> (&str, Option<bool>) {
    (document.data.text("status"), document.data.get("actions")["is-confirmable"].as_bool())
}

fn path(id: &str, unless: Option<&str>) -> String {
    let unless = unless.map(|status| format!("&unless-status={}", encoded(status))).unwrap_or_default();
    format!("runs/{}?include=plan,apply{unless}", encoded(id))
}

fn gone(problem: Problem) -> Problem {
    problem.advice("Run the same command again: it goes on with the runs that it has started.")
}
