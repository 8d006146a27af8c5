//! Workspaces on HCP Terraform, Terraform Enterprise or another `multispace serve` as a host. The order stays here: the
//! other host is asked for single runs, and no slot of it is taken by the walk.
//!
//! - `workspaces`: which workspace is a root's, and those that are not there yet.
//! - `start`: one run from the code here, started once even where an answer is lost or this process is killed.
//! - `preview`: the code of a plan that stands on outputs which are only planned.
//! - `question`: the plan of the whole stack, put before people there.
//! - `note`: by what a run is known again; `record`: the walk that is under way, on disk.
//! - `memory`: what went into the last runs; `settings`: what of that is the server's.
//! - `watch`: one poller for each run; `view`: what it reads, in the words of every host.
//!
//! Absent: what is wrong with code that would run elsewhere (`super::super::elsewhere`).

mod memory;
mod note;
mod preview;
mod question;
mod record;
mod settings;
mod start;
mod view;
mod watch;
mod workspaces;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use client::runs::{self, Action};
use client::{Client, Item, Settings, encoded, logs};
use domain::plan::Plan;
use domain::run::RunStatus;
use domain::{Fault, Problem};
use serde_json::Value;
use serde_json::value::RawValue;
use server::local::{LastRun, OutputView, RunView, WorkspaceView};
use tokio_util::sync::CancellationToken;
use wire::runs::RunVariable;
use wire::{Document, kind};

use self::memory::Memory;
pub(crate) use self::question::{Answer, Question};
use self::record::Kept;
pub(crate) use self::watch::Changes;
use self::watch::Watches;
use crate::stack::Loaded;

/// What is said where a run is confirmed or stopped.
const COMMENT: &str = "by multispace, for the walk of a stack";
/// How often a decision is sent before the server is believed to be out of order, and the wait between.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Another host.
pub(crate) struct Remote<'a> {
    /// Gives up as soon as the walk is interrupted.
    client: Client,
    /// Goes on: what runs must still be stopped and watched.
    steady: Arc<Client>,
    stop: CancellationToken,
    organization: String,
    project: Option<String>,
    loaded: &'a Loaded,
    /// Roots that are walked; others are only read.
    selected: BTreeSet<String>,
    watches: Watches,
    /// By id of the workspace.
    targets: Mutex<BTreeMap<String, Target>>,
    walk: OnceLock<Walk>,
    memory: Memory,
    /// By plan, what its code was rewritten with, and what the code calls it.
    names: Mutex<BTreeMap<String, Vec<(String, String)>>>,
    /// Variables of variable sets, by id of the set.
    sets: tokio::sync::Mutex<BTreeMap<String, Value>>,
}

/// The workspace of a root.
#[derive(Clone)]
struct Target {
    view: WorkspaceView,
    /// Its name there.
    name: String,
    /// It was made by this process.
    is_new: bool,
    /// It was made for a stack, by this process or by an earlier one that may not have got further.
    is_ours: bool,
    code: Code,
    /// Variables of each of its runs.
    variables: Vec<RunVariable>,
    /// Digest of what it has there and goes into its runs.
    settings: String,
    /// When its state was made, if no run made it.
    loose_state: Option<DateTime<Utc>>,
}

/// What a workspace's runs are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    /// The whole stack: the workspace's working directory is the root's folder in it.
    Stack,
    /// The root's folder alone: the workspace has no working directory.
    Folder,
    /// The newest commit of the repository that the workspace is connected to.
    Repository,
}

/// What is the same for all runs of the walk.
struct Walk {
    kept: Kept,
    archive: Bytes,
    /// Whether it changes anything: only then is it written down.
    is_kept: bool,
    /// Drawn for the plans that this process makes; their notes are made of it.
    plans: String,
}

impl<'a> Remote<'a> {
    /// A host; nothing is sent yet.
    ///
    /// # Errors
    /// Those of [`Client::new`]; `stack/data`.
    pub(crate) fn new(
        settings: Settings,
        organization: String,
        project: Option<String>,
        loaded: &'a Loaded,
        selected: &BTreeSet<String>,
    ) -> Result<Self, Problem> {
        let stop = CancellationToken::new();
        let memory = Memory::open(&loaded.stack.dir, &format!("{}/{organization}", settings.hostname))?;
        let steady = Arc::new(Client::new(settings.clone())?);
        Ok(Self {
            client: Client::new(settings)?.stopped_by(stop.clone()),
            watches: Watches::new(steady.clone()),
            steady,
            stop,
            organization,
            project,
            loaded,
            selected: selected.clone(),
            targets: Mutex::default(),
            walk: OnceLock::new(),
            memory,
            names: Mutex::default(),
            sets: tokio::sync::Mutex::default(),
        })
    }

    /// Begins the walk, or takes up the one of the same command, code and variables that did not end: says when that
    /// one began. `command` is `plan`, `apply` or `destroy`. To be called when every workspace is prepared.
    ///
    /// # Errors
    /// `stack/data`.
    pub(crate) fn begin(&self, command: &str, archive: Bytes) -> Result<Option<String>, Problem> {
        let mut texts = vec![command.to_owned(), hex::encode(<md5::Md5 as md5::Digest>::digest(&archive))];
        for (id, target) in &*self.targets() {
            texts.push(id.clone());
            texts.extend(target.variables.iter().map(|it| format!("{}={}", it.key, it.value)));
        }
        let digest = note::digest(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let place = format!("{}/{}", self.client.settings().hostname, self.organization);
        let is_kept = command != "plan";
        // Plans are made anew each time, and say nothing of a walk that changes things.
        let place = if is_kept { place } else { format!("{place}/plan") };
        let kept = Kept::open(&self.loaded.stack.dir, &place, &digest)?;
        let begun_at = kept.is_resumed.then(|| kept.record.begun_at.clone());
        if self.walk.set(Walk { kept, archive, is_kept, plans: client::random::hex(8) }).is_err() {
            return Err(Problem::ours("stack/engine", "A walk was begun twice.", "begin"));
        }
        Ok(begun_at)
    }

    /// Writes the walk down; its runs may be started from here on.
    ///
    /// # Errors
    /// `stack/data`.
    pub(crate) fn keep(&self) -> Result<(), Problem> {
        match self.walk()? {
            walk if walk.is_kept => walk.kept.write(),
            _ => Ok(()),
        }
    }

    /// The walk has ended well.
    ///
    /// # Errors
    /// `stack/data`.
    pub(crate) fn finish(&self) -> Result<(), Problem> {
        self.walk()?.kept.remove()
    }

    /// Gives up what is being prepared and started; runs that are there are still watched.
    pub(crate) fn interrupt(&self) {
        self.stop.cancel();
    }

    pub(super) fn listen(&self) -> Changes {
        self.watches.listen()
    }

    pub(super) async fn run(&self, id: &str) -> Result<RunView, Problem> {
        match self.watches.seen(id) {
            Some(view) => Ok(view),
            None => self.watches.begin(id).await,
        }
    }

    /// Runs of a walk of other code, which nobody looks after any more.
    pub(super) async fn unfinished(&self) -> Result<Vec<RunView>, Problem> {
        let Some(left) = &self.walk()?.kept.left else { return Ok(Vec::new()) };
        let mut views = Vec::new();
        let ids: Vec<String> = self.targets().keys().cloned().collect();
        for workspace in ids.iter().filter(|id| !id.is_empty()) {
            let note = note::note(&left.walk, workspace);
            let runs = self.runs_of(workspace, false).await?;
            for run in note::noted(&runs, &note).filter(|run| !run.attributes.is_final()) {
                views.push(self.watches.begin(&run.id).await?);
            }
        }
        Ok(views)
    }

    /// Says yes; the note is kept on the run as its comment. An answer that is lost is looked for in the run.
    pub(super) async fn confirm(&self, run: &str, note: Option<String>) -> Result<(), Problem> {
        let is_open = |run: &runs::Run| run.attributes.actions.is_confirmable;
        self.decide(run, Action::Apply, note.as_deref().unwrap_or(COMMENT), is_open).await
    }

    /// What the plan of a run would do. Not everyone may read a plan, and not every host has it at hand: `None` then.
    pub(super) async fn plan(&self, run: &str) -> Result<Option<Plan>, Problem> {
        let plan = self.run(run).await?.plan;
        let path = format!("{}/{}/json-output", kind::PLANS, encoded(&plan));
        match self.client.get_elsewhere::<Box<RawValue>>(&path).await {
            Ok(json) => Ok(view::plan(json.get().as_bytes())),
            Err(problem) if problem.code == "client/interrupted" => Err(problem),
            Err(problem) => {
                tracing::info!("{path}: {problem}");
                Ok(None)
            }
        }
    }

    pub(super) async fn stop(&self, run: &str) -> Result<(), Problem> {
        for _ in 0..TRIES {
            let now = runs::read(&self.steady, run).await?.attributes;
            let (discard, cancel) = (now.actions.is_discardable, now.actions.is_cancelable);
            let done = match (now.is_final(), discard, cancel) {
                (false, true, _) => {
                    self.decide(run, Action::Discard, COMMENT, |run| run.attributes.actions.is_discardable).await
                }
                (false, false, true) => {
                    self.decide(run, Action::Cancel, COMMENT, |run| run.attributes.actions.is_cancelable).await
                }
                // Over, or told to stop before.
                _ => return Ok(()),
            };
            match done {
                // It moved in between.
                Err(problem) if problem.fault == Fault::Conflict => self.steady.pause(PAUSE).await?,
                done => return done,
            }
        }
        Ok(())
    }

    /// Sends a decision until the run shows that it arrived. `is_open` says whether it can still be made.
    async fn decide(
        &self,
        id: &str,
        action: Action,
        comment: &str,
        is_open: fn(&runs::Run) -> bool,
    ) -> Result<(), Problem> {
        let mut tries = 1;
        loop {
            let Err(problem) = runs::act(&self.steady, id, action, comment).await else { return Ok(()) };
            let run = runs::read(&self.steady, id).await?;
            let has_arrived = problem.fault == Fault::Unavailable && !is_open(&run);
            if has_arrived {
                return Ok(());
            }
            if problem.fault != Fault::Unavailable || tries == TRIES {
                return Err(problem);
            }
            tries += 1;
            self.steady.pause(PAUSE).await?;
        }
    }

    pub(super) async fn log(&self, phase: &str) -> Result<String, Problem> {
        let path = if phase.starts_with("apply-") { kind::APPLIES } else { kind::PLANS };
        let document: Document<Item> = self.steady.get(&format!("{path}/{}", encoded(phase))).await?;
        let raw = logs::read(&self.steady, document.data.text("log-read-url")).await?;
        let names = self.names().get(phase).cloned().unwrap_or_default();
        Ok(names.iter().fold(view::log(&raw), |log, (local, name)| log.replace(local, name)))
    }

    pub(super) async fn outputs(&self, workspace: &str) -> Result<Vec<OutputView>, Problem> {
        let path = format!("workspaces/{}/current-state-version-outputs", encoded(workspace));
        let items = match self.client.list::<Item>(&path).await {
            Err(problem) if problem.fault == Fault::NotFound => return Ok(Vec::new()),
            items => items?,
        };
        let view = |item: Item| OutputView {
            name: item.text("name").to_owned(),
            value: item.get("value").clone(),
            sensitive: item.flag("sensitive"),
        };
        Ok(items.into_iter().map(view).collect())
    }

    /// Outputs as texts that can be compared. A secret is not shown: it counts as another whenever its workspace was applied.
    pub(super) async fn seen(&self, workspace: &str) -> Result<BTreeMap<String, Option<String>>, Problem> {
        let outputs = self.outputs(workspace).await?;
        let applied = match outputs.iter().any(|output| output.sensitive) {
            true => self.last(workspace).await?.and_then(|last| last.applied).unwrap_or_default(),
            false => String::new(),
        };
        let text = |output: &OutputView| match output.sensitive {
            true => Some(format!("sensitive {applied}")),
            false => view::output(&output.value).map(|it| it.canonical()),
        };
        Ok(outputs.iter().map(|output| (output.name.clone(), text(output))).collect())
    }

    /// The last run that was to change a workspace. What went into it is known when it was started from here, and not of
    /// the code of a repository.
    pub(super) async fn last(&self, workspace: &str) -> Result<Option<LastRun>, Problem> {
        if workspace.is_empty() {
            return Ok(None);
        }
        let target = self.targets().get(workspace).cloned();
        let runs = self.runs_of(workspace, false).await?;
        let applied = runs.iter().find(|run| run.attributes.status == "applied").map(|run| run.id.clone());
        let Some(run) = runs.into_iter().next() else { return Ok(None) };
        let made_at = run.attributes.created_at.as_deref().and_then(view::time).unwrap_or_default();
        let is_ours = target.as_ref().is_some_and(|target| target.code != Code::Repository);
        Ok(Some(LastRun {
            inputs: self.memory.of(workspace, &run.id).filter(|_| is_ours),
            state_moved: target.and_then(|target| target.loose_state).is_some_and(|at| at > made_at),
            status: RunStatus::parse(&run.attributes.status).unwrap_or(RunStatus::Queuing),
            is_destroy: run.attributes.is_destroy,
            applied,
            updated_at: made_at,
            run: run.id,
        }))
    }

    /// Digest of what a workspace has there and goes into its runs; empty for one that is only read.
    pub(super) fn settings(&self, workspace: &str) -> String {
        self.targets().get(workspace).map(|target| target.settings.clone()).unwrap_or_default()
    }

    /// A digest of a text that says nothing of it to others.
    pub(super) fn digest(&self, text: &str) -> String {
        self.memory.digest(text)
    }

    /// Host, and port where there is one.
    pub(crate) fn hostname(&self) -> &str {
        &self.client.settings().hostname
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, Vec<(String, String)>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn targets(&self) -> MutexGuard<'_, BTreeMap<String, Target>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn walk(&self) -> Result<&Walk, Problem> {
        self.walk.get().ok_or_else(|| Problem::ours("stack/engine", "The walk has not begun.", "no walk"))
    }

    /// The newest runs of a workspace, newest first: one page of a hundred.
    async fn runs_of(&self, workspace: &str, plans: bool) -> Result<Vec<runs::Run>, Problem> {
        let filter = if plans { "&filter%5Boperation%5D=plan_only" } else { "" };
        let path = format!("workspaces/{}/runs?page%5Bsize%5D=100{filter}", encoded(workspace));
        Ok(self.client.get::<Document<Vec<runs::Run>>>(&path).await?.data)
    }
}
