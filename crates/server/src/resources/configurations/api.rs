//! `/configuration-versions`: the HTTP side of configuration versions.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;
use domain::id::{ConfigurationId, Id, RunId, WorkspaceId};
use domain::{Fault, Problem};
use wire::configuration_versions::{
    ConfigurationVersion as Document, ConfigurationVersionAttributes, ConfigurationVersionBody,
    ConfigurationVersionRelationships,
};
use wire::query::{ListQuery, ReadQuery};
use wire::words::{ConfigurationSource, ConfigurationStatus};
use wire::{ToOne, kind};

use super::service::{self, New};
use super::{Configuration, Status};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::signed::{self, Pass};
use crate::edge::{At, Blob, Caller, Client, Here, Query, Reply, Routes, Sent, bytes, created, ok};
use crate::resources::{repositories, runs, users};
use crate::storage::Tx;

/// Most bytes of a compressed archive.
const ARCHIVE: usize = 100 * 1024 * 1024;
/// Where archives are put and read.
const SIGNED: &str = "configurations";

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/workspaces/{workspace}/configuration-versions", list)
        .post("/workspaces/{workspace}/configuration-versions", create)
        .get("/configuration-versions/{id}", show)
        .get("/configuration-versions/{id}/download", download)
        .get("/runs/{run}/configuration-version", of_run)
        .get("/runs/{run}/configuration-version/download", download_of_run)
        .put("/signed/{seal}/configurations/{id}", take)
        .get("/signed/{seal}/configurations/{id}", give)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let all = service::list(&tx, &actor, workspace.as_str()).await?;
    let (chosen, pagination) = here.cut(all, &query.page);
    let mut documents = Vec::with_capacity(chosen.len());
    for configuration in &chosen {
        documents.push(document(&app, &tx, &here, configuration).await?);
    }
    ok(here.paged(documents, pagination))
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    client: Client,
    Sent(body): Sent<ConfigurationVersionBody>,
) -> Reply {
    let (wanted, _) = body.into_parts();
    let new = New {
        auto_queue_runs: wanted.auto_queue_runs.unwrap_or(true),
        speculative: wanted.speculative.unwrap_or(false),
        provisional: wanted.provisional.unwrap_or(false),
        source: client.source().into(),
    };
    let tx = app.db.write().await?;
    let configuration = service::create(&app, &tx, &actor, workspace.as_str(), new).await?;
    let document = document(&app, &tx, &here, &configuration).await?;
    tx.commit().await?;
    created(wire::Document::new(document))
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<ConfigurationId>,
    here: Here,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let configuration = service::read(&tx, &actor, id.as_str()).await?;
    let mut answer = wire::Document::new(document(&app, &tx, &here, &configuration).await?);
    if query.include.has("ingress_attributes")
        && let Some(ingress) = repositories::ingress_of(&tx, &configuration.id).await?
    {
        answer.include(&repositories::ingress_document(&ingress));
    }
    ok(answer)
}

async fn of_run(State(app): State<App>, Caller(actor): Caller, At(run): At<RunId>, here: Here) -> Reply {
    let tx = app.db.read().await?;
    let configuration = read_of_run(&tx, &actor, &run).await?;
    ok(wire::Document::new(document(&app, &tx, &here, &configuration).await?))
}

async fn download(State(app): State<App>, Caller(actor): Caller, At(id): At<ConfigurationId>, here: Here) -> Reply {
    let tx = app.db.read().await?;
    let configuration = service::read(&tx, &actor, id.as_str()).await?;
    redirect(&app, &here, &configuration)
}

async fn download_of_run(State(app): State<App>, Caller(actor): Caller, At(run): At<RunId>, here: Here) -> Reply {
    let tx = app.db.read().await?;
    let configuration = read_of_run(&tx, &actor, &run).await?;
    redirect(&app, &here, &configuration)
}

async fn read_of_run(tx: &Tx, actor: &Actor, run: &RunId) -> Result<Configuration, Problem> {
    let whole = runs::service::read(tx, actor, run.as_str()).await?;
    service::read(tx, actor, &whole.run.configuration_id).await
}

fn redirect(app: &App, here: &Here, configuration: &Configuration) -> Reply {
    if !configuration.is(Status::Uploaded) {
        return Err(Problem::not_found("configuration/not-found", "This configuration version has no archive.")
            .advice("Upload one first.")
            .into());
    }
    let address = signed::read(app, here, SIGNED, &configuration.id);
    let address = HeaderValue::from_str(&address)
        .map_err(|error| Problem::ours("access/answer", "The address of the archive could not be written.", error))?;
    Ok((StatusCode::FOUND, [(LOCATION, address)]).into_response())
}

/// Takes the archive. One that is refused ends the configuration version; the client sees why when it reads it.
async fn take(State(app): State<App>, Pass(id): Pass, Blob(archive): Blob<ARCHIVE>) -> Reply {
    let stored = match service::store_archive(&app, archive).await {
        // Not the archive's fault: the client may send it again.
        Err(problem) if matches!(problem.fault, Fault::Unavailable | Fault::Ours) => return Err(problem.into()),
        stored => stored,
    };
    let tx = app.db.write().await?;
    let configuration = service::uploaded(&tx, &id, stored).await?;
    if configuration.is(Status::Uploaded) && configuration.auto_queue_runs {
        queue(&app, &tx, &configuration).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::OK.into_response())
}

/// The run is that of whoever made the configuration version, who may do no more with it than with any other; a run's is
/// the owner's. Whoever is gone starts nothing.
async fn queue(app: &App, tx: &Tx, configuration: &Configuration) -> Result<(), Problem> {
    let by = match &configuration.created_by {
        Some(user) => user.clone(),
        None => users::service::owner(app, tx).await?.id,
    };
    let Some(actor) = users::service::in_name_of(tx, &by).await? else { return Ok(()) };
    let new = runs::service::New {
        configuration: Some(configuration.id.clone()),
        source: "tfe-configuration-version".into(),
        ..runs::service::New::default()
    };
    runs::service::create(app, tx, &actor, &configuration.workspace_id, new).await?;
    Ok(())
}

async fn give(State(app): State<App>, Pass(id): Pass) -> Reply {
    let tx = app.db.read().await?;
    let configuration = super::by_id(&tx, &id).await?.ok_or_else(|| {
        Problem::not_found("configuration/not-found", "There is no such configuration version.").advice("Check its id.")
    })?;
    drop(tx);
    bytes("application/gzip", service::archive(&app, &configuration).await?)
}

/// Adds a configuration version to an answer.
///
/// # Errors
/// `configuration/not-found`, also for who may not see it.
pub async fn include<D>(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    here: &Here,
    id: &str,
    answer: &mut wire::Document<D>,
) -> Result<(), Problem> {
    let configuration = service::read(tx, actor, id).await?;
    answer.include(&document(app, tx, here, &configuration).await?);
    Ok(())
}

/// A configuration version as the API shows it.
async fn document(app: &App, tx: &Tx, here: &Here, configuration: &Configuration) -> Result<Document, Problem> {
    let ingress = repositories::ingress_of(tx, &configuration.id).await?;
    let waits = configuration.is(Status::Pending);
    let attributes = ConfigurationVersionAttributes {
        auto_queue_runs: configuration.auto_queue_runs,
        error: configuration.error_message.as_ref().map(|_| "invalid".into()),
        error_message: configuration.error_message.clone(),
        source: ConfigurationSource::parse(&configuration.source).unwrap_or_default(),
        speculative: configuration.speculative,
        provisional: configuration.provisional,
        status: ConfigurationStatus::parse(&configuration.status).unwrap_or_default(),
        upload_url: waits.then(|| signed::upload(app, here, SIGNED, &configuration.id)),
        ..ConfigurationVersionAttributes::default()
    };
    let path = format!("/api/v2/configuration-versions/{}", configuration.id);
    let ingress = ToOne::maybe(kind::INGRESS_ATTRIBUTES, ingress.as_ref().map(|it| &it.id));
    // Where nothing is, no address is told either: clients would read it.
    let relationships = ConfigurationVersionRelationships {
        ingress_attributes: match ingress.id().is_some() {
            true => ingress.related(format!("{path}/ingress-attributes")),
            false => ingress,
        },
    };
    let document = Document::new(&configuration.id, attributes).related(relationships).linked("self", path.clone());
    Ok(if configuration.is(Status::Uploaded) {
        document.linked("download", format!("{path}/download"))
    } else {
        document
    })
}
