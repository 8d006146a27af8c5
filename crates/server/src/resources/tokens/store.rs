//! Tables and queries of users and tokens.

use domain::Problem;
use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;

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
    /// `user` or `run`.
    pub kind: String,
    /// Id of the user or run it speaks for.
    pub subject_id: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// From when on it is worthless.
    pub expires_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The token with that digest.
pub async fn by_digest(tx: &Tx, digest: &str) -> Result<Option<Model>, Problem> {
    Entity::find().filter(Column::Digest.eq(digest)).one(tx.db()).await.stored()
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

/// Adds a user.
pub async fn insert_user(tx: &Tx, user: &User) -> Result<(), Problem> {
    let row = user.clone().into_active_model().reset_all();
    users::Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}
