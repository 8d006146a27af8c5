//! What people ask of runs.

use bytes::Bytes;
use domain::Problem;
use domain::id::{ApplyId, Id, PlanId, RunId};
use domain::run::{RunEvent, RunStatus};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::moves::advance;
use super::preview;
use super::queue::{self, Occupancy};
use super::store::{self, Model as Run, PhaseModel as Phase, Reader, TriggeredBy};
use super::waits;
pub use super::whole::{Parts, Whole};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::repositories::{self, Event};
use crate::resources::workspaces::{self, Workspace};
use crate::resources::{configurations, edges, organizations, variables};
use crate::storage::{Change, RunNews, Tx};

/// What a new run is asked to do. `None` takes the workspace's or the configuration's own setting.
#[derive(Default, Clone, Serialize)]
pub struct New {
    /// Names the request: asked for again with the same key, it is the same run.
    #[serde(skip)]
    pub key: Option<String>,
    /// The run whose terraform starts it.
    #[serde(skip)]
    pub parent: Option<String>,
    /// Its configuration version; else the workspace's current one.
    pub configuration: Option<String>,
    /// What it is for.
    pub message: Option<String>,
    /// What starts it.
    pub source: String,
    /// Confirmed by itself once it is planned.
    pub auto_apply: Option<bool>,
    /// Destroys everything.
    pub is_destroy: bool,
    /// Destroys also what other workspaces still stand on.
    pub force: bool,
    /// Does not read the real objects first.
    pub no_refresh: bool,
    /// Only brings the state up to date.
    pub refresh_only: bool,
    /// Only plans.
    pub plan_only: Option<bool>,
    /// What goes into it, in the words of whoever starts it: kept with the run, and not read.
    #[serde(skip)]
    pub inputs: Option<String>,
    /// Only plans, and stands on this.
    #[serde(skip)]
    pub scratch: Option<preview::Scratch>,
    /// A walk in this process starts it, which has read its code and has the order.
    pub home: bool,
    /// The id that it gets, where somebody has prepared for it.
    pub id: Option<String>,
    /// Keeps its plan until somebody confirms it.
    pub save_plan: bool,
    /// Is applied even if nothing would change.
    pub allow_empty_apply: bool,
    /// Generates configuration for import blocks.
    pub allow_config_generation: bool,
    /// Its logs are `-json` lines.
    pub json_output: bool,
    /// `-target` addresses.
    pub targets: Vec<String>,
    /// `-replace` addresses.
    pub replaces: Vec<String>,
    /// Variables of this run alone.
    pub variables: Vec<RunVariable>,
    /// Blocks that read other workspaces' outputs.
    pub readers: Vec<Reader>,
    /// Version or constraint of terraform; only for runs that plan.
    pub terraform_version: Option<String>,
    /// What made somebody look at the workspace's repository, for a run that was not asked for.
    pub event: Option<Event>,
}

/// A variable of one run: `value` is an HCL expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunVariable {
    /// Name.
    pub key: String,
    /// HCL expression (`"\"bob\""` is the text bob).
    pub value: String,
}

/// Source of runs that destroy a workspace whose time has come.
pub(super) const LIFECYCLE: &str = "tfe-infrastructure-lifecycle";

/// Most addresses or variables of one run.
const MANY: usize = 1000;

/// Starts a run, and says what it waits for.
///
/// # Errors
/// As [`start`].
pub async fn create(app: &App, tx: &Tx, actor: &Actor, workspace: &str, new: New) -> Result<Whole, Problem> {
    start(app, tx, actor, workspace, new).await?.whole(tx).await
}

/// Starts a run: it waits from now on.
///
/// # Errors
/// `workspace/downstreams`, `run/force`, `configuration/missing`, `run/setting`, `run/key-used`, `run/waits-in-a-circle`, `workspace/local`, and those of the rooms it asks.
pub async fn start(app: &App, tx: &Tx, actor: &Actor, workspace: &str, new: New) -> Result<Parts, Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::StartRun).await?;
    app.reserve.ready()?;
    let digest = match &new.key {
        Some(_) => Some(digest(app, &new)?),
        None => None,
    };
    if let Some(made) = made_before(tx, &workspace, new.key.as_deref(), digest.as_deref()).await? {
        return Parts::of(tx, made, workspace).await;
    }
    if new.is_destroy && new.plan_only != Some(true) {
        protect(tx, actor, &workspace, new.force).await?;
    }
    let by = Maker {
        user: actor.user().map(str::to_owned),
        decides: actor.can(Action::DecideRun, workspaces::service::on(&workspace)),
        digest,
        triggered_by: None,
    };
    make(app, tx, workspace, new, by).await
}

/// What others stand on is destroyed only by who may change the workspace, and says so.
async fn protect(tx: &Tx, actor: &Actor, workspace: &Workspace, force: bool) -> Result<(), Problem> {
    if !force {
        return workspaces::check_downstreams(tx, workspace).await;
    }
    if actor.can(Action::ManageWorkspace, workspaces::service::on(workspace)) {
        return Ok(());
    }
    Err(Problem::forbidden("run/force", "This token may not force the destruction of what other workspaces stand on.")
        .advice("Destroy those first, or ask somebody who may change the workspace's settings."))
}

/// Starts a run of a workspace whose upstreams were applied. It is confirmed by itself where the workspace says so for
/// such runs, whatever it says for others.
///
/// # Errors
/// `configuration/missing`, `workspace/local`.
pub async fn trigger(
    app: &App,
    tx: &Tx,
    workspace: Workspace,
    message: String,
    triggered_by: TriggeredBy,
) -> Result<Parts, Problem> {
    let new = New {
        message: Some(message),
        source: "tfe-run-trigger".into(),
        auto_apply: Some(workspace.auto_apply_run_trigger),
        ..New::default()
    };
    let by = Maker { user: None, decides: true, digest: None, triggered_by: Some(triggered_by) };
    make(app, tx, workspace, new, by).await
}

/// Starts a run that destroys what a workspace manages and is confirmed by itself: the time for it has come. With the
/// same `key` it is the same run, however often it is asked for.
///
/// # Errors
/// `configuration/missing`, `run/setting`, `workspace/local`.
pub async fn destroy(
    app: &App,
    tx: &Tx,
    workspace: Workspace,
    message: String,
    key: Option<String>,
) -> Result<Parts, Problem> {
    if let Some(made) = made_before(tx, &workspace, key.as_deref(), None).await? {
        return Parts::of(tx, made, workspace).await;
    }
    let new = New {
        key,
        message: Some(message),
        source: LIFECYCLE.into(),
        auto_apply: Some(true),
        is_destroy: true,
        ..New::default()
    };
    let by = Maker { user: None, decides: true, digest: None, triggered_by: None };
    make(app, tx, workspace, new, by).await
}

/// Starts a run of a workspace because something happened in its repository.
///
/// # Errors
/// `workspace/local`, and those of the rooms it asks.
pub async fn pushed(app: &App, tx: &Tx, workspace: Workspace, new: New) -> Result<Parts, Problem> {
    make(app, tx, workspace, new, Maker { user: None, decides: true, digest: None, triggered_by: None }).await
}

/// What makes a run, and may.
struct Maker {
    /// The user in whose name it is made.
    user: Option<String>,
    /// Whether it may also be confirmed in that name.
    decides: bool,
    /// Digest of the request, if it has a key.
    digest: Option<String>,
    /// The upstreams, if a run trigger makes it.
    triggered_by: Option<TriggeredBy>,
}

async fn make(app: &App, tx: &Tx, workspace: Workspace, new: New, by: Maker) -> Result<Parts, Problem> {
    let repository = match &new.configuration {
        None => repositories::of(tx, &workspace.id).await?,
        Some(_) => None,
    };
    let configuration = match &repository {
        // It is fetched for this very run.
        Some(_) => None,
        None => Some(configurations::service::for_run(tx, &workspace, new.configuration.as_deref()).await?),
    };
    let speculative = configuration.as_ref().is_some_and(|it| it.speculative);
    let plan_only = new.plan_only.unwrap_or(speculative) || speculative || new.scratch.is_some();
    check(&workspace, &new, plan_only)?;
    if let Some(parent) = &new.parent
        && !plan_only
        && !new.save_plan
    {
        // A run that confirms itself is one that nobody waits for: clients that wait confirm it.
        let waits = new.auto_apply != Some(true);
        waits::refuse_child(tx, parent, waits, &workspace).await?;
    }
    if let Some(parent) = &new.parent {
        edges::service::started_by(app, tx, parent, &workspace).await?;
    }

    let now = app.ports.now();
    let id = new.id.clone().unwrap_or_else(|| app.ports.id::<RunId>().to_string());
    let own = new.variables.iter().map(|it| (it.key.clone(), it.value.clone()));
    variables::runs::pin(app, tx, &id, &workspace, own).await?;
    let variables = serde_json::to_vec(&new.variables)
        .map_err(|error| Problem::ours("run/setting", "The run's variables could not be kept.", error))?;
    if let Some(scratch) = &new.scratch {
        preview::give(app, &id, scratch).await?;
    }
    let mut run = Run {
        organization_id: workspace.organization_id.clone(),
        workspace_id: workspace.id.clone(),
        configuration_id: configuration.map(|it| it.id).unwrap_or_default(),
        status: RunStatus::Pending.as_str().into(),
        status_timestamps: json!({ "plan-queueable-at": now.to_rfc3339() }),
        created_by: by.user,
        message: new.message.unwrap_or_else(|| "Queued manually via the Terraform Enterprise API".into()),
        source: new.source,
        trigger_reason: if by.triggered_by.is_some() { "triggered" } else { "manual" }.into(),
        // Who may not decide starts a run that waits for somebody who may.
        auto_apply: new.auto_apply.unwrap_or(workspace.auto_apply) && !plan_only && !new.save_plan && by.decides,
        is_destroy: new.is_destroy,
        refresh: !new.no_refresh,
        refresh_only: new.refresh_only,
        plan_only,
        scratch: new.scratch.is_some(),
        home: new.home,
        save_plan: new.save_plan && !plan_only,
        allow_empty_apply: new.allow_empty_apply,
        allow_config_generation: new.allow_config_generation,
        json_output: new.json_output,
        target_addrs: json!(new.targets),
        replace_addrs: json!(new.replaces),
        variables: app.key.seal(&id, &variables)?,
        readers: json!(new.readers),
        terraform_version: new.terraform_version.unwrap_or_else(|| workspace.terraform_version.clone()),
        holds_workspace: false,
        has_changes: false,
        state_before: None,
        reads: None,
        cancel_requested_at: None,
        kill_requested_at: None,
        failure: None,
        deferred: None,
        recovery: json!({}),
        parent_run_id: new.parent,
        parked: None,
        request_key: new.key,
        request_digest: by.digest,
        triggered_by: by.triggered_by,
        created_at: now,
        updated_at: now,
        id,
    };
    let plan = phase("plan", app.ports.id::<PlanId>().as_str(), &run.id);
    let apply = phase("apply", app.ports.id::<ApplyId>().as_str(), &run.id);
    store::insert(tx, &run, plan.clone(), apply.clone()).await?;
    if let Some(inputs) = new.inputs.filter(|_| !run.plan_only) {
        store::inputs::put(tx, &workspace.id, &run.id, inputs).await?;
    }
    if !run.plan_only && !run.save_plan && !occupied(tx, &workspace).await? {
        workspaces::set_current_run(tx, &workspace.id, &run.id).await?;
    }
    tx.announce(Change::Run { workspace: workspace.id.clone(), run: run.id.clone(), what: RunNews::Moved });
    if let Some(repository) = &repository {
        let event = new.event.unwrap_or_default();
        repositories::service::ask(app, tx, repository, &run.id, &event).await?;
        advance(app, tx, &mut run, RunEvent::FetchStarted).await?;
    }
    Ok(Parts { run, plan, apply, workspace })
}

/// One run.
///
/// # Errors
/// `run/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Whole, Problem> {
    parts(tx, actor, id).await?.whole(tx).await
}

/// One run, for who does not ask what it waits for.
///
/// # Errors
/// As [`read`].
pub async fn parts(tx: &Tx, actor: &Actor, id: &str) -> Result<Parts, Problem> {
    let run = store::by_id(tx, id).await?.ok_or_else(not_found)?;
    let workspace = workspaces::service::for_action(tx, actor, &run.workspace_id, Action::ReadRun).await;
    let workspace = workspace.map_err(|_| not_found())?;
    Parts::of(tx, run, workspace).await
}

/// The run of a plan or apply.
///
/// # Errors
/// `run/not-found`, also for who may not see it.
pub async fn read_phase(tx: &Tx, actor: &Actor, phase: &str) -> Result<Whole, Problem> {
    let found = store::phase(tx, phase).await?;
    read(tx, actor, &found.ok_or_else(not_found)?.run_id).await
}

/// Runs of a workspace, newest first.
pub async fn list(tx: &Tx, actor: &Actor, workspace: &str) -> Result<(Workspace, Vec<Run>), Problem> {
    let workspace = workspaces::service::for_action(tx, actor, workspace, Action::ReadRun).await?;
    let runs = store::of(tx, &workspace.id).await?;
    Ok((workspace, runs))
}

/// How many runs of an organization wait, are in terraform, and are parked: the queue in numbers.
pub async fn occupancy(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Occupancy, Problem> {
    organizations::service::read(tx, actor, &organization.name).await?;
    queue::occupancy(tx, &organization.id).await
}

/// Ids of the runs of the queue, oldest first, from `offset` on.
pub async fn queue(
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    offset: u64,
    size: u64,
) -> Result<Vec<String>, Problem> {
    organizations::service::read(tx, actor, &organization.name).await?;
    store::queue::page(tx, &organization.id, offset, size).await
}

/// Says yes to a planned run.
///
/// # Errors
/// `run/not-confirmable` unless it waits for exactly that.
pub async fn confirm(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let (mut run, workspace) = for_decision(tx, actor, id, Action::DecideRun).await?;
    let free = is_free(&workspace, &run);
    if !run.facts(free, force_cancel_after(app)).is_confirmable() {
        return Err(Problem::conflict(
            "run/not-confirmable",
            format!("The run cannot be applied while its status is \"{}\".", run.status().visible()),
        )
        .advice("A run can be applied once it is planned, has changes, and its workspace is free."));
    }
    app.reserve.ready()?;
    advance(app, tx, &mut run, RunEvent::Confirm).await
}

/// Says no to a run that waits for a decision, or has not begun.
///
/// # Errors
/// `run/wrong-status`.
pub async fn discard(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let (mut run, _) = for_decision(tx, actor, id, Action::DecideRun).await?;
    advance(app, tx, &mut run, RunEvent::Discard).await
}

/// Stops a run. One that waits has ended when this returns; one in terraform ends when terraform has saved its state.
///
/// # Errors
/// `run/wrong-status` when there is nothing to stop; `run/cancel-requested` when somebody asked before.
pub async fn cancel(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let (mut run, _) = for_decision(tx, actor, id, Action::DecideRun).await?;
    if run.cancel_requested_at.is_some() && !run.status().is_final() {
        return Err(Problem::conflict(
            "run/cancel-requested",
            "Somebody has asked for this run to be canceled already.",
        )
        .advice("Wait for terraform to save its state, or force-cancel the run."));
    }
    run.cancel_requested_at = Some(app.ports.now());
    if !is_in_terraform(&run) {
        return advance(app, tx, &mut run, RunEvent::Cancel).await;
    }
    store::update(tx, &run).await?;
    tx.announce(Change::Run { workspace: run.workspace_id.clone(), run: run.id, what: RunNews::Asked });
    Ok(())
}

/// Kills a run that was asked to stop and did not in time. What its terraform saved until then is kept.
///
/// # Errors
/// `run/not-force-cancelable`.
pub async fn force_cancel(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let (mut run, _) = for_decision(tx, actor, id, Action::ForceCancelRun).await?;
    if !run.facts(true, force_cancel_after(app)).is_force_cancelable(app.ports.now()) {
        return Err(Problem::conflict("run/not-force-cancelable", "The run cannot be force-canceled now.")
            .advice("Cancel it first, and give it the time that force-cancel-available-at tells."));
    }
    run.kill_requested_at = Some(app.ports.now());
    store::update(tx, &run).await?;
    tx.announce(Change::Run { workspace: run.workspace_id.clone(), run: run.id, what: RunNews::Asked });
    Ok(())
}

/// Lets a waiting run go first, by discarding the run that it waits for.
///
/// # Errors
/// `run/not-force-executable` unless it waits for a run that can be discarded.
pub async fn force_execute(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let (run, workspace) = for_decision(tx, actor, id, Action::DecideRun).await?;
    let blocker = match workspace.holder() {
        Some(workspaces::Holder::Run(blocker)) if run.status() == RunStatus::Pending => Some(blocker),
        _ => None,
    };
    let blocker = blocker.ok_or_else(|| {
        Problem::conflict("run/not-force-executable", "The run does not wait for another run of its workspace.")
            .advice("Only a pending run behind a run that waits for a decision can be executed at once.")
    })?;
    discard(app, tx, actor, &blocker).await
}

/// The run's own variables, unsealed.
pub fn variables(app: &App, run: &Run) -> Result<Vec<RunVariable>, Problem> {
    let bytes = app.key.open_sealed(&run.id, &run.variables)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Problem::ours("run/setting", "The run's variables are not readable.", error))
}

/// The plan of a run as JSON: what `terraform show -json` says, or what the CLI renders, with sensitive values taken out.
/// `None` until it is there.
///
/// # Errors
/// `storage/unavailable`.
pub async fn plan_json(app: &App, whole: &Whole, redacted: bool) -> Result<Option<Bytes>, Problem> {
    json_of_plan(app, &whole.plan.id, redacted).await
}

/// The same, by the id of the plan.
///
/// # Errors
/// As [`plan_json`].
pub async fn json_of_plan(app: &App, plan: &str, redacted: bool) -> Result<Option<Bytes>, Problem> {
    let form = if redacted { "redacted" } else { "json" };
    app.objects.get(&format!("plans/{plan}/{form}")).await
}

/// Whether nobody but `run` itself holds the workspace.
pub fn is_free(workspace: &Workspace, run: &Run) -> bool {
    match workspace.holder() {
        None => true,
        Some(workspaces::Holder::Run(holder)) => holder == run.id,
        Some(workspaces::Holder::User(_)) => false,
    }
}

/// How long after a cancel a run may be force-canceled.
pub fn force_cancel_after(app: &App) -> chrono::TimeDelta {
    chrono::TimeDelta::from_std(app.setup.force_cancel_after).unwrap_or_default()
}

/// Whether terraform may be at work for it.
pub fn is_in_terraform(run: &Run) -> bool {
    matches!(run.status(), RunStatus::Planning | RunStatus::Applying)
}

async fn occupied(tx: &Tx, workspace: &Workspace) -> Result<bool, Problem> {
    let Some(current) = &workspace.current_run_id else { return Ok(false) };
    Ok(store::by_id(tx, current).await?.is_some_and(|run| !run.status().is_final()))
}

/// The run that a request of this key has made already. The workspace's row is locked first, so that two requests that
/// come at once do not both find none.
async fn made_before(
    tx: &Tx,
    workspace: &Workspace,
    key: Option<&str>,
    digest: Option<&str>,
) -> Result<Option<Run>, Problem> {
    let Some(key) = key else { return Ok(None) };
    workspaces::lock_row(tx, &workspace.id).await?;
    let made = store::by_key(tx, &workspace.id, key).await?;
    match made {
        Some(run) if run.request_digest.as_deref() != digest => Err(Problem::invalid(
            "run/key-used",
            format!("The Idempotency-Key has been used for another request, which made {}.", run.id),
        )
        .advice("Use a new key for each run that you want.")),
        made => Ok(made),
    }
}

fn digest(app: &App, new: &New) -> Result<String, Problem> {
    let text = serde_json::to_string(new)
        .map_err(|error| Problem::ours("run/setting", "The request could not be kept.", error))?;
    Ok(app.key.sign(&format!("run:{text}")))
}

async fn for_decision(tx: &Tx, actor: &Actor, id: &str, action: Action) -> Result<(Run, Workspace), Problem> {
    let run = store::lock_row(tx, id).await?.ok_or_else(not_found)?;
    let workspace = workspaces::service::for_action(tx, actor, &run.workspace_id, action).await;
    Ok((run, workspace.map_err(|_| not_found())?))
}

fn check(workspace: &Workspace, new: &New, plan_only: bool) -> Result<(), Problem> {
    let wrong = |message: &str, advice: &str| Err(Problem::invalid("run/setting", message).advice(advice));
    if workspace.execution_mode == "local" {
        return Err(Problem::invalid(
            "workspace/local",
            "The workspace runs locally: the server starts no runs for it.",
        )
        .advice("Set its execution mode to \"remote\", or run terraform where you are."));
    }
    if new.is_destroy && new.refresh_only {
        return wrong("A run cannot both destroy and only refresh.", "Leave one of is-destroy and refresh-only out.");
    }
    if new.is_destroy && !workspace.allow_destroy_plan {
        return wrong("Destroy runs are turned off for this workspace.", "Set allow-destroy-plan to true first.");
    }
    if new.refresh_only && new.no_refresh {
        return wrong("A run that only refreshes has to refresh.", "Leave refresh out or set it to true.");
    }
    if new.targets.len().max(new.replaces.len()).max(new.variables.len()) > MANY {
        return wrong("A run takes at most 1000 addresses and variables.", "Split the run.");
    }
    if new.terraform_version.is_some() && !plan_only {
        return wrong(
            "Only a run that plans may choose its terraform version.",
            "Change the workspace's terraform version instead.",
        );
    }
    Ok(())
}

fn phase(kind: &str, id: &str, run: &str) -> Phase {
    Phase {
        id: id.to_owned(),
        run_id: run.to_owned(),
        kind: kind.to_owned(),
        status: "pending".into(),
        status_timestamps: json!({}),
        additions: 0,
        changes: 0,
        destructions: 0,
        imports: 0,
        has_changes: false,
        generated_configuration: false,
    }
}

fn not_found() -> Problem {
    Problem::not_found("run/not-found", "There is no such run, or this token may not see it.")
        .advice("Check its id, and use a token that may see it.")
}
