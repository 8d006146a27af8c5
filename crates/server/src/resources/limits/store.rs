//! Table and queries of limits beside the organization's own.

use domain::Problem;
use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use crate::storage::{Stored, Tx};

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_limits")]
pub struct Model {
    /// Its organization; empty for executors.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: String,
    /// `project`, `tag` or `executor`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
    /// Id of the project, the tag, or name of the executor.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// How many runs may have a slot at a time.
    pub most: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// All limits.
pub async fn all(tx: &Tx) -> Result<Vec<Model>, Problem> {
    Entity::find().all(tx.db()).await.stored()
}

/// Sets one.
pub async fn put(tx: &Tx, limit: Model) -> Result<(), Problem> {
    let again = OnConflict::columns([Column::OrganizationId, Column::Scope, Column::Name])
        .update_column(Column::Most)
        .to_owned();
    Entity::insert(limit.into_active_model()).on_conflict(again).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Removes all of an organization.
pub async fn delete_of(tx: &Tx, organization: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::OrganizationId.eq(organization)).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes one.
pub async fn delete(tx: &Tx, organization: &str, scope: &str, name: &str) -> Result<(), Problem> {
    let key = (organization.to_owned(), scope.to_owned(), name.to_owned());
    Entity::delete_by_id(key).exec(tx.db()).await.stored()?;
    Ok(())
}
