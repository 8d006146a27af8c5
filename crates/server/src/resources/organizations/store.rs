//! Table and queries of organizations.

use domain::Problem;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One organization.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organizations")]
pub struct Model {
    /// `org-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Unique name; what clients call it.
    pub name: String,
    /// Address of whoever answers for it.
    pub email: String,
    /// How many runs may be in terraform at once.
    pub run_limit: i32,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The organization of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Locks an organization's row to the end of the transaction, so that decisions about it as a whole are made one at a time.
pub async fn lock_row(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.locked::<Entity>(id).await
}

/// The organization of that name.
pub async fn by_name(tx: &Tx, name: &str) -> Result<Option<Model>, Problem> {
    Entity::find().filter(Column::Name.eq(name)).one(tx.db()).await.stored()
}

/// All organizations by name.
pub async fn every(tx: &Tx) -> Result<Vec<Model>, Problem> {
    Entity::find().order_by_asc(Column::Name).all(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, organization: &Model) -> Result<(), Problem> {
    let row = organization.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes the name, the address and the limit.
pub async fn update(tx: &Tx, organization: &Model) -> Result<(), Problem> {
    let row = ActiveModel {
        id: Set(organization.id.clone()),
        name: Set(organization.name.clone()),
        email: Set(organization.email.clone()),
        run_limit: Set(organization.run_limit),
        ..Default::default()
    };
    tx.save(row).await
}

/// Removes one.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}
