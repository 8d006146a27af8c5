//! Runs: where they are is a place that there is, one of a workspace may write, and an apply that was begun has ended with
//! its state or with words.

use std::collections::BTreeMap;
use std::path::Path;

use domain::Problem;
use domain::run::{PhaseStatus, RunKind, RunStatus};

use super::super::rows::{Phase, Run, State};
use super::{Check, Rows};

impl Check {
    pub(super) fn runs(&mut self, rows: &Rows, folders: Option<&Path>) {
        self.report.checked.runs = rows.runs.len();
        let mut phases: BTreeMap<&str, Vec<&Phase>> = BTreeMap::new();
        for phase in &rows.phases {
            phases.entry(&phase.run_id).or_default().push(phase);
        }
        let mut saved: BTreeMap<&str, &State> = BTreeMap::new();
        for state in rows.states.iter().filter(|state| state.status == "finalized") {
            if let Some(run) = &state.run_id {
                saved.insert(run, state);
            }
        }
        let mut writers: BTreeMap<&str, &Run> = BTreeMap::new();
        for run in &rows.runs {
            let of = phases.remove(run.id.as_str()).unwrap_or_default();
            self.status(run, &of);
            if run.holds_workspace
                && let Some(other) = writers.insert(&run.workspace_id, run)
            {
                let message =
                    format!("The runs {} and {} of {} may both write its state.", other.id, run.id, run.workspace_id);
                let advice = "Stop the server at once, look which terraform still works, and discard the other run.";
                self.wrong(&run.id, Problem::conflict("upkeep/writers", message).advice(advice));
            }
            self.applied(run, &of, saved.get(run.id.as_str()).copied(), folders);
        }
    }

    /// Its status and those of its phases are known, and fit each other.
    fn status(&mut self, run: &Run, phases: &[&Phase]) {
        let why = match RunStatus::parse(&run.status) {
            None => Some(format!("is in the status \"{}\", which there is not", run.status)),
            Some(status) => {
                let holds = status.holds_workspace(RunKind::of(run.plan_only, run.save_plan));
                let words = |kind: &str| phases.iter().filter(|phase| phase.kind == kind).count();
                if holds != run.holds_workspace {
                    let (is, should) = if holds { ("does not hold", "holds") } else { ("holds", "does not hold") };
                    Some(format!("is {status} and {is} its workspace, where one that is {status} {should} it"))
                } else if words("plan") != 1 || words("apply") != 1 {
                    Some(format!("has {} plans and {} applies, and not one of each", words("plan"), words("apply")))
                } else {
                    let unknown = phases.iter().find(|phase| PhaseStatus::parse(&phase.status).is_none());
                    unknown.map(|phase| {
                        format!(
                            "has the {} {} in the status \"{}\", which there is not",
                            phase.kind, phase.id, phase.status
                        )
                    })
                }
            }
        };
        if let Some(why) = why {
            let problem = Problem::conflict("upkeep/run", format!("The run {} {why}.", run.id));
            self.wrong(&run.id, problem.advice("Restore the database from a backup: somebody has altered it."));
        }
    }

    /// An apply begins once, of a plan that is done, and what it left is the workspace's state or said on the run.
    fn applied(&mut self, run: &Run, phases: &[&Phase], saved: Option<&State>, folders: Option<&Path>) {
        let has_begun = run.status_timestamps.get("applying-at").is_some();
        let status = RunStatus::parse(&run.status);
        let ended = |kind: &str| phases.iter().find(|phase| phase.kind == kind).map(|phase| phase.status.as_str());
        let why = if !has_begun {
            let says = matches!(status, Some(RunStatus::Applying | RunStatus::Applied));
            says.then(|| format!("is {}, and never began to apply", run.status))
        } else if run.plan_only || run.scratch {
            Some("was only to plan, and began to apply".to_owned())
        } else if ended("plan") != Some("finished") {
            Some(format!("began to apply a plan that is {}", ended("plan").unwrap_or("not there")))
        } else {
            match status {
                Some(RunStatus::Applying) => {
                    let gone = !self.in_use && folders.is_some_and(|folders| !folders.join(&run.id).exists());
                    gone.then(|| "was applying when its server was stopped, and its folder is gone".to_owned())
                }
                Some(status) if !status.is_final() => Some(format!("began to apply, and is {status} again")),
                Some(RunStatus::Applied) => saved.filter(|state| state.intermediate).map(|state| {
                    format!("is applied, and its last state {} is one that was saved under way", state.id)
                }),
                _ => run.failure.is_none().then(|| format!("began to apply and is {}, without a word why", run.status)),
            }
        };
        if let Some(why) = why {
            let problem = Problem::conflict("upkeep/apply", format!("The run {} {why}.", run.id));
            let advice =
                "Compare the workspace's state with the real objects (terraform plan) before anything else is applied.";
            self.wrong(&run.id, problem.advice(advice));
        }
    }
}
