//! Table and queries of waits: which run's terraform waits for which other run.

use domain::Problem;
use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};

use super::{Column as RunColumn, Entity as Runs};
use crate::storage::{Stored, Tx};

/// One run that waits for another.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_waits")]
pub struct Model {
    /// The run that waits.
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: String,
    /// The run that it waits for.
    #[sea_orm(primary_key, auto_increment = false)]
    pub awaited_id: String,
    /// When it began to wait.
    pub since: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// Every wait.
pub async fn all(tx: &Tx) -> Result<Vec<Model>, Problem> {
    Entity::find().all(tx.db()).await.stored()
}

/// The runs that `run` waits for.
pub async fn of(tx: &Tx, run: &str) -> Result<Vec<String>, Problem> {
    let rows = Entity::find().filter(Column::RunId.eq(run)).all(tx.db()).await.stored()?;
    Ok(rows.into_iter().map(|row| row.awaited_id).collect())
}

/// The runs that wait for `awaited`.
pub async fn on(tx: &Tx, awaited: &str) -> Result<Vec<String>, Problem> {
    let rows = Entity::find().filter(Column::AwaitedId.eq(awaited)).all(tx.db()).await.stored()?;
    Ok(rows.into_iter().map(|row| row.run_id).collect())
}

/// Notes a wait; one that is noted already stays as it is.
pub async fn insert(tx: &Tx, wait: Model) -> Result<(), Problem> {
    let known = OnConflict::columns([Column::RunId, Column::AwaitedId]).do_nothing().to_owned();
    Entity::insert(wait.into_active_model())
        .on_conflict(known)
        .try_insert()
        .exec_without_returning(tx.db())
        .await
        .stored()?;
    Ok(())
}

/// Removes one wait.
pub async fn delete(tx: &Tx, run: &str, awaited: &str) -> Result<(), Problem> {
    Entity::delete_by_id((run.to_owned(), awaited.to_owned())).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes every wait of a run.
pub async fn delete_of(tx: &Tx, run: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::RunId.eq(run)).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Sets what the run says of its slot from `from` to `to`; says whether it was `from`.
pub async fn set_parked(tx: &Tx, run: &str, from: Option<&str>, to: Option<&str>) -> Result<bool, Problem> {
    let was = match from {
        Some(from) => RunColumn::Parked.eq(from),
        None => RunColumn::Parked.is_null(),
    };
    let result = Runs::update_many()
        .col_expr(RunColumn::Parked, Expr::value(to.map(str::to_owned)))
        .filter(RunColumn::Id.eq(run))
        .filter(was)
        .exec(tx.db())
        .await
        .stored()?;
    Ok(result.rows_affected == 1)
}
