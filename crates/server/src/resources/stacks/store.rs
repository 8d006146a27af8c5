//! Tables and queries of stacks.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, FromJsonQueryResult, IntoActiveModel, QueryOrder};
use serde::{Deserialize, Serialize};

use crate::storage::{Stored, Tx};

/// One stack.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stacks")]
pub struct Model {
    /// `stk-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// Name, unique in the organization.
    pub name: String,
    /// Ids of workspaces that belong to it.
    pub workspaces: Ids,
    /// Workspaces with this tag belong to it: `web`, or `team:net`.
    pub tag: Option<String>,
    /// Workspaces of this project belong to it.
    pub project_id: Option<String>,
    /// When it is destroyed by itself.
    pub expires_at: Option<DateTimeUtc>,
    /// When that was said.
    pub expiry_set_at: Option<DateTimeUtc>,
    /// Names the teardown that is under way; each workspace has one run of it.
    pub session: Option<String>,
    /// `active`, `destroying`, `held`, `destroyed` or `errored`.
    pub status: String,
    /// Why, in words.
    pub message: Option<String>,
    /// What was announced, oldest first.
    pub events: Events,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

mod lifetimes {
    use sea_orm::entity::prelude::*;

    /// How long stacks of an organization may live.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "stack_lifetimes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub organization_id: String,
        pub most_hours: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Ids of workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Ids(pub Vec<String>);

/// What was announced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Events(pub Vec<Event>);

/// Something that was announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `first-reminder`, `second-reminder`, `expired`, `destroying`, `destroyed` or `errored`.
    pub kind: String,
    /// The same in words.
    pub message: String,
    /// When.
    pub at: DateTimeUtc,
}

/// The stack of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// The same, with its row locked to the end of the transaction.
pub async fn lock_row(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.locked::<Entity>(id).await
}

/// The stack of that name.
pub async fn by_name(tx: &Tx, organization: &str, name: &str) -> Result<Option<Model>, Problem> {
    let all = Entity::find().filter(Column::OrganizationId.eq(organization)).filter(Column::Name.eq(name));
    all.one(tx.db()).await.stored()
}

/// Stacks of an organization by name.
pub async fn in_organization(tx: &Tx, organization: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::OrganizationId.eq(organization));
    all.order_by_asc(Column::Name).all(tx.db()).await.stored()
}

/// Stacks that go by themselves or are going.
pub async fn restless(tx: &Tx) -> Result<Vec<Model>, Problem> {
    let any = Condition::any().add(Column::ExpiresAt.is_not_null()).add(Column::Session.is_not_null());
    Entity::find().filter(any).order_by_asc(Column::Id).all(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, stack: &Model) -> Result<(), Problem> {
    Entity::insert(stack.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, stack: &Model) -> Result<(), Problem> {
    tx.save(stack.clone().into_active_model().reset_all()).await
}

/// Removes one.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes all of an organization, and how long they may live.
pub async fn delete_all(tx: &Tx, organization: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::OrganizationId.eq(organization)).exec(tx.db()).await.stored()?;
    set_most_hours(tx, organization, None).await
}

/// How many hours stacks of an organization may live.
pub async fn most_hours(tx: &Tx, organization: &str) -> Result<Option<i64>, Problem> {
    Ok(tx.by_id::<lifetimes::Entity>(organization).await?.map(|it| it.most_hours))
}

/// Sets that; none is for ever.
pub async fn set_most_hours(tx: &Tx, organization: &str, most: Option<i64>) -> Result<(), Problem> {
    lifetimes::Entity::delete_by_id(organization).exec(tx.db()).await.stored()?;
    if let Some(most_hours) = most {
        let row = lifetimes::Model { organization_id: organization.to_owned(), most_hours }.into_active_model();
        lifetimes::Entity::insert(row.reset_all()).exec_without_returning(tx.db()).await.stored()?;
    }
    Ok(())
}
