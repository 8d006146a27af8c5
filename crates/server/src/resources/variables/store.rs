//! Table and queries of variables.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One variable; its value is sealed for its id.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "variables")]
pub struct Model {
    /// `var-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// Name, unique in workspace and category.
    pub key: String,
    /// Sealed value.
    pub value: Vec<u8>,
    /// What it is for.
    pub description: String,
    /// `terraform` or `env`.
    pub category: String,
    /// The value is an HCL expression.
    pub hcl: bool,
    /// The value is never shown again.
    pub sensitive: bool,
    /// Changes with every change.
    pub version_id: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The variable of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    Entity::find_by_id(id).one(tx.db()).await.stored()
}

/// Variables of a workspace by key.
pub async fn of(tx: &Tx, workspace: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .order_by_asc(Column::Key)
        .order_by_asc(Column::Category)
        .all(tx.db())
        .await
        .stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, variable: &Model) -> Result<(), Problem> {
    let row = variable.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, variable: &Model) -> Result<(), Problem> {
    Entity::update(variable.clone().into_active_model().reset_all()).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes one.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes all of a workspace.
pub async fn delete_of(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::WorkspaceId.eq(workspace)).exec(tx.db()).await.stored()?;
    Ok(())
}
