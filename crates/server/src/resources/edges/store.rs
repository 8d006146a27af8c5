//! Tables and queries of edges, and of what was found in the code of configurations.

use std::collections::BTreeSet;

use domain::Problem;
use domain::dependency::Kind;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{Condition, FromJsonQueryResult, IntoActiveModel, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::storage::{Stored, Tx};

/// One edge of one kind.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workspace_edges")]
pub struct Model {
    /// `edge-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Who is depended on.
    pub upstream_id: String,
    /// Who depends.
    pub downstream_id: String,
    /// See [`Kind`].
    pub kind: String,
    /// Outputs that are read; `None` for all, and where nothing is read.
    pub outputs: Option<Names>,
    /// Where in the code (`main.tf:3`).
    pub places: Names,
    /// The run in which it was last seen.
    pub run_id: Option<String>,
    /// The upstream's state when that run first saw it.
    pub state_id: Option<String>,
    /// When it was first seen.
    pub first_seen: DateTimeUtc,
    /// When it was last seen.
    pub last_seen: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Where it comes from. A word that this version does not know cannot have been written.
    pub fn kind(&self) -> Kind {
        Kind::parse(&self.kind).unwrap_or(Kind::Code)
    }
}

/// A set of words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Names(pub BTreeSet<String>);

mod reads {
    use sea_orm::entity::prelude::*;

    /// What was found in the code of a configuration.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "configuration_reads")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub configuration_id: String,
        pub workspace_id: String,
        /// Digest of everything else that it depends on.
        pub basis: String,
        pub reading: Json,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Edges into a workspace.
pub async fn into(tx: &Tx, downstream: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::DownstreamId.eq(downstream));
    all.order_by_asc(Column::FirstSeen).order_by_asc(Column::Id).all(tx.db()).await.stored()
}

/// Edges out of a workspace.
pub async fn out_of(tx: &Tx, upstream: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::UpstreamId.eq(upstream));
    all.order_by_asc(Column::FirstSeen).order_by_asc(Column::Id).all(tx.db()).await.stored()
}

/// The edge of that kind between two workspaces.
pub async fn between(tx: &Tx, upstream: &str, downstream: &str, kind: Kind) -> Result<Option<Model>, Problem> {
    one(upstream, downstream, kind).one(tx.db()).await.stored()
}

/// Keeps an edge that was seen: adds it, or lets `merge` bring the one that is there up to date.
pub async fn put(tx: &Tx, edge: &Model, merge: impl FnOnce(&mut Model)) -> Result<(), Problem> {
    let unique = OnConflict::columns([Column::DownstreamId, Column::UpstreamId, Column::Kind]).do_nothing().to_owned();
    let row = edge.clone().into_active_model().reset_all();
    let added = Entity::insert(row).on_conflict(unique).exec_without_returning(tx.db()).await.stored()?;
    if added > 0 {
        return Ok(());
    }
    let there =
        one(&edge.upstream_id, &edge.downstream_id, edge.kind()).lock_exclusive().one(tx.db()).await.stored()?;
    if let Some(mut there) = there {
        merge(&mut there);
        Entity::update(there.into_active_model().reset_all()).exec(tx.db()).await.stored()?;
    }
    Ok(())
}

/// Removes one.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes everything that has to do with a workspace that is going.
pub async fn delete_of(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    let edges = Condition::any().add(Column::UpstreamId.eq(workspace)).add(Column::DownstreamId.eq(workspace));
    Entity::delete_many().filter(edges).exec(tx.db()).await.stored()?;
    let reads = reads::Column::WorkspaceId.eq(workspace);
    reads::Entity::delete_many().filter(reads).exec(tx.db()).await.stored()?;
    Ok(())
}

/// What was found in the code of a configuration, if it was looked at on this basis.
pub async fn reading(tx: &Tx, configuration: &str, basis: &str) -> Result<Option<Json>, Problem> {
    let found = reads::Entity::find_by_id(configuration).one(tx.db()).await.stored()?;
    Ok(found.filter(|row| row.basis == basis).map(|row| row.reading))
}

/// Keeps what was found in the code of a configuration, in place of what was found on another basis.
pub async fn keep_reading(
    tx: &Tx,
    configuration: &str,
    workspace: &str,
    basis: &str,
    reading: Json,
) -> Result<(), Problem> {
    reads::Entity::delete_by_id(configuration).exec(tx.db()).await.stored()?;
    let row = reads::Model {
        configuration_id: configuration.to_owned(),
        workspace_id: workspace.to_owned(),
        basis: basis.to_owned(),
        reading,
    };
    reads::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

fn one(upstream: &str, downstream: &str, kind: Kind) -> Select<Entity> {
    Entity::find()
        .filter(Column::UpstreamId.eq(upstream))
        .filter(Column::DownstreamId.eq(downstream))
        .filter(Column::Kind.eq(kind.as_str()))
}
