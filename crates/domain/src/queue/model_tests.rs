//! Whole lives of random queues: runs that start other runs and wait for them, limits that change, failures, cancels, locks
//! and restarts. After every event the slots are given out and every promise is held against what is there; in the end
//! everything has to come to its end.
//!
//! A few thousand graphs by default; `MULTISPACE_MODEL_GRAPHS=100000` for as many as that.

use std::collections::BTreeSet;

use super::*;
use crate::id::{Id, OrganizationId, ProjectId, RunId, WorkspaceId};

/// Events of one graph before it is left to run out.
const EVENTS: usize = 40;

#[test]
fn whatever_happens_limits_hold_no_slot_is_idle_and_everything_ends() {
    let graphs = std::env::var("MULTISPACE_MODEL_GRAPHS").ok().and_then(|it| it.parse().ok()).unwrap_or(2_000);
    let mut seen = Seen::default();
    for seed in 0..graphs {
        let mut world = World::new(seed, true);
        world.live();
        if let Some(stuck) = world.run_out() {
            panic!("graph {seed} is stuck:\n{stuck}");
        }
        seen.add(&world.seen);
    }
    // What never happened was not tested.
    assert!(seen.parked > graphs && seen.resumed > graphs && seen.circles > 0 && seen.overtakes > 0, "{seen:?}");
    assert!(
        seen.restarts > 0 && seen.cancels_while_parked > 0 && seen.lapses > 0 && seen.waited_to_resume > 0,
        "{seen:?}"
    );
}

#[test]
fn without_parking_the_same_graphs_get_stuck_and_that_is_noticed() {
    let stuck = (0..100).filter(|&seed| {
        let mut world = World::new(seed, false);
        world.live();
        world.run_out().is_some()
    });
    assert!(stuck.count() > 10);
}

#[test]
fn a_chain_of_any_depth_ends_with_one_slot_and_only_if_runs_are_parked() {
    for (parks, ends) in [(true, true), (false, false)] {
        let mut world = World::new(0, parks);
        world.workspaces = (0..11).map(|at| Workspace { project: 0, tagged: at % 2 == 0, locked: false }).collect();
        world.limits = [1, 1, 1, 1, 1];
        world.runs.clear();
        let chain = (1..11).map(|next| vec![Child { workspace: next, waits: true }]).chain([Vec::new()]);
        world.scripts_by_workspace = Some(chain.collect());
        assert!(world.enqueue(0, None, false).is_some());
        world.dispatch();
        assert_eq!(world.run_out().is_none(), ends);
    }
}

/// How often things happened.
#[derive(Debug, Default)]
struct Seen {
    parked: u64,
    resumed: u64,
    waited_to_resume: u64,
    circles: u64,
    overtakes: u64,
    restarts: u64,
    lapses: u64,
    cancels_while_parked: u64,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.parked += other.parked;
        self.resumed += other.resumed;
        self.waited_to_resume += other.waited_to_resume;
        self.circles += other.circles;
        self.overtakes += other.overtakes;
        self.restarts += other.restarts;
        self.lapses += other.lapses;
        self.cancels_while_parked += other.cancels_while_parked;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Pending,
    Planning,
    Planned,
    Confirmed,
    Applying,
    Over,
}

/// A run that another one starts while it applies.
#[derive(Debug, Clone, Copy)]
struct Child {
    workspace: usize,
    waits: bool,
}

#[derive(Debug, Clone)]
struct Run {
    workspace: usize,
    status: Status,
    plan_only: bool,
    parent: Option<usize>,
    /// Whoever started it waits for it, or will.
    awaited: bool,
    /// What it starts, last first.
    script: Vec<Child>,
    /// Runs that its terraform waits for.
    awaits: BTreeSet<usize>,
    /// Of these, the ones that the queue knows of.
    known: BTreeSet<usize>,
    hold: Option<Hold>,
}

#[derive(Debug)]
struct Workspace {
    project: usize,
    tagged: bool,
    locked: bool,
}

struct World {
    random: u64,
    parks: bool,
    workspaces: Vec<Workspace>,
    /// Of the organization, the three projects, and the tag.
    limits: [usize; 5],
    turns: [u64; 3],
    now: u64,
    runs: Vec<Run>,
    /// What the scheduler knows.
    queue: Queue,
    /// What runs of each workspace start, where that is not left to chance.
    scripts_by_workspace: Option<Vec<Vec<Child>>>,
    seen: Seen,
}

impl World {
    fn new(seed: u64, parks: bool) -> Self {
        let mut world = Self {
            random: seed,
            parks,
            workspaces: Vec::new(),
            limits: [0; 5],
            turns: [0; 3],
            now: 0,
            queue: Queue::default(),
            runs: Vec::new(),
            scripts_by_workspace: None,
            seen: Seen::default(),
        };
        for _ in 0..2 + world.below(6) {
            let (project, tagged) = (world.below(3), world.one_in(3));
            world.workspaces.push(Workspace { project, tagged, locked: false });
        }
        world.change_limits();
        world
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn change_limits(&mut self) {
        self.limits = [1 + self.below(4), 1 + self.below(4), 1 + self.below(4), 1 + self.below(4), 1 + self.below(3)];
    }

    /// A while in which anything happens.
    fn live(&mut self) {
        for _ in 0..EVENTS {
            match self.below(24) {
                0..6 => {
                    let (workspace, plan_only) = (self.below(self.workspaces.len()), self.one_in(6));
                    self.enqueue(workspace, None, plan_only);
                }
                6..17 => drop(self.progress()),
                17 => self.cancel_one(),
                18 => self.restart(),
                19 => self.change_limits(),
                20 => {
                    let at = self.below(self.workspaces.len());
                    self.workspaces[at].locked ^= true;
                }
                _ => self.lapse_or_ask_again(),
            }
            self.dispatch();
        }
    }

    /// Nobody does anything new; what is there comes to its end. What is left when nothing moves any more, in words.
    fn run_out(&mut self) -> Option<String> {
        for workspace in &mut self.workspaces {
            workspace.locked = false;
        }
        // A terraform that waits asks again and again.
        for (at, child) in self.awaited() {
            self.ask(at, child);
        }
        self.dispatch();
        while self.progress() {
            self.dispatch();
        }
        let left: Vec<_> = self.runs.iter().enumerate().filter(|(_, run)| run.status != Status::Over).collect();
        (!left.is_empty()).then(|| left.iter().map(|(at, run)| format!("{at}: {run:?}\n")).collect())
    }

    /// A new run, unless it would close a circle.
    fn enqueue(&mut self, workspace: usize, parent: Option<(usize, bool)>, plan_only: bool) -> Option<usize> {
        let script = match &self.scripts_by_workspace {
            Some(scripts) => scripts[workspace].clone(),
            None => (0..self.below(4).saturating_sub(1)).map(|_| self.child()).collect(),
        };
        let at = self.runs.len();
        self.runs.push(Run {
            workspace,
            status: Status::Pending,
            plan_only,
            parent: parent.map(|(parent, _)| parent),
            awaited: parent.is_some_and(|(_, waits)| waits),
            script,
            awaits: BTreeSet::new(),
            known: BTreeSet::new(),
            hold: None,
        });
        if parent.is_some_and(|(_, waits)| waits) && self.closes_a_circle(at) {
            self.runs.pop();
            self.seen.circles += 1;
            return None;
        }
        Some(at)
    }

    fn child(&mut self) -> Child {
        Child { workspace: self.below(self.workspaces.len()), waits: !self.one_in(4) }
    }

    fn closes_a_circle(&self, new: usize) -> bool {
        let facts = self.facts();
        let mut graph = WaitGraph::default();
        let mut behind = None;
        for workspace in &facts.workspaces {
            for run in &workspace.runs {
                let Some(occupant) = workspace.behind(run) else { continue };
                graph.add(run.run.clone(), Why::Behind, occupant.run.clone());
                if run.run == id(new) {
                    behind = Some(occupant.run.clone());
                }
            }
        }
        for (at, run) in self.runs.iter().enumerate() {
            if let Some(parent) = run.parent.filter(|_| run.awaited && run.status != Status::Over) {
                graph.add(id(parent), Why::Awaits, id(at));
            }
        }
        behind.is_some_and(|occupant| graph.closed_by(&id(new), Why::Behind, &occupant).is_some())
    }

    /// Something that is under way gets further; false when nothing can.
    fn progress(&mut self) -> bool {
        let can = |run: &Run| match run.status {
            Status::Planning | Status::Planned => true,
            Status::Applying => run.awaits.is_empty(),
            Status::Pending | Status::Confirmed | Status::Over => false,
        };
        let able: Vec<usize> = (0..self.runs.len()).filter(|&at| can(&self.runs[at])).collect();
        if able.is_empty() {
            return false;
        }
        let at = able[self.below(able.len())];
        let (status, calm) = (self.runs[at].status, self.scripts_by_workspace.is_some());
        match status {
            Status::Planning if self.runs[at].plan_only || (!calm && self.one_in(8)) => self.end(at),
            // Who runs out of approvals in the end gets them.
            Status::Planning if self.one_in(4) => self.set(at, Status::Planned),
            Status::Planning | Status::Planned => self.set(at, Status::Confirmed),
            Status::Applying if !calm && self.one_in(20) => self.end(at),
            _ => self.apply_further(at),
        }
        true
    }

    /// Terraform starts one or two of the runs that are left to start, or ends.
    fn apply_further(&mut self, at: usize) {
        if self.runs[at].script.is_empty() {
            return self.end(at);
        }
        for _ in 0..1 + self.below(2) {
            let Some(Child { workspace, waits }) = self.runs[at].script.pop() else { break };
            if let Some(child) = self.enqueue(workspace, Some((at, waits)), false)
                && waits
            {
                self.runs[at].awaits.insert(child);
                self.ask(at, child);
            }
        }
    }

    /// Who waits for whom.
    fn awaited(&self) -> Vec<(usize, usize)> {
        let all = self.runs.iter().enumerate();
        all.flat_map(|(at, run)| run.awaits.iter().map(move |&child| (at, child))).collect()
    }

    fn ask(&mut self, at: usize, child: usize) {
        if self.parks && self.runs[at].known.insert(child) && self.runs[at].hold != Some(Hold::Parked) {
            self.runs[at].hold = Some(Hold::Parked);
            self.seen.parked += 1;
        }
    }

    fn forget(&mut self, at: usize, child: usize) {
        let run = &mut self.runs[at];
        if run.known.remove(&child) && run.known.is_empty() && run.hold == Some(Hold::Parked) {
            run.hold = Some(Hold::Resuming);
        }
    }

    fn set(&mut self, at: usize, status: Status) {
        self.runs[at].status = status;
    }

    fn end(&mut self, at: usize) {
        let run = &mut self.runs[at];
        (run.status, run.hold) = (Status::Over, None);
        run.awaits.clear();
        run.known.clear();
        for waiting in 0..self.runs.len() {
            self.forget(waiting, at);
            self.runs[waiting].awaits.remove(&at);
        }
    }

    fn cancel_one(&mut self) {
        let alive: Vec<usize> = (0..self.runs.len()).filter(|&at| self.runs[at].status != Status::Over).collect();
        if !alive.is_empty() {
            let at = alive[self.below(alive.len())];
            self.seen.cancels_while_parked += u64::from(self.runs[at].hold == Some(Hold::Parked));
            self.end(at);
        }
    }

    /// What was planned is planned again; what was applied goes on without the server.
    fn restart(&mut self) {
        self.seen.restarts += 1;
        for run in self.runs.iter_mut().filter(|run| run.status == Status::Planning) {
            run.status = Status::Pending;
        }
    }

    /// A terraform that waits has not asked for too long, or asks after all.
    fn lapse_or_ask_again(&mut self) {
        let pairs = self.awaited();
        if pairs.is_empty() {
            return;
        }
        let (at, child) = pairs[self.below(pairs.len())];
        if self.runs[at].known.contains(&child) {
            self.seen.lapses += 1;
            self.forget(at, child);
        } else {
            self.ask(at, child);
        }
    }

    /// Gives slots out, as the scheduler does, and holds what came of it against the promises.
    fn dispatch(&mut self) {
        let facts = self.facts();
        let decisions = self.decided(&facts);
        for run in &decisions.resumes {
            let at = number(run);
            assert_eq!(self.runs[at].hold, Some(Hold::Resuming));
            self.runs[at].hold = None;
            self.seen.resumed += 1;
        }
        self.seen.waited_to_resume += self.runs.iter().filter(|run| run.hold == Some(Hold::Resuming)).count() as u64;
        for Start { run, wants } in &decisions.starts {
            let at = number(run);
            self.first_in_first_out(at);
            let status = if *wants == Wants::Apply { Status::Applying } else { Status::Planning };
            assert_eq!(self.runs[at].status, if *wants == Wants::Apply { Status::Confirmed } else { Status::Pending });
            self.set(at, status);
            self.now += 1;
            self.turns[self.workspaces[self.runs[at].workspace].project] = self.now;
            let parent_is_parked = self.runs[at].parent.is_some_and(|it| self.runs[it].hold == Some(Hold::Parked));
            let older = self.runs[..at].iter().any(|it| it.status == Status::Pending);
            self.seen.overtakes += u64::from(parent_is_parked && older);
        }
        self.check(&decisions);
    }

    /// What is decided on facts that are kept up to date; the same as on facts that are read anew.
    fn decided(&mut self, facts: &QueueFacts) -> Decisions {
        let mut queue = std::mem::take(&mut self.queue);
        if queue.facts().limits != facts.limits || queue.facts().projects.is_empty() {
            queue = Queue::of(facts.clone());
        }
        let before = queue.facts().workspaces.clone();
        for old in before.iter().filter(|old| !facts.workspaces.contains(old)) {
            queue.forget(&old.workspace);
        }
        for new in facts.workspaces.iter().filter(|new| !before.contains(new)) {
            queue.put(new.clone());
        }
        for (at, (_, turn)) in facts.projects.iter().enumerate() {
            queue.set_turn(at, *turn);
        }
        let decisions = queue.decide();
        assert_eq!(decisions, Queue::of(facts.clone()).decide(), "what is kept up to date is not up to date");
        self.queue = queue;
        decisions
    }

    /// Of the runs of one workspace that queue, none starts before an older one is over or waits for an approval.
    fn first_in_first_out(&self, at: usize) {
        let run = &self.runs[at];
        let older = self.runs[..at].iter().filter(|it| it.workspace == run.workspace && !it.plan_only);
        assert!(run.plan_only || older.into_iter().all(|it| it.status == Status::Over), "{at} passed one before it");
    }

    fn check(&self, decisions: &Decisions) {
        let facts = self.facts();
        let mut used = [0; 5];
        let mut started = [false; 5];
        for workspace in &facts.workspaces {
            for run in workspace.runs.iter().filter(|run| run.hold.counts()) {
                for &limit in &workspace.limits {
                    used[limit] += 1;
                    started[limit] |= decisions.starts.iter().any(|start| start.run == run.run);
                }
            }
            assert!(workspace.runs.iter().filter(|run| run.occupies).count() <= 1, "two runs in one workspace");
        }
        for limit in 0..5 {
            assert!(
                !started[limit] || used[limit] <= self.limits[limit],
                "limit {limit}: {used:?} of {:?}",
                self.limits
            );
        }
        for workspace in &facts.workspaces {
            let room = workspace.limits.iter().all(|&limit| used[limit] < self.limits[limit]);
            for run in &workspace.runs {
                let could_start = matches!(run.hold, Hold::Waits(_)) && workspace.blocks(run).is_none();
                assert!(!(room && could_start), "a slot is idle while {} waits", run.run);
            }
        }
        assert_eq!(
            Queue::of(facts.clone()).decide(),
            Decisions::default(),
            "a second look finds what the first one missed"
        );
    }

    fn facts(&self) -> QueueFacts {
        let organization = OrganizationId::from_suffix("acme");
        let projects: Vec<_> = (0..3).map(|at| ProjectId::from_suffix(&at.to_string())).collect();
        let scopes = [
            Scope::Organization(organization.clone()),
            Scope::Project(projects[0].clone()),
            Scope::Project(projects[1].clone()),
            Scope::Project(projects[2].clone()),
            Scope::Tag(organization, "web".into()),
        ];
        let limits = scopes.into_iter().zip(self.limits).map(|(scope, limit)| LimitFacts { scope, limit });
        let workspaces = self.workspaces.iter().enumerate().map(|(at, workspace)| {
            let own = self.runs.iter().enumerate().filter(|(_, run)| run.workspace == at && run.status != Status::Over);
            let runs: Vec<_> = own.map(|(at, run)| self.queued(at, run)).collect();
            WorkspaceFacts {
                workspace: WorkspaceId::from_suffix(&at.to_string()),
                project: workspace.project,
                limits: [0, 1 + workspace.project].into_iter().chain(workspace.tagged.then_some(4)).collect(),
                locked: workspace.locked && !runs.iter().any(|run| run.occupies),
                runs,
            }
        });
        QueueFacts {
            limits: limits.collect(),
            projects: projects.into_iter().zip(self.turns).collect(),
            workspaces: workspaces.collect(),
        }
    }

    fn queued(&self, at: usize, run: &Run) -> QueuedRun {
        let hold = match run.status {
            Status::Pending if run.plan_only => Hold::Waits(Wants::PlanOnly),
            Status::Pending => Hold::Waits(Wants::Plan),
            Status::Planning => Hold::Slot,
            Status::Planned => Hold::Approval,
            Status::Confirmed => Hold::Waits(Wants::Apply),
            Status::Applying => run.hold.unwrap_or(Hold::Slot),
            Status::Over => Hold::Nothing,
        };
        let waiting = self.runs.iter().enumerate().filter(|(_, it)| it.known.contains(&at)).map(|(it, _)| it);
        QueuedRun {
            run: id(at),
            number: at as u64,
            needed_by: run.parent.into_iter().chain(waiting).map(id).collect(),
            occupies: !run.plan_only && run.status != Status::Pending,
            hold,
        }
    }
}

fn id(at: usize) -> RunId {
    RunId::from_suffix(&at.to_string())
}

fn number(run: &RunId) -> usize {
    run.as_str().trim_start_matches("run-").parse().unwrap()
}
