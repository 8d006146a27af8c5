//! Use cases of variable sets and their variables.

use domain::Problem;
use domain::id::VariableSetId;

use super::reach;
use super::store::{self, Model as VariableSet};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::variables::owned::{self, Settings as Variable, Shown};
use crate::resources::{projects, variables, workspaces};
use crate::storage::Tx;

/// A set as somebody sends it; in an edit `None` leaves things as they are.
#[derive(Default, Clone)]
pub struct Settings {
    /// Name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Every workspace of its owner has it.
    pub global: Option<bool>,
    /// It stands above the workspaces' own variables.
    pub priority: Option<bool>,
    /// Exactly the workspaces that it is attached to.
    pub workspaces: Option<Vec<String>>,
    /// Exactly the projects that it is attached to.
    pub projects: Option<Vec<String>>,
}

/// A set with what it points to, as one moment has them.
pub struct Whole {
    /// The set.
    pub set: VariableSet,
    /// Ids of the workspaces that it is attached to, as far as the actor may see them.
    pub workspaces: Vec<String>,
    /// Ids of the projects that it is attached to.
    pub projects: Vec<String>,
    /// Its variables.
    pub variables: Vec<Shown>,
}

/// Makes a set, with its first variables. `parent` is the id of the project that is to own it.
///
/// # Errors
/// `variable-set/name`, `variable-set/name-taken`, `variable-set/elsewhere`, `project/not-found`, and those of variables.
pub async fn create(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    parent: Option<&str>,
    settings: Settings,
    first: Vec<Variable>,
) -> Result<Whole, Problem> {
    let parent = match parent {
        Some(project) => Some(projects::service::read(tx, actor, project).await?),
        None => None,
    };
    let owner = parent.as_ref().map_or(On::Organization(&organization.id), projects::service::on);
    actor.may(Action::ManageVariableSets, owner)?;
    if parent.as_ref().is_some_and(|project| project.organization_id != organization.id) {
        return Err(elsewhere("the project that is to own it"));
    }
    let now = app.ports.now();
    let mut set = VariableSet {
        id: app.ports.id::<VariableSetId>().to_string(),
        organization_id: organization.id.clone(),
        project_id: parent.map(|project| project.id),
        name: String::new(),
        description: String::new(),
        global: false,
        priority: false,
        created_at: now,
        updated_at: now,
    };
    let settings = Settings { name: Some(settings.name.clone().unwrap_or_default()), ..settings };
    change(tx, &mut set, &settings).await?;
    store::insert(tx, &set).await?;
    assign(tx, actor, &set, &settings).await?;
    for variable in first {
        owned::create(app, tx, &set.id, variable).await?;
    }
    whole(app, tx, actor, set).await
}

/// One set.
///
/// # Errors
/// `variable-set/not-found`, also for who may not see it.
pub async fn read(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<Whole, Problem> {
    let set = find(tx, actor, id, Action::ReadVariableSets).await?;
    whole(app, tx, actor, set).await
}

/// Those of an organization that the actor may see, by name.
pub async fn list(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<VariableSet>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    let mut sets = store::in_organization(tx, &organization.id).await?;
    sets.retain(|set| actor.can(Action::ReadVariableSets, on(set)));
    Ok(sets)
}

/// Sets that reach a workspace by name: attached to it, to its project, or global.
pub async fn list_for_workspace(tx: &Tx, actor: &Actor, workspace: &str) -> Result<Vec<VariableSet>, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadVariables).await?;
    reach::of_workspace(tx, &workspace).await
}

/// Sets that reach every workspace of a project by name.
pub async fn list_for_project(tx: &Tx, actor: &Actor, project: &str) -> Result<Vec<VariableSet>, Problem> {
    let project = projects::service::read(tx, actor, project).await?;
    actor.may(Action::ReadVariableSets, projects::service::on(&project))?;
    reach::of_project(tx, &project.organization_id, &project.id).await
}

/// What a set that was read already points to.
pub async fn whole(app: &App, tx: &Tx, actor: &Actor, set: VariableSet) -> Result<Whole, Problem> {
    let (mut of_workspaces, mut of_projects) = (Vec::new(), Vec::new());
    for target in store::targets_of(tx, &set.id).await? {
        if is_project(&target) {
            of_projects.push(target);
        } else if workspaces::service::read(tx, actor, &target).await.is_ok() {
            of_workspaces.push(target);
        }
    }
    let variables = owned::list(app, tx, &set.id).await?;
    Ok(Whole { set, workspaces: of_workspaces, projects: of_projects, variables })
}

/// Changes a set.
///
/// # Errors
/// As [`create`].
pub async fn update(app: &App, tx: &Tx, actor: &Actor, id: &str, settings: Settings) -> Result<Whole, Problem> {
    let mut set = find(tx, actor, id, Action::ManageVariableSets).await?;
    change(tx, &mut set, &settings).await?;
    set.updated_at = app.ports.now();
    store::update(tx, &set).await?;
    assign(tx, actor, &set, &settings).await?;
    whole(app, tx, actor, set).await
}

/// Removes a set with its variables. Runs that were made before keep what they got.
///
/// # Errors
/// `variable-set/not-found`.
pub async fn delete(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let set = find(tx, actor, id, Action::ManageVariableSets).await?;
    remove(tx, &set).await
}

/// Removes what a project that is going owns, and detaches what was attached to it.
pub async fn delete_of_project(tx: &Tx, organization: &str, project: &str) -> Result<(), Problem> {
    for set in store::in_organization(tx, organization).await? {
        if set.project_id.as_deref() == Some(project) {
            remove(tx, &set).await?;
        }
    }
    store::forget_target(tx, project).await
}

/// Removes every set of an organization that is going.
pub async fn delete_of_organization(tx: &Tx, organization: &str) -> Result<(), Problem> {
    for set in store::in_organization(tx, organization).await? {
        remove(tx, &set).await?;
    }
    Ok(())
}

/// Attaches a set to workspaces and projects, by id; what is attached stays so.
///
/// # Errors
/// `variable-set/elsewhere`, `workspace/not-found`, `project/not-found`.
pub async fn attach(tx: &Tx, actor: &Actor, id: &str, targets: &[String]) -> Result<(), Problem> {
    let set = find(tx, actor, id, Action::ManageVariableSets).await?;
    for target in targets {
        let target = target_of(tx, actor, &set, target).await?;
        store::attach(tx, &set.id, &target).await?;
    }
    Ok(())
}

/// Detaches a set from workspaces and projects; what is not attached stays so.
///
/// # Errors
/// `variable-set/not-found`.
pub async fn detach(tx: &Tx, actor: &Actor, id: &str, targets: &[String]) -> Result<(), Problem> {
    let set = find(tx, actor, id, Action::ManageVariableSets).await?;
    for target in targets {
        store::detach(tx, &set.id, target).await?;
    }
    Ok(())
}

/// What a set is in, for the question who may: its owner.
pub fn on(set: &VariableSet) -> On<'_> {
    match &set.project_id {
        Some(id) => On::Project { organization: &set.organization_id, id },
        None => On::Organization(&set.organization_id),
    }
}

/// The set of that id, for `action` on it and what is in it.
///
/// # Errors
/// `variable-set/not-found`, also for who may not.
pub async fn find(tx: &Tx, actor: &Actor, id: &str, action: Action) -> Result<VariableSet, Problem> {
    let found = store::by_id(tx, id).await?;
    found.filter(|set| actor.can(action, on(set))).ok_or_else(not_found)
}

/// There is no such set, or not here.
pub(super) fn not_found() -> Problem {
    Problem::not_found("variable-set/not-found", "There is no such variable set, or this token may not see it.")
        .advice("Check its id, and use a token that may see it.")
}

async fn remove(tx: &Tx, set: &VariableSet) -> Result<(), Problem> {
    variables::delete_of(tx, &set.id).await?;
    store::delete(tx, &set.id).await
}

async fn change(tx: &Tx, set: &mut VariableSet, settings: &Settings) -> Result<(), Problem> {
    if let Some(name) = settings.name.as_ref().filter(|name| **name != set.name || name.is_empty()) {
        domain::names::variable_set_name(name)?;
        let others = store::in_organization(tx, &set.organization_id).await?;
        if others.iter().any(|it| it.id != set.id && it.name == *name) {
            return Err(Problem::invalid("variable-set/name-taken", "Name has already been taken.")
                .advice("Choose another name.")
                .attribute("name"));
        }
        set.name.clone_from(name);
    }
    if let Some(description) = &settings.description {
        set.description.clone_from(description);
    }
    set.global = settings.global.unwrap_or(set.global);
    set.priority = settings.priority.unwrap_or(set.priority);
    Ok(())
}

/// Attaches the set to exactly what the settings name, kind by kind.
async fn assign(tx: &Tx, actor: &Actor, set: &VariableSet, settings: &Settings) -> Result<(), Problem> {
    for (wanted, of_projects) in [(&settings.workspaces, false), (&settings.projects, true)] {
        let Some(wanted) = wanted else { continue };
        for target in store::targets_of(tx, &set.id).await? {
            if is_project(&target) == of_projects && !wanted.contains(&target) {
                store::detach(tx, &set.id, &target).await?;
            }
        }
        attach(tx, actor, &set.id, wanted).await?;
    }
    Ok(())
}

/// The id of a workspace or project, if the set may be attached to it.
async fn target_of(tx: &Tx, actor: &Actor, set: &VariableSet, target: &str) -> Result<String, Problem> {
    let (id, organization, project) = if is_project(target) {
        let found = projects::service::read(tx, actor, target).await?;
        actor.may(Action::ManageVariableSets, projects::service::on(&found))?;
        (found.id.clone(), found.organization_id, found.id)
    } else {
        let found = workspaces::service::for_action(tx, actor, target, Action::WriteVariables).await?;
        (found.id, found.organization_id, found.project_id)
    };
    if organization != set.organization_id || set.project_id.as_ref().is_some_and(|owner| *owner != project) {
        return Err(elsewhere("what it is attached to"));
    }
    Ok(id)
}

fn is_project(target: &str) -> bool {
    target.starts_with("prj-")
}

fn elsewhere(what: &str) -> Problem {
    Problem::invalid(
        "variable-set/elsewhere",
        format!("A variable set stays in its organization, and one that a project owns in that project: {what} is elsewhere."),
    )
    .advice("Attach it to workspaces and projects of its owner, or make a set that the organization owns.")
}
