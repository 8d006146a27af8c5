//! Table and queries of tokens.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One token, without its secret.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tokens")]
pub struct Model {
    /// `at-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Signature of the secret under the server's key.
    pub digest: String,
    /// `user`, `team`, `organization` or `run`.
    pub kind: String,
    /// Id of what it speaks for.
    pub subject_id: String,
    /// What it is for; empty for the single token of a team or organization.
    pub description: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// From when on it is worthless.
    pub expires_at: Option<DateTimeUtc>,
    /// Id of the user who made it.
    pub created_by: Option<String>,
    /// When it was last used, to within some minutes.
    pub last_used_at: Option<DateTimeUtc>,
}

impl Model {
    /// Whether it is the one that a new one replaces.
    pub fn is_single(&self) -> bool {
        self.description.is_empty()
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The token with that digest.
pub async fn by_digest(tx: &Tx, digest: &str) -> Result<Option<Model>, Problem> {
    Entity::find().filter(Column::Digest.eq(digest)).one(tx.db()).await.stored()
}

/// The token of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Tokens that speak for that subject, oldest first.
pub async fn of(tx: &Tx, kind: &str, subject: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::Kind.eq(kind)).filter(Column::SubjectId.eq(subject));
    all.order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()
}

/// Removes one.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Adds a token.
pub async fn insert(tx: &Tx, token: &Model) -> Result<(), Problem> {
    let row = token.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Removes every token that speaks for that subject.
pub async fn delete_of(tx: &Tx, kind: &str, subject: &str) -> Result<(), Problem> {
    Entity::delete_many()
        .filter(Column::Kind.eq(kind))
        .filter(Column::SubjectId.eq(subject))
        .exec(tx.db())
        .await
        .stored()?;
    Ok(())
}

/// Notes when it was used, unless a use after `since` is noted: of requests that came together one writes.
pub async fn used(tx: &Tx, id: &str, at: DateTimeUtc, since: DateTimeUtc) -> Result<(), Problem> {
    Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(at))
        .filter(Column::Id.eq(id))
        .filter(Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lte(since)))
        .exec(tx.db())
        .await
        .stored()?;
    Ok(())
}
