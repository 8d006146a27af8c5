//! The join: what follows when upstreams settle.
//!
//! A run that ends leaves a note for each downstream: how it ended. A downstream with notes waits until no upstream of its
//! wave, direct or not, is in flight or has notes itself; then it runs once if at least one of its upstreams was applied,
//! and otherwise says why it did not. A downstream may also be set to the meaning of HCP Terraform, where each applied
//! upstream has a run of its own, at once.
//!
//! What belongs to a wave is told by origins. The origin of a run that somebody started is the moment at which it was made,
//! that of a triggered run the least of those that triggered it. A downstream waits for what has its origin before its
//! first note. A run that somebody starts later is the next wave, so that an upstream which never rests holds nobody up.

use std::collections::{BTreeMap, BTreeSet};

use super::Edge;
use crate::run::{RunKind, RunStatus};

/// A moment, in whole microseconds.
pub type Moment = i64;

/// How an upstream came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was applied.
    Applied,
    /// There was nothing to apply.
    Unchanged,
    /// It failed.
    Failed,
    /// Somebody said no.
    Discarded,
    /// Somebody stopped it.
    Canceled,
    /// It was destroyed. That starts nothing: whoever takes a stack down does not want it applied again on the way.
    Destroyed,
    /// It was to run, and its own upstreams gave it no reason.
    NotRun,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &'static [Self] =
        &[Self::Applied, Self::Unchanged, Self::Failed, Self::Discarded, Self::Canceled, Self::Destroyed, Self::NotRun];

    /// The outcome as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Discarded => "discarded",
            Self::Canceled => "canceled",
            Self::Destroyed => "destroyed",
            Self::NotRun => "not-run",
        }
    }

    /// The outcome that is written so, if there is one.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.as_str() == text)
    }

    /// What a run that is over means to downstreams. `None` while it is not over, and for runs that concern nobody:
    /// those that only plan, and saved plans that were not applied.
    pub fn of_run(status: RunStatus, kind: RunKind, is_destroy: bool) -> Option<Self> {
        let outcome = match status {
            RunStatus::Applied if is_destroy => Self::Destroyed,
            RunStatus::Applied => Self::Applied,
            RunStatus::PlannedAndFinished | RunStatus::PolicySoftFailed | RunStatus::Assessed => Self::Unchanged,
            RunStatus::Errored => Self::Failed,
            RunStatus::Discarded => Self::Discarded,
            RunStatus::Canceled | RunStatus::ForceCanceled => Self::Canceled,
            _ => return None,
        };
        match kind {
            RunKind::Ordinary => Some(outcome),
            RunKind::SavePlan => Some(outcome).filter(|it| matches!(it, Self::Applied | Self::Destroyed)),
            RunKind::PlanOnly => None,
        }
    }
}

/// A note: an upstream has settled, and this downstream has not been decided on since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Who may have to run.
    pub downstream: String,
    /// Who has settled.
    pub upstream: String,
    /// Its run; `None` when it was not run.
    pub run: Option<String>,
    /// How.
    pub outcome: Outcome,
    /// Origin of its run.
    pub origin: Moment,
    /// When.
    pub at: Moment,
}

/// A run that is not over and may still be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    /// Its workspace.
    pub workspace: String,
    /// Its id.
    pub run: String,
    /// Its origin.
    pub origin: Moment,
}

/// What decides.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Every run trigger. They form no cycle.
    pub edges: Vec<Edge>,
    /// Downstreams for which each applied upstream has a run of its own.
    pub each: BTreeSet<String>,
    /// Every note.
    pub settled: Vec<Settled>,
    /// Every run in flight.
    pub in_flight: Vec<InFlight>,
}

/// A downstream is to run, once, for all of these notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Who.
    pub downstream: String,
    /// Why; at least one was applied.
    pub settled: Vec<Settled>,
    /// Origin of the new run.
    pub origin: Moment,
}

/// A downstream is not to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// Who.
    pub downstream: String,
    /// Why; none was applied.
    pub settled: Vec<Settled>,
    /// Origin of the notes that this leaves for its own downstreams.
    pub origin: Moment,
}

/// A downstream waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub downstream: String,
    /// What it has been told so far.
    pub settled: Vec<Settled>,
    /// For what, by workspace.
    pub on: Vec<Blocker>,
}

/// What a downstream waits for: an upstream, direct or not, of its wave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocker {
    /// The upstream.
    pub workspace: String,
    /// Its run in flight; `None` when it is about to be decided on itself.
    pub run: Option<String>,
}

/// What is to be done now. The notes of whoever starts or is skipped are done with; whoever carries that out looks at the
/// facts again, since a new run and a skip are facts for those further down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Who runs.
    pub starts: Vec<Start>,
    /// Who does not.
    pub skips: Vec<Skip>,
    /// Who waits.
    pub waiting: Vec<Waiting>,
}

/// Decides on every downstream that has notes.
pub fn decide(facts: &Facts) -> Decisions {
    let mut decisions = Decisions::default();
    let mut by_downstream: BTreeMap<&str, Vec<&Settled>> = BTreeMap::new();
    for settled in &facts.settled {
        by_downstream.entry(&settled.downstream).or_default().push(settled);
    }
    for (downstream, notes) in &by_downstream {
        if facts.each.contains(*downstream) {
            one_by_one(downstream, notes, &mut decisions);
            continue;
        }
        let wave = notes.iter().map(|note| note.at).min().unwrap_or_default();
        let on = blockers(facts, &by_downstream, downstream, wave);
        let notes: Vec<_> = notes.iter().map(|&note| note.clone()).collect();
        if on.is_empty() {
            joined(downstream, notes, &mut decisions);
        } else {
            decisions.waiting.push(Waiting { downstream: (*downstream).to_owned(), settled: notes, on });
        }
    }
    decisions
}

fn one_by_one(downstream: &str, notes: &[&Settled], decisions: &mut Decisions) {
    let (applied, rest): (Vec<&Settled>, Vec<&Settled>) =
        notes.iter().partition(|note| note.outcome == Outcome::Applied);
    for note in applied {
        joined(downstream, vec![note.clone()], decisions);
    }
    if !rest.is_empty() {
        joined(downstream, rest.into_iter().cloned().collect(), decisions);
    }
}

fn joined(downstream: &str, settled: Vec<Settled>, decisions: &mut Decisions) {
    let origin = settled.iter().map(|note| note.origin).min().unwrap_or_default();
    let downstream = downstream.to_owned();
    if settled.iter().any(|note| note.outcome == Outcome::Applied) {
        decisions.starts.push(Start { downstream, settled, origin });
    } else {
        decisions.skips.push(Skip { downstream, settled, origin });
    }
}

/// The upstreams of a wave that have not settled.
fn blockers(facts: &Facts, notes: &BTreeMap<&str, Vec<&Settled>>, downstream: &str, wave: Moment) -> Vec<Blocker> {
    let upstreams = upstreams(&facts.edges, downstream);
    let runs = facts.in_flight.iter().filter(|run| run.origin <= wave && upstreams.contains(run.workspace.as_str()));
    let mut blockers: Vec<_> =
        runs.map(|run| Blocker { workspace: run.workspace.clone(), run: Some(run.run.clone()) }).collect();
    for upstream in upstreams {
        let undecided = notes.get(upstream).is_some_and(|notes| notes.iter().any(|note| note.origin <= wave));
        if undecided && !blockers.iter().any(|it| it.workspace == upstream) {
            blockers.push(Blocker { workspace: upstream.to_owned(), run: None });
        }
    }
    blockers.sort();
    blockers
}

/// Every workspace from which triggers lead to this one, directly or not.
pub fn upstreams<'a>(edges: &'a [Edge], downstream: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![downstream];
    while let Some(at) = open.pop() {
        for edge in edges.iter().filter(|edge| edge.target == at) {
            if found.insert(edge.source.as_str()) {
                open.push(&edge.source);
            }
        }
    }
    found
}
