//! Gives out slots.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, btree_set};

use super::facts::{Hold, QueuedRun, Wants, WorkspaceFacts};
use super::lines::{InLine, Lines, Queue};
use crate::id::RunId;

/// What is given out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions {
    /// Runs that were parked and get a slot again, in the order in which they got it.
    pub resumes: Vec<RunId>,
    /// The runs that start now, in the order in which they got their slots.
    pub starts: Vec<Start>,
}

/// A run that starts now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The run.
    pub run: RunId,
    /// What it starts: an apply when it is [`Wants::Apply`], otherwise a plan.
    pub wants: Wants,
}

impl Queue {
    /// Decides which runs get a slot now. Costs a look at each run that has one or gets one, at each project that has somebody who
    /// waits, and, while somebody is parked, at each run that another one started; not at the rest of those that wait.
    pub fn decide(&self) -> Decisions {
        let mut books = Books::of(self);
        let mut decisions = Decisions { resumes: books.resume(self), starts: Vec::new() };
        let mut needed = needed(self);
        let first: HashSet<&RunId> = needed.iter().flatten().map(|it| &it.run.run).collect();
        for (needed, lines) in needed.iter_mut().zip(self.lines()) {
            needed.sort_by_key(|it| it.rank);
            for candidate in needed {
                if books.take(candidate.at) {
                    decisions.starts.push(Start { run: candidate.run.run.clone(), wants: candidate.wants });
                }
            }
            give_in_turn(self, lines, &first, &mut books, &mut decisions.starts);
        }
        decisions
    }
}

/// What is used of each limit, and by each project.
struct Books {
    free: Vec<usize>,
    by_project: Vec<usize>,
    /// When each project had its last turn.
    turns: Vec<u64>,
    now: u64,
}

impl Books {
    /// What is used by runs that have a slot.
    fn of(queue: &Queue) -> Self {
        let facts = queue.facts();
        let mut books = Self {
            free: facts.limits.iter().map(|it| it.limit).collect(),
            by_project: vec![0; facts.projects.len()],
            turns: facts.projects.iter().map(|(_, turn)| *turn).collect(),
            now: facts.projects.iter().map(|(_, turn)| *turn).max().unwrap_or(0),
        };
        for workspace in queue.busy() {
            for _ in workspace.runs.iter().filter(|run| run.hold == Hold::Slot) {
                books.count(workspace);
            }
        }
        books
    }

    /// Gives slots to resuming runs, the oldest first. One for which there is none counts all the same from then on:
    /// its terraform is at work.
    fn resume(&mut self, queue: &Queue) -> Vec<RunId> {
        let all = queue.busy().flat_map(|at| at.runs.iter().map(move |run| (at, run)));
        let mut resuming: Vec<_> = all.filter(|(_, run)| run.hold == Hold::Resuming).collect();
        resuming.sort_by_key(|(_, run)| (run.number, &run.run));
        let (mut resumed, mut left) = (Vec::new(), Vec::new());
        for (workspace, run) in resuming {
            if self.has_room(&workspace.limits) {
                self.count(workspace);
                resumed.push(run.run.clone());
            } else {
                left.push(workspace);
            }
        }
        for workspace in left {
            self.count(workspace);
        }
        resumed
    }

    fn has_room(&self, limits: &[usize]) -> bool {
        limits.iter().all(|&limit| self.free[limit] > 0)
    }

    fn count(&mut self, workspace: &WorkspaceFacts) {
        for &limit in &workspace.limits {
            self.free[limit] = self.free[limit].saturating_sub(1);
        }
        self.by_project[workspace.project] += 1;
    }

    fn take(&mut self, workspace: &WorkspaceFacts) -> bool {
        if !self.has_room(&workspace.limits) {
            return false;
        }
        self.count(workspace);
        self.now += 1;
        self.turns[workspace.project] = self.now;
        true
    }
}

/// A run that a parked run waits for, and that starts as soon as there is a slot.
struct Candidate<'a> {
    at: &'a WorkspaceFacts,
    run: &'a QueuedRun,
    wants: Wants,
    rank: Rank,
}

/// Order among those that parked runs wait for: family by family, the oldest first, and in it the deepest first, so that
/// as few runs as possible are parked at a time.
type Rank = (u64, Reverse<usize>, u64);

/// Those that a parked run waits for, by class.
fn needed(queue: &Queue) -> [Vec<Candidate<'_>>; 3] {
    let mut needed = [const { Vec::new() }; 3];
    let parked = Parked::of(queue);
    if parked.0.is_empty() {
        return needed;
    }
    for at in queue.needed() {
        for (run, wants) in at.candidates() {
            // Whoever stands before a run that is needed is needed as well.
            let rank = match wants.queues() {
                true => at.runs.iter().filter(|it| queues(it)).filter_map(|it| parked.rank(it)).min(),
                false => parked.rank(run),
            };
            needed[wants.class()].extend(rank.map(|rank| Candidate { at, run, wants, rank }));
        }
    }
    needed
}

fn queues(run: &QueuedRun) -> bool {
    matches!(run.hold, Hold::Waits(wants) if wants.queues())
}

/// The parked runs, and of each the oldest and how far above it stands.
struct Parked<'a>(HashMap<&'a RunId, (u64, usize)>);

impl<'a> Parked<'a> {
    fn of(queue: &'a Queue) -> Self {
        let all = queue.busy().flat_map(|at| &at.runs);
        let parked: HashMap<&RunId, &QueuedRun> =
            all.filter(|run| run.hold == Hold::Parked).map(|run| (&run.run, run)).collect();
        let place = |run: &QueuedRun| {
            let (mut top, mut depth) = (run, 1);
            // There is no circle; if there were, it would end here.
            while let Some(above) = top.needed_by.iter().find_map(|id| parked.get(id))
                && depth <= parked.len()
            {
                (top, depth) = (above, depth + 1);
            }
            (top.number, depth)
        };
        Self(parked.iter().map(|(id, run)| (*id, place(run))).collect())
    }

    /// `None` for a run that no parked run waits for.
    fn rank(&self, run: &QueuedRun) -> Option<Rank> {
        if !matches!(run.hold, Hold::Waits(_)) {
            return None;
        }
        let places = run.needed_by.iter().filter_map(|id| self.0.get(id));
        places.map(|&(top, depth)| (top, Reverse(depth), run.number)).min()
    }
}

/// A line of a project and who is at its front.
struct Line<'a> {
    limits: &'a [usize],
    front: Option<&'a InLine>,
    rest: btree_set::Iter<'a, InLine>,
}

impl Line<'_> {
    /// Lets the next one to the front who has not had a turn before everybody.
    fn advance(&mut self, first: &HashSet<&RunId>) {
        self.front = self.rest.find(|it| !first.contains(&it.run));
    }
}

/// The projects take turns: the one with the fewest slots is next; of several, the one whose last turn is longest ago; of
/// those, the one whose first run is oldest. Within a project, first in first out. Who is in `first` had a turn already.
fn give_in_turn(queue: &Queue, lines: &Lines, first: &HashSet<&RunId>, books: &mut Books, starts: &mut Vec<Start>) {
    let mut projects: BTreeMap<usize, Vec<Line<'_>>> = BTreeMap::new();
    for ((project, limits), line) in lines {
        if books.has_room(limits) {
            let mut line = Line { limits, front: None, rest: line.iter() };
            line.advance(first);
            projects.entry(*project).or_default().push(line);
        }
    }
    let due = |project: usize, lines: &[Line<'_>], books: &Books| {
        let front = lines.iter().filter_map(|line| line.front).min()?;
        Some(Reverse((books.by_project[project], books.turns[project], front.number, project)))
    };
    let mut next: BinaryHeap<_> = projects.iter().filter_map(|(&project, lines)| due(project, lines, books)).collect();
    while let Some(Reverse((.., project))) = next.pop() {
        let Some(lines) = projects.get_mut(&project) else { continue };
        // A line for which there is no slot has none until the next decision.
        lines.retain(|line| line.front.is_some() && books.has_room(line.limits));
        let Some(line) = lines.iter_mut().min_by_key(|line| line.front) else { continue };
        if let Some(front) = line.front
            && books.take(&queue.facts().workspaces[front.at])
        {
            starts.push(Start { run: front.run.clone(), wants: front.wants });
        }
        line.advance(first);
        next.extend(due(project, lines, books));
    }
}
