//! The table of sessions.

use domain::Problem;
use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;

use crate::storage::{Stored, Tx};

/// One session.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Signature of the browser's secret under the server's key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Id of the token that it was begun with; empty for a password.
    pub token_id: String,
    /// When it was begun.
    pub created_at: DateTimeUtc,
    /// When it ends.
    pub expires_at: DateTimeUtc,
    /// Id of the user who has signed in, if it is one.
    pub user_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The session of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Adds one.
pub async fn insert(tx: &Tx, session: Model) -> Result<(), Problem> {
    Entity::insert(session.into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Removes one, if it is there.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes those that ended before `now`.
pub async fn delete_ended(tx: &Tx, now: DateTimeUtc) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now)).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes those of a user, but the one of the id `keep`.
pub async fn delete_of_user(tx: &Tx, user: &str, keep: Option<&str>) -> Result<(), Problem> {
    let mut those = Entity::delete_many().filter(Column::UserId.eq(user));
    if let Some(keep) = keep {
        those = those.filter(Column::Id.ne(keep));
    }
    those.exec(tx.db()).await.stored()?;
    Ok(())
}
