//! Tables and queries of users and tokens.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

pub use self::users::Model as User;

/// Users.
pub mod users {
    use sea_orm::entity::prelude::*;

    /// One user.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        /// `user-…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// Unique name.
        pub username: String,
        /// Address.
        pub email: String,
        /// When it was made.
        pub created_at: DateTimeUtc,
        /// Id of the team or organization in whose stead it acts; none for a person.
        pub speaks_for: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

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
    Entity::find_by_id(id).one(tx.db()).await.stored()
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

/// The user of that id.
pub async fn user(tx: &Tx, id: &str) -> Result<Option<User>, Problem> {
    users::Entity::find_by_id(id).one(tx.db()).await.stored()
}

/// The user of that name.
pub async fn user_named(tx: &Tx, username: &str) -> Result<Option<User>, Problem> {
    users::Entity::find().filter(users::Column::Username.eq(username)).one(tx.db()).await.stored()
}

/// The user in whose name a team or organization acts.
pub async fn user_for(tx: &Tx, subject: &str) -> Result<Option<User>, Problem> {
    users::Entity::find().filter(users::Column::SpeaksFor.eq(subject)).one(tx.db()).await.stored()
}

/// Users that are persons, by name.
pub async fn persons(tx: &Tx) -> Result<Vec<User>, Problem> {
    let all = users::Entity::find().filter(users::Column::SpeaksFor.is_null());
    all.order_by_asc(users::Column::Username).all(tx.db()).await.stored()
}

/// Adds a user.
pub async fn insert_user(tx: &Tx, user: &User) -> Result<(), Problem> {
    let row = user.clone().into_active_model().reset_all();
    users::Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}
