//! Use cases of the plans of stacks.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use domain::Problem;
use domain::id::StackPlanId;
use domain::stack_plan::{self, Decision, Status};

use super::read;
use super::store::{self, Ids, Model as StackPlan, Row};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::runs::{self, Run};
use crate::resources::users;
use crate::resources::workspaces::{self, Workspace};
use crate::storage::{Change, Tx};

/// Plans of an organization that are kept; the oldest go first.
const KEPT: u64 = 500;
/// Longest comment in bytes.
const LONG: usize = 16 * 1024;
/// A walk that was interrupted goes on with runs that it started before its new plan; older ones than this are not looked for.
const TAKEN_UP: TimeDelta = TimeDelta::days(1);

/// What whoever planned a stack says of it.
#[derive(Debug, Default, Clone)]
pub struct New {
    /// What it is of.
    pub message: String,
    /// What whoever made it holds itself to.
    pub digest: String,
    /// Its workspaces in the order of the walk; what a plan would do is read from its run, whatever is said here.
    pub rows: Vec<Row>,
}

/// A plan as somebody may see it.
pub struct Whole {
    /// The plan.
    pub plan: StackPlan,
    /// Its rows whose runs they may see, each with its workspace.
    pub rows: Vec<(Row, Workspace)>,
    /// How many more it has: of workspaces that are gone, or are not theirs to see.
    pub hidden: usize,
    /// Whether they may decide about every run of it.
    pub may_decide: bool,
    /// Whether whoever made it waits for the answer.
    pub is_awaited: bool,
    /// What whoever made it is called.
    pub created_by: String,
    /// What whoever decided is called.
    pub decided_by: Option<String>,
    /// The runs that apply it, by workspace; none before it was approved.
    pub runs: BTreeMap<String, Run>,
}

impl Whole {
    /// How it stands.
    pub fn status(&self) -> Status {
        status(&self.plan)
    }
}

/// How a plan stands. A word that this version does not know is one of a decision.
pub fn status(plan: &StackPlan) -> Status {
    Status::parse(&plan.status).unwrap_or(Status::Withdrawn)
}

/// Reads what somebody has planned. To be called before the transaction that writes it: there may be many plans.
///
/// # Errors
/// `stack-plan/row`, `stack-plan/size`, `workspace/not-found`, also for who may not start runs there.
pub async fn gather(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    new: &New,
) -> Result<Vec<Row>, Problem> {
    // Somebody has to be told who asks.
    if actor.user().is_none() {
        return Err(not_found());
    }
    read::rows(app, tx, actor, organization, new).await
}

/// Asks everybody who may decide about these rows, which were gathered.
///
/// # Errors
/// `storage/unavailable`.
pub async fn create(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    new: New,
    rows: Vec<Row>,
) -> Result<Whole, Problem> {
    let now = app.ports.now();
    let plan = StackPlan {
        id: app.ports.id::<StackPlanId>().to_string(),
        organization_id: organization.id.clone(),
        status: Status::Pending.as_str().to_owned(),
        message: new.message,
        digest: new.digest,
        workspaces: Ids(rows.iter().map(|row| row.workspace.clone()).collect()),
        totals: read::totals(&rows),
        created_by: actor.user().unwrap_or_default().to_owned(),
        created_at: now,
        asked_at: now,
        decided_by: None,
        decided_at: None,
        comment: None,
    };
    store::insert(tx, &plan, rows).await?;
    store::delete_older(tx, &organization.id, KEPT).await?;
    announce(tx, &plan);
    whole(app, tx, actor, plan).await
}

/// Plans of an organization of which the actor may see something, newest first.
///
/// # Errors
/// `access/not-found`.
pub async fn list(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<StackPlan>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    let seen = workspaces::service::list(tx, actor, organization).await?;
    let may = |it: &&Workspace| actor.can(Action::ReadRun, workspaces::service::on(it));
    let seen: BTreeSet<String> = seen.iter().filter(may).map(|it| it.id.clone()).collect();
    let mut plans = store::in_organization(tx, &organization.id).await?;
    plans.retain(|plan| plan.workspaces.0.iter().any(|workspace| seen.contains(workspace)));
    Ok(plans)
}

/// These plans, as the actor may see them.
///
/// # Errors
/// `stack-plan/not-found` for those of which the actor may see nothing.
pub async fn open(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    plans: Vec<StackPlan>,
) -> Result<Vec<Whole>, Problem> {
    let workspaces = there(tx, &organization.id).await?;
    let mut opened = Vec::with_capacity(plans.len());
    for plan in plans {
        opened.push(seen(app, tx, actor, &workspaces, plan).await?);
    }
    Ok(opened)
}

/// One plan.
///
/// # Errors
/// `stack-plan/not-found`, also for who may see none of its runs.
pub async fn read(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<Whole, Problem> {
    let plan = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    whole(app, tx, actor, plan).await
}

/// Notes that whoever made a plan waits for the answer, if it is they who ask.
///
/// # Errors
/// `storage/unavailable`.
pub async fn asked(app: &App, actor: &Actor, id: &str) -> Result<(), Problem> {
    let waits = |plan: &StackPlan| actor.user() == Some(plan.created_by.as_str()) && status(plan) == Status::Pending;
    // Most that are held ask for nobody but themselves.
    if !store::by_id(&app.db.look(), id).await?.is_some_and(|plan| waits(&plan)) {
        return Ok(());
    }
    let tx = app.db.write().await?;
    let Some(mut plan) = store::lock_row(&tx, id).await?.filter(waits) else { return Ok(()) };
    if !is_awaited(app, &plan) {
        announce(&tx, &plan);
    }
    plan.asked_at = app.ports.now();
    store::update(&tx, &plan).await?;
    tx.commit().await
}

/// Decides about a plan, once. A yes or a no is for who may see all of it and decide about each of its runs; it is withdrawn
/// by whoever made it.
///
/// # Errors
/// `stack-plan/not-found`, also for who may not; `stack-plan/decided`, `stack-plan/not-awaited`, `stack-plan/comment`.
pub async fn decide(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    id: &str,
    decision: Decision,
    comment: Option<String>,
) -> Result<Whole, Problem> {
    let plan = store::lock_row(tx, id).await?.ok_or_else(not_found)?;
    let known = whole(app, tx, actor, plan).await?;
    let may = match decision {
        Decision::Approve | Decision::Discard => known.may_decide,
        Decision::Withdraw => actor.user() == Some(known.plan.created_by.as_str()),
    };
    if !may {
        return Err(not_found());
    }
    let comment = comment.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if comment.as_ref().is_some_and(|text| text.len() > LONG) {
        return Err(Problem::invalid("stack-plan/comment", "The comment is longer than 16 KiB.").advice("Shorten it."));
    }
    let mut plan = known.plan;
    plan.status = stack_plan::decide(status(&plan), decision, known.is_awaited)?.as_str().to_owned();
    plan.decided_by = actor.user().map(str::to_owned);
    plan.decided_at = Some(app.ports.now());
    plan.comment = comment;
    store::update(tx, &plan).await?;
    announce(tx, &plan);
    whole(app, tx, actor, plan).await
}

async fn whole(app: &App, tx: &Tx, actor: &Actor, plan: StackPlan) -> Result<Whole, Problem> {
    let workspaces = there(tx, &plan.organization_id).await?;
    seen(app, tx, actor, &workspaces, plan).await
}

/// Workspaces of an organization, by id.
async fn there(tx: &Tx, organization: &str) -> Result<BTreeMap<String, Workspace>, Problem> {
    let all = workspaces::in_organization(tx, organization).await?;
    Ok(all.into_iter().map(|it| (it.id.clone(), it)).collect())
}

async fn seen(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    workspaces: &BTreeMap<String, Workspace>,
    plan: StackPlan,
) -> Result<Whole, Problem> {
    let all = store::rows(tx, &plan.id).await?;
    let (mut rows, mut may_decide) = (Vec::with_capacity(all.len()), true);
    let count = all.len();
    for row in all {
        let Some(workspace) = workspaces.get(&row.workspace) else { continue };
        let on = workspaces::service::place(tx, actor, workspace).await?;
        may_decide &= actor.can(Action::DecideRun, on);
        if actor.can(Action::ReadRun, on) {
            rows.push((row, workspace.clone()));
        }
    }
    if rows.is_empty() {
        return Err(not_found());
    }
    let hidden = count - rows.len();
    let runs = match status(&plan) {
        Status::Approved => applying(tx, &plan, &rows).await?,
        Status::Pending | Status::Discarded | Status::Withdrawn => BTreeMap::new(),
    };
    let is_awaited = is_awaited(app, &plan);
    let created_by = name(tx, &plan.created_by).await;
    let decided_by = match &plan.decided_by {
        Some(user) => Some(name(tx, user).await),
        None => None,
    };
    let may_decide = may_decide && hidden == 0;
    Ok(Whole { may_decide, is_awaited, hidden, runs, rows, created_by, decided_by, plan })
}

/// Whether whoever made it waits for the answer.
fn is_awaited(app: &App, plan: &StackPlan) -> bool {
    let patience = TimeDelta::from_std(app.setup.plan_patience).unwrap_or(TimeDelta::MAX);
    status(plan) == Status::Pending && stack_plan::is_awaited(plan.asked_at, app.ports.now(), patience)
}

/// What a user is called; one who is gone is called by their id.
async fn name(tx: &Tx, user: &str) -> String {
    users::service::user(tx, user).await.map_or_else(|_| user.to_owned(), |it| it.username)
}

/// The newest run of each workspace that carries the row's note.
async fn applying(tx: &Tx, plan: &StackPlan, rows: &[(Row, Workspace)]) -> Result<BTreeMap<String, Run>, Problem> {
    let note = |(row, workspace): &(Row, Workspace)| Some((workspace.id.clone(), row.note.clone()?));
    let notes: BTreeMap<String, String> = rows.iter().filter_map(note).collect();
    let ids: Vec<String> = notes.keys().cloned().collect();
    let mut found = BTreeMap::new();
    // Newest first: the first that fits is the one.
    for run in runs::since(tx, &ids, plan.created_at - TAKEN_UP).await? {
        let is_it = |note: &String| !note.is_empty() && !run.plan_only && run.message.contains(note.as_str());
        if notes.get(&run.workspace_id).is_some_and(is_it) {
            found.entry(run.workspace_id.clone()).or_insert(run);
        }
    }
    Ok(found)
}

fn announce(tx: &Tx, plan: &StackPlan) {
    tx.announce(Change::StackPlan { organization: plan.organization_id.clone(), plan: plan.id.clone() });
}

/// Not there, or not theirs.
pub fn not_found() -> Problem {
    Problem::not_found("stack-plan/not-found", "There is no such plan, or this token may not do this to it.")
        .advice("Check its id, and use a token that may decide about the runs of all its workspaces.")
}
