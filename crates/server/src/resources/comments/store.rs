//! Table and queries of comments.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One comment.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "comments")]
pub struct Model {
    /// `wsc-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The workspace of its run.
    pub workspace_id: String,
    /// The run it is about.
    pub run_id: String,
    /// The user who said it.
    pub user_id: Option<String>,
    /// The words.
    pub body: String,
    /// When they were said.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The comment of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Comments on a run, oldest first.
pub async fn of(tx: &Tx, run: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::RunId.eq(run));
    all.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(tx.db()).await.stored()
}

/// How many comments a run has.
pub async fn count(tx: &Tx, run: &str) -> Result<u64, Problem> {
    Entity::find().filter(Column::RunId.eq(run)).count(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, comment: &Model) -> Result<(), Problem> {
    let row = comment.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Removes all on runs of a workspace.
pub async fn delete_of(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::WorkspaceId.eq(workspace)).exec(tx.db()).await.stored()?;
    Ok(())
}
