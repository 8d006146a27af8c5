//! `/plans`, `/applies` and the logs of both.

use axum::extract::State;
use domain::id::{ApplyId, Id, PlanId, RunId};
use tokio::time::Instant;
use wire::Document;
use wire::query::LogQuery;

use super::super::log;
use super::super::service::{self, Whole};
use super::shown::{apply_document, plan_document};
use crate::actor::Action;
use crate::app::App;
use crate::edge::signed::Pass;
use crate::edge::{At, Caller, Here, Hold, Query, Reply, Routes, bytes, changes_until, no_content, ok};
use crate::resources::workspaces;
use crate::storage::Change;

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
    workspaces::service::for_action(&tx, &actor, &whole.workspace.id, Action::ReadPlanJson).await?;
    drop(tx);
    blob(&app, &whole, false).await
}

async fn json_of(State(app): State<App>, Caller(actor): Caller, At(id): At<RunId>) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    workspaces::service::for_action(&tx, &actor, &whole.workspace.id, Action::ReadPlanJson).await?;
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
/// With `Prefer: wait=SECONDS` (RFC 7240) it comes when there is more, or when the time has passed.
async fn read_log(State(app): State<App>, Pass(id): Pass, hold: Hold, Query(query): Query<LogQuery>) -> Reply {
    let limit = usize::try_from(query.limit.unwrap_or(PIECE).min(PIECE)).unwrap_or(usize::MAX);
    let offset = query.offset.unwrap_or(0);
    // Listening begins before the first look, so that nothing falls between the two.
    let mut changes = app.changes.listen();
    loop {
        let piece = log::read(&app, &id, offset, limit).await?;
        let may_wait = hold.until().filter(|until| piece.is_empty() && limit > 0 && Instant::now() < *until);
        let may_wait = if log::has_ended(&app, &id).await? { None } else { may_wait };
        let Some(until) = may_wait else { return Ok(hold.applied(bytes("text/plain; charset=utf-8", piece)?)) };
        hold.begin();
        let grown = |change: &Change| matches!(change, Change::Log { phase } if *phase == id);
        changes_until(&mut changes, until, grown).await;
    }
}
