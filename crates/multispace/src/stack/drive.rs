//! Drives a walk: starts the host's runs that `domain::stack::Walk` names, tells it how they end, asks a person where
//! one is wanted. Woken by the host's changes, the clock of the next retry, answers and signals; nothing polls.

mod ahead;
mod approve;
mod ask;
mod changed;
mod foresee;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::Problem;
use domain::run::RunStatus;
use domain::stack::{Direction, Ended, Next, Outcome as Step, Walk};
use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::MissedTickBehavior;

use super::Loaded;
use super::approvals::{Approvals, Question, Verdict};
use super::clock::now;
use super::code::Code;
use super::host::{Heard, Host, Purpose, RunView, Scratch, Start};
use super::prepare::Ready;
use super::preview::Preview;
use super::record::{Outcome, Record, Resources};
use super::references;
use crate::console::Console;
use crate::console::lines::{self, Phase};
use crate::console::progress::Progress;
use crate::console::prompt::Prompt;
use crate::interrupts::Interrupts;

use ahead::Ahead;
pub(crate) use approve::Approved;
pub(crate) use changed::Changed;

/// What a walk is to do.
pub(crate) struct Job {
    /// Which way.
    pub(crate) direction: Direction,
    /// Nobody is asked, but where the workspace's settings want it.
    pub(crate) auto_approve: bool,
    /// Nobody is asked here: whoever approves does it on the page of the run.
    pub(crate) in_browser: bool,
    /// The plans that were approved with the stack's: a run that plans the same is not asked about.
    pub(crate) approved: Option<Approved>,
    /// Which workspaces run at all.
    pub(crate) changed: Changed,
    /// Nothing more is started once one has failed.
    pub(crate) fail_fast: bool,
    /// The code that runs get.
    pub(crate) code: Code,
    /// The stack's folder as it was typed.
    pub(crate) dir: String,
}

/// A walk under way.
pub(crate) struct Drive<'a> {
    host: &'a Host<'a>,
    console: &'a Console,
    loaded: &'a Loaded,
    job: Job,
    workspaces: BTreeMap<String, Ready>,
    /// Ids of all workspaces of the stack that there are, by name.
    ids: BTreeMap<String, String>,
    walk: Walk,
    progress: Progress,
    /// Runs that the host is being asked for.
    starting: FuturesUnordered<LocalBoxFuture<'a, Started>>,
    /// By id of the run.
    active: BTreeMap<String, Active>,
    records: BTreeMap<String, Record>,
    approvals: Approvals,
    /// The run that a person is being asked about.
    asking: Option<String>,
    /// The run whose plan was shown last: a question that is asked again does not show it again.
    shown: Option<String>,
    /// What the walk left out and is recorded.
    left_out: BTreeSet<String>,
    /// By run, in what its plan is not what was approved.
    differences: BTreeMap<String, String>,
    /// Runs whose plan could not be made with that of the stack.
    unapproved: BTreeSet<String>,
    /// By run, what is noted on it when it is confirmed.
    notes: BTreeMap<String, String>,
    /// What scratch plans came to.
    preview: Preview,
    /// Terraforms that are started ahead.
    ahead: Ahead<'a>,
    interrupted: bool,
}

/// What came of asking the host for a run of a workspace; the number is that of the attempt.
type Started = (String, u32, Result<RunView, Problem>);

struct Active {
    workspace: String,
    /// It needs no more questions: it was asked about, answered, or is applied by itself.
    settled: bool,
    declined: bool,
}

impl<'a> Drive<'a> {
    /// A walk that has not begun.
    pub(crate) fn new(
        host: &'a Host<'a>,
        console: &'a Console,
        loaded: &'a Loaded,
        job: Job,
        workspaces: BTreeMap<String, Ready>,
        walk: Walk,
    ) -> Self {
        let width = workspaces.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        let new = |name: &String| {
            let upstreams = loaded.graph.upstreams(name).map(str::to_owned).collect();
            (name.clone(), Record::new(name, upstreams))
        };
        let records = workspaces.keys().map(new).collect();
        Self {
            host,
            console,
            loaded,
            job,
            workspaces,
            ids: BTreeMap::new(),
            walk,
            progress: Progress::new(console, width),
            starting: FuturesUnordered::new(),
            active: BTreeMap::new(),
            records,
            approvals: Approvals::default(),
            asking: None,
            shown: None,
            left_out: BTreeSet::new(),
            differences: BTreeMap::new(),
            unapproved: BTreeSet::new(),
            notes: BTreeMap::new(),
            preview: Preview::default(),
            ahead: Ahead::default(),
            interrupted: false,
        }
    }

    /// Walks to the end; the records come in the order of the walk, and what is foreseen when it was one of plans.
    ///
    /// # Errors
    /// `stack/engine` when the engine stops, and what it says when it cannot be asked.
    pub(crate) async fn run(mut self, mut interrupts: Interrupts) -> Result<(Vec<Record>, Preview), Problem> {
        let mut changes = self.host.listen();
        self.ids = self.workspaces.values().flat_map(|ready| ready.ids.clone()).collect();
        self.ids.extend(self.host.workspaces().await?.into_iter().map(|view| (view.name, view.id)));
        let mut prompt = Prompt::start();
        let mut ticks = self.progress.interval().map(tokio::time::interval);
        if let Some(ticks) = &mut ticks {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        }
        loop {
            let next = self.start_ready().await?;
            self.record_the_unstarted()?;
            self.let_go().await;
            if next.over && self.active.is_empty() && self.starting.is_empty() {
                break;
            }
            self.hold_next().await;
            self.ask(&mut prompt).await?;
            let has_been = self.interrupted;
            tokio::select! {
                Some(started) = self.starting.next() => self.started(started).await?,
                Some(held) = self.ahead.asking.next() => self.is_held(held).await,
                change = changes.next() => self.hear(change).await?,
                answer = prompt.answer(), if self.asking.is_some() => self.answered(answer).await?,
                () = until(next.wake_at) => {}
                () = tick(&mut ticks) => self.progress.tick(),
                () = interrupts.first(), if !has_been => self.interrupt().await?,
            }
        }
        self.let_all_go().await;
        self.progress.close();
        let order: Vec<String> = self.walk.summary().map(|(name, _)| name.to_owned()).collect();
        let records = order.iter().filter_map(|name| self.records.remove(name)).collect();
        Ok((records, self.preview))
    }

    /// Starts what may start, until nothing more may.
    async fn start_ready(&mut self) -> Result<Next, Problem> {
        loop {
            let next = self.walk.next(now());
            if next.start.is_empty() {
                return Ok(next);
            }
            for (workspace, attempt) in next.start {
                self.start(&workspace, attempt).await?;
            }
        }
    }

    async fn start(&mut self, workspace: &str, attempt: u32) -> Result<(), Problem> {
        if attempt == 1
            && let Some((outcome, reason)) = self.needless(workspace).await?
        {
            self.walk.ended(workspace, Ended::Done { changed: false }, now());
            if self.job.direction.is_plan() {
                self.foresee_without_run(workspace, outcome, &reason);
            }
            return self.over(workspace, outcome, Some(reason));
        }
        let Some(ready) = self.workspaces.get(workspace) else { return Ok(()) };
        let purpose = match self.job.direction {
            Direction::Plan => Purpose::Plan,
            Direction::PlanDestroy => Purpose::PlanDestroy,
            Direction::Apply => Purpose::Apply,
            Direction::Destroy => Purpose::Destroy,
        };
        let auto_apply = self.is_applied_by_itself(workspace);
        let start = match self.request(ready, workspace, purpose, auto_apply).await {
            Ok(start) => Start { held: self.taken(workspace), ..start },
            Err(problem) => return self.started((workspace.to_owned(), attempt, Err(problem))).await,
        };
        self.progress.phase(workspace, Phase::Queued);
        let (host, workspace) = (self.host, workspace.to_owned());
        self.starting.push(Box::pin(async move { (workspace, attempt, host.start(attempt, start).await) }));
        Ok(())
    }

    /// Whether the run of a workspace is applied and nobody is asked about it.
    fn is_applied_by_itself(&self, workspace: &str) -> bool {
        let settings = self.loaded.stack.workspace_settings(workspace);
        let is_asked = match self.job.direction {
            Direction::Plan | Direction::PlanDestroy => true,
            Direction::Apply => settings.apply.manual_confirm,
            Direction::Destroy => settings.destroy.manual_confirm,
        };
        self.job.auto_approve && !is_asked
    }

    async fn started(&mut self, (workspace, attempt, started): Started) -> Result<(), Problem> {
        let workspace = workspace.as_str();
        match started {
            Ok(run) => {
                if let Some(record) = self.records.get_mut(workspace) {
                    record.attempts = attempt;
                    record.queued_at.get_or_insert(run.created_at);
                    record.run = Some(run.id.clone());
                }
                let settled = run.auto_apply || self.job.direction.is_plan();
                let id = run.id;
                self.active.insert(id.clone(), Active { workspace: workspace.to_owned(), settled, declined: false });
                if self.interrupted {
                    self.host.stop(&id).await?;
                }
                // It may have moved before it was known here.
                self.look(&id).await
            }
            Err(_) if self.interrupted => {
                self.walk.ended(workspace, Ended::Canceled, now());
                self.over(workspace, Outcome::Canceled, Some("interrupted".to_owned()))
            }
            Err(problem) => {
                self.console.failed(workspace, &problem.to_string(), None);
                self.walk.ended(workspace, Ended::Failed { retryable: false }, now());
                self.over(workspace, Outcome::Failed, Some(problem.message))
            }
        }
    }

    /// What the host is asked to run.
    async fn request(
        &self,
        ready: &Ready,
        workspace: &str,
        purpose: Purpose,
        auto_apply: bool,
    ) -> Result<Start, Problem> {
        let values = self.referenced(workspace).await?;
        let given = self.job.direction.is_plan().then(|| self.given(workspace));
        Ok(Start {
            held: None,
            workspace: ready.view.id.clone(),
            code: self.job.code.of(self.host, workspace).await?,
            purpose,
            auto_apply,
            message: format!("multispace {}", command(self.job.direction)),
            readers: self.readers(workspace, given.as_ref()),
            variables: if given.is_some() { Vec::new() } else { references::run_variables(&values) },
            inputs: self.job.changed.text(workspace),
            scratch: given.map(|outputs| Scratch { outputs, variables: values }),
        })
    }

    /// Why a workspace needs no run, where that is known without one.
    async fn needless(&mut self, workspace: &str) -> Result<Option<(Outcome, String)>, Problem> {
        if !self.job.direction.is_reverse()
            && let Some(unchanged) = self.unchanged(workspace).await?
        {
            return Ok(Some(unchanged));
        }
        let Some(ready) = self.workspaces.get(workspace) else { return Ok(None) };
        match self.job.direction {
            Direction::Apply => {
                let as_it_is = self.approved_as_it_is(workspace).filter(|_| self.job.changed.is_settled(workspace));
                if as_it_is.is_some() {
                    self.keep_inputs(workspace).await?;
                }
                Ok(as_it_is)
            }
            Direction::Destroy | Direction::PlanDestroy if !ready.held => Ok(None),
            Direction::Destroy | Direction::PlanDestroy => {
                let is_empty = ready.view.state.is_none()
                    || ready.view.resource_count == 0 && self.host.outputs(&ready.view.id).await?.is_empty();
                Ok(is_empty.then(|| (Outcome::Unchanged, "nothing to destroy".to_owned())))
            }
            Direction::Plan => {
                let is_foreseen = |name: &str| self.preview.of(name).is_some();
                let lacks = |name: &&String| ready.unapplied.contains(*name) && !is_foreseen(name);
                let missing = ready.reads.iter().find(lacks);
                Ok(missing
                    .map(|name| (Outcome::Deferred, format!("it needs the outputs of {name}, which is not applied"))))
            }
        }
    }

    async fn hear(&mut self, heard: Result<Heard, Problem>) -> Result<(), Problem> {
        match heard? {
            Heard::Run(run) if self.active.contains_key(&run) => self.look(&run).await,
            Heard::Run(_) => Ok(()),
            Heard::WaitsForMemory(run) => {
                if let Some(active) = self.active.get(&run) {
                    self.progress.phase(&active.workspace, Phase::Memory);
                }
                Ok(())
            }
            Heard::Initialised => {
                self.ahead.came_further();
                Ok(())
            }
            Heard::Missed => {
                for run in self.active.keys().cloned().collect::<Vec<_>>() {
                    self.look(&run).await?;
                }
                Ok(())
            }
        }
    }

    async fn look(&mut self, id: &str) -> Result<(), Problem> {
        let run = self.host.run(id).await?;
        let Some(workspace) = self.active.get(id).map(|active| active.workspace.clone()) else { return Ok(()) };
        if let Some(record) = self.records.get_mut(&workspace)
            && record.started_at.is_none()
        {
            record.started_at = run.planning_at;
        }
        if run.status == RunStatus::Applying {
            self.foresee_outputs(&workspace, id);
        }
        if run.status.is_final() || run.status == RunStatus::Applying {
            self.ahead.came_further();
        }
        if run.status.is_final() {
            return self.ended(&run).await;
        }
        if self.interrupted {
            return Ok(());
        }
        if let Some(active) = self.active.get_mut(id)
            && run.is_confirmable
            && !active.settled
        {
            active.settled = true;
            let settings = self.loaded.stack.workspace_settings(&workspace);
            let always = match self.job.direction {
                Direction::Destroy | Direction::PlanDestroy => settings.destroy.manual_confirm,
                Direction::Plan | Direction::Apply => settings.apply.manual_confirm,
            };
            // It is a run that an earlier process began to ask about, and nobody needs to be asked any more.
            let agreed = self.job.auto_approve || self.agreed(&run, &workspace).await?;
            self.progress.phase(&workspace, Phase::Approval);
            let verdict = match agreed && !always {
                true => Some(Verdict::Confirm(id.to_owned())),
                false if self.job.in_browser => {
                    self.point_to(id, &workspace).await?;
                    None
                }
                false => {
                    let always = always || self.differences.contains_key(id) || self.unapproved.contains(id);
                    self.approvals.ready(Question { run: id.to_owned(), workspace, always })
                }
            };
            return match verdict {
                Some(verdict) => self.carry_out(verdict).await,
                None => Ok(()),
            };
        }
        if let Some(phase) = phase(run.status, self.job.direction) {
            self.progress.phase(&workspace, phase);
        }
        Ok(())
    }

    async fn ended(&mut self, run: &RunView) -> Result<(), Problem> {
        let Some(active) = self.active.remove(&run.id) else { return Ok(()) };
        let workspace = active.workspace;
        self.approvals.withdraw(&run.id);
        if self.asking.as_deref() == Some(run.id.as_str()) {
            self.asking = None;
            self.console.release();
            self.progress.resume();
        }
        let is_plan = self.job.direction.is_plan();
        if let Some(record) = self.records.get_mut(&workspace) {
            record.ended_at = Some(run.updated_at);
            let counts = if is_plan { run.planned } else { run.applied };
            record.resources = record.resources.plus(Resources::from(counts));
        }
        self.console.lost(&workspace, &run.unsaved, &run.in_doubt);
        let mut ended = how(run);
        // Of what went well it is shown to who asks for it.
        let log = match is_plan || matches!(ended, Ended::Failed { .. }) {
            true => self.log_of(run).await,
            false => String::new(),
        };
        let is_foreseen = is_plan && ended != Ended::Canceled && self.foresee(&workspace, run, &log).await?;
        if is_foreseen && matches!(ended, Ended::Failed { .. }) {
            self.walk.ended(&workspace, Ended::Done { changed: true }, now());
            return self.over(&workspace, Outcome::Deferred, None);
        }
        if is_foreseen {
            // Outputs that change are a change as well.
            let changed = self.preview.changes(&workspace);
            ended = Ended::Done { changed };
        }
        self.walk.ended(&workspace, ended, now());
        if let Some(Step::Waiting { attempts, again_at: Some(again_at) }) = self.walk.result(&workspace) {
            let pause = u64::try_from((*again_at - now()).num_milliseconds()).unwrap_or(0);
            let again = format!("{workspace}: attempt {attempts} failed, tried again in {}", lines::duration(pause));
            self.progress.gone(&workspace);
            self.console.say(&again);
            return Ok(());
        }
        match ended {
            Ended::Failed { .. } => {
                let why = run.failure.clone().unwrap_or_default();
                self.over(&workspace, Outcome::Failed, Some(why.clone()))?;
                let command = self.host.log_command(run, run.telling_phase(), &self.job.dir);
                self.console.failed(&workspace, &why, Some((&log, &command)));
                Ok(())
            }
            Ended::Canceled if active.declined => self.over(&workspace, Outcome::Declined, None),
            Ended::Canceled => {
                let reason = if self.interrupted { "interrupted" } else { "stopped by somebody else" };
                self.over(&workspace, Outcome::Canceled, Some(reason.to_owned()))
            }
            Ended::Done { changed: false } => self.over(&workspace, Outcome::Unchanged, None),
            Ended::Done { changed: true } => {
                let outcome = match self.job.direction {
                    Direction::Plan | Direction::PlanDestroy => Outcome::Planned,
                    Direction::Apply => Outcome::Applied,
                    Direction::Destroy => Outcome::Destroyed,
                };
                self.over(&workspace, outcome, None)
            }
        }
    }

    /// The log that says most about how a run ended. One that cannot be read is no reason to give up.
    async fn log_of(&self, run: &RunView) -> String {
        self.host.log(run.telling_phase()).await.unwrap_or_else(|problem| format!("The log cannot be read: {problem}"))
    }

    fn over(&mut self, workspace: &str, outcome: Outcome, reason: Option<String>) -> Result<(), Problem> {
        if let Some(record) = self.records.get_mut(workspace) {
            record.outcome = outcome;
            record.reason = reason.filter(|it| !it.is_empty());
            self.progress.finished(record);
        }
        if outcome == Outcome::Failed && self.job.fail_fast {
            // What runs goes on to its end.
            self.walk.stop();
        }
        Ok(())
    }

    /// What the walk left out since it was last asked.
    fn record_the_unstarted(&mut self) -> Result<(), Problem> {
        let left_out = |(name, step): (&str, &Step)| match step {
            Step::Skipped { because } => Some((name.to_owned(), format!("because {because} {}", self.did(because)))),
            Step::Unstarted if self.interrupted => Some((name.to_owned(), "not started: interrupted".to_owned())),
            Step::Unstarted => Some((name.to_owned(), "not started: another one failed".to_owned())),
            _ => None,
        };
        let left_out: Vec<_> = self.walk.summary().filter_map(left_out).collect();
        for (name, reason) in left_out {
            if self.left_out.insert(name.clone()) {
                self.over(&name, Outcome::Skipped, Some(reason))?;
            }
        }
        // Those that were to be tried again when the walk was stopped.
        let has_failed = |(name, step): (&str, &Step)| match step {
            Step::Failed { .. } if self.records.get(name)?.outcome == Outcome::Skipped => Some(name.to_owned()),
            _ => None,
        };
        let given_up: Vec<_> = self.walk.summary().filter_map(has_failed).collect();
        for name in given_up {
            self.over(&name, Outcome::Failed, Some("not tried again".to_owned()))?;
        }
        Ok(())
    }

    fn did(&self, workspace: &str) -> &'static str {
        match self.records.get(workspace).map(|record| record.outcome) {
            Some(Outcome::Declined) => "was declined",
            Some(Outcome::Canceled) => "was stopped",
            _ => "failed",
        }
    }

    /// Starts nothing more, and stops what runs; the loop goes on until it has ended.
    async fn interrupt(&mut self) -> Result<(), Problem> {
        self.interrupted = true;
        self.host.interrupt();
        if self.asking.take().is_some() {
            self.console.release();
            self.progress.resume();
        }
        self.walk.stop();
        let running: Vec<(String, String)> =
            self.active.iter().map(|(run, active)| (run.clone(), active.workspace.clone())).collect();
        if !running.is_empty() {
            self.console.say("\nstopping: terraform is interrupted and its state saved (Ctrl-C again ends at once)");
        }
        for (run, workspace) in running {
            self.progress.phase(&workspace, Phase::Stopping);
            self.host.stop(&run).await?;
        }
        Ok(())
    }
}

/// The word of the command.
pub(crate) fn command(direction: Direction) -> &'static str {
    match direction {
        Direction::Plan | Direction::PlanDestroy => "plan",
        Direction::Apply => "apply",
        Direction::Destroy => "destroy",
    }
}

/// How a run ended, for the walk. An apply that failed may succeed when it is tried again; a plan that failed will fail
/// again, for it is the code or the settings that are wrong. After an apply that lost track of a resource nothing is tried
/// again: it could make the resource a second time.
fn how(run: &RunView) -> Ended {
    match run.status {
        RunStatus::Applied => Ended::Done { changed: true },
        RunStatus::Discarded | RunStatus::Canceled | RunStatus::ForceCanceled => Ended::Canceled,
        RunStatus::Errored | RunStatus::PolicySoftFailed => {
            Ended::Failed { retryable: run.has_applied() && run.unsaved.is_empty() && run.in_doubt.is_empty() }
        }
        _ => Ended::Done { changed: run.has_changes },
    }
}

fn phase(status: RunStatus, direction: Direction) -> Option<Phase> {
    match status {
        RunStatus::Pending | RunStatus::PlanQueued => Some(Phase::Queued),
        RunStatus::Planning => Some(Phase::Planning),
        RunStatus::Applying if direction == Direction::Destroy => Some(Phase::Destroying),
        RunStatus::Applying => Some(Phase::Applying),
        _ => None,
    }
}

async fn until(at: Option<DateTime<Utc>>) {
    match at {
        Some(at) => tokio::time::sleep((at - now()).to_std().unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}

async fn tick(ticks: &mut Option<tokio::time::Interval>) {
    match ticks {
        Some(ticks) => _ = ticks.tick().await,
        None => std::future::pending().await,
    }
}
