//! Use cases of projects.

use domain::Problem;
use domain::auto_destroy::Idle;
use domain::id::ProjectId;

use super::store::{self, Model as Project};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::{grants, limits, variable_sets, workspaces};
use crate::storage::{Change, Tx};

/// Name that HCP Terraform gives the project every organization begins with.
const DEFAULT: &str = "Default Project";

/// What a new project needs.
pub struct New {
    /// Name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How long its workspaces may lie idle.
    pub auto_destroy: Option<Idle>,
}

/// What is to be changed of a project; `None` leaves things as they are.
#[derive(Default)]
pub struct Edit {
    /// Name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How long its workspaces may lie idle; an inner `None` is for ever.
    pub auto_destroy: Option<Option<Idle>>,
}

/// Makes a project.
///
/// # Errors
/// `project/name-taken`, `names/…`.
pub async fn create(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    new: New,
) -> Result<Project, Problem> {
    actor.may(Action::CreateProject, On::Organization(&organization.id))?;
    domain::names::project_name(&new.name)?;
    free(tx, &organization.id, &new.name).await?;
    add(app, tx, organization, new, false).await
}

/// Makes the project that every organization begins with.
pub async fn create_default(app: &App, tx: &Tx, organization: &Organization) -> Result<Project, Problem> {
    add(app, tx, organization, New { name: DEFAULT.into(), description: String::new(), auto_destroy: None }, true).await
}

/// The projects of an organization that the actor may see, by name.
pub async fn list(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<Project>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    let mut all = store::in_organization(tx, &organization.id).await?;
    all.retain(|it| actor.can(Action::ReadProject, on(it)));
    Ok(all)
}

/// The project that new workspaces of the organization go to.
///
/// # Errors
/// `project/not-found`.
pub async fn default_of(tx: &Tx, organization: &str) -> Result<Project, Problem> {
    store::in_organization(tx, organization).await?.into_iter().find(|it| it.is_default).ok_or_else(not_found)
}

/// One project.
///
/// # Errors
/// `project/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Project, Problem> {
    let found = store::by_id(tx, id).await?;
    found.filter(|it| actor.can(Action::ReadProject, on(it))).ok_or_else(not_found)
}

/// A project as what something is done to.
pub fn on(project: &Project) -> On<'_> {
    On::Project { organization: &project.organization_id, id: &project.id }
}

/// Changes a project.
///
/// # Errors
/// `project/name-taken`, `names/…`.
pub async fn update(app: &App, tx: &Tx, actor: &Actor, id: &str, edit: Edit) -> Result<Project, Problem> {
    let mut project = read(tx, actor, id).await?;
    actor.may(Action::ManageProject, on(&project))?;
    if let Some(name) = edit.name.filter(|name| *name != project.name) {
        domain::names::project_name(&name)?;
        free(tx, &project.organization_id, &name).await?;
        project.name = name;
    }
    if let Some(description) = edit.description {
        project.description = description;
    }
    if let Some(duration) = edit.auto_destroy {
        let duration = duration.map(|it| it.as_str().to_owned());
        if duration != project.auto_destroy_duration {
            project.auto_destroy_since = duration.as_ref().map(|_| app.ports.now());
            project.auto_destroy_duration = duration;
            // Any of its workspaces may be due at another time.
            tx.announce(Change::Workspace { workspace: String::new() });
        }
    }
    store::update(tx, &project).await?;
    Ok(project)
}

/// Removes an empty project that is not the default one.
///
/// # Errors
/// `project/default`, `project/not-empty`.
pub async fn delete(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let project = read(tx, actor, id).await?;
    actor.may(Action::DeleteProject, on(&project))?;
    if project.is_default {
        return Err(Problem::forbidden("project/default", "The default project cannot be deleted.")
            .advice("Delete the organization instead."));
    }
    let left = workspaces::in_organization(tx, &project.organization_id).await?;
    let left = left.iter().filter(|it| it.project_id == project.id).count();
    if left > 0 {
        return Err(Problem::forbidden(
            "project/not-empty",
            format!("The project \"{}\" still has {left} workspaces.", project.name),
        )
        .advice("Move or delete its workspaces first."));
    }
    variable_sets::service::delete_of_project(tx, &project.organization_id, id).await?;
    limits::delete(tx, &project.organization_id, "project", id).await?;
    grants::delete_of(tx, id).await?;
    store::delete(tx, id).await
}

async fn add(app: &App, tx: &Tx, organization: &Organization, new: New, is_default: bool) -> Result<Project, Problem> {
    let now = app.ports.now();
    let project = Project {
        id: app.ports.id::<ProjectId>().to_string(),
        organization_id: organization.id.clone(),
        name: new.name,
        description: new.description,
        is_default,
        auto_destroy_since: new.auto_destroy.as_ref().map(|_| now),
        auto_destroy_duration: new.auto_destroy.map(|it| it.as_str().to_owned()),
        created_at: now,
    };
    store::insert(tx, &project).await?;
    Ok(project)
}

async fn free(tx: &Tx, organization: &str, name: &str) -> Result<(), Problem> {
    if store::in_organization(tx, organization).await?.iter().all(|it| !it.name.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    Err(Problem::invalid("project/name-taken", "Name has already been taken.")
        .advice("Choose another name.")
        .attribute("name"))
}

fn not_found() -> Problem {
    Problem::not_found("project/not-found", "There is no such project.")
        .advice("Check its id, and use a token that may see it.")
}
