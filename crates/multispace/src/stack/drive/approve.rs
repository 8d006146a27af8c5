//! Whether a plan that terraform made right before its apply is the one that was approved with the whole stack's.

use std::collections::BTreeMap;

use domain::Problem;
use domain::plan::{Plan, differences, differences_after_attempt};

use super::super::host::RunView;
use super::super::record::Outcome;
use super::Drive;
use crate::digest::sha256;

/// What a person, or a rule, has said yes to.
#[derive(Debug, Clone)]
pub(crate) struct Approved {
    /// The approved plan of each workspace that has one.
    pub(crate) plans: BTreeMap<String, Plan>,
    /// Who approved: `ann`, or `the rules of multispace.hcl`.
    pub(crate) by: String,
    /// Digest of the plans of the whole stack.
    pub(crate) digest: String,
}

impl Approved {
    /// An approval of these plans.
    pub(crate) fn new(plans: BTreeMap<String, Plan>, by: String) -> Self {
        let all: String = plans.iter().map(|(name, plan)| format!("{name}\n{}", plan.canonical())).collect();
        Self { plans, by, digest: sha256(all.as_bytes()) }
    }

    /// Whether the run of a workspace may change something: no plan that was approved says that it will not.
    pub(super) fn changes(&self, workspace: &str) -> bool {
        self.plans.get(workspace).is_none_or(Plan::has_changes)
    }

    /// What is kept on a run whose plan was approved with the stack's.
    fn note(&self, plan: &Plan) -> String {
        format!(
            "Approved by {} with the plan of the whole stack, sha256:{}. The plan of this workspace, as approved: sha256:{}.",
            self.by,
            self.digest,
            sha256(plan.canonical().as_bytes())
        )
    }
}

/// How a plan stands to what was approved.
enum Weighed {
    /// It is what was approved; the note says by whom.
    Agreed(String),
    /// It is something else: what, as a person reads it.
    Differs(String),
    /// It could not be made before, so nothing of it was approved.
    New,
}

impl Drive<'_> {
    /// Whether the plan of a run is what was approved. In what it is not, and that it is new, is kept for the question.
    pub(super) async fn agreed(&mut self, run: &RunView, workspace: &str) -> Result<bool, Problem> {
        let Some(approved) = &self.job.approved else { return Ok(false) };
        Ok(match self.weigh(approved, run, workspace).await? {
            Weighed::Agreed(note) => {
                self.notes.insert(run.id.clone(), note);
                true
            }
            Weighed::Differs(text) => {
                self.differences.insert(run.id.clone(), text);
                false
            }
            Weighed::New => {
                self.unapproved.insert(run.id.clone());
                false
            }
        })
    }

    /// A workspace whose approved plan changes nothing, and none of whose upstreams changes, needs no run.
    pub(super) fn approved_as_it_is(&self, workspace: &str) -> Option<(Outcome, String)> {
        let approved = self.job.approved.as_ref()?;
        let is_still = !approved.changes(workspace);
        // What is not part of this walk does not change in it.
        let stays = |name: &str| self.records.get(name).is_none_or(|it| it.outcome == Outcome::Unchanged);
        let all_stay = self.loaded.graph.all_upstreams(workspace).into_iter().all(stays);
        (is_still && all_stay).then(|| (Outcome::Unchanged, "no changes in the approved plan".to_owned()))
    }

    /// Compares the plan of a run with the approved one.
    async fn weigh(&self, approved: &Approved, run: &RunView, workspace: &str) -> Result<Weighed, Problem> {
        let Some(plan) = approved.plans.get(workspace) else { return Ok(Weighed::New) };
        let Some(real) = self.host.plan(&run.id).await? else {
            return Ok(Weighed::Differs("  its plan cannot be read, so it cannot be compared\n".to_owned()));
        };
        let is_again = self.records.get(workspace).is_some_and(|record| record.attempts > 1);
        let found = if is_again { differences_after_attempt(plan, &real) } else { differences(plan, &real) };
        Ok(match found.is_empty() {
            true => Weighed::Agreed(approved.note(plan)),
            false => Weighed::Differs(self.console.differences(&found, plan, &real)),
        })
    }
}
