//! `/varsets`: the HTTP side of variable sets. Documents are in [`shown`], the variables of a set in [`vars`].

mod shown;
mod vars;

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, ProjectId, VariableSetId, WorkspaceId};
use wire::query::{Include, ReadQuery, VariableSetsQuery};
use wire::variable_sets::{VariableSetBody, VariableSetRequest, VariableSetRequestRelationships};
use wire::{Document, Identifiers};

use self::shown::{document, include};
use super::VariableSet;
use super::service::{self, Settings, Whole};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::{At, Caller, Here, Name, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::{organizations, variables};
use crate::storage::Tx;

const WORKSPACES: &str = "/varsets/{id}/relationships/workspaces";
const PROJECTS: &str = "/varsets/{id}/relationships/projects";

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/organizations/{organization}/varsets", list)
        .post("/organizations/{organization}/varsets", create)
        .get("/varsets/{id}", show)
        .patch("/varsets/{id}", update)
        .delete("/varsets/{id}", delete)
        .post(WORKSPACES, attach_workspaces)
        .delete(WORKSPACES, detach_workspaces)
        .post(PROJECTS, attach_projects)
        .delete(PROJECTS, detach_projects)
        .get("/workspaces/{workspace}/varsets", list_for_workspace)
        .get("/projects/{id}/varsets", list_for_project)
        .and(vars::routes())
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<VariableSetsQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let sets = service::list(&tx, &actor, &organization).await?;
    listed(&app, &tx, &actor, &here, query, sets).await
}

async fn list_for_workspace(
    State(app): State<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Query(query): Query<VariableSetsQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let sets = service::list_for_workspace(&tx, &actor, workspace.as_str()).await?;
    listed(&app, &tx, &actor, &here, query, sets).await
}

async fn list_for_project(
    State(app): State<App>,
    Caller(actor): Caller,
    At(project): At<ProjectId>,
    here: Here,
    Query(query): Query<VariableSetsQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let sets = service::list_for_project(&tx, &actor, project.as_str()).await?;
    listed(&app, &tx, &actor, &here, query, sets).await
}

async fn listed(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    here: &Here,
    query: VariableSetsQuery,
    mut sets: Vec<VariableSet>,
) -> Reply {
    let part = query.q.anywhere.or(query.q.name).unwrap_or_default().to_lowercase();
    let global = query.filter.global.and_then(|word| word.parse::<bool>().ok());
    sets.retain(|set| set.name.to_lowercase().contains(&part) && global.is_none_or(|global| set.global == global));
    let (chosen, pagination) = here.cut(sets, &query.page);
    let mut wholes = Vec::with_capacity(chosen.len());
    let mut documents = Vec::with_capacity(chosen.len());
    for set in chosen {
        let whole = service::whole(app, tx, actor, set).await?;
        documents.push(document(tx, actor, &whole).await?);
        wholes.push(whole);
    }
    let mut answer = here.paged(documents, pagination);
    for whole in wholes {
        include(tx, actor, &query.include, whole, &mut answer).await?;
    }
    ok(answer)
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Query(query): Query<ReadQuery>,
    Sent(body): Sent<VariableSetBody>,
) -> Reply {
    let (wanted, mut relationships) = body.into_parts();
    let parent = parent(&relationships)?;
    let first = relationships.vars.take().map(|list| list.data).unwrap_or_default();
    let first = first.into_iter().map(|item| variables::settings(item.attributes)).collect();
    let settings = settings(wanted, relationships)?;
    let tx = app.db.write().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let whole = service::create(&app, &tx, &actor, &organization, parent.as_deref(), settings, first).await?;
    let answer = answer(&tx, &actor, &query.include, whole).await?;
    tx.commit().await?;
    created(answer)
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<VariableSetId>,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&app, &tx, &actor, id.as_str()).await?;
    ok(answer(&tx, &actor, &query.include, whole).await?)
}

async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<VariableSetId>,
    Query(query): Query<ReadQuery>,
    Sent(body): Sent<VariableSetBody>,
) -> Reply {
    let (wanted, relationships) = body.into_parts();
    let settings = settings(wanted, relationships)?;
    let tx = app.db.write().await?;
    let whole = service::update(&app, &tx, &actor, id.as_str(), settings).await?;
    let answer = answer(&tx, &actor, &query.include, whole).await?;
    tx.commit().await?;
    ok(answer)
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(id): At<VariableSetId>) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

macro_rules! edits {
    ($($name:ident = $edit:ident $kind:ident;)*) => {$(
        async fn $name(
            State(app): State<App>,
            Caller(actor): Caller,
            At(id): At<VariableSetId>,
            Sent(body): Sent<Identifiers>,
        ) -> Reply {
            let targets = ids::<$kind>(&body)?;
            let tx = app.db.write().await?;
            service::$edit(&tx, &actor, id.as_str(), &targets).await?;
            tx.commit().await?;
            no_content()
        }
    )*};
}

edits! {
    attach_workspaces = attach WorkspaceId;
    detach_workspaces = detach WorkspaceId;
    attach_projects = attach ProjectId;
    detach_projects = detach ProjectId;
}

async fn answer(
    tx: &Tx,
    actor: &Actor,
    wanted: &Include,
    whole: Whole,
) -> Result<Document<wire::variable_sets::VariableSet>, Problem> {
    let mut answer = Document::new(document(tx, actor, &whole).await?);
    include(tx, actor, wanted, whole, &mut answer).await?;
    Ok(answer)
}

fn settings(wanted: VariableSetRequest, relationships: VariableSetRequestRelationships) -> Result<Settings, Problem> {
    Ok(Settings {
        name: wanted.name,
        description: wanted.description.map(Option::unwrap_or_default),
        global: wanted.global,
        priority: wanted.priority,
        workspaces: relationships.workspaces.as_ref().map(ids::<WorkspaceId>).transpose()?,
        projects: relationships.projects.as_ref().map(ids::<ProjectId>).transpose()?,
    })
}

/// The project that is to own a set; an organization as parent is the default. go-tfe has sent the id of a project in
/// a relationship without a type.
fn parent(relationships: &VariableSetRequestRelationships) -> Result<Option<String>, Problem> {
    let Some(parent) = relationships.parent.as_ref().and_then(|parent| parent.data.as_ref()) else { return Ok(None) };
    if parent.kind == wire::kind::ORGANIZATIONS || parent.id.is_empty() {
        return Ok(None);
    }
    ProjectId::parse(&parent.id).map(|id| Some(id.to_string()))
}

fn ids<I: Id>(body: &Identifiers) -> Result<Vec<String>, Problem> {
    body.data.iter().map(|it| I::parse(&it.id).map(|id| id.to_string())).collect()
}
