//! Runs as the queue sees them: a few columns of those that have not ended, and the turns of projects.

use domain::Problem;
use domain::run::{RunKind, RunStatus};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{FromQueryResult, IntoActiveModel, QueryOrder, QuerySelect};

use super::{Column, Entity};
use crate::storage::{Stored, Tx};

/// How many workspaces to name in one query: SQLite looks for more of them by status, through the whole queue.
pub const AT_A_TIME: usize = 16;

/// What the queue needs of a run.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// See [`Line::status`].
    pub status: String,
    /// Confirmed by itself once it is planned.
    pub auto_apply: bool,
    /// Only plans.
    pub plan_only: bool,
    /// Keeps its plan until somebody confirms it.
    pub save_plan: bool,
    /// Occupies its workspace.
    pub holds_workspace: bool,
    /// The run whose terraform started it.
    pub parent_run_id: Option<String>,
    /// `parked` or `resuming`.
    pub parked: Option<String>,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

impl Line {
    /// Where it is.
    pub fn status(&self) -> RunStatus {
        RunStatus::parse(&self.status).unwrap_or(RunStatus::Errored)
    }

    /// Whether it has given its slot back.
    pub fn is_parked(&self) -> bool {
        self.status().holds_slot() && self.parked.as_deref() == Some("parked")
    }

    /// What it is for.
    pub fn kind(&self) -> RunKind {
        RunKind::of(self.plan_only, self.save_plan)
    }
}

/// Which runs to read.
pub enum Of<'a> {
    /// All.
    Everywhere,
    /// Those of these workspaces.
    Workspaces(&'a [String]),
    /// Those that have or had a slot: in terraform or about to be.
    UnderWay,
    /// Those that the terraform of a run started.
    Parent(&'a str),
    /// This one.
    Run(&'a str),
}

/// Runs that have not ended, oldest first.
pub async fn lines(tx: &Tx, of: Of<'_>) -> Result<Vec<Line>, Problem> {
    let alive: Vec<_> = match of {
        Of::UnderWay => RunStatus::ALL.iter().filter(|status| status.holds_slot()).map(|it| it.as_str()).collect(),
        _ => RunStatus::non_finals().map(RunStatus::as_str).collect(),
    };
    let query = Entity::find().filter(Column::Status.is_in(alive));
    let query = match of {
        Of::Everywhere | Of::UnderWay => query,
        Of::Workspaces(ids) => query.filter(Column::WorkspaceId.is_in(ids)),
        Of::Parent(id) => query.filter(Column::ParentRunId.eq(id)),
        Of::Run(id) => query.filter(Column::Id.eq(id)),
    };
    query
        .select_only()
        .columns([
            Column::Id,
            Column::OrganizationId,
            Column::WorkspaceId,
            Column::Status,
            Column::AutoApply,
            Column::PlanOnly,
            Column::SavePlan,
            Column::HoldsWorkspace,
            Column::ParentRunId,
            Column::Parked,
            Column::CreatedAt,
        ])
        .order_by_asc(Column::CreatedAt)
        .into_model()
        .all(tx.db())
        .await
        .stored()
}

/// Whether a workspace has a run that has not ended and may still be applied. A saved plan may lie about for ever: it
/// counts once somebody has confirmed it.
pub async fn may_apply(tx: &Tx, workspace: &str) -> Result<bool, Problem> {
    let lines = lines(tx, Of::Workspaces(&[workspace.to_owned()])).await?;
    Ok(lines.iter().any(|run| !run.plan_only && (!run.save_plan || run.holds_workspace)))
}

/// Statuses of runs that wait for a slot or may have one.
fn in_queue() -> Vec<&'static str> {
    let waits = |status: RunStatus| matches!(status, RunStatus::Fetching | RunStatus::Pending | RunStatus::Confirmed);
    let all = RunStatus::ALL.iter().filter(|&&status| waits(status) || status.holds_slot());
    all.map(|status| status.as_str()).collect()
}

/// Ids of an organization's runs that wait for a slot or may have one, oldest first.
pub async fn page(tx: &Tx, organization: &str, offset: u64, size: u64) -> Result<Vec<String>, Problem> {
    let all = Entity::find()
        .filter(Column::OrganizationId.eq(organization))
        .filter(Column::Status.is_in(in_queue()))
        .order_by_asc(Column::CreatedAt);
    tx.texts(all.offset(offset).limit(size), Column::Id).await
}

#[derive(Debug, FromQueryResult)]
struct Count {
    status: String,
    parked: Option<String>,
    count: i64,
}

/// Of the same runs, how many have each status and each word for parked.
pub async fn counts_by_status(tx: &Tx, organization: &str) -> Result<Vec<(String, Option<String>, i64)>, Problem> {
    let counts = Entity::find()
        .filter(Column::OrganizationId.eq(organization))
        .filter(Column::Status.is_in(in_queue()))
        .select_only()
        .columns([Column::Status, Column::Parked])
        .column_as(Column::Id.count(), "count")
        .group_by(Column::Status)
        .group_by(Column::Parked)
        .into_model::<Count>()
        .all(tx.db())
        .await
        .stored()?;
    Ok(counts.into_iter().map(|it| (it.status, it.parked, it.count)).collect())
}

/// The oldest run of a workspace that waits to be planned and perhaps applied.
pub async fn next(tx: &Tx, workspace: &str) -> Result<Option<String>, Problem> {
    let all = Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::Status.is_in([RunStatus::Pending.as_str(), RunStatus::Fetching.as_str()]))
        .filter(Column::PlanOnly.eq(false))
        .filter(Column::SavePlan.eq(false))
        .order_by_asc(Column::CreatedAt);
    Ok(tx.texts(all.limit(1), Column::Id).await?.into_iter().next())
}

mod turns {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "project_turns")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub project_id: String,
        pub turn: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// When each project last was given a slot, in microseconds.
pub async fn turns(tx: &Tx) -> Result<Vec<(String, i64)>, Problem> {
    let rows = turns::Entity::find().all(tx.db()).await.stored()?;
    Ok(rows.into_iter().map(|row| (row.project_id, row.turn)).collect())
}

/// A project was given a slot.
pub async fn set_turn(tx: &Tx, project: &str, turn: i64) -> Result<(), Problem> {
    let row = turns::Model { project_id: project.to_owned(), turn };
    let again = OnConflict::column(turns::Column::ProjectId).update_column(turns::Column::Turn).to_owned();
    turns::Entity::insert(row.into_active_model()).on_conflict(again).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}
