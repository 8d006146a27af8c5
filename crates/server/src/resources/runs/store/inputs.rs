//! Table and queries of what went into the last run of each workspace that was to change it, in the words of whoever started
//! it. Nothing here reads them.

use domain::Problem;
use domain::run::RunStatus;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{IntoActiveModel, QueryOrder};

use super::{Column as RunColumn, Entity as Runs, Model as Run};
use crate::storage::{Stored, Tx};

/// What went into one run.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_inputs")]
pub struct Model {
    /// The workspace.
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: String,
    /// Its run.
    pub run_id: String,
    /// What went into it.
    pub inputs: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// Keeps what goes into a run, in place of what went into the one before.
pub async fn put(tx: &Tx, workspace: &str, run: &str, inputs: String) -> Result<(), Problem> {
    let row = Model { workspace_id: workspace.to_owned(), run_id: run.to_owned(), inputs };
    let mut replaces = OnConflict::column(Column::WorkspaceId);
    replaces.update_columns([Column::RunId, Column::Inputs]);
    let insert = Entity::insert(row.into_active_model().reset_all()).on_conflict(replaces);
    insert.exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// What went into this run of a workspace, if that was said.
pub async fn of(tx: &Tx, workspace: &str, run: &str) -> Result<Option<String>, Problem> {
    let found = tx.by_id::<Entity>(workspace).await?;
    Ok(found.filter(|row| row.run_id == run).map(|row| row.inputs))
}

/// Removes what is kept of a workspace.
pub async fn delete_of(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    Entity::delete_by_id(workspace).exec(tx.db()).await.stored()?;
    Ok(())
}

/// The newest run of a workspace that was to change it.
pub async fn last(tx: &Tx, workspace: &str) -> Result<Option<Run>, Problem> {
    newest(workspace).one(tx.db()).await.stored()
}

/// The newest run of a workspace that did change it.
pub async fn last_applied(tx: &Tx, workspace: &str) -> Result<Option<Run>, Problem> {
    newest(workspace).filter(RunColumn::Status.eq(RunStatus::Applied.as_str())).one(tx.db()).await.stored()
}

fn newest(workspace: &str) -> Select<Runs> {
    let of = Runs::find().filter(RunColumn::WorkspaceId.eq(workspace)).filter(RunColumn::PlanOnly.eq(false));
    of.order_by_desc(RunColumn::CreatedAt).order_by_desc(RunColumn::Id)
}
