//! Use cases of grants.

use std::collections::BTreeMap;

use domain::Problem;
use domain::id::{Id, TeamProjectId, TeamWorkspaceId};
use domain::roles::{ProjectGrant, ProjectRole, WorkspaceGrant, WorkspaceRole};

pub use super::custom::Custom;
use super::store::{self, Model as Grant};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::{projects, teams, workspaces};
use crate::storage::Tx;

/// What a grant is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The workspace of that id.
    Workspace(&'a str),
    /// The project of that id.
    Project(&'a str),
}

/// What a team was granted, as its token needs it.
#[derive(Default)]
pub struct Granted {
    /// By project.
    pub projects: BTreeMap<String, ProjectGrant>,
    /// By workspace, with the id of the workspace's project.
    pub workspaces: BTreeMap<String, (String, WorkspaceGrant)>,
}

/// Grants a team a role.
///
/// # Errors
/// `grant/taken`, `grant/role`, `grant/level`, `team/not-found`, `workspace/not-found`, `project/not-found`.
pub async fn create(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    team: &str,
    target: Target<'_>,
    role: Option<String>,
    custom: Custom,
) -> Result<Grant, Problem> {
    manages(tx, actor, target, true).await?;
    let team = teams::service::for_action(tx, actor, team, Action::ReadTeam).await?;
    let (id, target_id, organization) = match target {
        Target::Workspace(id) => {
            let organization = workspaces::by_id(tx, id).await?.map(|it| it.organization_id);
            (app.ports.id::<TeamWorkspaceId>().to_string(), id, organization)
        }
        Target::Project(id) => {
            let organization = projects::by_id(tx, id).await?.map(|it| it.organization_id);
            (app.ports.id::<TeamProjectId>().to_string(), id, organization)
        }
    };
    if organization.as_ref() != Some(&team.organization_id) {
        return Err(Problem::not_found("team/not-found", "There is no such team in this organization.")
            .advice("Use a team of the same organization."));
    }
    if store::on(tx, target_id).await?.iter().any(|grant| grant.team_id == team.id) {
        return Err(Problem::invalid("grant/taken", format!("The team \"{}\" has access there already.", team.name))
            .advice("Change the access that it has."));
    }
    let mut grant = Grant {
        id,
        team_id: team.id,
        target_id: target_id.to_owned(),
        role: String::new(),
        custom: "{}".into(),
        created_at: app.ports.now(),
    };
    change(&mut grant, Some(role.unwrap_or_default()), custom)?;
    store::insert(tx, &grant).await?;
    Ok(grant)
}

/// Grants on a workspace or project, oldest first.
///
/// # Errors
/// `workspace/not-found`, `project/not-found`, also for who may not see them.
pub async fn list(tx: &Tx, actor: &Actor, target: Target<'_>) -> Result<Vec<Grant>, Problem> {
    manages(tx, actor, target, false).await?;
    let (Target::Workspace(id) | Target::Project(id)) = target;
    store::on(tx, id).await
}

/// Grants of a team, oldest first, as far as the actor may see those of their workspace or project.
pub async fn list_of_team(tx: &Tx, actor: &Actor, team: &str) -> Result<Vec<Grant>, Problem> {
    let mut seen = Vec::new();
    for grant in store::of_team(tx, team).await? {
        if manages(tx, actor, grant.target(), false).await.is_ok() {
            seen.push(grant);
        }
    }
    seen.sort_by_key(|grant| grant.created_at);
    Ok(seen)
}

/// One grant. A team sees its own.
///
/// # Errors
/// `grant/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Grant, Problem> {
    let grant = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    let own = actor.teams().iter().any(|team| team.id == grant.team_id);
    if !own {
        manages(tx, actor, grant.target(), false).await.map_err(|_| not_found())?;
    }
    Ok(grant)
}

/// Changes the role.
///
/// # Errors
/// `grant/role`, `grant/level`.
pub async fn update(tx: &Tx, actor: &Actor, id: &str, role: Option<String>, custom: Custom) -> Result<Grant, Problem> {
    let mut grant = for_change(tx, actor, id).await?;
    change(&mut grant, role, custom)?;
    store::update(tx, &grant).await?;
    Ok(grant)
}

/// Takes the role back.
pub async fn delete(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let grant = for_change(tx, actor, id).await?;
    store::delete(tx, &grant.id).await
}

/// What a team was granted, as its token needs it.
pub async fn of_team(tx: &Tx, team: &str) -> Result<Granted, Problem> {
    let mut granted = Granted::default();
    let mut on_workspaces = BTreeMap::new();
    for grant in store::of_team(tx, team).await? {
        match grant.target() {
            Target::Project(id) => _ = granted.projects.insert(id.to_owned(), grant.on_project()?),
            Target::Workspace(id) => _ = on_workspaces.insert(id.to_owned(), grant.on_workspace()?),
        }
    }
    let ids: Vec<_> = on_workspaces.keys().cloned().collect();
    for place in workspaces::placed(tx, &ids).await? {
        if let Some(grant) = on_workspaces.remove(&place.id) {
            granted.workspaces.insert(place.id, (place.project_id, grant));
        }
    }
    Ok(granted)
}

impl Grant {
    /// What it is about.
    pub fn target(&self) -> Target<'_> {
        match TeamWorkspaceId::parse(&self.id).is_ok() {
            true => Target::Workspace(&self.target_id),
            false => Target::Project(&self.target_id),
        }
    }

    /// What it grants on its workspace.
    ///
    /// # Errors
    /// When it was stored by something that knows more roles.
    pub fn on_workspace(&self) -> Result<WorkspaceGrant, Problem> {
        let role = WorkspaceRole::parse(&self.role).ok_or_else(unknown_role)?;
        Ok(role.grant(self.custom()?.on_workspace()?))
    }

    /// What it grants on its project.
    ///
    /// # Errors
    /// When it was stored by something that knows more roles.
    pub fn on_project(&self) -> Result<ProjectGrant, Problem> {
        let role = ProjectRole::parse(&self.role).ok_or_else(unknown_role)?;
        Ok(role.grant(self.custom()?.on_project()?))
    }

    fn custom(&self) -> Result<Custom, Problem> {
        serde_json::from_str(&self.custom)
            .map_err(|error| Problem::ours("grant/role", "A stored role is not readable.", error))
    }
}

fn change(grant: &mut Grant, role: Option<String>, custom: Custom) -> Result<(), Problem> {
    grant.role = role.unwrap_or(std::mem::take(&mut grant.role));
    let custom = if grant.role == "custom" { custom.over(grant.custom()?) } else { Custom::default() };
    grant.custom = serde_json::to_string(&custom)
        .map_err(|error| Problem::ours("grant/role", "The role could not be kept.", error))?;
    match grant.target() {
        Target::Workspace(_) => grant.on_workspace().map(|_| ()),
        Target::Project(_) => grant.on_project().map(|_| ()),
    }
}

async fn for_change(tx: &Tx, actor: &Actor, id: &str) -> Result<Grant, Problem> {
    let grant = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    manages(tx, actor, grant.target(), true).await.map_err(|_| not_found())?;
    Ok(grant)
}

/// Who says which teams may do what on a workspace sees it too; on a project one may see it without saying it.
async fn manages(tx: &Tx, actor: &Actor, target: Target<'_>, changes: bool) -> Result<(), Problem> {
    match target {
        Target::Workspace(id) => {
            workspaces::service::for_action(tx, actor, id, Action::ManageWorkspaceAccess).await.map(|_| ())
        }
        Target::Project(id) => {
            let project = projects::service::read(tx, actor, id).await?;
            let action = if changes { Action::ManageProjectAccess } else { Action::ReadProjectAccess };
            actor.may(action, projects::service::on(&project))
        }
    }
}

fn unknown_role() -> Problem {
    Problem::invalid("grant/role", "Access is not the word of a role.")
        .advice("Use read, plan, write, admin or custom on a workspace; read, write, maintain, admin or custom on a project.")
        .attribute("access")
}

/// There is no such grant, or not here.
pub fn not_found() -> Problem {
    Problem::not_found("grant/not-found", "There is no such access of a team, or this token may not see it.")
        .advice("Check its id, and use a token that may see it.")
}
