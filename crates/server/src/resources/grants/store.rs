//! Table and queries of grants.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One grant.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "grants")]
pub struct Model {
    /// `tws-…` or `tprj-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The team that it is for.
    pub team_id: String,
    /// The workspace or the project that it is about.
    pub target_id: String,
    /// The word of the role.
    pub role: String,
    /// What a custom role is put together from, as JSON.
    pub custom: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The grant of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Grants on a workspace or project, oldest first.
pub async fn on(tx: &Tx, target: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::TargetId.eq(target));
    all.order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()
}

/// Grants of a team.
pub async fn of_team(tx: &Tx, team: &str) -> Result<Vec<Model>, Problem> {
    Entity::find().filter(Column::TeamId.eq(team)).all(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, grant: &Model) -> Result<(), Problem> {
    let row = grant.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, grant: &Model) -> Result<(), Problem> {
    tx.save(grant.clone().into_active_model().reset_all()).await
}

/// Removes one.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes all on a workspace or project that goes.
pub async fn delete_of(tx: &Tx, target: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::TargetId.eq(target)).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes all of a team that goes.
pub async fn delete_of_team(tx: &Tx, team: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::TeamId.eq(team)).exec(tx.db()).await.stored()?;
    Ok(())
}
