//! `/organizations/:name/run-limits`: the HTTP side of limits.

use axum::extract::State;
use domain::Problem;
use domain::id::Id;
use domain::queue::Scope;
use wire::Document;
use wire::run_limits::{RunLimit, RunLimitAttributes, RunLimitBody};

use super::service;
use crate::actor::Actor;
use crate::app::App;
use crate::edge::{At, Caller, Name, Reply, Routes, Sent, ok};
use crate::resources::organizations::{self, Organization};
use crate::resources::runs;
use crate::storage::Tx;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/organizations/{organization}/run-limits", list)
        .patch("/organizations/{organization}/run-limits", set)
}

async fn list(State(app): State<App>, Caller(actor): Caller, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    ok(documents(&tx, &actor, &organization).await?)
}

async fn set(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Sent(body): Sent<RunLimitBody>,
) -> Reply {
    let (wanted, _) = body.into_parts();
    let tx = app.db.write().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    service::set(&tx, &actor, &organization, &wanted.scope, wanted.name.as_deref(), wanted.limit).await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let documents = documents(&tx, &actor, &organization).await?;
    tx.commit().await?;
    ok(documents)
}

async fn documents(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Document<Vec<RunLimit>>, Problem> {
    let limits = service::of(tx, actor, organization).await?;
    let used = runs::queue::used(tx, &limits).await?;
    let shown = limits.into_iter().zip(used).map(|(limit, used)| {
        let (scope, name) = match limit.scope {
            Scope::Executor(name) => ("executor", name),
            Scope::Organization(_) => ("organization", organization.name.clone()),
            Scope::Project(id) => ("project", id.as_str().to_owned()),
            Scope::Tag(_, tag) => ("tag", tag),
        };
        let attributes = RunLimitAttributes {
            scope: scope.into(),
            name: name.clone(),
            limit: limit.limit as u64,
            running: used as u64,
        };
        RunLimit::new(format!("{scope}/{name}"), attributes)
    });
    Ok(Document::new(shown.collect()))
}
