//! What multispace is compared with: terraform itself under a scheduler that does nothing but start a root when those that it reads
//! have ended. No multispace is in it.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, anyhow};

use super::graph::Graph;
use super::measure::Usage;

/// Which way a graph is walked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Upstreams first.
    Up,
    /// Downstreams first.
    Down,
}

/// Runs `work` for each root that is `among`, at most `slots` at once; ends at the first failure.
pub(super) fn walk(
    graph: &Graph,
    among: &BTreeSet<usize>,
    direction: Direction,
    slots: usize,
    work: impl Fn(&str) -> Result<Usage> + Sync,
) -> Result<Usage> {
    let walk = Walk { state: Mutex::new(State::new(graph, among, direction)), moved: Condvar::new() };
    std::thread::scope(|scope| {
        for _ in 0..slots.min(among.len()) {
            scope.spawn(|| walk.take_part(graph, &work));
        }
    });
    let state = walk.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match state.failed {
        Some(error) => Err(error),
        None => Ok(state.usage),
    }
}

struct Walk {
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    /// Roots that may start.
    ready: Vec<usize>,
    /// For each root: how many have to end before it.
    waits: Vec<usize>,
    /// For each root: those that wait for it.
    releases: Vec<Vec<usize>>,
    left: usize,
    usage: Usage,
    failed: Option<anyhow::Error>,
}

impl State {
    fn new(graph: &Graph, among: &BTreeSet<usize>, direction: Direction) -> Self {
        let mut waits = vec![0; graph.len()];
        let mut releases = vec![Vec::new(); graph.len()];
        for &at in among {
            for &read in graph.roots()[at].reads.iter().filter(|read| among.contains(read)) {
                let (first, then) = if direction == Direction::Up { (read, at) } else { (at, read) };
                waits[then] += 1;
                releases[first].push(then);
            }
        }
        let ready = among.iter().rev().copied().filter(|at| waits[*at] == 0).collect();
        Self { ready, waits, releases, left: among.len(), usage: Usage::default(), failed: None }
    }
}

impl Walk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_part(&self, graph: &Graph, work: impl Fn(&str) -> Result<Usage>) {
        while let Some(at) = self.next() {
            let name = &graph.roots()[at].name;
            let outcome = work(name);
            let mut state = self.lock();
            match outcome {
                Ok(usage) => state.usage.add(usage),
                Err(error) => state.failed = state.failed.take().or(Some(anyhow!("{name}: {error:#}"))),
            }
            state.left -= 1;
            for then in std::mem::take(&mut state.releases[at]) {
                state.waits[then] -= 1;
                if state.waits[then] == 0 {
                    state.ready.push(then);
                }
            }
            drop(state);
            self.moved.notify_all();
        }
    }

    fn next(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.left == 0 || state.failed.is_some() {
                return None;
            }
            if let Some(at) = state.ready.pop() {
                return Some(at);
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The arguments of plain terraform.
pub(super) const APPLY: &[&str] = &["apply", "-auto-approve", "-input=false", "-no-color"];
/// The same for a destroy.
pub(super) const DESTROY: &[&str] = &["destroy", "-auto-approve", "-input=false", "-no-color"];
/// The same for a plan.
pub(super) const PLAN: &[&str] = &["plan", "-input=false", "-no-color"];
/// What a careful script runs for each root, one after the other.
pub(super) const NAIVE: &[&[&str]] = &[
    &["init", "-input=false", "-no-color"],
    &["plan", "-input=false", "-no-color", "-out=plan"],
    &["show", "-json", "-no-color", "plan"],
    &["apply", "-input=false", "-no-color", "plan"],
];

/// Runs commands of terraform in one root.
pub(super) fn in_root(
    commands: &[&[&str]],
    mut terraform: impl FnMut(&[&str]) -> Command,
    mut run: impl FnMut(&mut Command) -> Result<Usage>,
) -> Result<Usage> {
    let mut all = Usage::default();
    for arguments in commands {
        all.add(run(&mut terraform(arguments))?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::graph;
    use super::*;

    fn order(direction: Direction, slots: usize) -> Vec<String> {
        let graph = graph::layers(3, 3, 2);
        let seen = Mutex::new(Vec::new());
        let all = (0..graph.len()).collect();
        walk(&graph, &all, direction, slots, |root| {
            seen.lock().unwrap().push(root.to_owned());
            Ok(Usage::default())
        })
        .unwrap();
        seen.into_inner().unwrap()
    }

    #[test]
    fn every_root_runs_once_and_after_those_it_waits_for() {
        let graph = graph::layers(3, 3, 2);
        for slots in [1, 4] {
            let up = order(Direction::Up, slots);
            let down = order(Direction::Down, slots);
            assert_eq!((up.len(), down.len()), (9, 9));
            let place = |order: &[String], at: usize| order.iter().position(|it| *it == graph.roots()[at].name);
            for (at, root) in graph.roots().iter().enumerate() {
                for read in &root.reads {
                    // Two that may run at once may note themselves in any order; these two may not run at once.
                    assert!(place(&up, *read) < place(&up, at));
                    assert!(place(&down, at) < place(&down, *read));
                }
            }
        }
    }

    #[test]
    fn a_failure_ends_the_walk_and_is_told() {
        let graph = graph::chain(3);
        let all = (0..3).collect();
        let outcome = walk(&graph, &all, Direction::Up, 2, |root| match root {
            "w0001" => Err(anyhow!("it broke")),
            "w0002" => panic!("it does not come to this"),
            _ => Ok(Usage::default()),
        });
        assert_eq!(outcome.unwrap_err().to_string(), "w0001: it broke");
    }
}
