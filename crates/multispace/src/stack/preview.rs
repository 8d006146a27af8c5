//! What a walk of scratch plans finds out: what each workspace's plan would do, with the outputs that its upstreams would
//! have by then, and which workspaces cannot be planned before another is applied.
//!
//! A value that is told and asked; absent: starting runs, and showing it.

use std::collections::{BTreeMap, BTreeSet};

use domain::plan::Plan;
use domain::planned::{PlannedOutput, PlannedOutputs, PlannedValue};
use domain::stack::Graph;
use executor::Counts;

/// The plan of a stack, so far as it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preview {
    workspaces: BTreeMap<String, Foreseen>,
}

/// What is foreseen for one workspace.
#[derive(Debug, Clone)]
pub(crate) struct Foreseen {
    /// What its plan says.
    pub(crate) fate: Fate,
    /// Why it changes, or runs at all: `output id of network`.
    pub(crate) why: Vec<String>,
    /// What terraform said, for whoever wants all of it.
    pub(crate) log: String,
}

/// What a scratch plan came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was planned; there may be no change.
    Planned(Plan),
    /// It was planned, and the host tells no more than this.
    Counted {
        /// How many resources; a replacement is one to add and one to destroy.
        counts: Counts,
        /// Whether there is a change, be it of outputs only.
        changes: bool,
    },
    /// It is not planned: nothing that goes into it has changed since its last apply, nor would.
    Unchanged,
    /// It cannot be planned before its upstreams are applied.
    Deferred {
        /// Those that are to be applied first.
        until: Vec<String>,
        /// Why, in terraform's words.
        reason: String,
        /// Names of all its outputs, of which nothing is known.
        outputs: Vec<String>,
    },
    /// Its plan failed, and nothing that is to be applied first could help.
    Failed,
}

impl Foreseen {
    /// Whether its plan changes something; not so where there is no plan.
    pub(crate) fn changes(&self) -> bool {
        match &self.fate {
            Fate::Planned(plan) => plan.has_changes(),
            Fate::Counted { changes, .. } => *changes,
            Fate::Unchanged | Fate::Deferred { .. } | Fate::Failed => false,
        }
    }
}

impl Preview {
    /// Notes what is foreseen for a workspace.
    pub(crate) fn note(&mut self, workspace: &str, foreseen: Foreseen) {
        self.workspaces.insert(workspace.to_owned(), foreseen);
    }

    /// What is foreseen for a workspace.
    pub(crate) fn of(&self, workspace: &str) -> Option<&Foreseen> {
        self.workspaces.get(workspace)
    }

    /// Whether the plan of a workspace changes something.
    pub(crate) fn changes(&self, workspace: &str) -> bool {
        self.workspaces.get(workspace).is_some_and(Foreseen::changes)
    }

    /// Every plan, by workspace.
    pub(crate) fn plans(&self) -> BTreeMap<String, Plan> {
        let plan = |(name, foreseen): (&String, &Foreseen)| match &foreseen.fate {
            Fate::Planned(plan) => Some((name.clone(), plan.clone())),
            Fate::Counted { .. } | Fate::Unchanged | Fate::Deferred { .. } | Fate::Failed => None,
        };
        self.workspaces.iter().filter_map(plan).collect()
    }

    /// The outputs that a workspace is expected to have; `None` when nothing is foreseen for it, or it stays as it is.
    pub(crate) fn outputs(&self, workspace: &str) -> Option<PlannedOutputs> {
        match &self.workspaces.get(workspace)?.fate {
            Fate::Planned(plan) => Some(plan.outputs.clone()),
            Fate::Deferred { outputs, .. } => {
                let unknown = || PlannedOutput { value: PlannedValue::unknown(), sensitive: false, ty: None };
                Some(outputs.iter().map(|name| (name.clone(), unknown())).collect())
            }
            Fate::Counted { .. } | Fate::Unchanged | Fate::Failed => None,
        }
    }

    /// The upstreams of a workspace, direct or not, that are to be applied before it: those that would change.
    pub(crate) fn awaited(&self, graph: &Graph, workspace: &str) -> Vec<String> {
        let changes = |name: &&str| {
            let foreseen = self.workspaces.get(*name);
            foreseen.is_some_and(|it| it.changes() || matches!(it.fate, Fate::Deferred { .. }))
        };
        let all: BTreeSet<&str> = graph.all_upstreams(workspace);
        let direct: BTreeSet<&str> = graph.upstreams(workspace).collect();
        let changing: Vec<&str> = all.into_iter().filter(changes).collect();
        // The nearest say enough; one that is further away is named when nothing between changes.
        let near: Vec<&str> = changing.iter().copied().filter(|name| direct.contains(name)).collect();
        (if near.is_empty() { changing } else { near }).into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::stack::Edge;

    use super::*;

    fn graph() -> Graph {
        let edge = |upstream: &str, downstream: &str| Edge {
            upstream: upstream.into(),
            downstream: downstream.into(),
            reasons: vec![],
        };
        Graph::new(
            ["network", "cluster", "app"].map(str::to_owned),
            vec![edge("network", "cluster"), edge("cluster", "app")],
        )
        .unwrap()
    }

    fn foreseen(fate: Fate) -> Foreseen {
        Foreseen { fate, why: vec![], log: String::new() }
    }

    fn changing(output: &str) -> Fate {
        let unknown = PlannedOutput { value: PlannedValue::unknown(), sensitive: false, ty: None };
        Fate::Planned(Plan {
            outputs: PlannedOutputs::from([(output.to_owned(), unknown)]),
            changed_outputs: vec![output.to_owned()],
            ..Plan::default()
        })
    }

    #[test]
    fn what_is_awaited_is_the_nearest_upstream_that_would_change() {
        let mut preview = Preview::default();
        preview.note("network", foreseen(changing("id")));
        preview.note("cluster", foreseen(Fate::Planned(Plan::default())));
        assert_eq!(preview.awaited(&graph(), "app"), ["network"]);
        preview.note("cluster", foreseen(changing("host")));
        assert_eq!(preview.awaited(&graph(), "app"), ["cluster"]);
        assert!(preview.awaited(&graph(), "network").is_empty());
    }

    #[test]
    fn of_a_workspace_that_is_deferred_no_output_is_known() {
        let mut preview = Preview::default();
        let fate =
            Fate::Deferred { until: vec!["network".into()], reason: "count".into(), outputs: vec!["host".into()] };
        preview.note("cluster", foreseen(fate));
        assert!(preview.outputs("cluster").unwrap()["host"].has_unknown());
        assert_eq!(preview.outputs("app"), None);
    }
}
