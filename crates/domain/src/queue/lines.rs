//! The facts with what follows from them kept in order, so that who may start is found without a look at everybody who waits.
//!
//! A workspace of which something has changed is put in anew; that costs as much as its own runs. Absent: decisions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::facts::{Hold, LimitFacts, QueueFacts, QueuedRun, Wants, WorkspaceFacts};
use crate::id::{ProjectId, RunId, WorkspaceId};

/// The facts of one moment, in order.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    facts: QueueFacts,
    places: HashMap<WorkspaceId, usize>,
    /// Workspaces, by place, with a run that has a slot, is parked or resumes.
    busy: BTreeSet<usize>,
    /// Workspaces, by place, with a waiting run that another one started or waits for.
    needed: BTreeSet<usize>,
    /// The runs that start as soon as there is a slot, by class.
    lines: [Lines; 3],
}

/// Runs of the same project that count against the same limits, oldest first: if there is no slot for one of them, there is
/// none for the others.
pub(super) type Lines = BTreeMap<(usize, Vec<usize>), BTreeSet<InLine>>;

/// A run in its line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InLine {
    pub(super) number: u64,
    pub(super) run: RunId,
    /// Place of its workspace.
    pub(super) at: usize,
    pub(super) wants: Wants,
}

impl Queue {
    /// Nobody waits yet.
    pub fn new(limits: Vec<LimitFacts>) -> Self {
        Self { facts: QueueFacts { limits, ..QueueFacts::default() }, ..Self::default() }
    }

    /// These facts in order.
    pub fn of(facts: QueueFacts) -> Self {
        let QueueFacts { limits, projects, workspaces } = facts;
        let mut queue = Self { facts: QueueFacts { limits, projects, workspaces: Vec::new() }, ..Self::default() };
        for workspace in workspaces {
            queue.put(workspace);
        }
        queue
    }

    /// The facts.
    pub fn facts(&self) -> &QueueFacts {
        &self.facts
    }

    /// Sets how many these limits allow, if they count what the known ones count, in the same order; says whether that is so.
    /// Otherwise nothing is set: which limits count a workspace may be different then.
    pub fn set_limits(&mut self, limits: Vec<LimitFacts>) -> bool {
        let same = self.facts.limits.iter().map(|it| &it.scope).eq(limits.iter().map(|it| &it.scope));
        if same {
            self.facts.limits = limits;
        }
        same
    }

    /// Adds a project, with when it last was given a slot; returns its place.
    pub fn add_project(&mut self, project: ProjectId, turn: u64) -> usize {
        self.facts.projects.push((project, turn));
        self.facts.projects.len() - 1
    }

    /// Notes when the project at that place was given a slot.
    pub fn set_turn(&mut self, project: usize, turn: u64) {
        if let Some(known) = self.facts.projects.get_mut(project) {
            known.1 = turn;
        }
    }

    /// Puts a workspace in, in place of what was known of it.
    pub fn put(&mut self, workspace: WorkspaceFacts) {
        self.forget(&workspace.workspace);
        let at = self.facts.workspaces.len();
        self.places.insert(workspace.workspace.clone(), at);
        self.facts.workspaces.push(workspace);
        self.link(at);
    }

    /// Takes a workspace out.
    pub fn forget(&mut self, workspace: &WorkspaceId) {
        let Some(at) = self.places.remove(workspace) else { return };
        let last = self.facts.workspaces.len() - 1;
        self.unlink(at);
        if at != last {
            self.unlink(last);
        }
        self.facts.workspaces.swap_remove(at);
        if at != last {
            self.places.insert(self.facts.workspaces[at].workspace.clone(), at);
            self.link(at);
        }
    }

    /// Whether a run is parked.
    pub fn has_parked(&self) -> bool {
        self.busy().any(|workspace| workspace.runs.iter().any(|run| run.hold == Hold::Parked))
    }

    /// Workspaces with a run that has a slot, is parked or resumes.
    pub(super) fn busy(&self) -> impl Iterator<Item = &WorkspaceFacts> {
        self.busy.iter().map(|&at| &self.facts.workspaces[at])
    }

    /// Workspaces with a waiting run that another one started or waits for.
    pub(super) fn needed(&self) -> impl Iterator<Item = &WorkspaceFacts> {
        self.needed.iter().map(|&at| &self.facts.workspaces[at])
    }

    /// Applies, plans, and plans that only look.
    pub(super) fn lines(&self) -> &[Lines; 3] {
        &self.lines
    }

    fn link(&mut self, at: usize) {
        let workspace = &self.facts.workspaces[at];
        if workspace.runs.iter().any(|run| matches!(run.hold, Hold::Slot | Hold::Parked | Hold::Resuming)) {
            self.busy.insert(at);
        }
        if workspace.runs.iter().any(|run| matches!(run.hold, Hold::Waits(_)) && !run.needed_by.is_empty()) {
            self.needed.insert(at);
        }
        for (run, wants) in workspace.candidates() {
            let line = self.lines[wants.class()].entry((workspace.project, workspace.limits.clone())).or_default();
            line.insert(in_line(run, wants, at));
        }
    }

    fn unlink(&mut self, at: usize) {
        self.busy.remove(&at);
        self.needed.remove(&at);
        let workspace = &self.facts.workspaces[at];
        let key = (workspace.project, workspace.limits.clone());
        for (run, wants) in workspace.candidates() {
            let lines = &mut self.lines[wants.class()];
            if let Some(line) = lines.get_mut(&key) {
                line.remove(&in_line(run, wants, at));
                if line.is_empty() {
                    lines.remove(&key);
                }
            }
        }
    }
}

fn in_line(run: &QueuedRun, wants: Wants, at: usize) -> InLine {
    InLine { number: run.number, run: run.run.clone(), at, wants }
}
