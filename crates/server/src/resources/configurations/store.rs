//! Table and queries of configuration versions.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

/// One configuration version.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "configurations")]
pub struct Model {
    /// `cv-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// See [`Status`].
    pub status: String,
    /// `tfe-api`, `terraform`, `terraform+cloud`, or the kind of host that it was fetched from.
    pub source: String,
    /// Only for runs that plan; never the workspace's current one.
    pub speculative: bool,
    /// For a saved plan; the workspace's current one once that is applied.
    pub provisional: bool,
    /// A run is started when it has been uploaded.
    pub auto_queue_runs: bool,
    /// Path of the archive's blob; empty before the upload.
    pub object: String,
    /// Why it is not usable.
    pub error_message: Option<String>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// The user in whose name it was made; a run that its upload starts is theirs.
    pub created_by: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// Where a configuration version is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waits for its archive.
    Pending,
    /// Usable.
    Uploaded,
    /// Its archive was refused.
    Errored,
}

impl Status {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Uploaded => "uploaded",
            Self::Errored => "errored",
        }
    }
}

impl Model {
    /// Where it is in its life.
    pub fn is(&self, status: Status) -> bool {
        self.status == status.as_str()
    }
}

/// The configuration version of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Those of a workspace, newest first.
pub async fn of(tx: &Tx, workspace: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .order_by_desc(Column::CreatedAt)
        .all(tx.db())
        .await
        .stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, configuration: &Model) -> Result<(), Problem> {
    let row = configuration.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, configuration: &Model) -> Result<(), Problem> {
    tx.save(configuration.clone().into_active_model().reset_all()).await
}

/// Removes all of a workspace; blobs stay, other workspaces may have the same ones.
pub async fn delete_of(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    Entity::delete_many().filter(Column::WorkspaceId.eq(workspace)).exec(tx.db()).await.stored()?;
    Ok(())
}
