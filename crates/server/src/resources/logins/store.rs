//! The table of codes.

use domain::Problem;
use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;

use crate::storage::{Stored, Tx};

/// One code, without its secret.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "login_codes")]
pub struct Model {
    /// Signature of the code under the server's key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The user who said yes.
    pub user_id: String,
    /// SHA-256 of the proof key, as base64 for addresses.
    pub challenge: String,
    /// Where the browser carried it.
    pub redirect: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// From when on it is worthless.
    pub expires_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// Adds one.
pub async fn insert(tx: &Tx, code: Model) -> Result<(), Problem> {
    Entity::insert(code.into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Removes the code of that digest and returns it, to one of those who ask at once.
pub async fn take(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    let found = tx.by_id::<Entity>(id).await?;
    let taken = Entity::delete_by_id(id).exec(tx.db()).await.stored()?.rows_affected == 1;
    Ok(found.filter(|_| taken))
}

/// Removes those that ended before `now`.
pub async fn delete_ended(tx: &Tx, now: DateTimeUtc) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now)).exec(tx.db()).await.stored()?;
    Ok(())
}
