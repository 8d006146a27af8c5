//! The engine for whoever runs it in the process: what `multispace apply DIR` asks of it, as the owner.
//!
//! The same use cases as the API's; nothing here decides anything.

mod ahead;
mod last;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::plan::Plan;
use domain::planned::PlannedOutputs;
use domain::run::{PhaseStatus, RunStatus};
use domain::{Fault, Problem};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::actor::Actor;
use crate::resources::comments;
use crate::resources::configurations::service as configurations;
use crate::resources::organizations::{self, Organization};
use crate::resources::runs::{self, log, service as run_service};
use crate::resources::states::service as states;
use crate::resources::users::service as users;
use crate::resources::variables::service as variables;
use crate::resources::workspaces::service as workspaces;
use crate::scheduler::{self, connection};
use crate::serve::Engine;
use crate::storage::Tx;

pub use self::ahead::{Ahead, Holding};
pub use self::last::LastRun;
pub use crate::resources::runs::Reader;
pub use crate::resources::runs::preview::Scratch;
pub use crate::resources::runs::service::RunVariable;
pub use crate::resources::variables::owned::Settings as Variable;
pub use crate::storage::{Change, RunNews};

/// What a workspace has for a version of terraform that asks for none.
const LATEST: &str = "latest";
/// Organization of the stack in a data folder of its own.
const ORGANIZATION: &str = "local";

/// A stack's engine: workspaces, runs and states of one directory.
pub struct Local<'a> {
    engine: &'a Engine,
    owner: Actor,
    organization: Organization,
}

/// A workspace as the stack wants it.
pub struct Wanted {
    /// Name.
    pub name: String,
    /// Folder of the root module inside the archive.
    pub working_directory: String,
    /// The root keeps a backend of its own.
    pub own_backend: bool,
    /// Version or constraint of terraform; `None` for the engine's own.
    pub terraform_version: Option<String>,
    /// Exactly these variables.
    pub variables: Vec<Variable>,
}

/// What a run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Only plan.
    Plan,
    /// Plan the destruction, and only that.
    PlanDestroy,
    /// Plan and apply.
    Apply,
    /// Plan and apply the destruction.
    Destroy,
}

/// A run to start.
#[derive(Debug, Clone)]
pub struct Start {
    /// The id that it gets, where a terraform is held for it.
    pub held: Option<String>,
    /// The id of its workspace.
    pub workspace: String,
    /// The stored code, as [`Local::store_code`] named it.
    pub code: String,
    /// What it is to do.
    pub purpose: Purpose,
    /// It is applied without a yes.
    pub auto_apply: bool,
    /// What it says of itself.
    pub message: String,
    /// The blocks of its code that read other workspaces, and which.
    pub readers: Vec<Reader>,
    /// Variables of this run alone.
    pub variables: Vec<RunVariable>,
    /// What goes into it, in words that are kept with it and not read.
    pub inputs: Option<String>,
    /// The run is a scratch plan that stands on this: it is never applied.
    pub scratch: Option<Scratch>,
}

/// A workspace as it is.
#[derive(Debug, Clone)]
pub struct WorkspaceView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Resource instances under management in the state that multispace holds.
    pub resource_count: u32,
    /// Serial and lineage of that state.
    pub state: Option<(i64, String)>,
}

/// A run as it is at one moment.
#[derive(Debug, Clone)]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// Its workspace's id.
    pub workspace: String,
    /// Where it is.
    pub status: RunStatus,
    /// Whether its plan changes something.
    pub has_changes: bool,
    /// Whether it waits for a yes.
    pub is_confirmable: bool,
    /// Whether it is applied without one.
    pub auto_apply: bool,
    /// Whether terraform may be changing things for it: it applies, or plans and goes on to apply that by itself.
    pub may_change: bool,
    /// Why it errored.
    pub failure: Option<String>,
    /// Why a scratch plan has to wait for the apply of its upstreams.
    pub deferred: Option<String>,
    /// Id of its plan, which names the plan's log.
    pub plan: String,
    /// Id of its apply, which names the apply's log.
    pub apply: String,
    /// Where its apply is: `unreachable` when the run ended before it.
    pub apply_status: PhaseStatus,
    /// To add, change, destroy, import, by the plan.
    pub planned: executor::Counts,
    /// Added, changed, destroyed, imported, by the apply.
    pub applied: executor::Counts,
    /// Resources that were made and are not in the state that was saved.
    pub unsaved: Vec<executor::Unsaved>,
    /// Resources whose fate is unknown.
    pub in_doubt: Vec<executor::InDoubt>,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When terraform began to plan.
    pub planning_at: Option<DateTime<Utc>>,
    /// When it last moved; its end once it is final.
    pub updated_at: DateTime<Utc>,
}

impl RunView {
    /// Whether terraform began to apply.
    pub fn has_applied(&self) -> bool {
        matches!(
            self.apply_status,
            PhaseStatus::Running | PhaseStatus::Finished | PhaseStatus::Errored | PhaseStatus::Canceled
        )
    }

    /// The id of the phase whose log says most about how the run ended.
    pub fn telling_phase(&self) -> &str {
        if self.has_applied() { &self.apply } else { &self.plan }
    }
}

/// One output of a workspace.
#[derive(Debug, Clone)]
pub struct OutputView {
    /// Its name.
    pub name: String,
    /// Its value; JSON null when it is sensitive.
    pub value: Value,
    /// Whether it is sensitive.
    pub sensitive: bool,
}

impl Engine {
    /// The engine as a stack's own, with at most `concurrency` runs in terraform at once.
    ///
    /// # Errors
    /// `storage/…`.
    pub async fn local(&self, concurrency: u32) -> Result<Local<'_>, Problem> {
        let app = &self.app;
        let tx = app.db.write().await?;
        let user = users::owner(app, &tx).await?;
        let owner = Actor::admin(user.id, user.username);
        let known = organizations::service::list(&tx, &owner).await?.into_iter().find(|it| it.name == ORGANIZATION);
        let organization = match known {
            // As it was left: nothing is written.
            Some(organization) if u32::try_from(organization.run_limit) == Ok(concurrency) => {
                return Ok(Local { engine: self, owner, organization });
            }
            Some(organization) => organization,
            None => {
                let new = organizations::service::New { name: ORGANIZATION.into(), email: "owner@localhost".into() };
                organizations::service::create(app, &tx, &owner, new).await?
            }
        };
        let edit = organizations::service::Edit { run_limit: Some(concurrency), ..Default::default() };
        let organization = organizations::service::update(&tx, &owner, &organization.name, edit).await?;
        tx.commit().await?;
        Ok(Local { engine: self, owner, organization })
    }

    /// Makes sure that there is an organization of this name, owned by the owner.
    ///
    /// # Errors
    /// `organization/name`, `storage/…`.
    pub async fn ensure_organization(&self, name: &str) -> Result<(), Problem> {
        let app = &self.app;
        let tx = app.db.write().await?;
        let user = users::owner(app, &tx).await?;
        let owner = Actor::admin(user.id, user.username);
        if organizations::service::list(&tx, &owner).await?.iter().all(|it| it.name != name) {
            let new = organizations::service::New { name: name.to_owned(), email: "owner@localhost".into() };
            organizations::service::create(app, &tx, &owner, new).await?;
        }
        tx.commit().await
    }

    /// Blocks of a CLI configuration that connect terraform to this engine as its owner.
    ///
    /// # Errors
    /// As [`Engine::owner_token`].
    pub async fn connection(&self) -> Result<String, Problem> {
        let address = self.app.setup.address.as_deref().unwrap_or_default();
        Ok(connection(address, &self.owner_token().await?))
    }
}

impl Local<'_> {
    /// Hears of every change from now on. Who lags gets an error and reads again.
    pub fn listen(&self) -> broadcast::Receiver<Change> {
        self.engine.app.changes.listen()
    }

    /// Makes workspaces, or brings those of their names to what is wanted: all of them or, where one cannot be, none.
    ///
    /// # Errors
    /// Those of workspaces and variables.
    pub async fn prepare(&self, wanted: Vec<Wanted>) -> Result<Vec<WorkspaceView>, Problem> {
        let tx = self.engine.app.db.read().await?;
        let mut views = Vec::with_capacity(wanted.len());
        for wanted in &wanted {
            views.push(self.as_wanted(&tx, wanted).await?);
        }
        drop(tx);
        if views.iter().any(Option::is_none) {
            let tx = self.engine.app.db.write().await?;
            for (view, wanted) in views.iter_mut().zip(wanted).filter(|(view, _)| view.is_none()) {
                *view = Some(self.bring(&tx, wanted).await?);
            }
            tx.commit().await?;
        }
        Ok(views.into_iter().flatten().collect())
    }

    /// Makes the workspace, or brings the one of that name to what is wanted.
    async fn bring(&self, tx: &Tx, wanted: Wanted) -> Result<WorkspaceView, Problem> {
        let app = &self.engine.app;
        let settings = workspaces::Settings {
            working_directory: Some(wanted.working_directory),
            own_backend: Some(wanted.own_backend),
            terraform_version: Some(wanted.terraform_version.unwrap_or_else(|| LATEST.into())),
            ..Default::default()
        };
        let known = match workspaces::read_named(tx, &self.owner, &self.organization, &wanted.name).await {
            Err(problem) if problem.fault == Fault::NotFound => None,
            known => Some(known?),
        };
        let workspace = match known {
            Some(known) => workspaces::update(app, tx, &self.owner, &known.id, settings).await?,
            None => {
                let settings = workspaces::Settings { name: Some(wanted.name), ..settings };
                workspaces::create(app, tx, &self.owner, &self.organization, settings, &[]).await?
            }
        };
        variables::replace(app, tx, &self.owner, &workspace.id, wanted.variables).await?;
        view(tx, &workspace).await
    }

    /// The workspace, when it is as it is wanted: nothing is written then.
    async fn as_wanted(&self, tx: &Tx, wanted: &Wanted) -> Result<Option<WorkspaceView>, Problem> {
        let app = &self.engine.app;
        let workspace = match workspaces::read_named(tx, &self.owner, &self.organization, &wanted.name).await {
            Err(problem) if problem.fault == Fault::NotFound => return Ok(None),
            known => known?,
        };
        let version = wanted.terraform_version.as_deref().unwrap_or(LATEST);
        crate::terraform::resolve(&app.setup, version)?;
        let is_same = workspace.working_directory == wanted.working_directory
            && workspace.own_backend == wanted.own_backend
            && workspace.terraform_version == version
            // Secrets are not compared: they are given anew.
            && wanted.variables.is_empty()
            && variables::list(app, tx, &self.owner, &workspace.id).await?.is_empty();
        if is_same { view(tx, &workspace).await.map(Some) } else { Ok(None) }
    }

    /// Every workspace that the data folder knows, by name.
    ///
    /// # Errors
    /// `storage/…`.
    pub async fn workspaces(&self) -> Result<Vec<WorkspaceView>, Problem> {
        let tx = self.engine.app.db.read().await?;
        let mut views = Vec::new();
        for workspace in workspaces::list(&tx, &self.owner, &self.organization).await? {
            views.push(view(&tx, &workspace).await?);
        }
        Ok(views)
    }

    /// Takes over a state that was made elsewhere, for a workspace that has none.
    ///
    /// # Errors
    /// `state/…`; `workspace/locked`.
    pub async fn adopt(&self, workspace: &str, serial: i64, md5: String, state: Bytes) -> Result<(), Problem> {
        let app = &self.engine.app;
        let tx = app.db.write().await?;
        workspaces::lock(&tx, &self.owner, workspace, "taking over the state of the folder").await?;
        let new = states::New { serial, lineage: None, md5, force: false };
        let announced = states::announce(app, &tx, &self.owner, workspace, new).await?;
        tx.commit().await?;
        let uploaded = states::upload(app, &announced.id, state).await;
        let tx = app.db.write().await?;
        workspaces::force_unlock(&tx, &self.owner, workspace).await?;
        tx.commit().await?;
        uploaded
    }

    /// Stores the code of the stack, once for all its workspaces; the answer names it for [`Local::start`].
    ///
    /// # Errors
    /// `configuration/…` when the archive is refused.
    pub async fn store_code(&self, archive: Bytes) -> Result<String, Problem> {
        configurations::store_archive(&self.engine.app, archive).await
    }

    /// Starts a run of a workspace on stored code.
    ///
    /// # Errors
    /// Those of runs.
    pub async fn start(&self, start: Start) -> Result<RunView, Problem> {
        let begun = self.make(start.clone(), true).await;
        let started = match begun {
            Err(problem) if problem.fault != Fault::Unavailable => self.make(start.clone(), false).await,
            begun => begun,
        };
        if let (Err(_), Some(held)) = (&started, &start.held) {
            self.let_go(held).await;
        }
        started
    }

    /// Makes the run; with `begin` its plan begins in the same transaction: the walk keeps to the limits. Without, it waits like any other, and what
    /// keeps it from beginning is its own to tell.
    async fn make(&self, start: Start, begin: bool) -> Result<RunView, Problem> {
        let app = &self.engine.app;
        let Start { held, workspace, code, purpose, auto_apply, message, readers, variables, inputs, scratch } = start;
        let tx = app.db.write().await?;
        let new = configurations::New {
            auto_queue_runs: false,
            speculative: false,
            provisional: false,
            source: "terraform".into(),
        };
        let configuration = configurations::create(app, &tx, &self.owner, &workspace, new).await?;
        configurations::uploaded(&tx, &configuration.id, Ok(code)).await?;
        let new = run_service::New {
            configuration: Some(configuration.id),
            message: Some(message),
            source: "terraform".into(),
            auto_apply: Some(auto_apply),
            is_destroy: matches!(purpose, Purpose::PlanDestroy | Purpose::Destroy),
            // The walk has the order, and knows what it was told to leave out.
            force: true,
            plan_only: Some(matches!(purpose, Purpose::Plan | Purpose::PlanDestroy)),
            readers,
            variables,
            inputs,
            scratch,
            home: true,
            id: held,
            ..Default::default()
        };
        let parts = run_service::start(app, &tx, &self.owner, &workspace, new).await?;
        match begin {
            true => {
                let begun = scheduler::begin(app, &tx, &parts.run.id).await?;
                let coming = app.held.comes(&parts.run.id);
                tx.commit().await?;
                coming.go_on(begun);
            }
            false => tx.commit().await?,
        }
        Ok(self.run_view(&parts))
    }

    /// A run as it is now.
    ///
    /// # Errors
    /// `run/not-found`.
    pub async fn run(&self, id: &str) -> Result<RunView, Problem> {
        // Whoever asks hears of the next change, and asks again.
        let tx = self.engine.app.db.look();
        Ok(self.run_view(&run_service::parts(&tx, &self.owner, id).await?))
    }

    /// Runs that have not ended, oldest first: what an earlier process left.
    ///
    /// # Errors
    /// `storage/…`.
    pub async fn unfinished(&self) -> Result<Vec<RunView>, Problem> {
        let tx = self.engine.app.db.read().await?;
        let mut views = Vec::new();
        for run in runs::unfinished(&tx).await? {
            views.push(self.run_view(&run_service::parts(&tx, &self.owner, &run.id).await?));
        }
        Ok(views)
    }

    /// Says yes to a planned run, and notes who says so and to what.
    ///
    /// # Errors
    /// `run/not-confirmable`.
    pub async fn confirm(&self, run: &str, note: Option<String>) -> Result<(), Problem> {
        let app = &self.engine.app;
        let tx = app.db.write().await?;
        run_service::confirm(app, &tx, &self.owner, run).await?;
        if note.is_some() {
            comments::service::create(app, &tx, &self.owner, run, note).await?;
        }
        tx.commit().await
    }

    /// What the plan of a run would do; `None` when it has none. Terraform is asked where nobody has asked it before.
    ///
    /// # Errors
    /// `run/not-found`, `run/plan`, `executor/undescribed`, `storage/…`.
    pub async fn plan(&self, run: &str) -> Result<Option<Plan>, Problem> {
        let app = &self.engine.app;
        let tx = app.db.read().await?;
        let whole = run_service::parts(&tx, &self.owner, run).await?;
        drop(tx);
        if let Some(plan) = runs::preview::read(app, &whole.run, &whole.plan.id).await? {
            return Ok(Some(plan));
        }
        if whole.run.status() != RunStatus::Planned {
            return Ok(None);
        }
        scheduler::describe(app, &whole.run, &whole.plan.id).await?;
        runs::preview::read(app, &whole.run, &whole.plan.id).await
    }

    /// Removes what a scratch plan left, but for its log.
    ///
    /// # Errors
    /// `run/not-found`, `storage/…`.
    pub async fn forget(&self, run: &str) -> Result<(), Problem> {
        let app = &self.engine.app;
        let tx = app.db.read().await?;
        let whole = run_service::parts(&tx, &self.owner, run).await?;
        drop(tx);
        runs::preview::forget(app, &whole.run, &whole.plan.id).await
    }

    /// Ends a run as gently as its status allows: discards what waits for a decision, cancels anything else. A run that
    /// has ended, or was asked before, is fine.
    ///
    /// # Errors
    /// `storage/…`.
    pub async fn stop(&self, run: &str) -> Result<(), Problem> {
        let app = &self.engine.app;
        let tx = app.db.write().await?;
        let status = run_service::parts(&tx, &self.owner, run).await?.run.status();
        let outcome = match status.can_be_discarded() {
            _ if status.is_final() => Ok(()),
            true => run_service::discard(app, &tx, &self.owner, run).await,
            false => run_service::cancel(app, &tx, &self.owner, run).await,
        };
        match outcome {
            Ok(()) => tx.commit().await,
            Err(problem) if problem.code == "run/cancel-requested" => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    /// The log of a plan or apply as text, without its framing.
    ///
    /// # Errors
    /// `storage/…`.
    pub async fn log(&self, phase: &str) -> Result<String, Problem> {
        let bytes = log::read(&self.engine.app, phase, 0, usize::MAX).await?;
        Ok(String::from_utf8_lossy(&bytes).replace(['\u{2}', '\u{3}'], ""))
    }

    /// Outputs of a workspace's state by name; empty without a state.
    ///
    /// # Errors
    /// `storage/…`.
    pub async fn outputs(&self, workspace: &str) -> Result<Vec<OutputView>, Problem> {
        let app = &self.engine.app;
        let tx = app.db.read().await?;
        let workspace = workspaces::read(&tx, &self.owner, workspace).await?;
        let Some(state) = states::current_of(&tx, &workspace).await? else { return Ok(Vec::new()) };
        let shown = states::outputs(app, &tx, &state, false).await?;
        let view = |it: states::ShownOutput| OutputView {
            name: it.output.name,
            value: it.value,
            sensitive: it.output.sensitive,
        };
        Ok(shown.into_iter().map(view).collect())
    }

    /// Outputs of a workspace's state with their values, also those of secrets; empty without a state. For a run
    /// that destroys, the last ones that there were.
    ///
    /// # Errors
    /// `storage/…`; `run/plan` when the state cannot be read.
    pub async fn values(&self, workspace: &str, to_destroy: bool) -> Result<PlannedOutputs, Problem> {
        let app = &self.engine.app;
        let tx = app.db.look();
        let workspace = workspaces::read(&tx, &self.owner, workspace).await?;
        let Some(state) = states::outputs_file(app, &tx, &workspace, to_destroy).await? else {
            return Ok(PlannedOutputs::new());
        };
        executor::planned::outputs_of_state(&state).ok_or_else(|| {
            Problem::ours("run/plan", "The state's outputs cannot be read.", workspace.id)
                .advice("Look at the workspace's states.")
        })
    }

    fn run_view(&self, parts: &run_service::Parts) -> RunView {
        let run_service::Parts { run, plan, apply, workspace } = parts;
        let facts = run.facts(run_service::is_free(workspace, run), run_service::force_cancel_after(&self.engine.app));
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let list = |key: &str| run.recovery[key].as_array().cloned().unwrap_or_default();
        let in_doubt = |it: &Value| executor::InDoubt { address: text(it, "address"), action: text(it, "action") };
        RunView {
            id: run.id.clone(),
            workspace: run.workspace_id.clone(),
            status: run.status(),
            has_changes: run.has_changes,
            is_confirmable: facts.is_confirmable(),
            auto_apply: run.auto_apply,
            may_change: run.may_change(),
            failure: run.failure.clone(),
            deferred: run.deferred.clone(),
            plan: plan.id.clone(),
            apply: apply.id.clone(),
            apply_status: apply.status(),
            planned: counts(plan),
            applied: counts(apply),
            unsaved: list("unsaved")
                .iter()
                .map(|it| executor::Unsaved {
                    address: text(it, "address"),
                    id_key: text(it, "id-key"),
                    id_value: text(it, "id-value"),
                    action: text(it, "action"),
                })
                .collect(),
            in_doubt: list("in-doubt").iter().map(in_doubt).collect(),
            created_at: run.created_at,
            planning_at: run.status_timestamps["planning-at"]
                .as_str()
                .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
                .map(|at| at.to_utc()),
            updated_at: run.updated_at,
        }
    }
}

async fn view(tx: &Tx, workspace: &crate::resources::workspaces::Workspace) -> Result<WorkspaceView, Problem> {
    let state = states::current_of(tx, workspace).await?;
    Ok(WorkspaceView {
        id: workspace.id.clone(),
        name: workspace.name.clone(),
        resource_count: u32::try_from(workspace.resource_count).unwrap_or(0),
        state: state.map(|state| (state.serial, state.lineage)),
    })
}

fn counts(phase: &runs::Phase) -> executor::Counts {
    let number = |count: i32| u32::try_from(count).unwrap_or(0);
    executor::Counts {
        additions: number(phase.additions),
        changes: number(phase.changes),
        destructions: number(phase.destructions),
        imports: number(phase.imports),
    }
}
