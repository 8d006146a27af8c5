//! `/stacks`: the HTTP side of stacks.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, StackId};
use wire::Document;
use wire::query::ListQuery;
use wire::stacks::{
    Stack, StackAttributes, StackBody, StackEvent, StackLifetime, StackLifetimeAttributes, StackLifetimeBody,
    StackMember, StackRequest,
};

use super::Event;
use super::service::{self, Settings, Whole};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::{At, Caller, Here, Name, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::organizations::{self, Organization};
use crate::resources::workspaces;
use crate::storage::Tx;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/organizations/{organization}/stacks", list)
        .post("/organizations/{organization}/stacks", create)
        .get("/organizations/{organization}/stack-lifetime", lifetime)
        .patch("/organizations/{organization}/stack-lifetime", set_lifetime)
        .get("/stacks/{id}", show)
        .patch("/stacks/{id}", update)
        .delete("/stacks/{id}", delete)
        .post("/stacks/{id}/actions/extend", extend)
        .post("/stacks/{id}/actions/cancel-expiry", cancel_expiry)
        .post("/stacks/{id}/actions/destroy", destroy)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let all = service::list(&tx, &actor, &organization).await?;
    let (chosen, pagination) = here.cut(all, &query.page);
    let mut documents = Vec::with_capacity(chosen.len());
    for whole in &chosen {
        documents.push(document(&tx, &actor, whole).await?);
    }
    ok(here.paged(documents, pagination))
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Sent(body): Sent<StackBody>,
) -> Reply {
    let (wanted, _) = body.into_parts();
    let tx = app.db.write().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let whole = service::create(&app, &tx, &actor, &organization, settings(wanted)).await?;
    let document = document(&tx, &actor, &whole).await?;
    tx.commit().await?;
    created(Document::new(document))
}

async fn show(State(app): State<App>, Caller(actor): Caller, At(id): At<StackId>) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    ok(Document::new(document(&tx, &actor, &whole).await?))
}

async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<StackId>,
    Sent(body): Sent<StackBody>,
) -> Reply {
    let (wanted, _) = body.into_parts();
    let tx = app.db.write().await?;
    let whole = service::update(&app, &tx, &actor, id.as_str(), settings(wanted)).await?;
    answered(tx, &actor, &whole).await
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(id): At<StackId>) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

async fn extend(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<StackId>,
    Sent(body): Sent<StackBody>,
) -> Reply {
    let (wanted, _) = body.into_parts();
    let tx = app.db.write().await?;
    let until = wanted.expires_at.flatten().map(|at| at.0);
    let whole = service::extend(&app, &tx, &actor, id.as_str(), until).await?;
    answered(tx, &actor, &whole).await
}

async fn cancel_expiry(State(app): State<App>, Caller(actor): Caller, At(id): At<StackId>) -> Reply {
    let tx = app.db.write().await?;
    let whole = service::cancel_expiry(&app, &tx, &actor, id.as_str()).await?;
    answered(tx, &actor, &whole).await
}

async fn destroy(State(app): State<App>, Caller(actor): Caller, At(id): At<StackId>) -> Reply {
    let tx = app.db.write().await?;
    let whole = service::destroy(&app, &tx, &actor, id.as_str()).await?;
    answered(tx, &actor, &whole).await
}

async fn lifetime(State(app): State<App>, Caller(actor): Caller, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let most = service::most_hours(&tx, &actor, &organization).await?;
    ok(Document::new(lifetime_document(&organization, most)))
}

async fn set_lifetime(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Sent(body): Sent<StackLifetimeBody>,
) -> Reply {
    let (wanted, _) = body.into_parts();
    let tx = app.db.write().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    service::set_most_hours(&tx, &actor, &organization, wanted.most_hours).await?;
    tx.commit().await?;
    ok(Document::new(lifetime_document(&organization, wanted.most_hours)))
}

async fn answered(tx: Tx, actor: &Actor, whole: &Whole) -> Reply {
    let document = document(&tx, actor, whole).await?;
    tx.commit().await?;
    ok(Document::new(document))
}

/// A stack with those of its workspaces that the actor may see.
async fn document(tx: &Tx, actor: &Actor, whole: &Whole) -> Result<Stack, Problem> {
    let Whole { stack, members } = whole;
    let mut seen = Vec::new();
    for member in members.list() {
        if actor.can(Action::ReadWorkspace, workspaces::service::place(tx, actor, member).await?) {
            seen.push(StackMember {
                id: member.id.clone(),
                name: member.name.clone(),
                resource_count: u64::try_from(member.resource_count).unwrap_or(0),
            });
        }
    }
    let event = |it: &Event| StackEvent { kind: it.kind.clone(), message: it.message.clone(), at: it.at.into() };
    let attributes = StackAttributes {
        name: stack.name.clone(),
        status: stack.status.clone(),
        message: stack.message.clone(),
        workspace_ids: stack.workspaces.0.clone(),
        tag: stack.tag.clone(),
        project_id: stack.project_id.clone(),
        expires_at: stack.expires_at.map(Into::into),
        workspaces: seen,
        events: stack.events.0.iter().map(event).collect(),
        created_at: stack.created_at.into(),
        updated_at: stack.updated_at.into(),
    };
    Ok(Stack::new(&stack.id, attributes).linked("self", format!("/api/v2/stacks/{}", stack.id)))
}

fn lifetime_document(organization: &Organization, most_hours: Option<i64>) -> StackLifetime {
    StackLifetime::new(&organization.name, StackLifetimeAttributes { most_hours })
}

fn settings(wanted: StackRequest) -> Settings {
    Settings {
        name: wanted.name,
        workspaces: wanted.workspace_ids,
        tag: wanted.tag,
        project: wanted.project_id,
        expires_at: wanted.expires_at.map(|at| at.map(|moment| moment.0)),
    }
}
