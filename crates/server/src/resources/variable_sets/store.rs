//! Tables and queries of variable sets and of what they are attached to.

use std::collections::BTreeMap;

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One variable set.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "variable_sets")]
pub struct Model {
    /// `varset-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// The project that owns it; the organization where there is none.
    pub project_id: Option<String>,
    /// Name, unique in the organization.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Every workspace of its owner has it.
    pub global: bool,
    /// It stands above the workspaces' own variables.
    pub priority: bool,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was last changed.
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

mod assignments {
    use sea_orm::entity::prelude::*;

    /// A set is attached to a workspace or a project; the prefix of the id says to which.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "variable_set_assignments")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub set_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub target_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The set of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Sets of an organization by name.
pub async fn in_organization(tx: &Tx, organization: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::OrganizationId.eq(organization))
        .order_by_asc(Column::Name)
        .all(tx.db())
        .await
        .stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, set: &Model) -> Result<(), Problem> {
    Entity::insert(set.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, set: &Model) -> Result<(), Problem> {
    tx.save(set.clone().into_active_model().reset_all()).await
}

/// Removes one with what says where it is attached; its variables are the caller's to remove.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    assignments::Entity::delete_many().filter(assignments::Column::SetId.eq(id)).exec(tx.db()).await.stored()?;
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Ids of the workspaces and projects that a set is attached to.
pub async fn targets_of(tx: &Tx, set: &str) -> Result<Vec<String>, Problem> {
    Ok(targets_of_all(tx, &[set.to_owned()]).await?.remove(set).unwrap_or_default())
}

/// The same for several sets, by the set's id.
pub async fn targets_of_all(tx: &Tx, sets: &[String]) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    if sets.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = assignments::Entity::find()
        .filter(assignments::Column::SetId.is_in(sets))
        .order_by_asc(assignments::Column::TargetId)
        .all(tx.db())
        .await
        .stored()?;
    let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        targets.entry(row.set_id).or_default().push(row.target_id);
    }
    Ok(targets)
}

/// Attaches a set; one that is attached stays so.
pub async fn attach(tx: &Tx, set: &str, target: &str) -> Result<(), Problem> {
    let key = (set.to_owned(), target.to_owned());
    if assignments::Entity::find_by_id(key).one(tx.db()).await.stored()?.is_none() {
        let row = assignments::Model { set_id: set.into(), target_id: target.into() };
        assignments::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await.stored()?;
    }
    Ok(())
}

/// Ends that.
pub async fn detach(tx: &Tx, set: &str, target: &str) -> Result<(), Problem> {
    assignments::Entity::delete_by_id((set.to_owned(), target.to_owned())).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Detaches every set from a workspace or project that is going.
pub async fn forget_target(tx: &Tx, target: &str) -> Result<(), Problem> {
    let gone = assignments::Column::TargetId.eq(target);
    assignments::Entity::delete_many().filter(gone).exec(tx.db()).await.stored()?;
    Ok(())
}
