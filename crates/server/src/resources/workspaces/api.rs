//! `/workspaces`: the HTTP side of workspaces. Lists and their filters are in [`lists`], tags in [`tags`], documents in
//! [`shown`], readers of the state in [`consumers`].

mod consumers;
mod lists;
pub mod shown;
mod tags;

use axum::extract::State;
use domain::Problem;
use domain::auto_destroy::{Idle, Request};
use domain::dependency::Kind;
use domain::id::{Id, ProjectId, WorkspaceId};
use wire::query::{Include, ReadQuery};
use wire::words::ExecutionMode;
use wire::workspaces::{VcsRepoRequest, WorkspaceBody, WorkspaceRequest, WorkspaceRequestRelationships};
use wire::{ActionRequest, Document, ToOne};

use self::shown::document;
use super::Workspace;
use super::service::{self, Settings};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::{At, At2, Caller, Client, Here, Name, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::{edges, organizations, repositories};
use crate::storage::Tx;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .post("/organizations/{organization}/workspaces", create)
        .get("/organizations/{organization}/workspaces/{name}", show_named)
        .patch("/organizations/{organization}/workspaces/{name}", update_named)
        .delete("/organizations/{organization}/workspaces/{name}", delete_named)
        .post("/organizations/{organization}/workspaces/{name}/actions/safe-delete", safe_delete_named)
        .get("/workspaces/{id}", show)
        .patch("/workspaces/{id}", update)
        .delete("/workspaces/{id}", delete)
        .post("/workspaces/{id}/actions/safe-delete", safe_delete)
        .post("/workspaces/{id}/actions/lock", lock)
        .post("/workspaces/{id}/actions/unlock", unlock)
        .post("/workspaces/{id}/actions/force-unlock", force_unlock)
        .and(lists::routes())
        .and(tags::routes())
        .and(consumers::routes())
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    client: Client,
    Query(query): Query<ReadQuery>,
    Sent(body): Sent<WorkspaceBody>,
) -> Reply {
    let (wanted, relationships) = body.into_parts();
    supported(&wanted)?;
    let tags = tags::of_request(&relationships);
    let mut settings = settings(wanted, &relationships)?;
    settings.source = Some(if client == Client::Other { "tfe-api" } else { "terraform" }.to_owned());
    let tx = app.db.write().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let workspace = service::create(&app, &tx, &actor, &organization, settings, &tags).await?;
    let answer = answer(&app, &tx, &actor, &here, &query.include, &workspace).await?;
    tx.commit().await?;
    created(answer)
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    here: Here,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let workspace = service::read(&tx, &actor, id.as_str()).await?;
    let answer = answer(&app, &tx, &actor, &here, &query.include, &workspace).await?;
    drop(tx);
    if query.include.has("outputs") {
        noted(&app, &actor, &workspace).await?;
    }
    ok(answer)
}

async fn show_named(
    State(app): State<App>,
    Caller(actor): Caller,
    At2(organization, name): At2<Name, Name>,
    here: Here,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let workspace = named(&tx, &actor, &organization, &name).await?;
    let answer = answer(&app, &tx, &actor, &here, &query.include, &workspace).await?;
    drop(tx);
    if query.include.has("outputs") {
        noted(&app, &actor, &workspace).await?;
    }
    ok(answer)
}

async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    here: Here,
    Query(query): Query<ReadQuery>,
    Sent(body): Sent<WorkspaceBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let workspace = change(&app, &tx, &actor, id.as_str(), body).await?;
    let answer = answer(&app, &tx, &actor, &here, &query.include, &workspace).await?;
    tx.commit().await?;
    ok(answer)
}

async fn update_named(
    State(app): State<App>,
    Caller(actor): Caller,
    At2(organization, name): At2<Name, Name>,
    here: Here,
    Query(query): Query<ReadQuery>,
    Sent(body): Sent<WorkspaceBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let workspace = named(&tx, &actor, &organization, &name).await?;
    let workspace = change(&app, &tx, &actor, &workspace.id, body).await?;
    let answer = answer(&app, &tx, &actor, &here, &query.include, &workspace).await?;
    tx.commit().await?;
    ok(answer)
}

async fn change(app: &App, tx: &Tx, actor: &Actor, id: &str, body: WorkspaceBody) -> Result<Workspace, Problem> {
    let (wanted, relationships) = body.into_parts();
    supported(&wanted)?;
    let workspace = service::update(app, tx, actor, id, settings(wanted, &relationships)?).await?;
    if relationships.tag_bindings.is_some() {
        service::replace_tags(tx, actor, id, &tags::of_request(&relationships)).await?;
    }
    Ok(workspace)
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(id): At<WorkspaceId>) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&app, &tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

async fn delete_named(
    State(app): State<App>,
    Caller(actor): Caller,
    At2(organization, name): At2<Name, Name>,
) -> Reply {
    let tx = app.db.write().await?;
    let workspace = named(&tx, &actor, &organization, &name).await?;
    service::delete(&app, &tx, &actor, &workspace.id).await?;
    tx.commit().await?;
    no_content()
}

async fn safe_delete(State(app): State<App>, Caller(actor): Caller, At(id): At<WorkspaceId>) -> Reply {
    let tx = app.db.write().await?;
    service::safe_delete(&app, &tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

async fn safe_delete_named(
    State(app): State<App>,
    Caller(actor): Caller,
    At2(organization, name): At2<Name, Name>,
) -> Reply {
    let tx = app.db.write().await?;
    let workspace = named(&tx, &actor, &organization, &name).await?;
    service::safe_delete(&app, &tx, &actor, &workspace.id).await?;
    tx.commit().await?;
    no_content()
}

async fn lock(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    here: Here,
    Sent(said): Sent<ActionRequest>,
) -> Reply {
    let tx = app.db.write().await?;
    let workspace = service::lock(&tx, &actor, id.as_str(), &said.reason.unwrap_or_default()).await?;
    let answer = answer(&app, &tx, &actor, &here, &Include::default(), &workspace).await?;
    tx.commit().await?;
    ok(answer)
}

async fn unlock(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    here: Here,
    Sent(_): Sent<ActionRequest>,
) -> Reply {
    let tx = app.db.write().await?;
    let workspace = service::unlock(&app, &tx, &actor, id.as_str()).await?;
    let answer = answer(&app, &tx, &actor, &here, &Include::default(), &workspace).await?;
    tx.commit().await?;
    ok(answer)
}

async fn force_unlock(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<WorkspaceId>,
    here: Here,
    Sent(_): Sent<ActionRequest>,
) -> Reply {
    let tx = app.db.write().await?;
    let workspace = service::force_unlock(&tx, &actor, id.as_str()).await?;
    let answer = answer(&app, &tx, &actor, &here, &Include::default(), &workspace).await?;
    tx.commit().await?;
    ok(answer)
}

/// A run that reads outputs depends on the workspace.
async fn noted(app: &App, actor: &Actor, workspace: &Workspace) -> Result<(), Problem> {
    let state = workspace.current_state_id.as_deref();
    edges::service::read_by(app, actor, &workspace.id, state, Kind::Outputs, None).await
}

async fn named(tx: &Tx, actor: &Actor, organization: &Name, name: &Name) -> Result<Workspace, Problem> {
    let organization = organizations::service::read(tx, actor, &organization.0).await?;
    let workspace = service::read_named(tx, actor, &organization, &name.0).await?;
    service::for_action(tx, actor, &workspace.id, Action::ReadWorkspace).await
}

async fn answer(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    here: &Here,
    include: &Include,
    workspace: &Workspace,
) -> Result<Document<wire::workspaces::Workspace>, Problem> {
    let mut answer = Document::new(document(tx, actor, workspace).await?);
    if include.has("outputs") {
        let outputs = shown::outputs(app, tx, actor, workspace).await?;
        if let Some(relationships) = &mut answer.data.relationships {
            relationships.outputs = shown::outputs_relation(&outputs);
        }
    }
    shown::include(app, tx, actor, here, include, workspace, &mut answer).await?;
    Ok(answer)
}

/// What a client wants that this server does not do is refused where it would be missed, rather than dropped.
fn supported(wanted: &WorkspaceRequest) -> Result<(), Problem> {
    let refused = |attribute: &str, message: &str, advice: &str| {
        Err(Problem::invalid("workspace/unsupported", message).advice(advice).attribute(attribute))
    };
    let app_installation =
        |repo: &VcsRepoRequest| repo.github_app_installation_id.as_ref().is_some_and(|id| !id.is_empty());
    if wanted.vcs_repo.as_ref().and_then(Option::as_ref).is_some_and(app_installation) {
        let advice = "Connect the repository by an oauth-token-id.";
        return refused("vcs-repo", "This server is no app of GitHub.", advice);
    }
    if wanted.agent_pool_id.as_ref().is_some_and(Option::is_some) {
        return refused("agent-pool-id", "This server has no agents.", "Leave the agent pool out.");
    }
    if wanted.project_remote_state == Some(true) {
        return refused(
            "project-remote-state",
            "State is shared with single workspaces or with the organization, not with a project.",
            "List the workspaces that may read it, or set global-remote-state.",
        );
    }
    Ok(())
}

fn settings(wanted: WorkspaceRequest, relationships: &WorkspaceRequestRelationships) -> Result<Settings, Problem> {
    let project = relationships.project.as_ref().and_then(ToOne::id).map(ProjectId::parse).transpose()?;
    let duration = match &wanted.auto_destroy_activity_duration {
        Some(Some(text)) => Some(Some(Idle::parse(text)?)),
        Some(None) => Some(None),
        None => None,
    };
    Ok(Settings {
        auto_destroy: Request {
            moment: wanted.auto_destroy_at.map(|at| at.map(|moment| moment.0)),
            duration,
            inherits: wanted.inherits_project_auto_destroy,
        },
        execution_mode: execution_mode(&wanted).map(|mode| mode.as_str().to_owned()),
        name: wanted.name,
        description: wanted.description,
        project: project.map(|id| id.to_string()),
        auto_apply: wanted.auto_apply,
        auto_apply_run_trigger: wanted.auto_apply_run_trigger,
        run_trigger_mode: wanted.run_trigger_mode.map(|mode| mode.as_str().to_owned()),
        run_trigger_cutoff: wanted.run_trigger_cutoff,
        allow_destroy_plan: wanted.allow_destroy_plan,
        assessments_enabled: wanted.assessments_enabled,
        file_triggers_enabled: wanted.file_triggers_enabled,
        global_remote_state: wanted.global_remote_state,
        queue_all_runs: wanted.queue_all_runs,
        speculative_enabled: wanted.speculative_enabled,
        structured_run_output_enabled: wanted.structured_run_output_enabled,
        own_backend: None,
        terraform_version: wanted.terraform_version.filter(|version| !version.is_empty()),
        working_directory: wanted.working_directory.map(Option::unwrap_or_default),
        source: None,
        source_name: wanted.source_name,
        source_url: wanted.source_url,
        trigger_prefixes: wanted.trigger_prefixes,
        trigger_patterns: wanted.trigger_patterns,
        repository: wanted.vcs_repo.map(|repo| repo.map(repository)),
    })
}

fn repository(wanted: VcsRepoRequest) -> repositories::service::Settings {
    repositories::service::Settings {
        identifier: wanted.identifier,
        branch: wanted.branch,
        tags_regex: wanted.tags_regex,
        submodules: wanted.ingress_submodules,
        oauth_token: wanted.oauth_token_id,
    }
}

/// The mode itself, or its older spelling, or the way back to the organization's default, which is "remote".
fn execution_mode(wanted: &WorkspaceRequest) -> Option<ExecutionMode> {
    let inherits = wanted.setting_overwrites.is_some_and(|it| it.execution_mode == Some(false));
    wanted
        .execution_mode
        .or_else(|| wanted.operations.map(|on| if on { ExecutionMode::Remote } else { ExecutionMode::Local }))
        .or_else(|| inherits.then_some(ExecutionMode::Remote))
}
