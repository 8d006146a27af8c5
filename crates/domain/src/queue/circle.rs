//! Who waits for whom, and whether one more wait would close a circle.

use std::collections::{BTreeMap, VecDeque};

use crate::Problem;
use crate::id::RunId;

/// Why a run cannot go on before another one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Its terraform waits for it.
    Awaits,
    /// It stands behind it in the queue of their workspace.
    Behind,
}

/// One run that waits for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The run that waits.
    pub from: RunId,
    /// Why.
    pub why: Why,
    /// The run that it waits for.
    pub to: RunId,
}

/// Who waits for whom at one moment.
#[derive(Debug, Clone, Default)]
pub struct WaitGraph(BTreeMap<RunId, Vec<(Why, RunId)>>);

impl WaitGraph {
    /// Notes that `from` waits for `to`.
    pub fn add(&mut self, from: RunId, why: Why, to: RunId) {
        let links = self.0.entry(from).or_default();
        if !links.contains(&(why, to.clone())) {
            links.push((why, to));
        }
    }

    /// The circle that `from` waiting for `to` would close, beginning with that wait; `None` when it would close none.
    /// Of several, the shortest.
    pub fn closed_by(&self, from: &RunId, why: Why, to: &RunId) -> Option<Vec<Link>> {
        let first = Link { from: from.clone(), why, to: to.clone() };
        let mut came: BTreeMap<&RunId, (&RunId, Why)> = BTreeMap::new();
        let mut open = VecDeque::from([to]);
        if from == to {
            return Some(vec![first]);
        }
        while let Some(at) = open.pop_front() {
            for (why, next) in self.0.get(at).into_iter().flatten() {
                if next == to || came.contains_key(next) {
                    continue;
                }
                came.insert(next, (at, *why));
                if next == from {
                    let mut links = Vec::new();
                    let mut end = next;
                    while let Some((before, why)) = came.get(end) {
                        links.push(Link { from: (*before).clone(), why: *why, to: end.clone() });
                        end = before;
                    }
                    links.push(first);
                    links.reverse();
                    return Some(links);
                }
                open.push_back(next);
            }
        }
        None
    }
}

/// What a person is told of a circle. `name` gives a run's workspace; the run that is asked for has none yet.
pub fn problem(circle: &[Link], name: impl Fn(&RunId) -> Option<String>) -> Problem {
    let shown = |run: &RunId| name(run).map_or_else(|| "the new run".to_owned(), |name| format!("{run} ({name})"));
    let links = circle.iter().map(|link| match link.why {
        Why::Awaits => format!("{} waits for {}", shown(&link.from), shown(&link.to)),
        Why::Behind => format!("{} would start after {}", shown(&link.from), shown(&link.to)),
    });
    let links: Vec<_> = links.collect();
    Problem::conflict(
        "run/waits-in-a-circle",
        format!("These runs would wait for one another for ever: {}.", links.join("; ")),
    )
    .advice("Take one of these waits out: start one of the runs without waiting for it, or from somewhere else.")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::id::Id;

    fn run(name: &str) -> RunId {
        RunId::from_suffix(name)
    }

    fn graph(links: &[(&str, Why, &str)]) -> WaitGraph {
        let mut graph = WaitGraph::default();
        for (from, why, to) in links {
            graph.add(run(from), *why, run(to));
        }
        graph
    }

    #[test]
    fn a_circle_is_found_when_it_closes_and_its_runs_are_named() {
        let graph = graph(&[
            ("a", Why::Awaits, "b"),
            ("b", Why::Behind, "c"),
            ("b", Why::Behind, "x"),
            ("c", Why::Awaits, "d"),
            ("x", Why::Awaits, "y"),
        ]);
        assert!(graph.closed_by(&run("y"), Why::Awaits, &run("c")).is_none());
        assert!(graph.closed_by(&run("a"), Why::Awaits, &run("d")).is_none());
        let circle = graph.closed_by(&run("d"), Why::Behind, &run("a")).unwrap();
        let problem = problem(&circle, |it| (*it != run("d")).then(|| it.to_string().to_uppercase()));
        expect!["These runs would wait for one another for ever: the new run would start after run-a (RUN-A); run-a (RUN-A) waits for run-b (RUN-B); run-b (RUN-B) would start after run-c (RUN-C); run-c (RUN-C) waits for the new run. Take one of these waits out: start one of the runs without waiting for it, or from somewhere else."]
            .assert_eq(&problem.to_string());
        assert_eq!(problem.code, "run/waits-in-a-circle");
    }

    #[test]
    fn a_run_that_waits_for_itself_is_a_circle_of_one() {
        let circle = WaitGraph::default().closed_by(&run("a"), Why::Awaits, &run("a")).unwrap();
        assert_eq!(circle, [Link { from: run("a"), why: Why::Awaits, to: run("a") }]);
    }

    #[test]
    fn a_long_chain_is_looked_through_in_one_go() {
        let mut graph = WaitGraph::default();
        for at in 0..5_000 {
            graph.add(run(&at.to_string()), Why::Awaits, run(&(at + 1).to_string()));
        }
        assert_eq!(graph.closed_by(&run("5000"), Why::Awaits, &run("0")).unwrap().len(), 5_001);
        assert!(graph.closed_by(&run("0"), Why::Awaits, &run("5000")).is_none());
    }
}
