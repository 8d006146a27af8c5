//! `/plans`, `/applies` and the logs of both.

use axum::extract::State;
use domain::id::{ApplyId, Id, PlanId, RunId};
use wire::Document;
use wire::query::LogQuery;

use super::super::log;
use super::super::service::{self, Whole};
use super::shown::{apply_document, plan_document};
use crate::actor::Action;
use crate::app::App;
use crate::edge::signed::Pass;
use crate::edge::{At, Caller, Here, Query, Reply, Routes, bytes, no_content, ok};
use crate::resources::workspaces;

/// Most bytes of a log in one answer; a client asks again for the rest.
const PIECE: u64 = 16 * 1024 * 1024;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/plans/{id}", plan)
        .get("/plans/{id}/json-output", json)
        .get("/plans/{id}/json-output-redacted", redacted)
        .get("/applies/{id}", apply)
        .get("/runs/{id}/plan", plan_of)
        .get("/runs/{id}/plan/json-output", json_of)
        .get("/runs/{id}/plan/json-output-redacted", redacted_of)
        .get("/runs/{id}/apply", apply_of)
        .get("/signed/{seal}/logs/{id}", read_log)
}

async fn plan(State(app): State<App>, Caller(actor): Caller, At(id): At<PlanId>, here: Here) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read_phase(&tx, &actor, id.as_str()).await?;
    ok(Document::new(plan_document(&app, &here, &whole)))
}

async fn plan_of(State(app): State<App>, Caller(actor): Caller, At(id): At<RunId>, here: Here) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    ok(Document::new(plan_document(&app, &here, &whole)))
}

async fn apply(State(app): State<App>, Caller(actor): Caller, At(id): At<ApplyId>, here: Here) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read_phase(&tx, &actor, id.as_str()).await?;
    ok(Document::new(apply_document(&app, &here, &whole)))
}

async fn apply_of(State(app): State<App>, Caller(actor): Caller, At(id): At<RunId>, here: Here) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    ok(Document::new(apply_document(&app, &here, &whole)))
}

async fn json(State(app): State<App>, Caller(actor): Caller, At(id): At<PlanId>) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read_phase(&tx, &actor, id.as_str()).await?;
    // It has every value in clear, as the state has.
    workspaces::service::for_action(&tx, &actor, &whole.workspace.id, Action::ReadState).await?;
    drop(tx);
    blob(&app, &whole, false).await
}

async fn json_of(State(app): State<App>, Caller(actor): Caller, At(id): At<RunId>) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    workspaces::service::for_action(&tx, &actor, &whole.workspace.id, Action::ReadState).await?;
    drop(tx);
    blob(&app, &whole, false).await
}

async fn redacted(State(app): State<App>, Caller(actor): Caller, At(id): At<PlanId>) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read_phase(&tx, &actor, id.as_str()).await?;
    drop(tx);
    blob(&app, &whole, true).await
}

async fn redacted_of(State(app): State<App>, Caller(actor): Caller, At(id): At<RunId>) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    drop(tx);
    blob(&app, &whole, true).await
}

async fn blob(app: &App, whole: &Whole, redacted: bool) -> Reply {
    match service::plan_json(app, whole, redacted).await? {
        Some(json) => bytes("application/json", json),
        None => no_content(),
    }
}

/// At or after the end of what there is the answer is 200 and empty: Terraform takes any other status for a failed run.
async fn read_log(State(app): State<App>, Pass(id): Pass, Query(query): Query<LogQuery>) -> Reply {
    let limit = usize::try_from(query.limit.unwrap_or(PIECE).min(PIECE)).unwrap_or(usize::MAX);
    bytes("text/plain; charset=utf-8", log::read(&app, &id, query.offset.unwrap_or(0), limit).await?)
}
