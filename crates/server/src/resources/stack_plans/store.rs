//! Tables and queries of the plans of stacks.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{FromJsonQueryResult, IntoActiveModel, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::storage::{Stored, Tx};

/// The plan of a stack, without its rows.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stack_plans")]
pub struct Model {
    /// `spl-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// A word of `domain::stack_plan::Status`.
    pub status: String,
    /// What it is of, in the words of whoever made it.
    pub message: String,
    /// What whoever made it holds itself to.
    pub digest: String,
    /// Ids of its workspaces.
    pub workspaces: Ids,
    /// What it comes to as a whole.
    pub totals: Totals,
    /// Id of the user in whose name it was made.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When whoever made it last asked for the answer.
    pub asked_at: DateTimeUtc,
    /// Id of the user who decided.
    pub decided_by: Option<String>,
    /// When that was.
    pub decided_at: Option<DateTimeUtc>,
    /// What was said along with it.
    pub comment: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

mod contents {
    use sea_orm::entity::prelude::*;

    /// What is in the plan of a stack.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stack_plan_rows")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub plan_id: String,
        pub rows: super::Rows,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Ids of workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Ids(pub Vec<String>);

/// The rows of a plan, in the order of the walk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Rows(pub Vec<Row>);

/// What would become of one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Id of the workspace.
    pub workspace: String,
    /// What its plan came to.
    pub fate: Fate,
    /// How much its plan touches.
    pub counts: Counts,
    /// Whether its plan changes something, be it outputs alone.
    pub has_changes: bool,
    /// Why it runs.
    pub why: Vec<String>,
    /// Workspaces that are to be applied before it can be planned.
    pub deferred_until: Vec<String>,
    /// Why it cannot be planned before.
    pub reason: Option<String>,
    /// Id of the run that only planned it.
    pub run: Option<String>,
    /// Id of that run's plan.
    pub plan: Option<String>,
    /// What the message of the run contains that applies this.
    pub note: Option<String>,
}

/// What the plan of a workspace came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// There is a plan.
    Planned,
    /// There is none, because nothing that goes into the workspace has changed.
    Unchanged,
    /// It cannot be planned before others are applied.
    Deferred,
}

impl Fate {
    const ALL: [Self; 3] = [Self::Planned, Self::Unchanged, Self::Deferred];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Unchanged => "unchanged",
            Self::Deferred => "deferred",
        }
    }

    /// Reads its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fate| fate.as_str() == word)
    }
}

/// How many resources a plan touches, in the words of `domain::plan::Tally`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// To be made.
    pub add: u32,
    /// To be changed in place.
    pub change: u32,
    /// To be destroyed for good.
    pub destroy: u32,
    /// To be destroyed and made anew.
    pub replace: u32,
    /// To be taken over.
    pub import: u32,
    /// To be moved to another address.
    pub moved: u32,
    /// To be let go of.
    pub forget: u32,
}

/// What the plan of a stack comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Totals {
    /// Resources of all workspaces.
    pub counts: Counts,
    /// How many workspaces change.
    pub changing: u32,
    /// How many cannot be planned yet.
    pub deferred: u32,
}

/// The plan of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// The same, with its row locked to the end of the transaction.
pub async fn lock_row(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.locked::<Entity>(id).await
}

/// What is in a plan.
pub async fn rows(tx: &Tx, id: &str) -> Result<Vec<Row>, Problem> {
    let found = tx.by_id::<contents::Entity>(id).await?;
    Ok(found.map(|found| found.rows.0).unwrap_or_default())
}

/// Plans of an organization, newest first.
pub async fn in_organization(tx: &Tx, organization: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::OrganizationId.eq(organization));
    all.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).all(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, plan: &Model, rows: Vec<Row>) -> Result<(), Problem> {
    Entity::insert(plan.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    let rows = contents::Model { plan_id: plan.id.clone(), rows: Rows(rows) }.into_active_model();
    contents::Entity::insert(rows.reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column but the rows, which never change.
pub async fn update(tx: &Tx, plan: &Model) -> Result<(), Problem> {
    tx.save(plan.clone().into_active_model().reset_all()).await
}

/// Removes those of an organization beyond the newest `kept`.
pub async fn delete_older(tx: &Tx, organization: &str, kept: u64) -> Result<(), Problem> {
    let all = Entity::find().filter(Column::OrganizationId.eq(organization));
    let newest_first = all.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    let ids = tx.texts(newest_first.offset(kept).limit(u64::from(u32::MAX)), Column::Id).await?;
    delete(tx, ids).await
}

/// Removes all of an organization.
pub async fn delete_all(tx: &Tx, organization: &str) -> Result<(), Problem> {
    delete_older(tx, organization, 0).await
}

async fn delete(tx: &Tx, ids: Vec<String>) -> Result<(), Problem> {
    if ids.is_empty() {
        return Ok(());
    }
    contents::Entity::delete_many().filter(contents::Column::PlanId.is_in(ids.clone())).exec(tx.db()).await.stored()?;
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(tx.db()).await.stored()?;
    Ok(())
}
