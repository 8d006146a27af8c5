//! Workspaces as documents, and what comes along with them.

use domain::Problem;
use wire::query::Include;
use wire::words::{ExecutionMode, RunTriggerMode, WorkspaceSource};
use wire::workspaces::{
    SettingOverwrites, Workspace as Document, WorkspaceActions, WorkspaceAttributes, WorkspacePermissions,
    WorkspaceRelationships,
};
use wire::{Linked, ToMany, ToOne, kind};

use super::super::{Holder, Tag, Workspace, auto_destroy, service, tags_of};
use super::tags::effective_documents;
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::edge::Here;
use crate::resources::runs::{self, Run};
use crate::resources::states::service::ShownOutput;
use crate::resources::{configurations, organizations, projects, repositories, states, users};
use crate::storage::Tx;

/// A workspace as the API shows it.
///
/// # Errors
/// `storage/unavailable`.
pub async fn document(tx: &Tx, actor: &Actor, workspace: &Workspace) -> Result<Document, Problem> {
    let tags = tags_of(tx, &workspace.id).await?;
    let organization = organizations::by_id(tx, &workspace.organization_id).await?;
    let organization = organization.map(|it| it.name).unwrap_or_default();
    let place = service::place(tx, actor, workspace).await?;
    let inherited = auto_destroy::inherited(tx).await?;
    with_repository(tx, document_with(actor, place, workspace, &tags, &organization, &inherited)).await
}

/// Adds the repository that feeds it.
pub(super) async fn with_repository(tx: &Tx, mut document: Document) -> Result<Document, Problem> {
    if let Some(feed) = repositories::service::feed(tx, &document.id).await? {
        document.attributes.vcs_repo = Some(repositories::vcs_repo(&feed));
        document.attributes.oauth_client_name = feed.client.and_then(|client| client.name);
        document.attributes.vcs_repo_identifier = Some(feed.repository.identifier);
    }
    Ok(document)
}

/// The same for who has read tags and organization already; `place` is the workspace as seen by the actor.
pub(super) fn document_with(
    actor: &Actor,
    place: On<'_>,
    workspace: &Workspace,
    tags: &[Tag],
    organization: &str,
    inherited: &auto_destroy::Inherited,
) -> Document {
    let (destroyed_at, idle) = auto_destroy::shown(workspace, inherited);
    let mode = ExecutionMode::parse(&workspace.execution_mode).unwrap_or_default();
    let attributes = WorkspaceAttributes {
        name: workspace.name.clone(),
        description: workspace.description.clone(),
        environment: "default".into(),
        created_at: workspace.created_at.into(),
        updated_at: workspace.updated_at.into(),
        latest_change_at: workspace.updated_at.into(),
        execution_mode: mode,
        operations: mode != ExecutionMode::Local,
        setting_overwrites: SettingOverwrites { execution_mode: mode != ExecutionMode::Remote, agent_pool: false },
        terraform_version: workspace.terraform_version.clone(),
        working_directory: Some(workspace.working_directory.clone()).filter(|folder| !folder.is_empty()),
        auto_apply: workspace.auto_apply,
        auto_apply_run_trigger: workspace.auto_apply_run_trigger,
        run_trigger_mode: RunTriggerMode::parse(&workspace.run_trigger_mode).unwrap_or_default(),
        run_trigger_cutoff: workspace.run_trigger_cutoff,
        allow_destroy_plan: workspace.allow_destroy_plan,
        queue_all_runs: workspace.queue_all_runs,
        speculative_enabled: workspace.speculative_enabled,
        structured_run_output_enabled: workspace.structured_run_output_enabled,
        global_remote_state: workspace.global_remote_state,
        assessments_enabled: workspace.assessments_enabled,
        file_triggers_enabled: workspace.file_triggers_enabled,
        trigger_prefixes: Run::strings(&workspace.trigger_prefixes),
        trigger_patterns: Run::strings(&workspace.trigger_patterns),
        auto_destroy_at: destroyed_at.map(Into::into),
        auto_destroy_activity_duration: idle,
        auto_destroy_status: workspace.auto_destroy_status.clone(),
        inherits_project_auto_destroy: workspace.inherits_project_auto_destroy,
        locked: workspace.locked_kind.is_some(),
        locked_reason: workspace.locked_reason.clone(),
        source: WorkspaceSource::parse(&workspace.source).unwrap_or_default(),
        source_name: workspace.source_name.clone(),
        source_url: workspace.source_url.clone(),
        tag_names: tags.iter().filter(|tag| tag.value.is_none()).map(|tag| tag.key.clone()).collect(),
        resource_count: u64::try_from(workspace.resource_count).unwrap_or(0),
        actions: WorkspaceActions { is_destroyable: workspace.allow_destroy_plan },
        permissions: permissions(actor, place),
        ..WorkspaceAttributes::default()
    };
    let path = format!("/api/v2/workspaces/{}", workspace.id);
    let by_name = format!("/api/v2/organizations/{organization}/workspaces/{}", workspace.name);
    let page = format!("/app/{organization}/workspaces/{}", workspace.name);
    Document::new(&workspace.id, attributes)
        .related(relationships(workspace, organization, &path))
        .linked("self", by_name)
        .linked("self-html", page)
}

fn relationships(workspace: &Workspace, organization: &str, path: &str) -> WorkspaceRelationships {
    let run = ToOne::maybe(kind::RUNS, workspace.current_run_id.as_ref());
    WorkspaceRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, organization),
        project: ToOne::new(kind::PROJECTS, &workspace.project_id),
        latest_run: run.clone(),
        current_run: run,
        current_state_version: ToOne::maybe(kind::STATE_VERSIONS, workspace.current_state_id.as_ref())
            .related(format!("{path}/current-state-version")),
        current_configuration_version: ToOne::maybe(
            kind::CONFIGURATION_VERSIONS,
            workspace.current_configuration_id.as_ref(),
        ),
        locked_by: match workspace.holder() {
            Some(Holder::User(id)) => ToOne::new(kind::USERS, id),
            Some(Holder::Run(id)) => ToOne::new(kind::RUNS, id),
            None => ToOne::none(),
        },
        vars: ToMany::default().related(format!("{path}/vars")),
        remote_state_consumers: Linked::related(format!("{path}/relationships/remote-state-consumers")),
        tag_bindings: Linked::related(format!("{path}/tag-bindings")),
        effective_tag_bindings: Linked::related(format!("{path}/effective-tag-bindings")),
        ..WorkspaceRelationships::default()
    }
}

fn permissions(actor: &Actor, place: On<'_>) -> WorkspacePermissions {
    let may = |action| actor.can(action, place);
    let manage = may(Action::ManageWorkspace);
    WorkspacePermissions {
        can_update: manage,
        can_destroy: may(Action::DeleteWorkspace),
        can_queue_run: may(Action::StartRun),
        can_queue_apply: may(Action::DecideRun),
        can_queue_destroy: may(Action::DecideRun),
        can_read_run: may(Action::ReadRun),
        can_read_variable: may(Action::ReadVariables),
        can_update_variable: may(Action::WriteVariables),
        can_read_state_versions: may(Action::ReadState),
        can_read_state_outputs: may(Action::ReadOutputs),
        can_create_state_versions: may(Action::WriteState),
        can_lock: may(Action::LockWorkspace),
        can_unlock: may(Action::LockWorkspace),
        can_force_unlock: may(Action::ForceUnlockWorkspace),
        can_read_settings: may(Action::ReadWorkspace),
        can_manage_tags: manage,
        can_force_delete: may(Action::DeleteWorkspace),
        ..WorkspacePermissions::default()
    }
}

/// Outputs that the workspace has for the actor, if it may see them; sensitive ones without their value.
pub(super) async fn outputs(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    workspace: &Workspace,
) -> Result<Vec<ShownOutput>, Problem> {
    let place = service::place(tx, actor, workspace).await?;
    match states::service::offered(tx, actor, workspace).await? {
        Some(state) if actor.can(Action::ReadOutputs, place) => states::service::outputs(app, tx, &state, false).await,
        _ => Ok(Vec::new()),
    }
}

/// How a workspace points to its outputs.
pub(super) fn outputs_relation(outputs: &[ShownOutput]) -> ToMany {
    ToMany::new(kind::WORKSPACE_OUTPUTS, outputs.iter().map(|it| &it.output.id))
}

/// Adds what `include=` asked for. What the actor may not see is left out.
pub(super) async fn include<D>(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    here: &Here,
    wanted: &Include,
    workspace: &Workspace,
    answer: &mut wire::Document<D>,
) -> Result<(), Problem> {
    if wanted.is_empty() {
        return Ok(());
    }
    if wanted.has("organization")
        && let Some(organization) = organizations::by_id(tx, &workspace.organization_id).await?
    {
        answer.include(&organizations::document(tx, actor, &organization).await?);
    }
    if wanted.has("project")
        && let Some(project) = projects::by_id(tx, &workspace.project_id).await?
    {
        answer.include(&projects::document(tx, actor, &project).await?);
    }
    if (wanted.has("current_run") || wanted.has("latest_run"))
        && let Some(run) = &workspace.current_run_id
    {
        include_run(app, tx, actor, here, wanted, run, answer).await?;
    }
    if wanted.has("locked_by") {
        match workspace.holder() {
            Some(Holder::User(id)) => answer.include(&users::document(actor, &users::service::user(tx, &id).await?)),
            Some(Holder::Run(id)) => include_run(app, tx, actor, here, &Include::default(), &id, answer).await?,
            None => {}
        }
    }
    if wanted.has("outputs") {
        for output in outputs(app, tx, actor, workspace).await? {
            answer.include(&states::workspace_output_document(&output));
        }
    }
    if wanted.has("current_state_version")
        && let Some(state) = &workspace.current_state_id
        && let Ok(state) = states::service::read(tx, actor, state).await
    {
        let outputs = states::service::outputs(app, tx, &state, false).await?;
        answer.include(&states::state_document(app, here, &state, &outputs));
    }
    if wanted.has("current_configuration_version")
        && let Some(configuration) = &workspace.current_configuration_id
        && configurations::service::read(tx, actor, configuration).await.is_ok()
    {
        configurations::include(app, tx, actor, here, configuration, answer).await?;
    }
    if wanted.has("effective_tag_bindings") {
        let tags = tags_of(tx, &workspace.id).await?;
        effective_documents(workspace, &tags).iter().for_each(|binding| answer.include(binding));
    }
    Ok(())
}

async fn include_run<D>(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    here: &Here,
    wanted: &Include,
    run: &str,
    answer: &mut wire::Document<D>,
) -> Result<(), Problem> {
    let Ok(whole) = runs::service::read(tx, actor, run).await else { return Ok(()) };
    answer.include(&runs::document(app, actor, &whole)?);
    if wanted.has("current_run.plan") {
        answer.include(&runs::plan_document(app, here, &whole));
    }
    if wanted.has("current_run.configuration_version") && !whole.run.configuration_id.is_empty() {
        configurations::include(app, tx, actor, here, &whole.run.configuration_id, answer).await?;
    }
    Ok(())
}
