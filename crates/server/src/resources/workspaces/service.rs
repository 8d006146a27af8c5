//! Use cases of workspaces.

use domain::Problem;
use domain::id::WorkspaceId;
use serde_json::json;

use super::lock::{self, Holder};
use super::store::{self, Model as Workspace, Tag};
use super::{auto_destroy, protection};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::{
    comments, configurations, edges, grants, projects, repositories, run_triggers, runs, states, variable_sets,
    variables,
};
use crate::storage::{Change, Tx};

/// Settings of a workspace; in an edit `None` leaves things as they are.
#[derive(Debug, Default, Clone)]
pub struct Settings {
    /// Name.
    pub name: Option<String>,
    /// What it is for; the inner `None` clears it.
    pub description: Option<Option<String>>,
    /// Id of its project.
    pub project: Option<String>,
    /// `remote` or `local`.
    pub execution_mode: Option<String>,
    /// Runs are confirmed by themselves.
    pub auto_apply: Option<bool>,
    /// Runs that a run trigger started are confirmed by themselves.
    pub auto_apply_run_trigger: Option<bool>,
    /// `join` or `each`: whether upstreams are waited for, or each has a run of its own.
    pub run_trigger_mode: Option<String>,
    /// A run trigger does not start a run that would have nothing new to go by.
    pub run_trigger_cutoff: Option<bool>,
    /// Destroy runs may be started.
    pub allow_destroy_plan: Option<bool>,
    /// Kept for clients that set it.
    pub assessments_enabled: Option<bool>,
    /// Of pushes, only those that change certain files start a run.
    pub file_triggers_enabled: Option<bool>,
    /// Every workspace of the organization may read its state.
    pub global_remote_state: Option<bool>,
    /// Its repository starts runs even before anybody has started one.
    pub queue_all_runs: Option<bool>,
    /// Pull requests are planned.
    pub speculative_enabled: Option<bool>,
    /// Logs of runs that `cloud {}` started are `-json` lines.
    pub structured_run_output_enabled: Option<bool>,
    /// The root keeps a backend of its own.
    pub own_backend: Option<bool>,
    /// Exact version, or `latest`.
    pub terraform_version: Option<String>,
    /// Folder of the root module inside the configuration.
    pub working_directory: Option<String>,
    /// What makes it; only at creation.
    pub source: Option<String>,
    /// Who makes it, as they say.
    pub source_name: Option<String>,
    /// Where they are, as they say.
    pub source_url: Option<String>,
    /// Folders whose changes start a run.
    pub trigger_prefixes: Option<Vec<String>>,
    /// Patterns of files whose changes start a run.
    pub trigger_patterns: Option<Vec<String>>,
    /// The repository that feeds it; the inner `None` takes it away.
    pub repository: Option<Option<repositories::service::Settings>>,
    /// When it is destroyed by itself.
    pub auto_destroy: domain::auto_destroy::Request,
}

/// Makes a workspace.
///
/// # Errors
/// `workspace/name-taken`, `workspace/name-missing`, `workspace/setting`, `names/…`, `project/not-found`.
pub async fn create(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    settings: Settings,
    tags: &[Tag],
) -> Result<Workspace, Problem> {
    let project = match settings.project.as_deref().or(actor.project()) {
        Some(id) => id.to_owned(),
        None => projects::service::default_of(tx, &organization.id).await?.id,
    };
    let project = project_for(tx, actor, &organization.id, &project).await?;
    if settings.name.is_none() {
        return Err(Problem::invalid("workspace/name-missing", "Name can't be blank.")
            .advice("Give the workspace a name.")
            .attribute("name"));
    }
    let now = app.ports.now();
    let mut workspace = Workspace {
        id: app.ports.id::<WorkspaceId>().to_string(),
        organization_id: organization.id.clone(),
        project_id: project,
        name: String::new(),
        description: None,
        execution_mode: "remote".into(),
        auto_apply: false,
        auto_apply_run_trigger: false,
        run_trigger_mode: "join".into(),
        run_trigger_cutoff: true,
        allow_destroy_plan: true,
        assessments_enabled: false,
        file_triggers_enabled: true,
        global_remote_state: false,
        queue_all_runs: false,
        speculative_enabled: true,
        structured_run_output_enabled: true,
        own_backend: false,
        terraform_version: app.setup.terraform_version.clone(),
        working_directory: String::new(),
        source: settings.source.clone().unwrap_or_else(|| "tfe-api".into()),
        source_name: settings.source_name.clone(),
        source_url: settings.source_url.clone(),
        trigger_prefixes: json!([]),
        trigger_patterns: json!([]),
        locked_kind: None,
        locked_by: None,
        locked_reason: None,
        current_configuration_id: None,
        current_run_id: None,
        current_state_id: None,
        resource_count: 0,
        auto_destroy_at: None,
        auto_destroy_duration: None,
        inherits_project_auto_destroy: true,
        auto_destroy_status: None,
        active_at: Some(now),
        created_at: now,
        updated_at: now,
    };
    let repository = settings.repository.clone();
    auto_destroy::set(tx, &mut workspace, settings.auto_destroy.clone(), true, now).await?;
    change(app, tx, &mut workspace, settings).await?;
    store::insert(tx, &workspace).await?;
    for tag in tags {
        store::put_tag(tx, &workspace.id, &checked(tag)?).await?;
    }
    // It may be due already.
    tx.announce(Change::Workspace { workspace: workspace.id.clone() });
    if let Some(repository) = repository {
        repositories::service::connect(tx, &workspace, repository).await?;
        if repositories::service::first_run(app, tx, actor, &workspace).await? {
            return read(tx, actor, &workspace.id).await;
        }
    }
    Ok(workspace)
}

/// The workspace of that id.
///
/// # Errors
/// `workspace/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Workspace, Problem> {
    let found = store::by_id(tx, id).await?;
    visible(tx, actor, found, Action::ReadWorkspace).await
}

/// Whether the actor may see a workspace that was read already.
pub async fn sees(tx: &Tx, actor: &Actor, workspace: &Workspace) -> Result<bool, Problem> {
    may(tx, actor, workspace, Action::ReadWorkspace).await
}

/// The workspace that clients call `name`.
///
/// # Errors
/// `workspace/not-found`, also for who may not see it.
pub async fn read_named(tx: &Tx, actor: &Actor, organization: &Organization, name: &str) -> Result<Workspace, Problem> {
    let found = store::by_name(tx, &organization.id, name).await?;
    visible(tx, actor, found, Action::ReadWorkspace).await
}

/// The workspace of that id, for `action` on it; other rooms begin with this.
///
/// # Errors
/// `workspace/not-found`, also for who may not do it.
pub async fn for_action(tx: &Tx, actor: &Actor, id: &str, action: Action) -> Result<Workspace, Problem> {
    let found = store::by_id(tx, id).await?;
    visible(tx, actor, found, action).await
}

/// A workspace as what something is done to; for actions that do not depend on who shares a state with whom.
pub fn on(workspace: &Workspace) -> On<'_> {
    on_shared(workspace, false)
}

/// A workspace as what something is done to, by this actor.
pub async fn place<'a>(tx: &Tx, actor: &Actor, workspace: &'a Workspace) -> Result<On<'a>, Problem> {
    let shares = match actor {
        Actor::Run { workspace: reader, .. } => {
            workspace.global_remote_state || store::shares_with(tx, &workspace.id, reader).await?
        }
        _ => false,
    };
    Ok(on_shared(workspace, shares))
}

/// Those of an organization that the actor may see, by name.
pub async fn list(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<Workspace>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    let mut seen = Vec::new();
    for workspace in store::in_organization(tx, &organization.id).await? {
        if may(tx, actor, &workspace, Action::ReadWorkspace).await? {
            seen.push(workspace);
        }
    }
    Ok(seen)
}

/// Changes settings.
///
/// # Errors
/// As [`create`].
pub async fn update(app: &App, tx: &Tx, actor: &Actor, id: &str, settings: Settings) -> Result<Workspace, Problem> {
    let mut workspace = for_action(tx, actor, id, Action::ManageWorkspace).await?;
    if let Some(project) = settings.project.as_deref().filter(|project| *project != workspace.project_id) {
        actor.may(Action::MoveWorkspace, on(&workspace))?;
        workspace.project_id = project_for(tx, actor, &workspace.organization_id, project).await?;
        // What it inherits there counts from now on.
        workspace.active_at = workspace.active_at.map(|_| app.ports.now());
    }
    let repository = settings.repository.clone();
    auto_destroy::set(tx, &mut workspace, settings.auto_destroy.clone(), false, app.ports.now()).await?;
    change(app, tx, &mut workspace, settings).await?;
    workspace.updated_at = app.ports.now();
    store::update(tx, &workspace).await?;
    if let Some(repository) = repository {
        repositories::service::connect(tx, &workspace, repository).await?;
    }
    tx.announce(Change::Workspace { workspace: workspace.id.clone() });
    Ok(workspace)
}

/// Deletes a workspace that manages nothing: the safe delete of the API.
///
/// # Errors
/// `workspace/has-resources`, `workspace/delete-locked`, `workspace/downstreams`; the words are those that clients look for.
pub async fn safe_delete(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let workspace = for_action(tx, actor, id, Action::DeleteWorkspace).await?;
    if workspace.resource_count > 0 {
        return Err(Problem::conflict(
            "workspace/has-resources",
            format!(
                "The workspace \"{}\" is not safe to delete: resources under management: {}.",
                workspace.name, workspace.resource_count
            ),
        )
        .advice("Destroy them first, or force the deletion and leave them behind."));
    }
    protection::check(tx, &workspace).await?;
    delete(app, tx, actor, id).await
}

/// Deletes a workspace with its runs and states, whatever it manages and whatever depends on it. What its states were can be had back for a
/// while (`upkeep::deleted`).
///
/// # Errors
/// `workspace/delete-locked` while somebody holds its lock.
pub async fn delete(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let workspace = for_action(tx, actor, id, Action::DeleteWorkspace).await?;
    if workspace.locked_kind.is_some() {
        return Err(Problem::conflict(
            "workspace/delete-locked",
            format!("The workspace \"{}\" is locked and cannot be deleted.", workspace.name),
        )
        .advice("Wait for its run to end or unlock it."));
    }
    comments::delete_of(tx, &workspace.id).await?;
    runs::delete_of(tx, &workspace.id).await?;
    let deleted = states::Deleted {
        workspace: &workspace.id,
        name: &workspace.name,
        organization: &workspace.organization_id,
        at: app.ports.now(),
    };
    states::delete_of(tx, deleted).await?;
    configurations::delete_of(tx, &workspace.id).await?;
    repositories::delete_of(tx, &workspace.id).await?;
    variables::delete_of(tx, &workspace.id).await?;
    variable_sets::forget_target(tx, &workspace.id).await?;
    run_triggers::delete_of(tx, &workspace.id).await?;
    edges::delete_of(tx, &workspace.id).await?;
    grants::delete_of(tx, &workspace.id).await?;
    store::delete(tx, &workspace.id).await?;
    tx.announce(Change::Workspace { workspace: workspace.id });
    Ok(())
}

/// Locks a workspace for the user who asks, or for a run that maintains the workspaces of its project.
///
/// # Errors
/// `workspace/locked`.
pub async fn lock(tx: &Tx, actor: &Actor, id: &str, reason: &str) -> Result<Workspace, Problem> {
    let workspace = for_action(tx, actor, id, Action::LockWorkspace).await?;
    lock::take(tx, &workspace, &holder(actor), reason).await?;
    read(tx, actor, id).await
}

/// Unlocks a workspace that the user or run that asks has locked.
///
/// # Errors
/// `workspace/not-locked`, `workspace/locked-by-other`, `state/pending`; the words are those that clients look for.
pub async fn unlock(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<Workspace, Problem> {
    let workspace = for_action(tx, actor, id, Action::LockWorkspace).await?;
    let Some(holder) = workspace.holder() else { return Err(not_locked(&workspace)) };
    if states::is_pending(app, tx, &workspace.id).await? {
        // go-tfe takes a 409 here for "already unlocked" and gives up; this text with a 422 makes it try again.
        return Err(Problem::invalid(
            "state/pending",
            "The workspace cannot be unlocked because its latest state version is still pending.",
        )
        .advice("Finish the upload of the state, or force-unlock the workspace."));
    }
    match &holder {
        Holder::Run(run) if actor.run() != Some(run) => Err(Problem::conflict(
            "workspace/locked-by-other",
            format!("The workspace \"{}\" is locked by Run {run}.", workspace.name),
        )
        .advice("Wait for the run to end, or cancel it.")),
        Holder::User(by) if actor.user() != Some(by) => Err(Problem::conflict(
            "workspace/locked-by-other",
            format!("The workspace \"{}\" is locked by User {by}.", workspace.name),
        )
        .advice("Ask them to unlock it, or force-unlock it.")),
        _ => {
            lock::release(tx, &workspace, &holder).await?;
            read(tx, actor, id).await
        }
    }
}

/// Unlocks a workspace whoever holds the lock; a state that comes later is kept but never becomes current.
///
/// # Errors
/// `workspace/not-locked`; `workspace/run-under-way` while terraform of the run that holds it is at work.
pub async fn force_unlock(tx: &Tx, actor: &Actor, id: &str) -> Result<Workspace, Problem> {
    let workspace = for_action(tx, actor, id, Action::ForceUnlockWorkspace).await?;
    let Some(holder) = workspace.holder() else { return Err(not_locked(&workspace)) };
    if let Holder::Run(run) = &holder
        && runs::by_id(tx, run).await?.is_some_and(|run| !run.status().is_final())
    {
        return Err(Problem::conflict(
            "workspace/run-under-way",
            format!("The workspace \"{}\" is locked by Run {run}, which has not ended.", workspace.name),
        )
        .advice("Cancel or discard the run; that unlocks the workspace and loses no state."));
    }
    states::discard_pending(tx, &workspace.id).await?;
    lock::release(tx, &workspace, &holder).await?;
    read(tx, actor, id).await
}

/// Adds tags, or sets the values of those that are there.
pub async fn add_tags(tx: &Tx, actor: &Actor, id: &str, tags: &[Tag]) -> Result<Vec<Tag>, Problem> {
    let workspace = for_action(tx, actor, id, Action::ManageWorkspace).await?;
    for tag in tags {
        store::put_tag(tx, &workspace.id, &checked(tag)?).await?;
    }
    // A limit may count its runs now, or no longer.
    tx.announce(Change::Workspace { workspace: workspace.id.clone() });
    store::tags_of(tx, &workspace.id).await
}

/// Sets the tags to exactly these.
pub async fn replace_tags(tx: &Tx, actor: &Actor, id: &str, tags: &[Tag]) -> Result<Vec<Tag>, Problem> {
    let keys: Vec<_> = tags_of(tx, actor, id).await?.into_iter().map(|tag| tag.key).collect();
    remove_tags(tx, actor, id, &keys).await?;
    add_tags(tx, actor, id, tags).await
}

/// Removes tags by key.
pub async fn remove_tags(tx: &Tx, actor: &Actor, id: &str, keys: &[String]) -> Result<(), Problem> {
    let workspace = for_action(tx, actor, id, Action::ManageWorkspace).await?;
    for key in keys {
        store::delete_tag(tx, &workspace.id, key).await?;
    }
    tx.announce(Change::Workspace { workspace: workspace.id });
    Ok(())
}

/// Tags of a workspace by key.
pub async fn tags_of(tx: &Tx, actor: &Actor, id: &str) -> Result<Vec<Tag>, Problem> {
    let workspace = read(tx, actor, id).await?;
    store::tags_of(tx, &workspace.id).await
}

/// The workspaces that may read this one's state.
pub async fn consumers(tx: &Tx, actor: &Actor, id: &str) -> Result<Vec<Workspace>, Problem> {
    let workspace = read(tx, actor, id).await?;
    let mut found = Vec::new();
    for consumer in store::consumers_of(tx, &workspace.id).await? {
        found.extend(store::by_id(tx, &consumer).await?);
    }
    Ok(found)
}

/// How a list of consumers is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerEdit {
    /// Add these.
    Add,
    /// Remove these.
    Remove,
    /// Exactly these.
    Replace,
}

/// Changes which workspaces may read this one's state.
///
/// # Errors
/// `workspace/consumers` when all may already, or the workspace itself or one of another organization is among them.
pub async fn edit_consumers(
    tx: &Tx,
    actor: &Actor,
    id: &str,
    edit: ConsumerEdit,
    consumers: &[String],
) -> Result<(), Problem> {
    let workspace = for_action(tx, actor, id, Action::ManageWorkspace).await?;
    let refused = |message: &str, advice: &str| Problem::invalid("workspace/consumers", message).advice(advice);
    if workspace.global_remote_state && edit != ConsumerEdit::Remove && !consumers.is_empty() {
        return Err(refused(
            "Every workspace of the organization may read this state already.",
            "Turn global-remote-state off before you list single workspaces.",
        ));
    }
    if edit == ConsumerEdit::Replace {
        for old in store::consumers_of(tx, &workspace.id).await? {
            store::delete_consumer(tx, &workspace.id, &old).await?;
        }
    }
    for consumer in consumers {
        let consumer = read(tx, actor, consumer).await?;
        if consumer.id == workspace.id || consumer.organization_id != workspace.organization_id {
            return Err(refused(
                "A workspace cannot be listed as a reader of its own state, nor one of another organization.",
                "List other workspaces of the same organization.",
            ));
        }
        match edit {
            ConsumerEdit::Remove => store::delete_consumer(tx, &workspace.id, &consumer.id).await?,
            ConsumerEdit::Add | ConsumerEdit::Replace => store::add_consumer(tx, &workspace.id, &consumer.id).await?,
        }
    }
    Ok(())
}

async fn change(app: &App, tx: &Tx, workspace: &mut Workspace, settings: Settings) -> Result<(), Problem> {
    if let Some(name) = settings.name {
        domain::names::workspace_name(&name)?;
        if name != workspace.name && store::by_name(tx, &workspace.organization_id, &name).await?.is_some() {
            return Err(Problem::invalid("workspace/name-taken", "Name has already been taken.")
                .advice("Choose another name.")
                .attribute("name"));
        }
        workspace.name = name;
    }
    if let Some(mode) = settings.execution_mode {
        if !matches!(mode.as_str(), "remote" | "local") {
            return Err(setting(
                "execution-mode",
                "Execution mode must be \"remote\" or \"local\": there are no agents.",
            ));
        }
        workspace.execution_mode = mode;
    }
    if let Some(folder) = settings.working_directory {
        let folder = folder.trim_matches('/');
        if folder.split('/').any(|part| part == ".." || part.contains('\0')) {
            return Err(setting("working-directory", "The working directory must be inside the configuration."));
        }
        workspace.working_directory = folder.to_owned();
    }
    if let Some(version) = settings.terraform_version {
        if version.is_empty() || version.len() > 64 || !version.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
            return Err(setting("terraform-version", "Terraform version is not a version or constraint."));
        }
        crate::terraform::resolve(&app.setup, &version)?;
        workspace.terraform_version = version;
    }
    assign(&mut workspace.description, settings.description);
    assign(&mut workspace.auto_apply, settings.auto_apply);
    assign(&mut workspace.auto_apply_run_trigger, settings.auto_apply_run_trigger);
    assign(&mut workspace.run_trigger_mode, settings.run_trigger_mode);
    assign(&mut workspace.run_trigger_cutoff, settings.run_trigger_cutoff);
    assign(&mut workspace.allow_destroy_plan, settings.allow_destroy_plan);
    assign(&mut workspace.assessments_enabled, settings.assessments_enabled);
    assign(&mut workspace.file_triggers_enabled, settings.file_triggers_enabled);
    assign(&mut workspace.global_remote_state, settings.global_remote_state);
    assign(&mut workspace.queue_all_runs, settings.queue_all_runs);
    assign(&mut workspace.speculative_enabled, settings.speculative_enabled);
    assign(&mut workspace.structured_run_output_enabled, settings.structured_run_output_enabled);
    assign(&mut workspace.own_backend, settings.own_backend);
    assign(&mut workspace.trigger_prefixes, settings.trigger_prefixes.map(|list| json!(list)));
    assign(&mut workspace.trigger_patterns, settings.trigger_patterns.map(|list| json!(list)));
    Ok(())
}

fn assign<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn checked(tag: &Tag) -> Result<Tag, Problem> {
    match tag.value.as_deref().filter(|value| !value.is_empty()) {
        None => Ok(Tag { key: domain::names::tag_name(&tag.key)?, value: None }),
        Some(value) => {
            let key = domain::names::tag_key(&tag.key)?.to_owned();
            Ok(Tag { key, value: Some(domain::names::tag_value(value)?.to_owned()) })
        }
    }
}

async fn visible(tx: &Tx, actor: &Actor, found: Option<Workspace>, action: Action) -> Result<Workspace, Problem> {
    if let Some(workspace) = found
        && may(tx, actor, &workspace, action).await?
    {
        return Ok(workspace);
    }
    Err(Problem::not_found("workspace/not-found", "There is no such workspace, or this token may not see it.")
        .advice("Check its name or id, and use a token that may see it."))
}

async fn may(tx: &Tx, actor: &Actor, workspace: &Workspace, action: Action) -> Result<bool, Problem> {
    Ok(actor.can(action, place(tx, actor, workspace).await?))
}

/// The project that a workspace goes to, if the actor may make workspaces there.
async fn project_for(tx: &Tx, actor: &Actor, organization: &str, id: &str) -> Result<String, Problem> {
    let found = projects::by_id(tx, id).await?.filter(|it| it.organization_id == organization);
    let may = actor.can(Action::CreateWorkspace, On::Project { organization, id });
    found.filter(|_| may).map(|it| it.id).ok_or_else(|| {
        Problem::not_found(
            "project/not-found",
            "There is no such project in this organization, or this token may make no workspaces in it.",
        )
        .advice("Check the project's id, and use a token that may make workspaces in it.")
    })
}

fn on_shared(workspace: &Workspace, shares: bool) -> On<'_> {
    On::Workspace {
        organization: &workspace.organization_id,
        project: &workspace.project_id,
        id: &workspace.id,
        shares,
    }
}

fn holder(actor: &Actor) -> Holder {
    match actor {
        Actor::Run { run, .. } => Holder::Run(run.clone()),
        _ => Holder::User(actor.user().unwrap_or_default().to_owned()),
    }
}

fn not_locked(workspace: &Workspace) -> Problem {
    Problem::conflict("workspace/not-locked", format!("The workspace \"{}\" is already unlocked.", workspace.name))
        .advice("There is nothing to do.")
}

fn setting(attribute: &str, message: &str) -> Problem {
    Problem::invalid("workspace/setting", message)
        .advice("Correct the attribute and send it again.")
        .attribute(attribute)
}
