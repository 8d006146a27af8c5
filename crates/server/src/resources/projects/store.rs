//! Table and queries of projects.

use domain::Problem;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One project.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "projects")]
pub struct Model {
    /// `prj-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// Name, unique in the organization.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is the organization's default project.
    pub is_default: bool,
    /// How long its workspaces may lie idle before they are destroyed, unless they say otherwise.
    pub auto_destroy_duration: Option<String>,
    /// When that was set.
    pub auto_destroy_since: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// The project of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Projects of an organization by name.
pub async fn in_organization(tx: &Tx, organization: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::OrganizationId.eq(organization))
        .order_by_asc(Column::Name)
        .all(tx.db())
        .await
        .stored()
}

/// Those whose workspaces are destroyed when they lie idle.
pub async fn that_destroy(tx: &Tx) -> Result<Vec<Model>, Problem> {
    Entity::find().filter(Column::AutoDestroyDuration.is_not_null()).all(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, project: &Model) -> Result<(), Problem> {
    let row = project.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes what can be changed.
pub async fn update(tx: &Tx, project: &Model) -> Result<(), Problem> {
    let row = ActiveModel {
        id: Set(project.id.clone()),
        name: Set(project.name.clone()),
        description: Set(project.description.clone()),
        auto_destroy_duration: Set(project.auto_destroy_duration.clone()),
        auto_destroy_since: Set(project.auto_destroy_since),
        ..Default::default()
    };
    tx.save(row).await
}

/// Removes one.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes all of an organization.
pub async fn delete_all(tx: &Tx, organization: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::OrganizationId.eq(organization)).exec(tx.db()).await.stored()?;
    Ok(())
}
