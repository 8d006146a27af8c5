//! Gives out slots.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

use super::facts::{Hold, QueueFacts, QueuedRun, Wants, WorkspaceFacts};
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

/// Decides which runs get a slot now. Costs a look at each run and the sorting of those that could start; when no slot is
/// free, only the look.
pub fn decide(facts: &QueueFacts) -> Decisions {
    let mut books = Books::of(facts);
    let mut decisions = Decisions { resumes: books.resume(facts), starts: Vec::new() };
    let mut queue = Queue::of(facts, &books);
    for class in &mut queue.classes {
        class.needed.sort_by_key(|it| it.rank);
        for candidate in &class.needed {
            if books.take(candidate.at) {
                decisions.starts.push(candidate.start());
            }
        }
        give_in_turn(class, &mut books, &mut decisions.starts);
    }
    decisions
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
    fn of(facts: &QueueFacts) -> Self {
        let mut books = Self {
            free: facts.limits.iter().map(|it| it.limit).collect(),
            by_project: vec![0; facts.projects.len()],
            turns: facts.projects.iter().map(|(_, turn)| *turn).collect(),
            now: facts.projects.iter().map(|(_, turn)| *turn).max().unwrap_or(0),
        };
        for workspace in &facts.workspaces {
            for _ in workspace.runs.iter().filter(|run| run.hold == Hold::Slot) {
                books.count(workspace);
            }
        }
        books
    }

    /// Gives slots to resuming runs, the oldest first. One for which there is none counts all the same from then on:
    /// its terraform is at work.
    fn resume(&mut self, facts: &QueueFacts) -> Vec<RunId> {
        let all = facts.workspaces.iter().flat_map(|at| at.runs.iter().map(move |run| (at, run)));
        let mut resuming: Vec<_> = all.filter(|(_, run)| run.hold == Hold::Resuming).collect();
        resuming.sort_by_key(|(_, run)| (run.number, &run.run));
        let (mut resumed, mut left) = (Vec::new(), Vec::new());
        for (workspace, run) in resuming {
            if self.has_room(workspace) {
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

    fn has_room(&self, workspace: &WorkspaceFacts) -> bool {
        workspace.limits.iter().all(|&limit| self.free[limit] > 0)
    }

    fn count(&mut self, workspace: &WorkspaceFacts) {
        for &limit in &workspace.limits {
            self.free[limit] = self.free[limit].saturating_sub(1);
        }
        self.by_project[workspace.project] += 1;
    }

    fn take(&mut self, workspace: &WorkspaceFacts) -> bool {
        if !self.has_room(workspace) {
            return false;
        }
        self.count(workspace);
        self.now += 1;
        self.turns[workspace.project] = self.now;
        true
    }
}

/// The runs that start as soon as there is a slot, of each class.
#[derive(Default)]
struct Queue<'a> {
    classes: [Class<'a>; 3],
}

#[derive(Default)]
struct Class<'a> {
    /// Those that a parked run waits for.
    needed: Vec<Candidate<'a>>,
    /// The others by project.
    others: BTreeMap<usize, Vec<Candidate<'a>>>,
}

struct Candidate<'a> {
    at: &'a WorkspaceFacts,
    run: &'a QueuedRun,
    wants: Wants,
    rank: Rank,
}

/// Order among those that parked runs wait for: family by family, the oldest first, and in it the deepest first, so that
/// as few runs as possible are parked at a time.
type Rank = (u64, Reverse<usize>, u64);

impl Candidate<'_> {
    fn start(&self) -> Start {
        Start { run: self.run.run.clone(), wants: self.wants }
    }
}

impl<'a> Queue<'a> {
    fn of(facts: &'a QueueFacts, books: &Books) -> Self {
        let mut queue = Self::default();
        let parked = Parked::of(facts);
        for at in facts.workspaces.iter().filter(|at| books.has_room(at)) {
            let next = at.next();
            for run in &at.runs {
                let Hold::Waits(wants) = run.hold else { continue };
                let is_next = next.is_some_and(|next| std::ptr::eq(next, run));
                if wants.queues() && !is_next {
                    continue;
                }
                // Whoever stands before a run that is needed is needed as well.
                let rank = match is_next {
                    true => at.runs.iter().filter(|it| queues(it)).filter_map(|it| parked.rank(it)).min(),
                    false => parked.rank(run),
                };
                let class = &mut queue.classes[wants.class()];
                let candidate = Candidate { at, run, wants, rank: rank.unwrap_or((0, Reverse(0), run.number)) };
                match rank {
                    Some(_) => class.needed.push(candidate),
                    None => class.others.entry(at.project).or_default().push(candidate),
                }
            }
        }
        queue
    }
}

fn queues(run: &QueuedRun) -> bool {
    matches!(run.hold, Hold::Waits(wants) if wants.queues())
}

/// The parked runs, and of each the oldest and how far above it stands.
struct Parked<'a>(HashMap<&'a RunId, (u64, usize)>);

impl<'a> Parked<'a> {
    fn of(facts: &'a QueueFacts) -> Self {
        let all = facts.workspaces.iter().flat_map(|at| &at.runs);
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
        if self.0.is_empty() || !matches!(run.hold, Hold::Waits(_)) {
            return None;
        }
        let places = run.needed_by.iter().filter_map(|id| self.0.get(id));
        places.map(|&(top, depth)| (top, Reverse(depth), run.number)).min()
    }
}

/// The projects take turns: the one with the fewest slots is next; of several, the one whose last turn is longest ago; of
/// those, the one whose first run is oldest. Within a project, first in first out.
fn give_in_turn(class: &mut Class<'_>, books: &mut Books, starts: &mut Vec<Start>) {
    let mut lines: BTreeMap<usize, VecDeque<&Candidate<'_>>> = BTreeMap::new();
    for (&project, candidates) in &mut class.others {
        candidates.sort_by_key(|it| (it.run.number, &it.run.run));
        lines.insert(project, candidates.iter().collect());
    }
    let due = |project: usize, line: &VecDeque<&Candidate<'_>>, books: &Books| {
        line.front().map(|first| Reverse((books.by_project[project], books.turns[project], first.run.number, project)))
    };
    let mut next: BinaryHeap<_> = lines.iter().filter_map(|(&project, line)| due(project, line, books)).collect();
    while let Some(Reverse((.., project))) = next.pop() {
        let Some(line) = lines.get_mut(&project) else { continue };
        // One for which there is no slot has none until the next decision.
        while let Some(candidate) = line.pop_front() {
            if books.take(candidate.at) {
                starts.push(candidate.start());
                break;
            }
        }
        next.extend(due(project, line, books));
    }
}
