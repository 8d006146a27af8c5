//! `/projects`: the HTTP side of projects. Projects carry no tags of their own; the lists of their bindings are empty.

use axum::extract::State;
use domain::Problem;
use domain::auto_destroy::Idle;
use domain::id::{Id, ProjectId};
use wire::projects::{
    Project as Document, ProjectAttributes, ProjectBody, ProjectPermissions, ProjectRelationships,
    ProjectRequestRelationships,
};
use wire::query::{ProjectsQuery, ReadQuery};
use wire::tag_bindings::{TagBinding, TagBindingItem};
use wire::words::ExecutionMode;
use wire::{Items, Linked, ToOne, kind};

use super::Project;
use super::service::{self, Edit, New};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::{At, Caller, Here, Name, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::{organizations, workspaces};
use crate::storage::Tx;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/organizations/{organization}/projects", list)
        .post("/organizations/{organization}/projects", create)
        .get("/projects/{id}", show)
        .patch("/projects/{id}", update)
        .delete("/projects/{id}", delete)
        .get("/projects/{id}/tag-bindings", tags)
        .patch("/projects/{id}/tag-bindings", add_tags)
        .get("/projects/{id}/effective-tag-bindings", tags)
        .get("/projects/{id}/relationships/tag-bindings", tags)
        .patch("/projects/{id}/relationships/tag-bindings", replace_tags)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<ProjectsQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let mut all = service::list(&tx, &actor, &organization).await?;
    let part = query.q.anywhere.or(query.q.name).unwrap_or_default().to_lowercase();
    all.retain(|it| {
        let named =
            query.filter.names.is_empty() || query.filter.names.iter().any(|name| name.eq_ignore_ascii_case(&it.name));
        named && it.name.to_lowercase().contains(&part) && query.filter.tagged.is_empty()
    });
    if query.sort.as_deref() == Some("-name") {
        all.reverse();
    }
    let (chosen, pagination) = here.cut(all, &query.page);
    let mut documents = Vec::with_capacity(chosen.len());
    for project in &chosen {
        documents.push(document(&tx, &actor, project).await?);
    }
    ok(here.paged(documents, pagination))
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Sent(body): Sent<ProjectBody>,
) -> Reply {
    let (wanted, relationships) = body.into_parts();
    no_tags(relationships.tag_bindings.as_ref())?;
    let new = New {
        name: wanted.name.unwrap_or_default(),
        description: wanted.description.flatten().unwrap_or_default(),
        auto_destroy: duration(wanted.auto_destroy_activity_duration)?.flatten(),
    };
    let tx = app.db.write().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let project = service::create(&app, &tx, &actor, &organization, new).await?;
    let document = document(&tx, &actor, &project).await?;
    tx.commit().await?;
    created(wire::Document::new(document))
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<ProjectId>,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let project = service::read(&tx, &actor, id.as_str()).await?;
    let mut answer = wire::Document::new(document(&tx, &actor, &project).await?);
    if query.include.has("organization")
        && let Some(organization) = organizations::by_id(&tx, &project.organization_id).await?
    {
        answer.include(&organizations::document(&tx, &actor, &organization).await?);
    }
    ok(answer)
}

async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<ProjectId>,
    Sent(body): Sent<ProjectBody>,
) -> Reply {
    let (wanted, ProjectRequestRelationships { tag_bindings }) = body.into_parts();
    no_tags(tag_bindings.as_ref())?;
    let edit = Edit {
        name: wanted.name,
        description: wanted.description.map(Option::unwrap_or_default),
        auto_destroy: duration(wanted.auto_destroy_activity_duration)?,
    };
    let tx = app.db.write().await?;
    let project = service::update(&app, &tx, &actor, id.as_str(), edit).await?;
    let document = document(&tx, &actor, &project).await?;
    tx.commit().await?;
    ok(wire::Document::new(document))
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(id): At<ProjectId>) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

async fn tags(State(app): State<App>, Caller(actor): Caller, At(id): At<ProjectId>) -> Reply {
    let tx = app.db.read().await?;
    service::read(&tx, &actor, id.as_str()).await?;
    ok(wire::Document::new(Vec::<TagBinding>::new()))
}

async fn add_tags(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<ProjectId>,
    Sent(body): Sent<Items<TagBindingItem>>,
) -> Reply {
    let tx = app.db.read().await?;
    let project = service::read(&tx, &actor, id.as_str()).await?;
    actor.may(Action::ManageProject, service::on(&project))?;
    no_tags(Some(&body))?;
    ok(wire::Document::new(Vec::<TagBinding>::new()))
}

async fn replace_tags(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<ProjectId>,
    Sent(body): Sent<Items<TagBindingItem>>,
) -> Reply {
    let tx = app.db.read().await?;
    let project = service::read(&tx, &actor, id.as_str()).await?;
    actor.may(Action::ManageProject, service::on(&project))?;
    no_tags(Some(&body))?;
    no_content()
}

/// A project as the API shows it.
pub async fn document(tx: &Tx, actor: &Actor, project: &Project) -> Result<Document, Problem> {
    let organization = organizations::by_id(tx, &project.organization_id).await?;
    let workspaces = workspaces::in_organization(tx, &project.organization_id).await?;
    let may = |action| actor.can(action, service::on(project));
    let attributes = ProjectAttributes {
        name: project.name.clone(),
        description: project.description.clone(),
        created_at: project.created_at.into(),
        workspace_count: workspaces.iter().filter(|it| it.project_id == project.id).count() as u64,
        default_execution_mode: ExecutionMode::Remote,
        auto_destroy_activity_duration: project.auto_destroy_duration.clone(),
        permissions: ProjectPermissions {
            can_read: true,
            can_update: may(Action::ManageProject),
            can_destroy: may(Action::DeleteProject) && !project.is_default,
            can_create_workspace: may(Action::CreateWorkspace),
            can_move_workspace: may(Action::CreateWorkspace),
            can_manage_teams: may(Action::ManageProjectAccess),
            can_manage_varsets: may(Action::ManageVariableSets),
            ..ProjectPermissions::default()
        },
        ..ProjectAttributes::default()
    };
    let path = format!("/api/v2/projects/{}", project.id);
    let relationships = ProjectRelationships {
        organization: ToOne::maybe(kind::ORGANIZATIONS, organization.map(|it| it.name)),
        tag_bindings: Linked::related(format!("{path}/tag-bindings")),
        effective_tag_bindings: Linked::related(format!("{path}/effective-tag-bindings")),
        ..ProjectRelationships::default()
    };
    Ok(Document::new(&project.id, attributes).related(relationships).linked("self", path))
}

fn no_tags(tags: Option<&Items<TagBindingItem>>) -> Result<(), Problem> {
    if tags.is_none_or(|tags| tags.data.is_empty()) {
        return Ok(());
    }
    Err(Problem::invalid("project/tags", "Projects of this server carry no tags.")
        .advice("Put the tags on the workspaces of the project."))
}

fn duration(wanted: Option<Option<String>>) -> Result<Option<Option<Idle>>, Problem> {
    match wanted {
        Some(Some(text)) => Ok(Some(Some(Idle::parse(&text)?))),
        Some(None) => Ok(Some(None)),
        None => Ok(None),
    }
}
