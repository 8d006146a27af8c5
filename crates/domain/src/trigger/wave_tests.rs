//! The join by example, and over random graphs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::run::{RunKind, RunStatus};

/// A small world: triggers, runs in flight, notes, and a clock that moves with each event.
#[derive(Default)]
struct World {
    facts: Facts,
    now: i64,
    /// Runs that were triggered, by workspace, with how many notes each answered.
    triggered: Vec<(String, usize)>,
    /// What was decided against, by workspace.
    skipped: Vec<String>,
    /// How many notes were left, and how many were decided on.
    left: usize,
    decided: usize,
}

impl World {
    fn drawn(edges: &[(&str, &str)]) -> Self {
        let edges = edges.iter().map(|(source, target)| Edge { source: (*source).into(), target: (*target).into() });
        Self { facts: Facts { edges: edges.collect(), ..Facts::default() }, ..Self::default() }
    }

    fn tick(&mut self) -> i64 {
        self.now += 1;
        self.now
    }

    /// Somebody starts a run.
    fn run(&mut self, workspace: &str) {
        let origin = self.tick();
        self.launch(workspace, origin);
    }

    fn launch(&mut self, workspace: &str, origin: i64) {
        let run = format!("{workspace}#{}", self.tick());
        self.facts.in_flight.push(InFlight { workspace: workspace.into(), run, origin });
    }

    /// The oldest run of the workspace ends, and everything that follows is done.
    fn ends(&mut self, workspace: &str, outcome: Outcome) {
        let place = self.facts.in_flight.iter().position(|run| run.workspace == workspace).unwrap();
        let ended = self.facts.in_flight.remove(place);
        self.note(workspace, Some(ended.run), outcome, ended.origin);
        self.settle();
    }

    fn note(&mut self, upstream: &str, run: Option<String>, outcome: Outcome, origin: i64) {
        let at = self.tick();
        for edge in self.facts.edges.iter().filter(|edge| edge.source == upstream) {
            self.left += 1;
            self.facts.settled.push(Settled {
                downstream: edge.target.clone(),
                upstream: upstream.into(),
                run: run.clone(),
                outcome,
                origin,
                at,
            });
        }
    }

    /// Decides until nothing is left to decide.
    fn settle(&mut self) {
        loop {
            let Decisions { starts, skips, .. } = decide(&self.facts);
            if starts.is_empty() && skips.is_empty() {
                return;
            }
            for Start { downstream, settled, origin } in starts {
                self.facts.settled.retain(|note| !settled.contains(note));
                self.decided += settled.len();
                self.triggered.push((downstream.clone(), settled.len()));
                self.launch(&downstream, origin);
            }
            for Skip { downstream, settled, origin } in skips {
                self.facts.settled.retain(|note| !settled.contains(note));
                self.decided += settled.len();
                self.skipped.push(downstream.clone());
                self.note(&downstream, None, Outcome::NotRun, origin);
            }
        }
    }

    fn runs_of(&self, workspace: &str) -> usize {
        self.triggered.iter().filter(|(name, _)| name == workspace).count()
    }
}

#[test]
fn two_upstreams_of_one_wave_give_one_run() {
    let mut world = World::drawn(&[("a", "d"), ("b", "d")]);
    world.run("a");
    world.run("b");
    world.ends("a", Outcome::Applied);
    assert_eq!(world.runs_of("d"), 0);
    let waits = &decide(&world.facts).waiting[0];
    assert_eq!((waits.downstream.as_str(), waits.on[0].workspace.as_str()), ("d", "b"));
    world.ends("b", Outcome::Applied);
    assert_eq!(world.triggered, [("d".into(), 2)]);
}

#[test]
fn a_downstream_waits_for_what_its_upstream_is_about_to_start() {
    let mut world = World::drawn(&[("a", "b"), ("b", "d"), ("a", "d")]);
    world.run("a");
    world.ends("a", Outcome::Applied);
    assert_eq!((world.runs_of("b"), world.runs_of("d")), (1, 0));
    world.ends("b", Outcome::Applied);
    assert_eq!(world.runs_of("d"), 1);
}

#[test]
fn it_waits_also_where_the_one_between_is_not_run_in_the_end() {
    let mut world = World::drawn(&[("x", "m"), ("m", "d"), ("a", "d")]);
    world.run("x");
    world.run("a");
    world.ends("a", Outcome::Applied);
    assert_eq!(world.runs_of("d"), 0);
    world.ends("x", Outcome::Failed);
    assert_eq!(world.skipped, ["m"]);
    assert_eq!(world.triggered, [("d".into(), 2)]);
}

#[test]
fn upstreams_that_applied_nothing_start_nothing_down_to_the_end() {
    for outcome in Outcome::ALL.iter().copied().filter(|outcome| *outcome != Outcome::Applied) {
        let mut world = World::drawn(&[("a", "b"), ("b", "c")]);
        world.run("a");
        world.ends("a", outcome);
        assert!(world.triggered.is_empty(), "{outcome:?}");
        assert_eq!(world.skipped, ["b", "c"], "{outcome:?}");
    }
}

#[test]
fn one_that_failed_does_not_hold_up_what_another_has_applied() {
    let mut world = World::drawn(&[("a", "d"), ("b", "d")]);
    world.run("a");
    world.run("b");
    world.ends("a", Outcome::Failed);
    world.ends("b", Outcome::Applied);
    assert_eq!(world.triggered, [("d".into(), 2)]);
}

#[test]
fn a_run_that_somebody_starts_later_is_the_next_wave() {
    let mut world = World::drawn(&[("a", "d"), ("b", "d")]);
    world.run("a");
    world.ends("a", Outcome::Applied);
    assert_eq!(world.runs_of("d"), 1, "nothing else is in flight");
    world.run("a");
    world.run("b");
    world.ends("a", Outcome::Applied);
    world.run("a");
    world.ends("b", Outcome::Applied);
    assert_eq!(world.runs_of("d"), 2, "the run of a that came later holds nobody up");
    world.ends("a", Outcome::Applied);
    assert_eq!(world.runs_of("d"), 3);
}

#[test]
fn where_each_upstream_counts_nobody_is_waited_for() {
    let mut world = World::drawn(&[("a", "d"), ("b", "d")]);
    world.facts.each.insert("d".into());
    world.run("a");
    world.run("b");
    world.ends("a", Outcome::Applied);
    assert_eq!(world.runs_of("d"), 1);
    world.ends("b", Outcome::Applied);
    assert_eq!(world.runs_of("d"), 2);
}

#[test]
fn plans_and_unapplied_saved_plans_concern_nobody_and_a_destroy_starts_nothing() {
    let of = Outcome::of_run;
    assert_eq!(of(RunStatus::PlannedAndFinished, RunKind::PlanOnly, false), None);
    assert_eq!(of(RunStatus::Errored, RunKind::PlanOnly, false), None);
    assert_eq!(of(RunStatus::Discarded, RunKind::SavePlan, false), None);
    assert_eq!(of(RunStatus::Applied, RunKind::SavePlan, false), Some(Outcome::Applied));
    assert_eq!(of(RunStatus::Applied, RunKind::Ordinary, true), Some(Outcome::Destroyed));
    assert_eq!(of(RunStatus::PlannedAndFinished, RunKind::Ordinary, false), Some(Outcome::Unchanged));
    for &status in RunStatus::ALL {
        let told = of(status, RunKind::Ordinary, false).is_some();
        assert_eq!(told, status.is_final(), "{status}: told of exactly when it is over");
    }
}

#[test]
fn each_outcome_survives_the_way_out_and_in() {
    for &outcome in Outcome::ALL {
        assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
    }
    assert_eq!(Outcome::parse("x"), None);
}

/// A graph without cycles on workspaces `0..size`: an edge goes from a lower to a higher number.
fn graph() -> impl Strategy<Value = (usize, BTreeSet<(usize, usize)>)> {
    (2..9_usize).prop_flat_map(|size| {
        let edge = (0..size - 1).prop_flat_map(move |from| (Just(from), from + 1..size));
        (Just(size), proptest::collection::btree_set(edge, 0..size * 2))
    })
}

fn name(number: usize) -> String {
    number.to_string()
}

fn outcome_of(seed: u8) -> Outcome {
    [Outcome::Applied, Outcome::Applied, Outcome::Applied, Outcome::Unchanged, Outcome::Failed, Outcome::Canceled]
        [usize::from(seed) % 6]
}

/// What may be ended next: the first run of each workspace, since a workspace runs one after the other.
fn may_end(world: &World) -> Vec<String> {
    let mut names: Vec<_> = world.facts.in_flight.iter().map(|run| run.workspace.clone()).collect();
    names.sort();
    names.dedup();
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Runs start together; whatever the order and the outcomes, each downstream runs at most once, and exactly when one
    /// of its direct upstreams was applied.
    #[test]
    fn a_wave_runs_each_downstream_once_if_an_upstream_was_applied(
        (size, edges) in graph(),
        starts in proptest::collection::vec(any::<bool>(), 9),
        order in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 64),
    ) {
        let mut world = World::default();
        world.facts.edges =
            edges.iter().map(|(from, to)| Edge { source: name(*from), target: name(*to) }).collect();
        for number in (0..size).filter(|number| starts[*number]) {
            world.run(&name(number));
        }
        let mut applied: BTreeMap<String, bool> = BTreeMap::new();
        let mut order = order.into_iter();
        while !world.facts.in_flight.is_empty() {
            let (which, seed) = order.next().expect("a wave ends");
            let open = may_end(&world);
            let workspace = which.get(&open).clone();
            let outcome = outcome_of(seed);
            *applied.entry(workspace.clone()).or_default() |= outcome == Outcome::Applied;
            world.ends(&workspace, outcome);
        }
        prop_assert!(world.facts.settled.is_empty(), "a note is left: {:?}", world.facts.settled);
        for number in 0..size {
            let reason = edges.iter().any(|(from, to)| *to == number && applied.get(&name(*from)) == Some(&true));
            prop_assert_eq!(world.runs_of(&name(number)), usize::from(reason), "workspace {}", number);
        }
    }

    /// Runs also start while others are in flight, and some downstreams take each upstream by itself: nothing is left
    /// waiting in the end, and each note is decided on once.
    #[test]
    fn nobody_waits_for_ever_and_every_applied_upstream_is_answered_once(
        (size, edges) in graph(),
        each in proptest::collection::vec(any::<bool>(), 9),
        events in proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>(), any::<u8>()), 0..40),
    ) {
        let mut world = World::default();
        world.facts.edges =
            edges.iter().map(|(from, to)| Edge { source: name(*from), target: name(*to) }).collect();
        world.facts.each = (0..size).filter(|number| each[*number]).map(name).collect();
        for (starts, which, seed) in events {
            let open = may_end(&world);
            if starts || open.is_empty() {
                world.run(&name(which.index(size)));
            } else {
                let workspace = which.get(&open).clone();
                world.ends(&workspace, outcome_of(seed));
            }
        }
        // From here on nobody starts anything; each run that is left fails, so that no new one comes.
        while let Some(workspace) = may_end(&world).first().cloned() {
            world.ends(&workspace, Outcome::Failed);
        }
        prop_assert!(world.facts.settled.is_empty(), "a note is left: {:?}", world.facts.settled);
        prop_assert_eq!(world.decided, world.left, "a note was decided on twice, or never");
    }
}
