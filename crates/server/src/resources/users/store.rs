//! Tables and queries of users and invitations.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, Func};
use sea_orm::{ExprTrait, IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

pub use self::invitations::Model as Invitation;

/// They may sign in.
pub const ACTIVE: &str = "active";
/// Nobody has taken the invitation yet.
pub const INVITED: &str = "invited";
/// An administrator has shut them out.
pub const SUSPENDED: &str = "suspended";
/// They are gone; what they did keeps their name.
pub const DELETED: &str = "deleted";

/// One user.
#[derive(Clone, PartialEq, DeriveEntityModel)]
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
    /// `active`, `invited`, `suspended` or `deleted`.
    pub status: String,
    /// Whether they administer the site.
    pub is_admin: bool,
    /// Hash of the password; none when they sign in with tokens alone.
    pub password: Option<String>,
}

impl Model {
    /// Whether they may come in.
    pub fn is_active(&self) -> bool {
        self.status == ACTIVE
    }

    /// Whether nobody has taken the invitation yet.
    pub fn is_invited(&self) -> bool {
        self.status == INVITED
    }

    /// Whether an administrator has shut them out.
    pub fn is_suspended(&self) -> bool {
        self.status == SUSPENDED
    }

    /// What they are called in a list: who is only invited has no name yet.
    pub fn shown(&self) -> &str {
        if self.is_invited() { &self.email } else { &self.username }
    }
}

/// Without the hash of the password, which belongs in no log.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("username", &self.username).finish_non_exhaustive()
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// Invitations, and links by which somebody sets a new password.
pub mod invitations {
    use sea_orm::entity::prelude::*;

    /// One of them, without its secret.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "invitations")]
    pub struct Model {
        /// Signature of the secret under the server's key.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The user whom it lets in.
        pub user_id: String,
        /// The organization that invites; none for the site.
        pub organization_id: Option<String>,
        /// Id of the user who invites.
        pub created_by: Option<String>,
        /// When it was made.
        pub created_at: DateTimeUtc,
        /// From when on it is worthless.
        pub expires_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The user of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// The user of that name; case makes no difference.
pub async fn named(tx: &Tx, username: &str) -> Result<Option<Model>, Problem> {
    let lower = Expr::expr(Func::lower(Expr::col(Column::Username))).eq(username.to_lowercase());
    Entity::find().filter(lower).one(tx.db()).await.stored()
}

/// The person of that address who has an account; case makes no difference.
pub async fn at_address(tx: &Tx, email: &str) -> Result<Option<Model>, Problem> {
    let lower = Expr::expr(Func::lower(Expr::col(Column::Email))).eq(email.to_lowercase());
    let all = Entity::find().filter(lower).filter(Column::SpeaksFor.is_null());
    all.filter(Column::Status.is_in([ACTIVE, SUSPENDED])).one(tx.db()).await.stored()
}

/// The user in whose name a team or organization acts.
pub async fn speaking_for(tx: &Tx, subject: &str) -> Result<Option<Model>, Problem> {
    Entity::find().filter(Column::SpeaksFor.eq(subject)).one(tx.db()).await.stored()
}

/// Users that are persons and have not been deleted, by name.
pub async fn persons(tx: &Tx) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::SpeaksFor.is_null()).filter(Column::Status.ne(DELETED));
    all.order_by_asc(Column::Username).all(tx.db()).await.stored()
}

/// Those of these ids that have not been deleted, by name.
pub async fn of_ids(tx: &Tx, ids: &[String]) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::Id.is_in(ids)).filter(Column::Status.ne(DELETED));
    all.order_by_asc(Column::Username).all(tx.db()).await.stored()
}

/// Administrators of the site that may come in, the first one first.
pub async fn admins(tx: &Tx) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::IsAdmin.eq(true)).filter(Column::Status.eq(ACTIVE));
    all.order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, user: &Model) -> Result<(), Problem> {
    let row = user.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, user: &Model) -> Result<(), Problem> {
    tx.save(user.clone().into_active_model().reset_all()).await
}

/// Removes one who was never more than invited.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// The invitation of that digest.
pub async fn invitation(tx: &Tx, id: &str) -> Result<Option<Invitation>, Problem> {
    tx.by_id::<invitations::Entity>(id).await
}

/// Adds one.
pub async fn insert_invitation(tx: &Tx, invitation: &Invitation) -> Result<(), Problem> {
    let row = invitation.clone().into_active_model().reset_all();
    invitations::Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Removes one; says whether it was there, which it is for one of those who ask at once.
pub async fn take_invitation(tx: &Tx, id: &str) -> Result<bool, Problem> {
    Ok(invitations::Entity::delete_by_id(id).exec(tx.db()).await.stored()?.rows_affected == 1)
}

/// Removes every invitation of a user.
pub async fn delete_invitations(tx: &Tx, user: &str) -> Result<(), Problem> {
    let of = invitations::Entity::delete_many().filter(invitations::Column::UserId.eq(user));
    of.exec(tx.db()).await.stored()?;
    Ok(())
}
