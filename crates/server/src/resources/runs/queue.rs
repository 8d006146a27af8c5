//! The facts that `domain::queue` decides on, and what a single run waits for.
//!
//! Absent: decisions, which are the scheduler's, and whose terraform waits for whom, which is in `waits`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::Problem;
use domain::id::{Id, ProjectId, RunId, WorkspaceId};
use domain::queue::{Blocked, Decisions, Hold, LimitFacts, Queue, QueuedRun, Scope, Wants, WorkspaceFacts};
use domain::run::{RunKind, RunStatus};

use super::store::queue::{AT_A_TIME, Line, Of, counts_by_status, lines, turns};
use super::store::{Model as Run, waits};
use crate::resources::workspaces::{self, Holder, Placed, Workspace};
use crate::resources::{limits, organizations};
use crate::storage::Tx;

/// The facts of every workspace, kept up to date by looking again at those that have changed: a queue of ten thousand is
/// read once.
pub struct Ledger {
    queue: Queue,
    projects: HashMap<String, usize>,
    turns: HashMap<String, u64>,
}

impl Ledger {
    /// Reads everything.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn load(tx: &Tx) -> Result<Self, Problem> {
        let turns = turns(tx).await?.into_iter().map(|(id, turn)| (id, u64::try_from(turn).unwrap_or(0)));
        let mut ledger = Self {
            queue: Queue::new(limits::service::every(tx).await?),
            projects: HashMap::new(),
            turns: turns.collect(),
        };
        let runs = lines(tx, Of::Everywhere).await?;
        let ids: BTreeSet<_> = runs.iter().map(|run| run.workspace_id.clone()).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let places = workspaces::placed(tx, &ids).await?;
        ledger.take_in(tx, runs, places).await?;
        Ok(ledger)
    }

    /// Looks again at these workspaces, and if so told at the limits. Who waits for a slot waits for this: what can be asked
    /// at once is.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn refresh(&mut self, tx: &Tx, changed: &BTreeSet<String>, limits: bool) -> Result<(), Problem> {
        if limits && !self.queue.set_limits(limits::service::every(tx).await?) {
            *self = Self::load(tx).await?;
            return Ok(());
        }
        let mut ids: Vec<_> = changed.iter().cloned().collect();
        let Some(last) = ids.last().cloned() else { return Ok(()) };
        // The same statement for any few of them: the database has it ready.
        ids.resize(ids.len().next_multiple_of(AT_A_TIME), last);
        let (runs, places) = tokio::try_join!(lines_of(tx, &ids), workspaces::placed(tx, &ids))?;
        if runs.iter().any(|run| !self.knows(&run.organization_id)) {
            *self = Self::load(tx).await?;
            return Ok(());
        }
        for id in changed {
            if let Ok(id) = WorkspaceId::parse(id) {
                self.queue.forget(&id);
            }
        }
        self.take_in(tx, runs, places).await
    }

    /// Which runs get a slot now.
    pub fn decide(&self) -> Decisions {
        self.queue.decide()
    }

    /// Notes that a run of this workspace was given a slot at that moment.
    pub fn turn(&mut self, project: &str, turn: i64) {
        let turn = u64::try_from(turn).unwrap_or(0);
        if let Some(&at) = self.projects.get(project) {
            self.queue.set_turn(at, turn);
        }
        self.turns.insert(project.to_owned(), turn);
    }

    /// Whether the limit of this organization is among those that were read.
    fn knows(&self, organization: &str) -> bool {
        let is_it = |scope: &Scope| matches!(scope, Scope::Organization(id) if id.as_str() == organization);
        self.queue.facts().limits.iter().any(|limit| is_it(&limit.scope))
    }

    async fn take_in(&mut self, tx: &Tx, runs: Vec<Line>, places: Vec<Placed>) -> Result<(), Problem> {
        // Whoever waits for a run is parked.
        let waits = match self.queue.has_parked() || runs.iter().any(Line::is_parked) {
            true => waits::all(tx).await?,
            false => Vec::new(),
        };
        let mut needed: HashMap<&str, Vec<&str>> = HashMap::new();
        for wait in &waits {
            needed.entry(&wait.awaited_id).or_default().push(&wait.run_id);
        }
        let mut of: BTreeMap<String, Vec<QueuedRun>> = BTreeMap::new();
        let fetching = fetching(&runs);
        for run in runs.iter().filter(|run| behind(run, &fetching).is_none()) {
            let queued = queued(run, needed.get(run.id.as_str()).into_iter().flatten().copied())?;
            of.entry(run.workspace_id.clone()).or_default().push(queued);
        }
        let ids: Vec<_> = of.keys().cloned().collect();
        let tags = tags(tx, &self.queue.facts().limits, &ids).await?;
        for place in places {
            let Some(runs) = of.remove(&place.id) else { continue };
            let project = self.project(&place.project_id)?;
            let own = tags.get(&place.id).map(Vec::as_slice).unwrap_or_default();
            let all = self.queue.facts().limits.iter().enumerate();
            let limits = all.filter(|(_, limit)| counts(&limit.scope, &place, own)).map(|(at, _)| at).collect();
            let facts = WorkspaceFacts {
                workspace: WorkspaceId::parse(&place.id)?,
                project,
                limits,
                locked: place.locked_kind.as_deref() == Some("user"),
                runs,
            };
            self.queue.put(facts);
        }
        Ok(())
    }

    fn project(&mut self, id: &str) -> Result<usize, Problem> {
        if let Some(&at) = self.projects.get(id) {
            return Ok(at);
        }
        let turn = self.turns.get(id).copied().unwrap_or(0);
        let at = self.queue.add_project(ProjectId::parse(id)?, turn);
        self.projects.insert(id.to_owned(), at);
        Ok(at)
    }
}

/// Runs of these workspaces, those of each oldest first.
async fn lines_of(tx: &Tx, workspaces: &[String]) -> Result<Vec<Line>, Problem> {
    let mut all = Vec::new();
    for piece in workspaces.chunks(AT_A_TIME) {
        all.extend(lines(tx, Of::Workspaces(piece)).await?);
    }
    Ok(all)
}

/// What a run that goes on or waits is held up by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// What it waits for; `None` when nothing holds it up.
    pub blocked: Option<Obstacle>,
    /// The runs that its terraform waits for.
    pub waiting_for: Vec<String>,
}

/// What holds a run up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// `run`, `lock`, `slot` or `approval`.
    pub kind: &'static str,
    /// Id of the run, of the workspace that is locked, or of what has no slot left.
    pub id: String,
    /// The same in a sentence.
    pub words: String,
}

/// What `run` waits for.
///
/// # Errors
/// `storage/unavailable`.
pub async fn standing(tx: &Tx, run: &Run, workspace: &Workspace) -> Result<Standing, Problem> {
    let status = run.status();
    let waiting_for = match run.parked {
        Some(_) => waits::of(tx, &run.id).await?,
        None => Vec::new(),
    };
    let blocked = match status {
        _ if run.parked.as_deref() == Some("resuming") => Some(Obstacle {
            kind: "slot",
            id: run.organization_id.clone(),
            words: "Its terraform goes on; it gets the next slot, and nothing else starts before.".into(),
        }),
        RunStatus::Pending | RunStatus::Confirmed => Some(obstacle(tx, run, workspace).await?),
        _ if status.waits_for_approval() => Some(Obstacle {
            kind: "approval",
            id: run.id.clone(),
            words: "It waits for somebody to confirm or discard it.".into(),
        }),
        _ => waiting_for.first().map(|first| Obstacle {
            kind: "run",
            id: first.clone(),
            words: format!("Its terraform waits for {}, and it has given its slot back.", waiting_for.join(", ")),
        }),
    };
    Ok(Standing { blocked, waiting_for })
}

async fn obstacle(tx: &Tx, run: &Run, workspace: &Workspace) -> Result<Obstacle, Problem> {
    let runs = lines(tx, Of::Workspaces(std::slice::from_ref(&workspace.id))).await?;
    if let Some(own) = runs.iter().find(|it| it.id == run.id)
        && let Some(first) = behind(own, &fetching(&runs))
    {
        return Ok(Obstacle {
            kind: "run",
            id: first.id.clone(),
            words: format!("It waits for {}, which is before it and whose configuration is being fetched.", first.id),
        });
    }
    let runs = runs.iter().map(|run| queued(run, [].into_iter()));
    let facts = WorkspaceFacts {
        workspace: WorkspaceId::parse(&workspace.id)?,
        project: 0,
        limits: Vec::new(),
        locked: matches!(workspace.holder(), Some(Holder::User(_))),
        runs: runs.collect::<Result<_, _>>()?,
    };
    let own = facts.runs.iter().find(|it| it.run.as_str() == run.id);
    Ok(match own.and_then(|own| facts.blocks(own)) {
        Some(Blocked::Run(other)) => Obstacle {
            kind: "run",
            words: format!("It waits for {other}, which is before it in the workspace \"{}\".", workspace.name),
            id: other.to_string(),
        },
        Some(Blocked::Approval(other)) => Obstacle {
            kind: "approval",
            words: format!("It waits for somebody to confirm or discard {other}."),
            id: other.to_string(),
        },
        Some(Blocked::Lock) => Obstacle {
            kind: "lock",
            id: workspace.id.clone(),
            words: format!("The workspace \"{}\" is locked; it waits until it is unlocked.", workspace.name),
        },
        None => slot(tx, workspace).await?,
    })
}

/// Which limit leaves no slot. When all do, it is about to start.
async fn slot(tx: &Tx, workspace: &Workspace) -> Result<Obstacle, Problem> {
    let mut limits = limits::service::every(tx).await?;
    let place = Placed {
        id: workspace.id.clone(),
        organization_id: workspace.organization_id.clone(),
        project_id: workspace.project_id.clone(),
        locked_kind: None,
    };
    let own = tags(tx, &limits, std::slice::from_ref(&workspace.id)).await?;
    let own = own.get(&workspace.id).map(Vec::as_slice).unwrap_or_default();
    limits.retain(|limit| counts(&limit.scope, &place, own));
    let used = used(tx, &limits).await?;
    let full = limits.iter().zip(used).find(|(limit, used)| *used >= limit.limit);
    let Some((limit, used)) = full else {
        let words = "It is next, and about to start.".to_owned();
        return Ok(Obstacle { kind: "slot", id: workspace.organization_id.clone(), words });
    };
    let (what, id) = match &limit.scope {
        Scope::Executor(name) => (format!("The executor \"{name}\""), name.clone()),
        Scope::Organization(id) => {
            let name = organizations::by_id(tx, id.as_str()).await?.map(|it| it.name).unwrap_or_default();
            (format!("The organization \"{name}\""), name)
        }
        Scope::Project(id) => ("The project".to_owned(), id.to_string()),
        Scope::Tag(_, tag) => (format!("The tag \"{tag}\""), tag.clone()),
    };
    Ok(Obstacle { kind: "slot", id, words: format!("{what} has {used} of {} slots in use.", limit.limit) })
}

/// How many runs count against each of these limits now.
///
/// # Errors
/// `storage/unavailable`.
pub async fn used(tx: &Tx, limits: &[LimitFacts]) -> Result<Vec<usize>, Problem> {
    let mut runs = lines(tx, Of::UnderWay).await?;
    runs.retain(|run| !run.is_parked());
    let ids: BTreeSet<_> = runs.iter().map(|run| run.workspace_id.clone()).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let places: HashMap<_, _> =
        workspaces::placed(tx, &ids).await?.into_iter().map(|place| (place.id.clone(), place)).collect();
    let tags = tags(tx, limits, &ids).await?;
    let counted = |limit: &LimitFacts| {
        let of = runs.iter().filter_map(|run| places.get(&run.workspace_id));
        of.filter(|place| counts(&limit.scope, place, tags.get(&place.id).map(Vec::as_slice).unwrap_or_default()))
            .count()
    };
    Ok(limits.iter().map(counted).collect())
}

/// How many runs of an organization are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Runs that wait for a slot.
    pub pending: u64,
    /// Runs that have one, or go on without.
    pub running: u64,
    /// Runs that have given theirs back.
    pub parked: u64,
}

impl Occupancy {
    /// All of them.
    pub fn total(self) -> u64 {
        self.pending + self.running + self.parked
    }
}

/// How many runs of an organization are where.
///
/// # Errors
/// `storage/unavailable`.
pub(super) async fn occupancy(tx: &Tx, organization: &str) -> Result<Occupancy, Problem> {
    let mut occupancy = Occupancy::default();
    for (status, parked, count) in counts_by_status(tx, organization).await? {
        let holds = RunStatus::parse(&status).is_some_and(RunStatus::holds_slot);
        let which = match parked.as_deref() {
            Some("parked") if holds => &mut occupancy.parked,
            _ if holds => &mut occupancy.running,
            _ => &mut occupancy.pending,
        };
        *which += u64::try_from(count).unwrap_or(0);
    }
    Ok(occupancy)
}

/// A run as the queue sees it.
pub(super) fn queued<'a>(run: &Line, awaited_by: impl Iterator<Item = &'a str>) -> Result<QueuedRun, Problem> {
    let mut needed_by: Vec<_> = awaited_by.map(RunId::parse).collect::<Result<_, _>>()?;
    if let Some(parent) = &run.parent_run_id {
        let parent = RunId::parse(parent)?;
        if !needed_by.contains(&parent) {
            needed_by.push(parent);
        }
    }
    Ok(QueuedRun {
        run: RunId::parse(&run.id)?,
        number: u64::try_from(run.created_at.timestamp_micros()).unwrap_or(0),
        needed_by,
        occupies: run.holds_workspace,
        hold: hold(run),
    })
}

/// Runs whose configuration is being fetched and that will wait in the queue of their workspace.
fn fetching(runs: &[Line]) -> Vec<&Line> {
    runs.iter().filter(|run| run.status() == RunStatus::Fetching && run.kind() == RunKind::Ordinary).collect()
}

/// The run that this one comes after although it is not in the queue yet: its place there is that of its creation.
fn behind<'a>(run: &Line, fetching: &[&'a Line]) -> Option<&'a Line> {
    let queues = run.status() == RunStatus::Pending && run.kind() == RunKind::Ordinary;
    let before = |it: &&&Line| it.workspace_id == run.workspace_id && it.created_at < run.created_at;
    fetching.iter().find(before).filter(|_| queues).copied()
}

fn hold(run: &Line) -> Hold {
    let status = run.status();
    match (status, run.kind()) {
        (RunStatus::Confirmed, _) => Hold::Waits(Wants::Apply),
        (RunStatus::Pending, RunKind::PlanOnly) => Hold::Waits(Wants::PlanOnly),
        (RunStatus::Pending, RunKind::SavePlan) => Hold::Waits(Wants::SavePlan),
        (RunStatus::Pending, RunKind::Ordinary) => Hold::Waits(Wants::Plan),
        _ if status.holds_slot() => match run.parked.as_deref() {
            Some(_) if run.is_parked() => Hold::Parked,
            Some(_) => Hold::Resuming,
            None => Hold::Slot,
        },
        _ if status.waits_for_approval() => Hold::Approval,
        _ => Hold::Nothing,
    }
}

/// The tags of these workspaces as limits name them; nothing is read when no limit names a tag.
async fn tags(tx: &Tx, limits: &[LimitFacts], ids: &[String]) -> Result<HashMap<String, Vec<String>>, Problem> {
    let mut of: HashMap<String, Vec<String>> = HashMap::new();
    if !limits.iter().any(|limit| matches!(limit.scope, Scope::Tag(..))) {
        return Ok(of);
    }
    for piece in ids.chunks(1_000) {
        for (workspace, tag) in workspaces::tags_of_all(tx, piece).await? {
            let whole = tag.value.map(|value| format!("{}:{value}", tag.key));
            of.entry(workspace).or_default().extend([Some(tag.key), whole].into_iter().flatten());
        }
    }
    Ok(of)
}

fn counts(scope: &Scope, place: &Placed, tags: &[String]) -> bool {
    match scope {
        Scope::Executor(name) => name == limits::service::EXECUTOR,
        Scope::Organization(id) => id.as_str() == place.organization_id,
        Scope::Project(id) => id.as_str() == place.project_id,
        Scope::Tag(id, tag) => id.as_str() == place.organization_id && tags.contains(tag),
    }
}
