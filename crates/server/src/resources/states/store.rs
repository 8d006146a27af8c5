//! Tables and queries of state versions and their outputs.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{FromQueryResult, IntoActiveModel, QueryOrder, QuerySelect};

use crate::storage::{Stored, Tx};

pub use self::outputs::Model as OutputModel;
use super::deleted::Deleted;

/// One state version; its bytes are the blob `states/ID`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "states")]
pub struct Model {
    /// `sv-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// The run that wrote it.
    pub run_id: Option<String>,
    /// The user that wrote it.
    pub created_by: Option<String>,
    /// Grows with every version of a lineage.
    pub serial: i64,
    /// Names the history it belongs to.
    pub lineage: String,
    /// MD5 of its bytes as hex.
    pub md5: String,
    /// Its length in bytes.
    pub size: i64,
    /// `pending`, `finalized` or `discarded`.
    pub status: String,
    /// Saved while its apply was under way.
    pub intermediate: bool,
    /// Serial and lineage were not to be checked.
    pub forced: bool,
    /// Version of the terraform that wrote it.
    pub terraform_version: String,
    /// Managed resource instances.
    pub resource_count: i32,
    /// One entry per resource.
    pub resources: Json,
    /// Why it was not taken, in one sentence; its bytes are kept then.
    pub refusal: Option<String>,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether its bytes are here and checked.
    pub fn is_finalized(&self) -> bool {
        self.status == "finalized"
    }

    /// Whether it was refused, and its bytes are here for whoever needs them.
    pub fn is_kept(&self) -> bool {
        self.status == "discarded" && self.refusal.is_some()
    }

    /// Path of its bytes.
    pub fn object(&self) -> String {
        format!("states/{}", self.id)
    }

    /// Path of its JSON form, where the client sent one.
    pub fn json_object(&self) -> String {
        format!("states/{}.json", self.id)
    }
}

mod outputs {
    use sea_orm::entity::prelude::*;

    /// One root output of a state version; its value is sealed for its id.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "state_outputs")]
    pub struct Model {
        /// `wsout-…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The state version.
        pub state_id: String,
        /// Its workspace.
        pub workspace_id: String,
        /// Its name.
        pub name: String,
        /// Whether it is sensitive.
        pub sensitive: bool,
        /// Its type as Terraform writes types in JSON.
        pub detailed_type: Json,
        /// Sealed JSON.
        pub value: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The state version of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Those of a workspace that are not discarded, newest first.
pub async fn of(tx: &Tx, workspace: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::Status.ne("discarded"))
        .order_by_desc(Column::CreatedAt)
        .all(tx.db())
        .await
        .stored()
}

/// The pending or finalized one of that serial and MD5.
pub async fn same(tx: &Tx, workspace: &str, serial: i64, md5: &str) -> Result<Option<Model>, Problem> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::Serial.eq(serial))
        .filter(Column::Md5.eq(md5))
        .filter(Column::Status.ne("discarded"))
        .order_by_desc(Column::CreatedAt)
        .one(tx.db())
        .await
        .stored()
}

/// Those that were refused and are kept, newest first.
pub async fn kept(tx: &Tx, workspace: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::Status.eq("discarded"))
        .filter(Column::Refusal.is_not_null())
        .order_by_desc(Column::CreatedAt)
        .all(tx.db())
        .await
        .stored()
}

/// Length of the largest one.
pub async fn largest(tx: &Tx) -> Result<Option<i64>, Problem> {
    let largest = Entity::find().select_only().column_as(Column::Size.max(), "size").into_model::<Largest>();
    Ok(largest.one(tx.db()).await.stored()?.and_then(|largest| largest.size))
}

#[derive(Debug, FromQueryResult)]
struct Largest {
    size: Option<i64>,
}

/// Whether an upload is under way that was announced after that time.
pub async fn is_pending(tx: &Tx, workspace: &str, since: DateTimeUtc) -> Result<bool, Problem> {
    let pending = Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::Status.eq("pending"))
        .filter(Column::CreatedAt.gt(since));
    Ok(pending.count(tx.db()).await.stored()? > 0)
}

/// Removes one, its row only.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Gives up uploads that are under way; what they bring later is kept and never current.
pub async fn discard_pending(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    Entity::update_many()
        .col_expr(Column::Status, Expr::value("discarded"))
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::Status.eq("pending"))
        .exec(tx.db())
        .await
        .stored()?;
    Ok(())
}

/// Gives up uploads that were announced before that time.
pub async fn discard_announced_before(tx: &Tx, workspace: &str, time: DateTimeUtc) -> Result<(), Problem> {
    Entity::update_many()
        .col_expr(Column::Status, Expr::value("discarded"))
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::Status.eq("pending"))
        .filter(Column::CreatedAt.lte(time))
        .exec(tx.db())
        .await
        .stored()?;
    Ok(())
}

/// Removes the versions that a run saved while it was under way and that `newer` replaces; returns their blobs' paths.
pub async fn delete_intermediate(tx: &Tx, run: &str, newer: &str) -> Result<Vec<String>, Problem> {
    let old = Entity::find()
        .filter(Column::RunId.eq(run))
        .filter(Column::Intermediate.eq(true))
        .filter(Column::Id.ne(newer))
        .all(tx.db())
        .await
        .stored()?;
    if old.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = old.iter().map(|state| state.id.clone()).collect();
    outputs::Entity::delete_many().filter(outputs::Column::StateId.is_in(ids.clone())).exec(tx.db()).await.stored()?;
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(tx.db()).await.stored()?;
    Ok(old.iter().map(Model::object).collect())
}

/// Adds one.
pub async fn insert(tx: &Tx, state: &Model) -> Result<(), Problem> {
    Entity::insert(state.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, state: &Model) -> Result<(), Problem> {
    tx.save(state.clone().into_active_model().reset_all()).await
}

/// Adds outputs.
pub async fn insert_outputs(tx: &Tx, rows: Vec<OutputModel>) -> Result<(), Problem> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    outputs::Entity::insert_many(rows).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Outputs of a state version by name.
pub async fn outputs_of(tx: &Tx, state: &str) -> Result<Vec<OutputModel>, Problem> {
    outputs::Entity::find()
        .filter(outputs::Column::StateId.eq(state))
        .order_by_asc(outputs::Column::Name)
        .all(tx.db())
        .await
        .stored()
}

/// The newest finalized version of a workspace that had outputs.
pub async fn last_with_outputs(tx: &Tx, workspace: &str) -> Result<Option<Model>, Problem> {
    let with_outputs = Query::select()
        .column(outputs::Column::StateId)
        .from(outputs::Entity)
        .and_where(outputs::Column::WorkspaceId.eq(workspace))
        .to_owned();
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::Status.eq("finalized"))
        .filter(Column::Id.in_subquery(with_outputs))
        .order_by_desc(Column::CreatedAt)
        .one(tx.db())
        .await
        .stored()
}

/// The output of that id.
pub async fn output(tx: &Tx, id: &str) -> Result<Option<OutputModel>, Problem> {
    tx.by_id::<outputs::Entity>(id).await
}

/// Removes all of a workspace, rows only: the blobs stay, and of each state that there was a row that says whose it was.
pub async fn delete_of(tx: &Tx, deleted: Deleted<'_>) -> Result<(), Problem> {
    let of = Column::WorkspaceId.eq(deleted.workspace);
    let all = Entity::find().filter(of.clone()).order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()?;
    super::deleted::keep(tx, deleted, all).await?;
    let outputs = outputs::Column::WorkspaceId.eq(deleted.workspace);
    outputs::Entity::delete_many().filter(outputs).exec(tx.db()).await.stored()?;
    Entity::delete_many().filter(of).exec(tx.db()).await.stored()?;
    Ok(())
}
