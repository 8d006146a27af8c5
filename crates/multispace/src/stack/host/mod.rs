//! Where the workspaces of a walk live, in words that are the same everywhere: [`Host`] prepares workspaces, takes code,
//! starts runs, says how they are, and lets [`Changes`] be heard.
//!
//! - `local`: the engine in this process.
//! - [`remote`]: a server that is asked over HTTP.
//!
//! Absent: what starts when (`domain::stack::Walk`), and who is asked (`super::drive`).

mod local;
pub(crate) mod remote;

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::Problem;
use domain::plan::Plan;
use domain::planned::PlannedOutputs;
use server::local::Local;

use self::remote::Remote;
use super::inputs::canonical;
use super::preview::Preview;
use super::record::Record;

pub(crate) use self::remote::{Answer, Question};
pub(crate) use server::local::{
    Ahead, Holding, LastRun, OutputView, Purpose, Reader, RunVariable, RunView, Scratch, Start, Variable, Wanted,
    WorkspaceView,
};

/// Where the workspaces live.
pub(crate) enum Host<'a> {
    /// In the engine of this process.
    Local(Local<'a>),
    /// On a server.
    Remote(Box<Remote<'a>>),
}

/// What is new on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A run moved; its id.
    Run(String),
    /// `init` has run for a run: what could not be held before it may be now.
    Initialised,
    /// A run waits for memory; its id.
    WaitsForMemory(String),
    /// Some changes were missed: everything that matters is to be read again.
    Missed,
}

/// Changes of a host from the moment on at which it was listened to.
pub(crate) enum Changes {
    /// Those of the engine.
    Local(local::Changes),
    /// Those of the runs that are watched on a server.
    Remote(remote::Changes),
}

impl Changes {
    /// The next one. Nothing is lost when the wait for it is given up.
    ///
    /// # Errors
    /// `stack/engine` when none can come any more.
    pub(crate) async fn next(&mut self) -> Result<Heard, Problem> {
        match self {
            Self::Local(changes) => changes.next().await,
            Self::Remote(changes) => changes.next().await,
        }
    }
}

impl Host<'_> {
    /// Hears of every change from now on.
    pub(crate) fn listen(&self) -> Changes {
        match self {
            Self::Local(local) => Changes::Local(local::listen(local)),
            Self::Remote(remote) => Changes::Remote(remote.listen()),
        }
    }

    /// Makes workspaces, or brings those of their names to what is wanted; in the order in which they are wanted. On a server nothing is made before
    /// `refused` was told of each, with the serial and the lineage of the state that it has there.
    ///
    /// # Errors
    /// Those of workspaces and variables, and of `refused`.
    pub(crate) async fn prepare(
        &self,
        wanted: Vec<Wanted>,
        refused: impl Fn(&str, Option<(i64, String)>) -> Result<(), Problem>,
    ) -> Result<Vec<WorkspaceView>, Problem> {
        match self {
            Self::Local(local) => local.prepare(wanted).await,
            Self::Remote(remote) => remote.prepare(wanted, refused).await,
        }
    }

    /// Every workspace that the stack has there, by name.
    ///
    /// # Errors
    /// What the host says when it cannot be asked; so for all below.
    pub(crate) async fn workspaces(&self) -> Result<Vec<WorkspaceView>, Problem> {
        match self {
            Self::Local(local) => local.workspaces().await,
            Self::Remote(remote) => Ok(remote.workspaces()),
        }
    }

    /// Takes code, of one workspace or of all, and has it for good when it answers; the answer names it for [`Start`]. A server
    /// has had it since its walk began.
    ///
    /// # Errors
    /// `configuration/…` when the archive is refused; `storage/…`.
    pub(crate) async fn store(&self, archive: Bytes) -> Result<String, Problem> {
        match self {
            Self::Local(local) => local.store_code(archive).await,
            Self::Remote(_) => Ok(String::new()),
        }
    }

    /// Starts a run: the nth attempt of its workspace in this walk, from 1.
    ///
    /// # Errors
    /// Those of runs.
    pub(crate) async fn start(&self, attempt: u32, start: Start) -> Result<RunView, Problem> {
        match self {
            Self::Local(local) => local.start(start).await,
            Self::Remote(remote) => remote.start(attempt, &start).await,
        }
    }

    /// Whether terraforms can be started ahead of their runs: on a server they are its own.
    pub(crate) fn can_hold(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Starts the terraform of a run that is to come, and holds it.
    ///
    /// # Errors
    /// Whatever its run would tell.
    pub(crate) async fn hold(&self, ahead: Ahead) -> Result<Holding, Problem> {
        match self {
            Self::Local(local) => local.hold(&ahead).await,
            Self::Remote(_) => Ok(Holding::Never),
        }
    }

    /// The outputs that will be others when a run has ended that is applied without a yes; none where that is not known.
    pub(crate) fn outputs_that_change(&self, run: &str) -> Vec<String> {
        match self {
            Self::Local(local) => local.outputs_that_change(run),
            Self::Remote(_) => Vec::new(),
        }
    }

    /// Gives up the terraform that is held for a run which will not come.
    pub(crate) async fn let_go(&self, run: &str) {
        match self {
            Self::Local(local) => local.let_go(run).await,
            Self::Remote(_) => {}
        }
    }

    /// A run as it is now.
    ///
    /// # Errors
    /// `run/not-found`.
    pub(crate) async fn run(&self, id: &str) -> Result<RunView, Problem> {
        match self {
            Self::Local(local) => local.run(id).await,
            Self::Remote(remote) => remote.run(id).await,
        }
    }

    /// Runs of the stack that have not ended, oldest first: what an earlier process left.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn unfinished(&self) -> Result<Vec<RunView>, Problem> {
        match self {
            Self::Local(local) => local.unfinished().await,
            Self::Remote(remote) => remote.unfinished().await,
        }
    }

    /// Writes down that runs of the walk may be under way from here on.
    ///
    /// # Errors
    /// `stack/data`.
    pub(crate) fn keep(&self) -> Result<(), Problem> {
        match self {
            // The engine keeps its runs itself.
            Self::Local(_) => Ok(()),
            Self::Remote(remote) => remote.keep(),
        }
    }

    /// The walk is interrupted: what is being started is given up, what runs is still heard of.
    pub(crate) fn interrupt(&self) {
        match self {
            Self::Local(_) => {}
            Self::Remote(remote) => remote.interrupt(),
        }
    }

    /// The command that shows the whole log of a run.
    pub(crate) fn log_command(&self, run: &RunView, phase: &str, dir: &str) -> String {
        match self {
            Self::Local(_) => format!("multispace log {phase} {dir}"),
            Self::Remote(remote) => format!("multispace run logs {} --host {}", run.id, remote.hostname()),
        }
    }

    /// The page on which people see a run; empty where there is none.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn page_of(&self, run: &str, workspace: &str) -> Result<String, Problem> {
        match self {
            Self::Local(_) => Ok(String::new()),
            Self::Remote(remote) => remote.page_of(run, workspace).await,
        }
    }

    /// Puts the plan of the whole stack before people where its workspaces live; `None` where nobody could see it. `what` says
    /// what it is of, `digest` what is held to.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn put(
        &self,
        what: &str,
        digest: &str,
        records: &[Record],
        preview: &Preview,
    ) -> Result<Option<Question>, Problem> {
        match self {
            Self::Local(_) => Ok(None),
            Self::Remote(remote) => remote.put(what, digest, records, preview).await,
        }
    }

    /// Says yes to a planned run; the note is kept on it.
    ///
    /// # Errors
    /// `run/not-confirmable`.
    pub(crate) async fn confirm(&self, run: &str, note: Option<String>) -> Result<(), Problem> {
        match self {
            Self::Local(local) => local.confirm(run, note).await,
            Self::Remote(remote) => remote.confirm(run, note).await,
        }
    }

    /// Outputs of a workspace's state with their values, also those of secrets; empty without a state. For a run
    /// that destroys, the last ones that there were.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn values(&self, workspace: &str, to_destroy: bool) -> Result<PlannedOutputs, Problem> {
        match self {
            Self::Local(local) => local.values(workspace, to_destroy).await,
            // A server keeps its secrets to itself: variables that are outputs are refused before the walk.
            Self::Remote(_) => Ok(PlannedOutputs::new()),
        }
    }

    /// The last run of a workspace that was to change it; `None` when there was none.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn last(&self, workspace: &str) -> Result<Option<LastRun>, Problem> {
        match self {
            Self::Local(local) => local.last(workspace).await,
            Self::Remote(remote) => remote.last(workspace).await,
        }
    }

    /// Says that this may as well have gone into the last run of a workspace: a plan with it changed nothing.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn keep_inputs(&self, workspace: &str, inputs: String) -> Result<(), Problem> {
        match self {
            Self::Local(local) => local.keep_inputs(workspace, inputs).await,
            // It is asked about each plan, and says itself which of them change nothing.
            Self::Remote(_) => Ok(()),
        }
    }

    /// A digest of a text that says nothing of it to others.
    pub(crate) fn digest(&self, text: &str) -> String {
        match self {
            Self::Local(local) => local.digest(text),
            Self::Remote(remote) => remote.digest(text),
        }
    }

    /// Names the terraform that runs a workspace which wants this version or constraint.
    pub(crate) fn terraform(&self, wanted: Option<&str>) -> String {
        match self {
            Self::Local(local) => local.terraform(wanted),
            // It is among the settings that the workspace has there.
            Self::Remote(_) => String::new(),
        }
    }

    /// Digest of what a workspace has where it lives, beside what is here, and goes into its runs.
    pub(crate) fn settings(&self, workspace: &str) -> String {
        match self {
            Self::Local(_) => String::new(),
            Self::Remote(remote) => remote.settings(workspace),
        }
    }

    /// Outputs of a workspace's state as texts that can be compared, by name; none in the place of one that cannot.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn seen(&self, workspace: &str) -> Result<BTreeMap<String, Option<String>>, Problem> {
        match self {
            Self::Local(local) => Ok(canonical(local.values(workspace, false).await?)),
            Self::Remote(remote) => remote.seen(workspace).await,
        }
    }

    /// What the plan of a run would do; `None` when it has none, or the host does not say.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn plan(&self, run: &str) -> Result<Option<Plan>, Problem> {
        match self {
            Self::Local(local) => local.plan(run).await,
            Self::Remote(remote) => remote.plan(run).await,
        }
    }

    /// Removes what a scratch plan left: values that nobody needs any more.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn forget(&self, run: &str) -> Result<(), Problem> {
        match self {
            Self::Local(local) => local.forget(run).await,
            // Its plans are its own to keep.
            Self::Remote(_) => Ok(()),
        }
    }

    /// Ends a run as gently as its status allows. A run that has ended, or was asked before, is fine.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn stop(&self, run: &str) -> Result<(), Problem> {
        match self {
            Self::Local(local) => local.stop(run).await,
            Self::Remote(remote) => remote.stop(run).await,
        }
    }

    /// The log of a plan or apply as text, without its framing.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn log(&self, phase: &str) -> Result<String, Problem> {
        match self {
            Self::Local(local) => local.log(phase).await,
            Self::Remote(remote) => remote.log(phase).await,
        }
    }

    /// Outputs of a workspace's state by name; empty without a state.
    ///
    /// # Errors
    /// See [`Self::workspaces`].
    pub(crate) async fn outputs(&self, workspace: &str) -> Result<Vec<OutputView>, Problem> {
        match self {
            Self::Local(local) => local.outputs(workspace).await,
            Self::Remote(remote) => remote.outputs(workspace).await,
        }
    }
}
