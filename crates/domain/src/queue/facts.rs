//! What must be known to give out slots, and what is seen from one workspace alone.
//!
//! A run whose terraform started other runs and waits for them is *parked*: it has no slot. Once it waits no longer its
//! terraform goes on at once, since nobody stops a process for want of a slot; until there is a slot for it, it is
//! *resuming*, and every limit that counts it gives out nothing.

use crate::id::{OrganizationId, ProjectId, RunId, WorkspaceId};

/// The facts of one moment. Limits and projects are named by their place in these lists.
#[derive(Debug, Clone, Default)]
pub struct QueueFacts {
    /// Every limit that counts a run of `workspaces`.
    pub limits: Vec<LimitFacts>,
    /// Every project that has a workspace in `workspaces`, with when it last was given a slot, as a number that grows; 0
    /// for never.
    pub projects: Vec<(ProjectId, u64)>,
    /// Every workspace with a run that waits or may be in terraform.
    pub workspaces: Vec<WorkspaceFacts>,
}

/// A limit on how many runs have a slot at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitFacts {
    /// What it counts.
    pub scope: Scope,
    /// How many.
    pub limit: usize,
}

/// What a limit counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Runs on one executor.
    Executor(String),
    /// Runs of an organization.
    Organization(OrganizationId),
    /// Runs of a project.
    Project(ProjectId),
    /// Runs of an organization's workspaces with this tag (`web`, or `team:net` for a key with a value).
    Tag(OrganizationId, String),
}

/// A workspace and those of its runs that have not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceFacts {
    /// Which.
    pub workspace: WorkspaceId,
    /// Its project, by its place in [`QueueFacts::projects`].
    pub project: usize,
    /// The limits that count its runs, by their places in [`QueueFacts::limits`].
    pub limits: Vec<usize>,
    /// Whether somebody locked it by hand.
    pub locked: bool,
    /// Its runs, lowest number first.
    pub runs: Vec<QueuedRun>,
}

/// A run that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedRun {
    /// Which.
    pub run: RunId,
    /// Its place in the order of creation; lower is earlier. Comparable across workspaces.
    pub number: u64,
    /// The runs that started it or wait for it.
    pub needed_by: Vec<RunId>,
    /// Whether it holds its workspace; see [`RunStatus::holds_workspace`](crate::run::RunStatus::holds_workspace).
    pub occupies: bool,
    /// What it has or waits for.
    pub hold: Hold,
}

/// What a run has or waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It waits to do this.
    Waits(Wants),
    /// It has a slot; see [`RunStatus::holds_slot`](crate::run::RunStatus::holds_slot).
    Slot,
    /// It has given its slot back until the runs that it waits for are over.
    Parked,
    /// It was parked, goes on, and has no slot yet.
    Resuming,
    /// It waits for somebody's decision.
    Approval,
    /// It goes on without a slot: a check made elsewhere, a plan that is kept.
    Nothing,
}

/// What a waiting run waits to do. In the order in which slots are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wants {
    /// To apply what was confirmed. It goes on if it holds its workspace; a saved plan may still have to get it.
    Apply,
    /// To plan, with the right to apply afterwards.
    Plan,
    /// To plan, and keep the plan.
    SavePlan,
    /// To plan, and nothing else.
    PlanOnly,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    /// For another run of its workspace: the one that holds it, or the first of those that wait.
    Run(RunId),
    /// For somebody's decision on the run that holds its workspace.
    Approval(RunId),
    /// For the workspace to be unlocked by whoever locked it.
    Lock,
}

impl Wants {
    /// Whether a run that wants this takes its turn in the workspace's queue.
    pub fn queues(self) -> bool {
        match self {
            Self::Apply | Self::Plan => true,
            Self::SavePlan | Self::PlanOnly => false,
        }
    }

    /// Applies first, since they end what holds a workspace; plans that only look come last.
    pub(super) fn class(self) -> usize {
        match self {
            Self::Apply => 0,
            Self::Plan | Self::SavePlan => 1,
            Self::PlanOnly => 2,
        }
    }
}

impl WorkspaceFacts {
    /// What keeps a waiting run of this workspace from starting, slots aside; `None` for a run that would start or does
    /// not wait.
    pub fn blocks(&self, run: &QueuedRun) -> Option<Blocked> {
        let Hold::Waits(wants) = run.hold else { return None };
        if !wants.queues() {
            return None;
        }
        match self.runs.iter().find(|it| it.occupies) {
            // It took the workspace, and with it the lock, when it started.
            Some(occupant) if occupant.run == run.run => return None,
            Some(occupant) if occupant.hold == Hold::Approval => return Some(Blocked::Approval(occupant.run.clone())),
            Some(occupant) => return Some(Blocked::Run(occupant.run.clone())),
            None if self.locked => return Some(Blocked::Lock),
            None => {}
        }
        let head = self.head().filter(|head| head.run != run.run)?;
        Some(Blocked::Run(head.run.clone()))
    }

    /// The run behind which a waiting run of this workspace stands: the one that holds the workspace. Those that wait as
    /// well are not named: they wait for the same.
    pub fn behind(&self, run: &QueuedRun) -> Option<&QueuedRun> {
        let queues = matches!(run.hold, Hold::Waits(wants) if wants.queues());
        self.runs.iter().find(|it| it.occupies && queues && it.run != run.run)
    }

    /// The run that may take or has the workspace and waits, if there is one: it alone of those that queue can start.
    pub(super) fn next(&self) -> Option<&QueuedRun> {
        match self.runs.iter().find(|it| it.occupies) {
            Some(occupant) => Some(occupant).filter(|it| matches!(it.hold, Hold::Waits(_))),
            None if self.locked => None,
            None => self.head(),
        }
    }

    /// The runs that start as soon as there is a slot: the next one of those that queue, and those that do not.
    pub(super) fn candidates(&self) -> impl Iterator<Item = (&QueuedRun, Wants)> {
        let next = self.next();
        self.runs.iter().filter_map(move |run| {
            let Hold::Waits(wants) = run.hold else { return None };
            let is_next = next.is_some_and(|next| std::ptr::eq(next, run));
            (is_next || !wants.queues()).then_some((run, wants))
        })
    }

    /// The first of those that wait in the queue.
    fn head(&self) -> Option<&QueuedRun> {
        self.runs.iter().find(|it| matches!(it.hold, Hold::Waits(wants) if wants.queues()))
    }
}

impl Hold {
    /// Whether a run counts against its limits.
    pub fn counts(self) -> bool {
        matches!(self, Self::Slot | Self::Resuming)
    }
}
