//! Tables and queries of variables, and of what runs were given.

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
    /// Its workspace or variable set.
    pub owner_id: String,
    /// Name, unique in owner and category.
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
    tx.by_id::<Entity>(id).await
}

/// Variables of a workspace or variable set by key.
pub async fn of(tx: &Tx, owner: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::OwnerId.eq(owner))
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
    tx.save(variable.clone().into_active_model().reset_all()).await
}

/// Removes one.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes all of a workspace or variable set, and what runs of the workspace were given.
pub async fn delete_of(tx: &Tx, owner: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::OwnerId.eq(owner)).exec(tx.db()).await.stored()?;
    pinned::Entity::delete_many().filter(pinned::Column::WorkspaceId.eq(owner)).exec(tx.db()).await.stored()?;
    Ok(())
}

mod pinned {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "pinned_variables")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub run_id: String,
        pub workspace_id: String,
        pub sealed: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Keeps what a run was given, sealed.
pub async fn pin(tx: &Tx, run: &str, workspace: &str, sealed: Vec<u8>) -> Result<(), Problem> {
    let row = pinned::Model { run_id: run.into(), workspace_id: workspace.into(), sealed };
    pinned::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// What a run was given, sealed.
pub async fn pinned(tx: &Tx, run: &str) -> Result<Option<Vec<u8>>, Problem> {
    Ok(tx.by_id::<pinned::Entity>(run).await?.map(|row| row.sealed))
}

/// Removes it.
pub async fn unpin(tx: &Tx, run: &str) -> Result<(), Problem> {
    pinned::Entity::delete_by_id(run).exec(tx.db()).await.stored()?;
    Ok(())
}
