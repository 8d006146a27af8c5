//! `/team-workspaces` and `/team-projects`: the HTTP side of grants.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, ProjectId, TeamId, TeamProjectId, TeamWorkspaceId, WorkspaceId};
use domain::roles::WorkspaceGrant;
use wire::query::AccessQuery;
use wire::team_access::{
    ProjectAccess, TeamProject, TeamProjectAttributes, TeamProjectBody, TeamProjectRelationships, TeamProjectRequest,
    TeamWorkspace, TeamWorkspaceAttributes, TeamWorkspaceBody, TeamWorkspaceRelationships, TeamWorkspaceRequest,
    WorkspaceAccess,
};
use wire::{Document, ToOne, kind};

use super::Grant;
use super::service::{self, Custom, Target};
use crate::app::App;
use crate::edge::{At, Caller, Here, Query, Reply, Routes, Sent, created, no_content, ok};

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/team-workspaces", on_workspace)
        .post("/team-workspaces", create_on_workspace)
        .get("/team-workspaces/{id}", show_on_workspace)
        .patch("/team-workspaces/{id}", update_on_workspace)
        .delete("/team-workspaces/{id}", delete::<TeamWorkspaceId>)
        .get("/team-projects", on_project)
        .post("/team-projects", create_on_project)
        .get("/team-projects/{id}", show_on_project)
        .patch("/team-projects/{id}", update_on_project)
        .delete("/team-projects/{id}", delete::<TeamProjectId>)
}

async fn on_workspace(
    State(app): State<App>,
    Caller(actor): Caller,
    here: Here,
    Query(query): Query<AccessQuery>,
) -> Reply {
    let workspace: WorkspaceId = wanted("workspace", query.filter.workspace.id.as_deref())?;
    let tx = app.db.read().await?;
    let all = service::list(&tx, &actor, Target::Workspace(workspace.as_str())).await?;
    let documents = all.iter().map(workspace_document).collect::<Result<Vec<_>, _>>()?;
    if query.page.is_absent() {
        return ok(Document::new(documents));
    }
    ok(here.page(documents, &query.page))
}

async fn create_on_workspace(
    State(app): State<App>,
    Caller(actor): Caller,
    Sent(body): Sent<TeamWorkspaceBody>,
) -> Reply {
    let (attributes, relationships) = body.into_parts();
    let team: TeamId = wanted("team", relationships.team.id())?;
    let workspace: WorkspaceId = wanted("workspace", relationships.workspace.id())?;
    let tx = app.db.write().await?;
    let (role, custom) = on_workspace_of(attributes);
    let target = Target::Workspace(workspace.as_str());
    let grant = service::create(&app, &tx, &actor, team.as_str(), target, role, custom).await?;
    tx.commit().await?;
    created(Document::new(workspace_document(&grant)?))
}

async fn show_on_workspace(State(app): State<App>, Caller(actor): Caller, At(id): At<TeamWorkspaceId>) -> Reply {
    let tx = app.db.read().await?;
    ok(Document::new(workspace_document(&service::read(&tx, &actor, id.as_str()).await?)?))
}

async fn update_on_workspace(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<TeamWorkspaceId>,
    Sent(body): Sent<TeamWorkspaceBody>,
) -> Reply {
    let (role, custom) = on_workspace_of(body.into_parts().0);
    let tx = app.db.write().await?;
    let grant = service::update(&tx, &actor, id.as_str(), role, custom).await?;
    tx.commit().await?;
    ok(Document::new(workspace_document(&grant)?))
}

async fn on_project(
    State(app): State<App>,
    Caller(actor): Caller,
    here: Here,
    Query(query): Query<AccessQuery>,
) -> Reply {
    let project: ProjectId = wanted("project", query.filter.project.id.as_deref())?;
    let tx = app.db.read().await?;
    let all = service::list(&tx, &actor, Target::Project(project.as_str())).await?;
    let documents = all.iter().map(project_document).collect::<Result<Vec<_>, _>>()?;
    ok(here.page(documents, &query.page))
}

async fn create_on_project(State(app): State<App>, Caller(actor): Caller, Sent(body): Sent<TeamProjectBody>) -> Reply {
    let (attributes, relationships) = body.into_parts();
    let team: TeamId = wanted("team", relationships.team.id())?;
    let project: ProjectId = wanted("project", relationships.project.id())?;
    let tx = app.db.write().await?;
    let (role, custom) = on_project_of(attributes);
    let target = Target::Project(project.as_str());
    let grant = service::create(&app, &tx, &actor, team.as_str(), target, role, custom).await?;
    tx.commit().await?;
    created(Document::new(project_document(&grant)?))
}

async fn show_on_project(State(app): State<App>, Caller(actor): Caller, At(id): At<TeamProjectId>) -> Reply {
    let tx = app.db.read().await?;
    ok(Document::new(project_document(&service::read(&tx, &actor, id.as_str()).await?)?))
}

async fn update_on_project(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<TeamProjectId>,
    Sent(body): Sent<TeamProjectBody>,
) -> Reply {
    let (role, custom) = on_project_of(body.into_parts().0);
    let tx = app.db.write().await?;
    let grant = service::update(&tx, &actor, id.as_str(), role, custom).await?;
    tx.commit().await?;
    ok(Document::new(project_document(&grant)?))
}

async fn delete<I: Id>(State(app): State<App>, Caller(actor): Caller, At(id): At<I>) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

fn wanted<I: Id>(what: &str, id: Option<&str>) -> Result<I, Problem> {
    let missing = || {
        Problem::invalid("grant/incomplete", format!("The request does not say which {what} it is about."))
            .advice("Name the team, and the workspace or project; a list wants it as filter[workspace][id] or filter[project][id].")
    };
    I::parse(id.filter(|id| !id.is_empty()).ok_or_else(missing)?)
}

fn on_workspace_of(wanted: TeamWorkspaceRequest) -> (Option<String>, Custom) {
    let custom = Custom {
        runs: wanted.runs,
        variables: wanted.variables,
        state_versions: wanted.state_versions,
        sentinel_mocks: wanted.sentinel_mocks,
        locking: wanted.workspace_locking,
        run_tasks: wanted.run_tasks,
        policy_overrides: wanted.policy_overrides,
        ..Custom::default()
    };
    (wanted.access, custom)
}

fn on_project_of(wanted: TeamProjectRequest) -> (Option<String>, Custom) {
    let project = wanted.project_access.unwrap_or_default();
    let workspaces = wanted.workspace_access.unwrap_or_default();
    let custom = Custom {
        settings: project.settings,
        teams: project.teams,
        variable_sets: project.variable_sets,
        create: workspaces.create,
        relocate: workspaces.relocate,
        delete: workspaces.delete,
        locking: workspaces.locking,
        run_tasks: workspaces.run_tasks,
        policy_overrides: workspaces.policy_overrides,
        runs: workspaces.runs,
        variables: workspaces.variables,
        state_versions: workspaces.state_versions,
        sentinel_mocks: workspaces.sentinel_mocks,
    };
    (wanted.access, custom)
}

fn workspace_document(grant: &Grant) -> Result<TeamWorkspace, Problem> {
    let WorkspaceGrant { runs, variables, states, mocks, locking, run_tasks, policy_overrides, .. } =
        grant.on_workspace()?;
    let attributes = TeamWorkspaceAttributes {
        access: grant.role.clone(),
        runs: runs.as_str().into(),
        variables: variables.as_str().into(),
        state_versions: states.as_str().into(),
        sentinel_mocks: mocks.as_str().into(),
        workspace_locking: locking,
        run_tasks,
        policy_overrides,
    };
    let relationships = TeamWorkspaceRelationships {
        team: ToOne::new(kind::TEAMS, &grant.team_id),
        workspace: ToOne::new(kind::WORKSPACES, &grant.target_id),
    };
    let document = TeamWorkspace::new(&grant.id, attributes).related(relationships);
    Ok(document.linked("self", format!("/api/v2/team-workspaces/{}", grant.id)))
}

fn project_document(grant: &Grant) -> Result<TeamProject, Problem> {
    let granted = grant.on_project()?;
    let workspaces = granted.workspaces;
    let attributes = TeamProjectAttributes {
        access: grant.role.clone(),
        project_access: ProjectAccess {
            settings: Some(granted.settings.as_str().into()),
            teams: Some(granted.teams.as_str().into()),
            variable_sets: Some(granted.variable_sets.as_str().into()),
        },
        workspace_access: WorkspaceAccess {
            create: Some(granted.create),
            relocate: Some(workspaces.relocate),
            locking: Some(workspaces.locking),
            delete: Some(workspaces.delete),
            runs: Some(workspaces.runs.as_str().into()),
            variables: Some(workspaces.variables.as_str().into()),
            state_versions: Some(workspaces.states.as_str().into()),
            sentinel_mocks: Some(workspaces.mocks.as_str().into()),
            run_tasks: Some(workspaces.run_tasks),
            policy_overrides: Some(workspaces.policy_overrides),
        },
    };
    let relationships = TeamProjectRelationships {
        team: ToOne::new(kind::TEAMS, &grant.team_id),
        project: ToOne::new(kind::PROJECTS, &grant.target_id),
    };
    let document = TeamProject::new(&grant.id, attributes).related(relationships);
    Ok(document.linked("self", format!("/api/v2/team-projects/{}", grant.id)))
}
