//! `/runs`: the HTTP side of runs. Plans, applies and logs are in [`phases`], documents in [`shown`].
//!
//! Absent: policy checks, cost estimates, and task stages (their list is empty, since clients die without one).

mod events;
mod held;
mod phases;
pub mod shown;

use axum::extract::State;
use domain::Problem;
use domain::id::{ConfigurationId, Id, RunId, WorkspaceId};
use domain::run::RunStatus;
use wire::capacity::{Capacity, CapacityAttributes};
use wire::query::{Include, ListQuery, ReadQuery, RunsFilter, RunsQuery, RunsSearch};
use wire::runs::{RunBody, RunRequest};
use wire::task_stages::TaskStage;
use wire::{ActionRequest, Document, Pagination};

use self::shown::{apply_document, document, plan_document};
use super::Run;
use super::queue::Occupancy;
use super::service::{self, New, RunVariable, Whole};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::{
    At, Caller, Client, Here, InRun, Name, Query, Reply, RequestKey, Routes, Sent, accepted, created, ok,
};
use crate::resources::{comments, configurations, organizations, repositories, users, workspaces};
use crate::storage::Tx;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .post("/runs", create)
        .get("/runs/{id}", held::show)
        .get("/runs/{id}/run-events", events::list)
        .get("/runs/{id}/task-stages", stages)
        .post("/runs/{id}/actions/apply", confirm)
        .post("/runs/{id}/actions/discard", discard)
        .post("/runs/{id}/actions/cancel", cancel)
        .post("/runs/{id}/actions/force-cancel", force_cancel)
        .post("/runs/{id}/actions/force-execute", force_execute)
        .get("/workspaces/{workspace}/runs", list)
        .get("/organizations/{organization}/runs", list_all)
        .get("/organizations/{organization}/runs/queue", queue)
        .get("/organizations/{organization}/capacity", capacity)
        .and(phases::routes())
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    here: Here,
    client: Client,
    (RequestKey(key), InRun(parent)): (RequestKey, InRun),
    Query(query): Query<ReadQuery>,
    Sent(body): Sent<RunBody>,
) -> Reply {
    let (wanted, relationships) = body.into_parts();
    let missing = || {
        Problem::invalid("run/workspace", "The run names no workspace.").advice("Give the relationship \"workspace\".")
    };
    let workspace = relationships.workspace_id().ok_or_else(missing)?;
    let workspace = WorkspaceId::parse(workspace)?;
    let configuration = relationships.configuration_version_id().map(ConfigurationId::parse).transpose()?;

    let tx = app.db.write().await?;
    let read = workspaces::service::for_action(&tx, &actor, workspace.as_str(), Action::StartRun).await?;
    let mut new = new(wanted, client);
    new.configuration = configuration.map(|id| id.to_string());
    new.key = key;
    new.parent = parent;
    // Only the `cloud` block renders JSON lines; the remote backend would show them as they are.
    new.json_output = client == Client::Cloud && read.structured_run_output_enabled;
    let whole = service::create(&app, &tx, &actor, workspace.as_str(), new).await?;
    let answer = included(&app, &tx, &actor, &here, &query.include, &whole).await?;
    tx.commit().await?;
    created(answer)
}

async fn stages(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<RunId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    service::read(&tx, &actor, id.as_str()).await?;
    ok(here.page(Vec::<TaskStage>::new(), &query.page))
}

macro_rules! actions {
    ($($name:ident;)*) => {$(
        // The move is committed before the 202: clients read the run right after it.
        async fn $name(
            State(app): State<App>,
            Caller(actor): Caller,
            At(id): At<RunId>,
            Sent(request): Sent<ActionRequest>,
        ) -> Reply {
            let tx = app.db.write().await?;
            service::$name(&app, &tx, &actor, id.as_str()).await?;
            if let Some(comment) = request.comment.filter(|comment| !comment.trim().is_empty()) {
                comments::service::create(&app, &tx, &actor, id.as_str(), Some(comment)).await?;
            }
            tx.commit().await?;
            accepted()
        }
    )*};
}

actions! { confirm; discard; cancel; force_cancel; force_execute; }

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(workspace): At<WorkspaceId>,
    here: Here,
    Query(query): Query<RunsQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let (_, runs) = service::list(&tx, &actor, workspace.as_str()).await?;
    listed(&app, &tx, &actor, &here, &query, runs).await
}

async fn list_all(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<RunsQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let mut workspaces = workspaces::service::list(&tx, &actor, &organization).await?;
    let names = &query.filter.workspace_names;
    workspaces.retain(|it| names.is_empty() || names.iter().any(|name| name == it.name));
    let mut runs = Vec::new();
    for workspace in &workspaces {
        // A run's token sees workspaces whose runs it may not see.
        if let Ok((_, of)) = service::list(&tx, &actor, &workspace.id).await {
            runs.extend(of);
        }
    }
    runs.sort_by_key(|run| std::cmp::Reverse(run.created_at));
    listed(&app, &tx, &actor, &here, &query, runs).await
}

async fn listed(app: &App, tx: &Tx, actor: &Actor, here: &Here, query: &RunsQuery, runs: Vec<Run>) -> Reply {
    let now = app.ports.now();
    let mut fitting = Vec::new();
    for run in runs {
        if fits(&run, &query.filter, now) && matches(tx, &run, &query.search).await? {
            fitting.push(run);
        }
    }
    let (chosen, pagination) = here.cut(fitting, &query.page);
    let mut documents = Vec::with_capacity(chosen.len());
    let mut wholes = Vec::with_capacity(chosen.len());
    for run in chosen {
        let whole = service::read(tx, actor, &run.id).await?;
        documents.push(document(app, actor, &whole)?);
        wholes.push(whole);
    }
    let mut answer = here.paged(documents, pagination);
    for whole in &wholes {
        include(app, tx, actor, here, &query.include, whole, &mut answer).await?;
    }
    ok(answer)
}

async fn queue(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let (offset, size) = (query.page.offset(), query.page.size());
    let total = service::occupancy(&tx, &actor, &organization).await?.total();
    let chosen = service::queue(&tx, &actor, &organization, offset, size).await?;
    let pagination = Pagination::of(query.page.number(), size, total);
    let mut documents = Vec::with_capacity(chosen.len());
    for (position, run) in (offset + 1..).zip(chosen) {
        // The queue tells its place also of runs that this token may not read: they are left out.
        let Ok(whole) = service::read(&tx, &actor, &run).await else { continue };
        let mut document = document(&app, &actor, &whole)?;
        document.attributes.position_in_queue = position;
        documents.push(document);
    }
    ok(here.paged(documents, pagination))
}

async fn capacity(State(app): State<App>, Caller(actor): Caller, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let Occupancy { pending, running, parked } = service::occupancy(&tx, &actor, &organization).await?;
    let attributes = CapacityAttributes { pending, running, parked };
    ok(Document::new(Capacity::new(&organization.name, attributes)))
}

/// A run with what `include=` asked for.
async fn included(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    here: &Here,
    wanted: &Include,
    whole: &Whole,
) -> Result<Document<wire::runs::Run>, Problem> {
    let mut answer = Document::new(document(app, actor, whole)?);
    include(app, tx, actor, here, wanted, whole, &mut answer).await?;
    Ok(answer)
}

async fn include<D>(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    here: &Here,
    wanted: &Include,
    whole: &Whole,
    answer: &mut Document<D>,
) -> Result<(), Problem> {
    if wanted.has("workspace") {
        answer.include(&workspaces::document(tx, actor, &whole.workspace).await?);
    }
    if wanted.has("workspace.organization")
        && let Some(organization) = organizations::by_id(tx, &whole.run.organization_id).await?
    {
        answer.include(&organizations::document(tx, actor, &organization).await?);
    }
    if wanted.has("plan") {
        answer.include(&plan_document(app, here, whole));
    }
    if wanted.has("apply") {
        answer.include(&apply_document(app, here, whole));
    }
    if wanted.has("configuration_version") && !whole.run.configuration_id.is_empty() {
        configurations::include(app, tx, actor, here, &whole.run.configuration_id, answer).await?;
    }
    if wanted.has("configuration_version.ingress_attributes")
        && let Some(ingress) = repositories::ingress_of(tx, &whole.run.configuration_id).await?
    {
        answer.include(&repositories::ingress_document(&ingress));
    }
    if wanted.has("created_by")
        && let Some(user) = &whole.run.created_by
    {
        answer.include(&users::document(actor, &users::service::user(tx, user).await?));
    }
    Ok(())
}

fn new(wanted: RunRequest, client: Client) -> New {
    let variables = wanted.variables.unwrap_or_default();
    New {
        key: None,
        parent: None,
        configuration: None,
        message: wanted.message.filter(|message| !message.is_empty()),
        source: client.source().into(),
        auto_apply: wanted.auto_apply,
        is_destroy: wanted.is_destroy.unwrap_or(false),
        force: wanted.force.unwrap_or(false),
        no_refresh: wanted.refresh == Some(false),
        refresh_only: wanted.refresh_only.unwrap_or(false),
        plan_only: wanted.plan_only,
        save_plan: wanted.save_plan.unwrap_or(false),
        allow_empty_apply: wanted.allow_empty_apply.unwrap_or(false),
        allow_config_generation: wanted.allow_config_generation.unwrap_or(false),
        json_output: false,
        targets: wanted.target_addrs.unwrap_or_default(),
        replaces: wanted.replace_addrs.unwrap_or_default(),
        variables: variables.into_iter().map(|it| RunVariable { key: it.key, value: it.value }).collect(),
        readers: Vec::new(),
        scratch: None,
        home: false,
        id: None,
        inputs: None,
        terraform_version: wanted.terraform_version.filter(|version| !version.is_empty()),
        event: None,
    }
}

fn fits(run: &Run, filter: &RunsFilter, now: chrono::DateTime<chrono::Utc>) -> bool {
    let status = run.status();
    let group = match filter.status_group.as_deref() {
        Some("non_final") => !status.is_final(),
        Some("final") => status.is_final(),
        Some("discardable") => RunStatus::DISCARDABLE.contains(&status),
        _ => true,
    };
    let operations = shown::operations(run);
    let operation = if filter.operation.is_empty() {
        !run.plan_only
    } else {
        filter.operation.iter().any(|wanted| operations.contains(&wanted))
    };
    let time = match filter.timeframe.as_deref() {
        None | Some("") => true,
        Some("year") => run.created_at > now - chrono::TimeDelta::days(365),
        Some(year) => run.created_at.format("%Y").to_string() == year,
    };
    let has = |list: &wire::query::Commas, word: &str| list.is_empty() || list.iter().any(|item| item == word);
    group && operation && time && has(&filter.status, status.visible().as_str()) && has(&filter.source, &run.source)
}

async fn matches(tx: &Tx, run: &Run, search: &RunsSearch) -> Result<bool, Problem> {
    if let Some(part) = &search.user {
        let Some(by) = &run.created_by else { return Ok(false) };
        if !users::service::user(tx, by).await?.username.contains(part.as_str()) {
            return Ok(false);
        }
    }
    let commit = match search.commit.as_deref().filter(|part| !part.is_empty()) {
        None => true,
        Some(part) => repositories::ingress_of(tx, &run.configuration_id)
            .await?
            .is_some_and(|ingress| ingress.commit_sha.starts_with(part)),
    };
    let basic = search.basic.as_deref().is_none_or(|part| run.id.contains(part) || run.message.contains(part));
    Ok(commit && basic)
}
