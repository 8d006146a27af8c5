//! `/state-versions`: the HTTP side of states and their outputs.

pub mod shown;

use axum::extract::State as Extract;
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use domain::Problem;
use domain::dependency::Kind;
use domain::id::{Id, OutputId, StateId, WorkspaceId};
use wire::Document;
use wire::query::{ListQuery, ReadQuery, StateVersionsQuery};
use wire::state_versions::{RollbackBody, StateVersionBody, StateVersionRequest};

use self::shown::{document, output_document};
use super::kept;
use super::service::{self, New};
use super::{Output, State};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::signed::Pass;
use crate::edge::{At, Blob, Caller, Here, Query, Reply, Routes, Sent, bytes, created, no_content, ok};
use crate::resources::{edges, organizations, runs, users, workspaces};
use crate::storage::Tx;

/// Most bytes of a state.
const STATE: usize = 256 * 1024 * 1024;
/// Most bytes of a body that carries a state and its JSON form in base64.
const INLINE: usize = STATE / 3 * 4 * 2;
/// Seconds between the snapshots that a local apply uploads.
const SNAPSHOTS: HeaderValue = HeaderValue::from_static("20");

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/state-versions", list_named)
        .get("/state-versions/{id}", show)
        .get("/state-versions/{id}/outputs", outputs)
        .get("/state-version-outputs/{id}", output)
        .get("/workspaces/{workspace}/state-versions", list)
        .post("/workspaces/{workspace}/state-versions", create)
        .patch("/workspaces/{workspace}/state-versions", roll_back)
        .get("/workspaces/{workspace}/current-state-version", current)
        .get("/workspaces/{workspace}/current-state-version-outputs", current_outputs)
        .put("/signed/{seal}/states/{id}", take)
        .get("/signed/{seal}/states/{id}", give)
        .put("/signed/{seal}/json-states/{id}", take_json)
        .get("/signed/{seal}/json-states/{id}", give_json)
}

async fn list_named(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    here: Here,
    Query(query): Query<StateVersionsQuery>,
) -> Reply {
    let missing = |what: &str| {
        Problem::invalid("state/filter", format!("The list of state versions needs filter[{what}][name]."))
            .advice("Name the organization and the workspace.")
    };
    let organization = query.filter.organization.name.ok_or_else(|| missing("organization"))?;
    let workspace = query.filter.workspace.name.ok_or_else(|| missing("workspace"))?;
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &organization).await?;
    let workspace = workspaces::service::read_named(&tx, &actor, &organization, &workspace).await?;
    let mut all = service::list(&tx, &actor, &workspace.id).await?;
    // Those that were refused are listed only if they are asked for.
    if query.filter.status.iter().any(|status| status == "discarded") {
        all.extend(kept::list(&app, &tx, &actor, &workspace.id).await?);
    }
    all.retain(|it| query.filter.status.is_empty() || query.filter.status.iter().any(|status| status == it.status));
    let (chosen, pagination) = here.cut(all, &query.page);
    ok(here.paged(documents(&app, &tx, &here, &chosen).await?, pagination))
}

async fn list(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let all = service::list(&tx, &actor, workspace.as_str()).await?;
    let (chosen, pagination) = here.cut(all, &query.page);
    ok(here.paged(documents(&app, &tx, &here, &chosen).await?, pagination))
}

async fn show(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    At(id): At<StateId>,
    here: Here,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let state = service::read(&tx, &actor, id.as_str()).await?;
    let answer = answer(&app, &tx, &actor, &here, &query, &state).await?;
    drop(tx);
    noted(&app, &actor, &state, Kind::RemoteState).await?;
    Ok(answer)
}

async fn current(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let state = service::current(&tx, &actor, workspace.as_str()).await?;
    // The whole state, where `service::current` asks for the right to read its outputs only.
    service::read(&tx, &actor, &state.id).await?;
    let answer = answer(&app, &tx, &actor, &here, &query, &state).await?;
    drop(tx);
    noted(&app, &actor, &state, Kind::RemoteState).await?;
    Ok(snapshots(answer))
}

async fn current_outputs(Extract(app): Extract<App>, Caller(actor): Caller, At(workspace): At<WorkspaceId>) -> Reply {
    let tx = app.db.read().await?;
    let state = service::current(&tx, &actor, workspace.as_str()).await?;
    let outputs = service::outputs(&app, &tx, &state, false).await?;
    drop(tx);
    noted(&app, &actor, &state, Kind::Outputs).await?;
    ok(Document::new(outputs.iter().map(output_document).collect::<Vec<_>>()))
}

async fn outputs(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    At(id): At<StateId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let state = service::read(&tx, &actor, id.as_str()).await?;
    let outputs = service::outputs(&app, &tx, &state, false).await?;
    let documents: Vec<_> = outputs.iter().map(output_document).collect();
    drop(tx);
    noted(&app, &actor, &state, Kind::Outputs).await?;
    if query.page.is_absent() {
        return ok(Document::new(documents));
    }
    ok(here.page(documents, &query.page))
}

async fn output(Extract(app): Extract<App>, Caller(actor): Caller, At(id): At<OutputId>) -> Reply {
    let tx = app.db.read().await?;
    let shown = service::output(&app, &tx, &actor, id.as_str()).await?;
    drop(tx);
    let Output { workspace_id, state_id, name, .. } = &shown.output;
    edges::service::read_by(&app, &actor, workspace_id, Some(state_id), Kind::Outputs, Some(name)).await?;
    ok(Document::new(output_document(&shown)))
}

/// Announces a state that is uploaded next, or takes it at once when it came along.
async fn create(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Sent(body): Sent<StateVersionBody, INLINE>,
) -> Reply {
    let (mut wanted, _) = body.into_parts();
    let inline = wanted.state.take().filter(|text| !text.is_empty()).map(|text| decoded("state", &text)).transpose()?;
    let json = wanted.json_state.take().filter(|text| !text.is_empty());
    let json = json.map(|text| decoded("json-state", &text)).transpose()?;

    let tx = app.db.write().await?;
    let state = match service::announce(&app, &tx, &actor, workspace.as_str(), new(wanted)?).await {
        Ok(state) => state,
        Err(problem) => {
            drop(tx);
            return Err(match &inline {
                Some(bytes) => kept::of_announcement(&app, &actor, workspace.as_str(), bytes, problem).await,
                None => problem,
            }
            .into());
        }
    };
    tx.commit().await?;
    if let Some(bytes) = inline {
        service::upload_at_once(&app, &state, bytes, json).await?;
    }

    let tx = app.db.read().await?;
    let state = service::read(&tx, &actor, &state.id).await?;
    let outputs = service::outputs(&app, &tx, &state, false).await?;
    let answer = Document::new(document(&app, &here, &state, &outputs));
    Ok(snapshots(created(answer)?))
}

/// Makes an older version the newest again.
async fn roll_back(
    Extract(app): Extract<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Sent(body): Sent<RollbackBody>,
) -> Reply {
    let (_, relationships) = body.into_parts();
    let older = relationships.rollback_state_version.id().unwrap_or_default();
    let tx = app.db.read().await?;
    let older = service::read(&tx, &actor, older).await?;
    drop(tx);
    if older.workspace_id != workspace.as_str() {
        return Err(service::not_found().into());
    }
    let state = service::roll_back(&app, &actor, &older.id).await?;
    let tx = app.db.read().await?;
    let outputs = service::outputs(&app, &tx, &state, false).await?;
    created(Document::new(document(&app, &here, &state, &outputs)))
}

async fn take(Extract(app): Extract<App>, Pass(id): Pass, Blob(bytes): Blob<STATE>) -> Reply {
    service::upload(&app, &id, bytes).await?;
    Ok(StatusCode::OK.into_response())
}

async fn take_json(Extract(app): Extract<App>, Pass(id): Pass, Blob(bytes): Blob<STATE>) -> Reply {
    service::upload_json(&app, &id, bytes).await?;
    Ok(StatusCode::OK.into_response())
}

async fn give(Extract(app): Extract<App>, Pass(id): Pass) -> Reply {
    let state = of_pass(&app, &id).await?;
    bytes("application/json", service::download(&app, &state).await?)
}

async fn give_json(Extract(app): Extract<App>, Pass(id): Pass) -> Reply {
    let state = of_pass(&app, &id).await?;
    match service::download_json(&app, &state).await? {
        Some(json) => bytes("application/json", json),
        None => no_content(),
    }
}

/// A run that reads a state or its outputs depends on the workspace.
async fn noted(app: &App, actor: &Actor, state: &State, kind: Kind) -> Result<(), Problem> {
    edges::service::read_by(app, actor, &state.workspace_id, Some(&state.id), kind, None).await
}

async fn of_pass(app: &App, id: &str) -> Result<State, Problem> {
    let tx = app.db.read().await?;
    super::by_id(&tx, id).await?.ok_or_else(|| {
        Problem::not_found("state/not-found", "There is no such state version.").advice("Read the workspace again.")
    })
}

async fn documents(
    app: &App,
    tx: &Tx,
    here: &Here,
    states: &[State],
) -> Result<Vec<wire::state_versions::StateVersion>, Problem> {
    let mut documents = Vec::with_capacity(states.len());
    for state in states {
        let outputs = service::outputs(app, tx, state, false).await?;
        documents.push(document(app, here, state, &outputs));
    }
    Ok(documents)
}

async fn answer(app: &App, tx: &Tx, actor: &Actor, here: &Here, query: &ReadQuery, state: &State) -> Reply {
    let outputs = service::outputs(app, tx, state, false).await?;
    let mut answer = Document::new(document(app, here, state, &outputs));
    if query.include.has("outputs") {
        outputs.iter().for_each(|output| answer.include(&output_document(output)));
    }
    if query.include.has("created_by")
        && let Some(user) = &state.created_by
    {
        answer.include(&users::document(actor, &users::service::user(tx, user).await?));
    }
    if query.include.has("run")
        && let Some(run) = &state.run_id
        && let Ok(whole) = runs::service::read(tx, actor, run).await
    {
        answer.include(&runs::document(app, actor, &whole)?);
    }
    ok(answer)
}

fn new(wanted: StateVersionRequest) -> Result<New, Problem> {
    let missing = |what: &str| {
        Problem::invalid("state/incomplete", format!("The state version has no {what}."))
            .advice("Send the serial and the MD5 of the state.")
            .attribute(what)
    };
    let serial = wanted.serial.and_then(|serial| i64::try_from(serial).ok()).ok_or_else(|| missing("serial"))?;
    let md5 = wanted.md5.filter(|md5| !md5.is_empty()).ok_or_else(|| missing("md5"))?;
    let lineage = wanted.lineage.filter(|lineage| !lineage.is_empty());
    Ok(New { serial, lineage, md5, force: wanted.force.unwrap_or(false) })
}

fn decoded(attribute: &str, text: &str) -> Result<Bytes, Problem> {
    let bytes = BASE64_STANDARD.decode(text.trim_ascii()).map_err(|error| {
        Problem::invalid("state/encoding", format!("The attribute {attribute} is not base64."))
            .advice("Send the bytes in standard base64.")
            .attribute(attribute)
            .because(error)
    })?;
    Ok(Bytes::from(bytes))
}

fn snapshots(mut response: axum::response::Response) -> axum::response::Response {
    response.headers_mut().insert("x-terraform-snapshot-interval", SNAPSHOTS);
    response
}
