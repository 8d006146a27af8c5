//! Fetches the commits that runs wait for, beside the queue: a slow host keeps neither a slot nor a workspace.
//!
//! A run that fetches is in `fetching`; once its configuration is here it waits in the queue, at the place that its creation gave it. A
//! commit that cannot be fetched ends the run with the reason in its plan's log.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::Problem;
use domain::run::RunStatus;
use executor::Recovery;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::git::{Fetched, Head};
use crate::resources::configurations;
use crate::resources::oauth_clients::{self, Client};
use crate::resources::repositories::{self, Fetch};
use crate::resources::runs::log::LogWriter;
use crate::resources::runs::progress::{self, End};
use crate::resources::runs::{self, Run};
use crate::storage::Change;

/// Runs that are fetched for at once; more wait in the database.
const AT_ONCE: usize = 32;
/// Pauses before a host that did not answer is asked again.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// After a database that did not answer it is asked again so much later.
const AGAIN: Duration = Duration::from_secs(5);

/// Fetches for runs until `closing` is cancelled. What is cut off is begun again at the next start.
pub(super) async fn run(app: App, closing: CancellationToken) {
    let mut changes = app.changes.listen();
    let mut tasks: JoinSet<bool> = JoinSet::new();
    let mut busy: HashMap<tokio::task::Id, String> = HashMap::new();
    let mut rest = None;
    loop {
        let waiting = match rest {
            Some(_) => Vec::new(),
            None => waiting(&app).await.unwrap_or_else(|problem| {
                tracing::error!(code = problem.code, cause = problem.cause, "{}", problem.message);
                rest = Some(Instant::now() + AGAIN);
                Vec::new()
            }),
        };
        let under_way: HashSet<String> = busy.values().cloned().collect();
        for run in waiting.into_iter().filter(|run| !under_way.contains(&run.id)) {
            if busy.len() < AT_ONCE {
                let (app, id) = (app.clone(), run.id.clone());
                let task = tasks.spawn(async move { fetch(&app, run).await });
                busy.insert(task.id(), id);
            }
        }
        loop {
            let rested = async {
                match rest {
                    Some(moment) => tokio::time::sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = rested => {
                    rest = None;
                    break;
                }
                change = changes.recv() => match change {
                    Ok(Change::Run { .. }) | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                },
                Some(ended) = tasks.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, settled)) => {
                            if !settled {
                                rest = Some(Instant::now() + AGAIN);
                            }
                            id
                        }
                        Err(error) => error.id(),
                    };
                    busy.remove(&id);
                    break;
                }
                () = closing.cancelled() => return,
            }
        }
    }
}

async fn waiting(app: &App) -> Result<Vec<Run>, Problem> {
    runs::in_status(&app.db.look(), &[RunStatus::Fetching]).await
}

/// Returns whether what came of it is stored.
async fn fetch(app: &App, run: Run) -> bool {
    let mut pauses = PAUSES.iter();
    let outcome = loop {
        match bring(app, &run).await {
            Err(problem) if problem.code == "git/unreachable" => match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => break Err(problem),
            },
            outcome => break outcome,
        }
    };
    let Err(problem) = outcome else { return true };
    tracing::info!(run = run.id, code = problem.code, cause = problem.cause, "{}", problem.message);
    // That we could not store it says nothing of the commit.
    if problem.code == "storage/unavailable" {
        return false;
    }
    match give_up(app, &run, problem).await {
        Ok(()) => true,
        Err(problem) => {
            tracing::error!(run = run.id, code = problem.code, cause = problem.cause, "{}", problem.message);
            false
        }
    }
}

/// Finds the commit, fetches it unless it is here already, and lets the run go on.
async fn bring(app: &App, run: &Run) -> Result<(), Problem> {
    let tx = app.db.read().await?;
    let gone = || Problem::ours("run/incomplete", "What the run was to fetch is missing.", &run.id);
    let fetch = repositories::fetch_of(&tx, &run.id).await?.ok_or_else(gone)?;
    let (client, remote) = oauth_clients::service::remote(app, &tx, &fetch.oauth_token_id, &fetch.identifier).await?;
    drop(tx);
    let head = app.git.head(&remote, &repositories::service::want(&fetch)).await?;
    let tx = app.db.read().await?;
    let known = repositories::service::known(&tx, &fetch, &head).await?;
    drop(tx);
    let fresh = match known {
        Some(_) => None,
        None => {
            let fetched = app.git.fetch(&remote, &head, fetch.submodules).await?;
            let object =
                configurations::service::store_archive(app, fetched.archive.clone()).await.map_err(of_a_commit)?;
            Some((fetched, object))
        }
    };
    let taken = Taken { client, fetch, head, known, fresh };
    taken.note(app, &run.id).await
}

/// A commit that is here.
struct Taken {
    client: Client,
    fetch: Fetch,
    head: Head,
    known: Option<String>,
    fresh: Option<(Fetched, String)>,
}

impl Taken {
    async fn note(self, app: &App, run: &str) -> Result<(), Problem> {
        let Self { client, fetch, head, known, fresh } = self;
        let tx = app.db.write().await?;
        let configuration = match (known, fresh) {
            (Some(known), _) => known,
            (None, Some((fetched, object))) => {
                repositories::service::take(app, &tx, &client, &fetch, &head, &fetched, object).await?
            }
            (None, None) => return Err(Problem::ours("run/incomplete", "The commit is missing.", run)),
        };
        let message = repositories::ingress_of(&tx, &configuration).await?.map(|it| it.commit_message);
        repositories::forget_fetch(&tx, run).await?;
        progress::fetched(app, &tx, run, &configuration, message.as_deref().unwrap_or_default()).await?;
        tx.commit().await
    }
}

/// The same refusal as for an upload, but nobody packed this by hand.
fn of_a_commit(problem: Problem) -> Problem {
    match problem.code {
        "configuration/archive-unsafe" | "configuration/archive-too-large" => {
            problem.advice("Take it out of the repository that the workspace reads.")
        }
        _ => problem,
    }
}

/// Ends the run, and says why where people look: in the log of its plan.
async fn give_up(app: &App, run: &Run, problem: Problem) -> Result<(), Problem> {
    let tx = app.db.read().await?;
    let plan = runs::plan_of(&tx, &run.id).await?;
    drop(tx);
    let mut log = LogWriter::open(app, &plan.id).await?;
    log.append(format!("\nError: {}\n\n{}\n", problem.message, problem.advice).as_bytes()).await?;
    log.finish().await?;
    let tx = app.db.write().await?;
    repositories::forget_fetch(&tx, &run.id).await?;
    progress::ended(app, &tx, &run.id, End::Failed, &problem.to_string(), &Recovery::default()).await?;
    tx.commit().await
}
