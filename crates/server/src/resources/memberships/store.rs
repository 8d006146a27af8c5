//! The table of memberships.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One membership.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memberships")]
pub struct Model {
    /// `ou-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Where.
    pub organization_id: String,
    /// Who.
    pub user_id: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The membership of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Those of an organization, oldest first.
pub async fn in_organization(tx: &Tx, organization: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::OrganizationId.eq(organization));
    all.order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()
}

/// Those of a user, oldest first.
pub async fn of_user(tx: &Tx, user: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::UserId.eq(user));
    all.order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, membership: &Model) -> Result<(), Problem> {
    let row = membership.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, membership: &Model) -> Result<(), Problem> {
    tx.save(membership.clone().into_active_model().reset_all()).await
}

/// Removes one.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes all of an organization that goes.
pub async fn delete_of_organization(tx: &Tx, organization: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::OrganizationId.eq(organization)).exec(tx.db()).await.stored()?;
    Ok(())
}
