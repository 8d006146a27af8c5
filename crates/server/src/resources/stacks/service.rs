//! What people ask of stacks.

use chrono::{DateTime, Utc};
use domain::Problem;
use domain::id::StackId;

use super::store::{self, Ids, Model as Stack};
use super::teardown::{self, Members, Roster};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::{projects, workspaces};
use crate::storage::{Change, Tx};

/// Most workspaces that a stack lists.
const MANY: usize = 500;

/// What a stack is asked to be; in an edit `None` leaves things as they are.
#[derive(Debug, Default, Clone)]
pub struct Settings {
    /// Name.
    pub name: Option<String>,
    /// Ids of its workspaces.
    pub workspaces: Option<Vec<String>>,
    /// The tag of its workspaces; the inner `None` clears it.
    pub tag: Option<Option<String>>,
    /// The project of its workspaces; the inner `None` clears it.
    pub project: Option<Option<String>>,
    /// When it is destroyed by itself; the inner `None` clears it.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// A stack with its workspaces.
pub struct Whole {
    /// The stack.
    pub stack: Stack,
    /// What belongs to it.
    pub members: Members,
}

/// Makes a stack.
///
/// # Errors
/// `stack/name`, `stack/name-taken`, `stack/empty`, `stack/lifetime`, `stack/cycle`, and those of what it selects.
pub async fn create(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    settings: Settings,
) -> Result<Whole, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    let now = app.ports.now();
    let mut stack = Stack {
        id: app.ports.id::<StackId>().to_string(),
        organization_id: organization.id.clone(),
        name: String::new(),
        workspaces: Ids::default(),
        tag: None,
        project_id: None,
        expires_at: None,
        expiry_set_at: None,
        session: None,
        status: "active".into(),
        message: None,
        events: store::Events::default(),
        created_at: now,
        updated_at: now,
    };
    let settings = Settings { name: Some(settings.name.clone().unwrap_or_default()), ..settings };
    change(tx, actor, &mut stack, settings, now).await?;
    store::insert(tx, &stack).await?;
    announced(tx, stack).await
}

/// Stacks of an organization by name.
pub async fn list(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<Whole>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    let all = store::in_organization(tx, &organization.id).await?;
    let roster = Roster::of(tx, &organization.id, all.iter().any(|it| it.tag.is_some())).await?;
    Ok(all.into_iter().map(|stack| Whole { members: roster.members(&stack), stack }).collect())
}

/// The stack of that name.
///
/// # Errors
/// `stack/not-found`, also for who may not see it.
pub async fn named(tx: &Tx, actor: &Actor, organization: &Organization, name: &str) -> Result<Whole, Problem> {
    let stack = store::by_name(tx, &organization.id, name).await?.ok_or_else(not_found)?;
    read(tx, actor, &stack.id).await
}

/// Whether the actor may decide over a stack: put its end off, destroy it.
pub async fn manages(tx: &Tx, actor: &Actor, stack: &Stack) -> bool {
    may_manage(tx, actor, stack).await.is_ok()
}

/// One stack.
///
/// # Errors
/// `stack/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Whole, Problem> {
    let stack = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    if !actor.can(Action::ReadOrganization, On::Organization(&stack.organization_id)) {
        return Err(not_found());
    }
    whole(tx, stack).await
}

/// Changes a stack.
///
/// # Errors
/// As [`create`], and `stack/destroying`.
pub async fn update(app: &App, tx: &Tx, actor: &Actor, id: &str, settings: Settings) -> Result<Whole, Problem> {
    let mut stack = managed(tx, actor, id).await?;
    idle(&stack)?;
    change(tx, actor, &mut stack, settings, app.ports.now()).await?;
    stack.updated_at = app.ports.now();
    store::update(tx, &stack).await?;
    announced(tx, stack).await
}

/// Forgets a stack; its workspaces stay as they are.
///
/// # Errors
/// `stack/destroying`.
pub async fn delete(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let stack = managed(tx, actor, id).await?;
    idle(&stack)?;
    store::delete(tx, &stack.id).await
}

/// Puts the end of a stack off, or says it for the first time.
///
/// # Errors
/// `stack/lifetime`, `stack/destroying`.
pub async fn extend(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    id: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Whole, Problem> {
    managed(tx, actor, id).await?;
    let expires_at = expires_at.ok_or_else(|| {
        Problem::invalid("stack/lifetime", "The request does not say until when the stack shall live.")
            .advice("Give expires-at.")
            .attribute("expires-at")
    })?;
    update(app, tx, actor, id, Settings { expires_at: Some(Some(expires_at)), ..Settings::default() }).await
}

/// Takes the end of a stack away.
///
/// # Errors
/// `stack/lifetime` where stacks have to end; `stack/destroying`.
pub async fn cancel_expiry(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<Whole, Problem> {
    update(app, tx, actor, id, Settings { expires_at: Some(None), ..Settings::default() }).await
}

/// Begins to destroy what the stack has, downstreams first. What an earlier attempt has destroyed is left alone.
///
/// # Errors
/// `stack/destroying`, `stack/cycle`.
pub async fn destroy(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<Whole, Problem> {
    let mut stack = managed(tx, actor, id).await?;
    idle(&stack)?;
    let members = teardown::members(tx, &stack).await?;
    for member in members.list() {
        workspaces::service::for_action(tx, actor, &member.id, Action::DecideRun).await?;
    }
    members.graph(tx).await?;
    teardown::begin(app, &mut stack, "destroying", "Its workspaces are being destroyed.");
    store::update(tx, &stack).await?;
    announced(tx, stack).await
}

/// How many hours stacks of an organization may live; none is for ever.
pub async fn most_hours(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Option<i64>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    store::most_hours(tx, &organization.id).await
}

/// Sets that, for what is said from now on.
///
/// # Errors
/// `stack/lifetime` for less than an hour.
pub async fn set_most_hours(
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    most: Option<i64>,
) -> Result<(), Problem> {
    actor.may(Action::ManageOrganization, On::Organization(&organization.id))?;
    if most.is_some_and(|hours| !(1..=1_000_000).contains(&hours)) {
        return Err(Problem::invalid("stack/lifetime", "Stacks cannot be made to live less than an hour.")
            .advice("Give hours from 1 up, or null for ever.")
            .attribute("most-hours"));
    }
    store::set_most_hours(tx, &organization.id, most).await
}

async fn change(
    tx: &Tx,
    actor: &Actor,
    stack: &mut Stack,
    settings: Settings,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if let Some(name) = settings.name.filter(|name| *name != stack.name || name.is_empty()) {
        domain::names::workspace_name(&name)?;
        if store::in_organization(tx, &stack.organization_id).await?.iter().any(|it| it.name == name) {
            return Err(Problem::invalid("stack/name-taken", "Name has already been taken.")
                .advice("Choose another name.")
                .attribute("name"));
        }
        stack.name = name;
    }
    if let Some(listed) = settings.workspaces {
        stack.workspaces = Ids(listed);
    }
    if let Some(tag) = settings.tag {
        stack.tag = tag;
    }
    if let Some(project) = settings.project {
        stack.project_id = project;
    }
    may_manage(tx, actor, stack).await?;
    if stack.workspaces.0.len() > MANY
        || (stack.workspaces.0.is_empty() && stack.tag.is_none() && stack.project_id.is_none())
    {
        return Err(Problem::invalid(
            "stack/empty",
            format!("A stack selects from 1 to {MANY} workspaces, a tag or a project."),
        )
        .advice("Give workspace-ids, tag or project-id."));
    }
    teardown::members(tx, stack).await?.graph(tx).await?;
    let most = store::most_hours(tx, &stack.organization_id).await?;
    let expires_at = settings.expires_at.unwrap_or(stack.expires_at);
    if let Some(most) = most
        && expires_at.is_none_or(|at| at > now + chrono::TimeDelta::hours(most))
    {
        return Err(Problem::invalid(
            "stack/lifetime",
            format!("Stacks of this organization live {most} hours at most."),
        )
        .advice("Give an expires-at that is sooner, and extend it later.")
        .attribute("expires-at"));
    }
    if settings.expires_at.is_some() {
        stack.expires_at = expires_at;
        stack.expiry_set_at = expires_at.map(|_| now);
    }
    Ok(())
}

/// Whoever decides over a stack decides over everything that it selects, or may come to select.
async fn may_manage(tx: &Tx, actor: &Actor, stack: &Stack) -> Result<(), Problem> {
    if stack.tag.is_some() {
        actor.may(Action::ManageOrganization, On::Organization(&stack.organization_id))?;
    }
    if let Some(project) = &stack.project_id {
        let project = projects::service::read(tx, actor, project).await?;
        actor.may(Action::ManageProject, projects::service::on(&project))?;
        if project.organization_id != stack.organization_id {
            return Err(elsewhere());
        }
    }
    for workspace in &stack.workspaces.0 {
        // One that was deleted since is not in anybody's way.
        if workspaces::by_id(tx, workspace).await?.is_none() && stack.workspaces.0.len() > 1 {
            continue;
        }
        let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ManageWorkspace).await?;
        if workspace.organization_id != stack.organization_id {
            return Err(elsewhere());
        }
    }
    Ok(())
}

async fn managed(tx: &Tx, actor: &Actor, id: &str) -> Result<Stack, Problem> {
    let stack = store::lock_row(tx, id).await?.ok_or_else(not_found)?;
    may_manage(tx, actor, &stack).await.map_err(|_| not_found())?;
    Ok(stack)
}

async fn announced(tx: &Tx, stack: Stack) -> Result<Whole, Problem> {
    tx.announce(Change::Workspace { workspace: stack.id.clone() });
    whole(tx, stack).await
}

async fn whole(tx: &Tx, stack: Stack) -> Result<Whole, Problem> {
    let members = teardown::members(tx, &stack).await?;
    Ok(Whole { stack, members })
}

fn idle(stack: &Stack) -> Result<(), Problem> {
    if stack.session.is_none() {
        return Ok(());
    }
    Err(Problem::conflict("stack/destroying", format!("The stack \"{}\" is being destroyed.", stack.name))
        .advice("Wait until that has ended."))
}

fn elsewhere() -> Problem {
    Problem::invalid("stack/elsewhere", "A stack has workspaces of one organization.")
        .advice("Name workspaces and projects of the stack's organization.")
}

fn not_found() -> Problem {
    Problem::not_found("stack/not-found", "There is no such stack, or this token may not do this to it.")
        .advice("Check its id, and use a token that may manage everything in it.")
}
