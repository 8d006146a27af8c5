//! Terraforms that are started ahead of their runs.

use domain::Problem;
use domain::id::{Id, RunId};
use executor::{Phase, Variables};

use super::{Local, Reader};
use crate::scheduler;

/// A run that is to come.
#[derive(Debug, Clone)]
pub struct Ahead {
    /// The id of its workspace.
    pub workspace: String,
    /// The stored code, as [`Local::store_code`] named it.
    pub code: String,
    /// It destroys.
    pub destroy: bool,
    /// Somebody is asked about its plan, or it is compared with one that was approved.
    pub reviewed: bool,
    /// The run has variables of its own, which are known when its upstreams have ended.
    pub has_variables: bool,
    /// The blocks of its code that read other workspaces, and which.
    pub readers: Vec<Reader>,
}

/// What came of [`Local::hold`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// It is held; the id that the run has to get for it to be used.
    Held(String),
    /// Not now: `init` has to run first, which a run does, or there is no room. Another time it may be.
    NotYet,
    /// It cannot be held.
    Never,
}

impl Local<'_> {
    /// Starts the terraform of a run that is to come, and holds it where nothing of the run has happened. A run that is other than it was said to
    /// be starts a terraform of its own.
    ///
    /// # Errors
    /// Whatever keeps the run's folder from being made; the run itself will tell.
    pub async fn hold(&self, ahead: &Ahead) -> Result<Holding, Problem> {
        let app = &self.engine.app;
        let run = app.ports.id::<RunId>();
        let Some(work) = scheduler::ahead(app, &run, ahead).await? else { return Ok(Holding::Never) };
        let phase = if ahead.reviewed { Phase::Plan } else { Phase::Apply };
        let variables = if ahead.has_variables { Variables::ToCome } else { Variables::Known };
        Ok(match executor::hold(&work, phase, variables).await? {
            executor::Holding::Held(held) => {
                app.held.keep(*held);
                Holding::Held(run.as_str().to_owned())
            }
            executor::Holding::NotYet => Holding::NotYet,
            executor::Holding::Never => Holding::Never,
        })
    }

    /// The outputs that will be others when a run has ended that is applied without a yes; none while that is not known.
    pub fn outputs_that_change(&self, run: &str) -> Vec<String> {
        self.engine.app.held.outputs(run)
    }

    /// Gives up the terraform that is held for a run which will not come.
    pub async fn let_go(&self, run: &str) {
        self.engine.app.held.give_up(run).await;
    }
}
