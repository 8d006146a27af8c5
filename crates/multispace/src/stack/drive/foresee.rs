//! A walk of plans: what is given to each scratch plan, and what each plan comes to.

use std::collections::BTreeMap;

use domain::Problem;
use domain::plan::Plan;
use domain::planned::PlannedOutputs;
use domain::stack::{Direction, Ended};

use super::super::host::{Reader, RunView};
use super::super::preview::{Fate, Foreseen};
use super::super::record::Outcome;
use super::super::references;
use super::{Drive, how};

impl Drive<'_> {
    /// The outputs that the upstreams of a workspace are expected to have, by id of the upstream.
    pub(super) fn given(&self, workspace: &str) -> BTreeMap<String, PlannedOutputs> {
        let upstreams = self.loaded.graph.upstreams(workspace);
        let outputs = |name: &str| Some((self.workspaces.get(name)?.view.id.clone(), self.preview.outputs(name)?));
        upstreams.filter_map(outputs).collect()
    }

    /// The variables of a workspace that are outputs of others, as those have or are expected to have them.
    pub(super) async fn referenced(&self, workspace: &str) -> Result<PlannedOutputs, Problem> {
        let Some(root) = self.loaded.root(workspace) else { return Ok(PlannedOutputs::new()) };
        let mut values = PlannedOutputs::new();
        for (variable, reference) in self.loaded.stack.references(root) {
            let foreseen = if self.job.direction.is_plan() { self.preview.outputs(&reference.workspace) } else { None };
            let outputs =
                match (foreseen, self.workspaces.get(workspace).and_then(|it| it.ids.get(&reference.workspace))) {
                    (Some(outputs), _) => outputs,
                    (None, Some(id)) => self.host.values(id, self.job.direction.is_reverse()).await?,
                    (None, None) => PlannedOutputs::new(),
                };
            let value = references::value(root, &variable, &reference, &outputs)?;
            values.insert(variable, value);
        }
        Ok(values)
    }

    /// The blocks of a workspace's code that are answered: on a plan also those that read a state which multispace does not
    /// hold, once it is foreseen what will be in there.
    pub(super) fn readers(&self, workspace: &str, given: Option<&BTreeMap<String, PlannedOutputs>>) -> Vec<Reader> {
        let Some(ready) = self.workspaces.get(workspace) else { return Vec::new() };
        let mut readers = ready.readers.clone();
        if let Some(given) = given {
            readers.extend(ready.others.iter().filter(|it| given.contains_key(&it.workspace)).cloned());
        }
        readers
    }

    /// Notes what is known of a workspace that is not planned: nothing is there to be destroyed, or what it reads is not.
    pub(super) fn foresee_without_run(&mut self, workspace: &str, outcome: Outcome, reason: &str) {
        let missing = self.workspaces.get(workspace).map(|it| it.unapplied.clone()).unwrap_or_default();
        let fate = match self.job.direction {
            Direction::Plan if outcome == Outcome::Unchanged => Fate::Unchanged,
            Direction::Plan => Fate::Deferred {
                until: missing,
                reason: reason.to_owned(),
                outputs: self.loaded.root(workspace).map(|root| root.outputs.clone()).unwrap_or_default(),
            },
            _ => Fate::Planned(Plan::default()),
        };
        self.preview.note(workspace, Foreseen { fate, why: Vec::new(), log: String::new() });
    }

    /// Notes what a plan came to; says whether the walk may go on behind it.
    pub(super) async fn foresee(&mut self, workspace: &str, run: &RunView, log: &str) -> Result<bool, Problem> {
        let is_planned = matches!(how(run), Ended::Done { .. });
        let plan = match is_planned {
            true => self.host.plan(&run.id).await?,
            false => None,
        };
        let awaited = self.preview.awaited(&self.loaded.graph, workspace);
        let fate = match plan {
            Some(plan) => Fate::Planned(plan),
            None if is_planned => Fate::Counted { counts: run.planned, changes: run.has_changes },
            None if run.deferred.is_some() || !awaited.is_empty() => {
                let reason = run.deferred.clone().or_else(|| first_error(log));
                let reason = reason.unwrap_or_else(|| "it cannot be planned yet".to_owned());
                let outputs = self.loaded.root(workspace).map(|root| root.outputs.clone()).unwrap_or_default();
                Fate::Deferred { until: awaited, reason, outputs }
            }
            None => Fate::Failed,
        };
        let goes_on = fate != Fate::Failed;
        let why = self.records.get(workspace).map(|record| record.why.clone()).unwrap_or_default();
        self.preview.note(workspace, Foreseen { fate, why, log: log.to_owned() });
        self.host.forget(&run.id).await?;
        Ok(goes_on)
    }
}

/// The first error in terraform's words, without its box.
fn first_error(log: &str) -> Option<String> {
    let plain = crate::console::plain(log);
    let line =
        plain.lines().map(|line| line.trim_start_matches(['│', ' '])).find(|line| line.starts_with("Error: "))?;
    Some(line.trim_start_matches("Error: ").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_its_sentence() {
        let log = "Terraform v1\n╷\n│ Error: Invalid count argument\n│ \n│   on main.tf line 3\n╵\n│ Error: other\n";
        assert_eq!(first_error(log).as_deref(), Some("Invalid count argument"));
        assert_eq!(first_error("nothing\n"), None);
    }
}
