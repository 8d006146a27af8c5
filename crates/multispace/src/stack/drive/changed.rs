//! Whether a workspace is to run at all: because something that goes into it is other than at its last apply.

use std::collections::{BTreeMap, BTreeSet};

use domain::Problem;
use domain::stack::{Direction, Inputs, Last, Why, why};

use super::super::inputs::{self, Own};
use super::super::record::Outcome;
use super::Drive;

/// What is said of a workspace that needs no run.
const UNCHANGED: &str = "nothing that goes into it has changed";

/// What goes into the workspaces of a walk.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    /// By workspace, what its code and settings give it.
    own: BTreeMap<String, Own>,
    /// Everything runs, whatever has changed.
    all: bool,
    /// By workspace, what goes into its run.
    now: BTreeMap<String, Inputs>,
    /// Workspaces whose last run ended well, and is still what the workspace stands at.
    settled: BTreeSet<String>,
}

impl Changed {
    /// Of these workspaces; `all` runs everything, whatever has changed.
    pub(crate) fn new(own: BTreeMap<String, Own>, all: bool) -> Self {
        Self { own, all, now: BTreeMap::new(), settled: BTreeSet::new() }
    }

    /// Whether it is enough to note what goes into a workspace when a plan with it changes nothing. Where not, a run has to put
    /// right what is known of the workspace.
    pub(super) fn is_settled(&self, workspace: &str) -> bool {
        self.settled.contains(workspace)
    }

    /// Whether a workspace runs whatever the outputs are that it reads.
    pub(super) fn runs_anyway(&self, workspace: &str, last: &Last) -> bool {
        self.all || self.own.get(workspace).is_some_and(|own| inputs::runs_anyway(own, last))
    }

    /// Whether a workspace uses one of these outputs, by upstream.
    pub(super) fn uses(&self, workspace: &str, outputs: &BTreeMap<String, Vec<String>>) -> bool {
        self.own.get(workspace).is_some_and(|own| inputs::uses_one(own, outputs))
    }

    /// What goes into the run of a workspace, as it is kept.
    pub(super) fn text(&self, workspace: &str) -> Option<String> {
        self.now.get(workspace).map(inputs::text)
    }
}

impl Drive<'_> {
    /// Notes why a workspace is to run. Says why not, when nothing that goes into it has changed.
    pub(super) async fn unchanged(&mut self, workspace: &str) -> Result<Option<(Outcome, String)>, Problem> {
        let Some(ready) = self.workspaces.get(workspace) else { return Ok(None) };
        let Some(own) = self.job.changed.own.get(workspace) else { return Ok(None) };
        let foreseen = (self.job.direction == Direction::Plan).then_some(&self.preview);
        let now = inputs::now(self.host, self.loaded, &self.ids, own, foreseen).await?;
        let last = inputs::last(self.host.last(&ready.view.id).await?.as_ref());
        if matches!(last, Last::Applied(_)) {
            self.job.changed.settled.insert(workspace.to_owned());
        }
        let mut reasons = why(&last, &now);
        if reasons.is_empty() && self.job.changed.all {
            reasons.push(Why::All);
        }
        self.job.changed.now.insert(workspace.to_owned(), now);
        let reasons: Vec<String> = reasons.iter().map(Why::to_string).collect();
        let is_unchanged = reasons.is_empty();
        if let Some(record) = self.records.get_mut(workspace) {
            record.why = reasons;
        }
        Ok(is_unchanged.then(|| (Outcome::Unchanged, UNCHANGED.to_owned())))
    }

    /// Keeps what goes into a workspace whose plan with it changes nothing, so that it is not planned again.
    pub(super) async fn keep_inputs(&self, workspace: &str) -> Result<(), Problem> {
        let Some(ready) = self.workspaces.get(workspace) else { return Ok(()) };
        match self.job.changed.text(workspace) {
            Some(inputs) => self.host.keep_inputs(&ready.view.id, inputs).await,
            None => Ok(()),
        }
    }
}
