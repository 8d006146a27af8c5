//! Tables and queries of runs and their phases: plans and applies.

use domain::Problem;
use domain::run::{RunFacts, RunKind, RunStatus};
use sea_orm::entity::prelude::*;
use sea_orm::{FromJsonQueryResult, FromQueryResult, IntoActiveModel, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::storage::{Stored, Tx};

pub use self::phases::Model as PhaseModel;

pub mod inputs;
pub mod queue;
pub mod waits;

/// One run.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub struct Model {
    /// `run-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// The code it runs; empty until it is fetched.
    pub configuration_id: String,
    /// See [`Model::status`].
    pub status: String,
    /// When it got to each status it had: `{"planning-at": …}`.
    pub status_timestamps: Json,
    /// The user that started it.
    pub created_by: Option<String>,
    /// What it is for.
    pub message: String,
    /// What started it (`tfe-api`, `terraform+cloud`, `terraform`, …).
    pub source: String,
    /// `manual` or `triggered`.
    pub trigger_reason: String,
    /// Confirmed by itself once it is planned.
    pub auto_apply: bool,
    /// Destroys everything.
    pub is_destroy: bool,
    /// Reads the real objects first.
    pub refresh: bool,
    /// Only brings the state up to date.
    pub refresh_only: bool,
    /// Only plans.
    pub plan_only: bool,
    /// Plans against outputs of upstreams that are only planned themselves; such a plan is never kept and never applied.
    pub scratch: bool,
    /// Started by a walk in the engine's own process, which has read the code and has the order.
    pub home: bool,
    /// Keeps its plan until somebody confirms it.
    pub save_plan: bool,
    /// Is applied even if nothing would change.
    pub allow_empty_apply: bool,
    /// Generates configuration for import blocks.
    pub allow_config_generation: bool,
    /// Its logs are `-json` lines.
    pub json_output: bool,
    /// `-target` addresses: list of strings.
    pub target_addrs: Json,
    /// `-replace` addresses: list of strings.
    pub replace_addrs: Json,
    /// Sealed JSON: list of `{key, value}` with HCL values.
    pub variables: Vec<u8>,
    /// Blocks that read other workspaces' outputs: list of [`Reader`].
    pub readers: Json,
    /// Version or constraint of terraform.
    pub terraform_version: String,
    /// Occupies its workspace; at most one run of a workspace does.
    pub holds_workspace: bool,
    /// Its plan would change something.
    pub has_changes: bool,
    /// Id of the state its plan read.
    pub state_before: Option<String>,
    /// What its plan read, sealed; `None` before it began.
    pub reads: Option<Vec<u8>>,
    /// When somebody asked for it to be canceled.
    pub cancel_requested_at: Option<DateTimeUtc>,
    /// When somebody asked for it to be killed.
    pub kill_requested_at: Option<DateTimeUtc>,
    /// Why it errored, in one sentence.
    pub failure: Option<String>,
    /// Why a scratch plan has to wait for the apply of its upstreams, in terraform's words.
    pub deferred: Option<String>,
    /// What an apply that was cut off left unsaved or in doubt.
    pub recovery: Json,
    /// What names the request that made it; no two runs of a workspace have the same.
    pub request_key: Option<String>,
    /// Digest of what that request asked for.
    pub request_digest: Option<String>,
    /// The run whose terraform started it.
    pub parent_run_id: Option<String>,
    /// `parked` while it has given its slot back, `resuming` when it goes on and has none yet.
    pub parked: Option<String>,
    /// What triggered it, if it was a run trigger.
    pub triggered_by: Option<TriggeredBy>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it last moved.
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// A `data "terraform_remote_state"` or `data "tfe_outputs"` block that is answered with the outputs of another workspace of
/// this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Reader {
    /// Folder of the module that has the block, relative to the top of the configuration.
    pub module: String,
    /// It is a `tfe_outputs` block.
    #[serde(default)]
    pub tfe_outputs: bool,
    /// Name of the block.
    pub name: String,
    /// The key of the block's `for_each` that reads this workspace.
    #[serde(default)]
    pub instance: Option<String>,
    /// Id of the workspace whose outputs it reads.
    pub workspace: String,
}

/// Why a run was triggered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct TriggeredBy {
    /// Its origin, in microseconds: see `domain::trigger`.
    pub origin: i64,
    /// The upstreams that were applied, in that order; at least one.
    pub upstreams: Vec<Upstream>,
}

/// An upstream that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Its id.
    pub workspace: String,
    /// Its name, as it was then.
    pub name: String,
    /// Its run.
    pub run: String,
}

impl Model {
    /// Where it is. A status that this version does not know cannot have been written.
    pub fn status(&self) -> RunStatus {
        RunStatus::parse(&self.status).unwrap_or(RunStatus::Errored)
    }

    /// What it is for, as the run machine sees it.
    pub fn kind(&self) -> RunKind {
        RunKind::of(self.plan_only, self.save_plan)
    }

    /// Whether one terraform plans and applies it: nobody is asked, and nobody reads its plan. Once it plans it may have begun to apply.
    pub fn is_at_once(&self) -> bool {
        let reads_plan =
            self.json_output || self.refresh_only || self.allow_config_generation || self.allow_empty_apply;
        self.home && self.auto_apply && !self.plan_only && !self.save_plan && !self.scratch && !reads_plan
    }

    /// Whether terraform may be changing things for it: it applies, or plans and goes on to apply that by itself.
    pub fn may_change(&self) -> bool {
        self.status().is_applied() || (self.is_at_once() && self.status() == RunStatus::Planning)
    }

    /// What decides over what may be done with it.
    pub fn facts(&self, workspace_is_free: bool, force_cancel_after: chrono::TimeDelta) -> RunFacts {
        RunFacts {
            status: self.status(),
            kind: self.kind(),
            has_changes: self.has_changes,
            allow_empty_apply: self.allow_empty_apply,
            stage_follows: false,
            cancel_requested: self.cancel_requested_at.is_some(),
            force_cancel_from: self.cancel_requested_at.map(|at| at + force_cancel_after),
            workspace_is_free,
        }
    }

    /// A list column as strings.
    pub fn strings(column: &Json) -> Vec<String> {
        serde_json::from_value(column.clone()).unwrap_or_default()
    }
}

mod phases {
    use domain::run::PhaseStatus;
    use sea_orm::entity::prelude::*;

    /// The plan or the apply of a run.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "phases")]
    pub struct Model {
        /// `plan-…` or `apply-…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// Its run.
        pub run_id: String,
        /// `plan` or `apply`.
        pub kind: String,
        /// See [`Model::status`].
        pub status: String,
        /// When it got to each status it had.
        pub status_timestamps: Json,
        /// Resource instances to add or added.
        pub additions: i32,
        /// Resource instances to change or changed.
        pub changes: i32,
        /// Resource instances to destroy or destroyed.
        pub destructions: i32,
        /// Resource instances to import or imported.
        pub imports: i32,
        /// Plans: something would change.
        pub has_changes: bool,
        /// Plans: configuration was generated.
        pub generated_configuration: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// Where it is.
        pub fn status(&self) -> PhaseStatus {
            PhaseStatus::parse(&self.status).unwrap_or(PhaseStatus::Errored)
        }

        /// Moves it, noting when.
        pub fn set_status(&mut self, status: PhaseStatus, now: DateTimeUtc) {
            if self.status() != status {
                self.status = status.as_str().into();
                let key = format!("{}-at", status.as_str().replace('_', "-"));
                self.status_timestamps[key] = serde_json::json!(now.to_rfc3339());
            }
        }
    }
}

/// The run of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// The same, with its row locked to the end of the transaction.
pub async fn lock_row(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.locked::<Entity>(id).await
}

/// The run of a workspace that the request of that key made.
pub async fn by_key(tx: &Tx, workspace: &str, key: &str) -> Result<Option<Model>, Problem> {
    let of = Entity::find().filter(Column::WorkspaceId.eq(workspace)).filter(Column::RequestKey.eq(key));
    of.one(tx.db()).await.stored()
}

/// Runs of a workspace, newest first.
pub async fn of(tx: &Tx, workspace: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .order_by_desc(Column::CreatedAt)
        .all(tx.db())
        .await
        .stored()
}

/// Ids of the runs of an organization and of their workspaces, newest first: of one workspace, or in one of these statuses.
pub async fn ids(
    tx: &Tx,
    organization: &str,
    workspace: Option<&str>,
    statuses: Option<&[RunStatus]>,
) -> Result<Vec<(String, String)>, Problem> {
    let mut all = Entity::find().filter(Column::OrganizationId.eq(organization));
    if let Some(workspace) = workspace {
        all = all.filter(Column::WorkspaceId.eq(workspace));
    }
    if let Some(statuses) = statuses {
        all = all.filter(Column::Status.is_in(statuses.iter().map(|status| status.as_str())));
    }
    let columns = all.select_only().columns([Column::Id, Column::WorkspaceId]).order_by_desc(Column::CreatedAt);
    let found = columns.into_model::<Ids>().all(tx.db()).await.stored()?;
    Ok(found.into_iter().map(|ids| (ids.id, ids.workspace_id)).collect())
}

#[derive(Debug, FromQueryResult)]
struct Ids {
    id: String,
    workspace_id: String,
}

/// The runs of these ids, newest first.
pub async fn by_ids(tx: &Tx, ids: &[String]) -> Result<Vec<Model>, Problem> {
    let mut found = Vec::new();
    for piece in ids.chunks(queue::AT_A_TIME) {
        found.extend(Entity::find().filter(Column::Id.is_in(piece)).all(tx.db()).await.stored()?);
    }
    found.sort_by_key(|run| std::cmp::Reverse(run.created_at));
    Ok(found)
}

/// Whether a workspace has ever had a run.
pub async fn has_any(tx: &Tx, workspace: &str) -> Result<bool, Problem> {
    Ok(Entity::find().filter(Column::WorkspaceId.eq(workspace)).one(tx.db()).await.stored()?.is_some())
}

/// Runs of every workspace in one of these statuses, oldest first.
pub async fn in_status(tx: &Tx, statuses: &[RunStatus]) -> Result<Vec<Model>, Problem> {
    let statuses: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    Entity::find().filter(Column::Status.is_in(statuses)).order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()
}

/// Saved plans of a workspace, oldest first.
pub async fn saved_of(tx: &Tx, workspace: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::Status.eq(RunStatus::PlannedAndSaved.as_str()))
        .order_by_asc(Column::CreatedAt)
        .all(tx.db())
        .await
        .stored()
}

/// Runs that have not ended, oldest first.
pub async fn unfinished(tx: &Tx) -> Result<Vec<Model>, Problem> {
    let statuses: Vec<_> = RunStatus::non_finals().collect();
    in_status(tx, &statuses).await
}

/// Runs of these workspaces that have not ended, oldest first.
pub async fn unfinished_of(tx: &Tx, workspaces: &[String]) -> Result<Vec<Model>, Problem> {
    let statuses: Vec<_> = RunStatus::non_finals().map(RunStatus::as_str).collect();
    let mut all = Vec::new();
    for piece in workspaces.chunks(queue::AT_A_TIME) {
        let of = Entity::find().filter(Column::WorkspaceId.is_in(piece)).filter(Column::Status.is_in(statuses.clone()));
        all.extend(of.all(tx.db()).await.stored()?);
    }
    all.sort_by_key(|run| run.created_at);
    Ok(all)
}

/// Runs of these workspaces that were made at that time or after it, newest first.
pub async fn since(tx: &Tx, workspaces: &[String], at: DateTimeUtc) -> Result<Vec<Model>, Problem> {
    let mut all = Vec::new();
    for piece in workspaces.chunks(queue::AT_A_TIME) {
        let of = Entity::find().filter(Column::WorkspaceId.is_in(piece)).filter(Column::CreatedAt.gte(at));
        all.extend(of.all(tx.db()).await.stored()?);
    }
    all.sort_by_key(|run| std::cmp::Reverse(run.created_at));
    Ok(all)
}

/// Adds a run with its plan and apply.
pub async fn insert(tx: &Tx, run: &Model, plan: PhaseModel, apply: PhaseModel) -> Result<(), Problem> {
    Entity::insert(run.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    let rows = [plan, apply].map(|phase| phase.into_active_model().reset_all());
    phases::Entity::insert_many(rows).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column of a run.
pub async fn update(tx: &Tx, run: &Model) -> Result<(), Problem> {
    tx.save(run.clone().into_active_model().reset_all()).await
}

/// Writes every column of a plan or apply.
pub async fn update_phase(tx: &Tx, phase: PhaseModel) -> Result<(), Problem> {
    tx.save(phase.into_active_model().reset_all()).await
}

/// The plan of a run.
pub async fn plan_of(tx: &Tx, run: &str) -> Result<PhaseModel, Problem> {
    phase_of(tx, run, "plan").await
}

/// The apply of a run.
pub async fn apply_of(tx: &Tx, run: &str) -> Result<PhaseModel, Problem> {
    phase_of(tx, run, "apply").await
}

/// The plan or apply of that id.
pub async fn phase(tx: &Tx, id: &str) -> Result<Option<PhaseModel>, Problem> {
    tx.by_id::<phases::Entity>(id).await
}

/// The plan and the apply of a run.
pub async fn phases_of(tx: &Tx, run: &str) -> Result<(PhaseModel, PhaseModel), Problem> {
    let both = phases::Entity::find().filter(phases::Column::RunId.eq(run)).all(tx.db()).await.stored()?;
    let (mut plan, mut apply) = (None, None);
    for phase in both {
        let place = if phase.kind == "plan" { &mut plan } else { &mut apply };
        *place = Some(phase);
    }
    Ok((plan.ok_or_else(|| lost("plan", run))?, apply.ok_or_else(|| lost("apply", run))?))
}

async fn phase_of(tx: &Tx, run: &str, kind: &str) -> Result<PhaseModel, Problem> {
    let of = phases::Entity::find().filter(phases::Column::RunId.eq(run)).filter(phases::Column::Kind.eq(kind));
    of.one(tx.db()).await.stored()?.ok_or_else(|| lost(kind, run))
}

/// Removes all of a workspace, rows only: the blobs stay.
pub async fn delete_of(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    let ids: Vec<_> = of(tx, workspace).await?.into_iter().map(|run| run.id).collect();
    phases::Entity::delete_many().filter(phases::Column::RunId.is_in(ids)).exec(tx.db()).await.stored()?;
    Entity::delete_many().filter(Column::WorkspaceId.eq(workspace)).exec(tx.db()).await.stored()?;
    inputs::delete_of(tx, workspace).await
}

fn lost(what: &str, run: &str) -> Problem {
    Problem::ours("run/incomplete", format!("The {what} of the run is missing."), run)
}
