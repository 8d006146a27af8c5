//! Tables and queries of edges, of what was found in the code of configurations, and of what went into applies.

use std::collections::{BTreeMap, BTreeSet};

use domain::Problem;
use domain::dependency::Kind;
use domain::trigger::{Inputs, Read};
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

/// Edges from one of these workspaces to another of them.
pub async fn among(tx: &Tx, workspaces: &[String]) -> Result<Vec<Model>, Problem> {
    let upstreams: BTreeSet<&str> = workspaces.iter().map(String::as_str).collect();
    let mut all = Vec::new();
    for piece in workspaces.chunks(1_000) {
        let of = Entity::find().filter(Column::DownstreamId.is_in(piece));
        all.extend(of.order_by_asc(Column::FirstSeen).order_by_asc(Column::Id).all(tx.db()).await.stored()?);
    }
    all.retain(|edge| upstreams.contains(edge.upstream_id.as_str()));
    Ok(all)
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
        tx.save(there.into_active_model().reset_all()).await?;
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
    forget_inputs(tx, workspace).await
}

/// What was found in the code of a configuration, if it was looked at on this basis.
pub async fn reading(tx: &Tx, configuration: &str, basis: &str) -> Result<Option<Json>, Problem> {
    let found = tx.by_id::<reads::Entity>(configuration).await?;
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

mod inputs {
    use sea_orm::entity::prelude::*;

    /// What went into the last apply of a workspace.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "apply_inputs")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: String,
        pub run_id: String,
        pub inputs: super::Kept,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// [`Inputs`] as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
struct Kept {
    code: String,
    settings: String,
    variables: String,
    state: Option<String>,
    reads: BTreeMap<String, KeptRead>,
    unknown: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptRead {
    used: Option<BTreeSet<String>>,
    digests: BTreeMap<String, String>,
}

/// What went into the last apply of a workspace, if it is known.
pub async fn inputs(tx: &Tx, workspace: &str) -> Result<Option<Inputs>, Problem> {
    let found = tx.by_id::<inputs::Entity>(workspace).await?;
    let read = |(id, KeptRead { used, digests })| (id, Read { used, digests });
    Ok(found.map(|row| {
        let Kept { code, settings, variables, state, reads, unknown } = row.inputs;
        Inputs { code, settings, variables, state, reads: reads.into_iter().map(read).collect(), unknown }
    }))
}

/// Keeps what went into an apply in place of what went into the one before.
pub async fn keep_inputs(
    tx: &Tx,
    workspace: &str,
    run: &str,
    inputs: &Inputs,
    now: DateTimeUtc,
) -> Result<(), Problem> {
    forget_inputs(tx, workspace).await?;
    let Inputs { code, settings, variables, state, reads, unknown } = inputs.clone();
    let read = |(id, Read { used, digests })| (id, KeptRead { used, digests });
    let reads = reads.into_iter().map(read).collect();
    let row = inputs::Model {
        workspace_id: workspace.to_owned(),
        run_id: run.to_owned(),
        inputs: Kept { code, settings, variables, state, reads, unknown },
        created_at: now,
    };
    inputs::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Forgets it: the next run has nothing to compare with.
pub async fn forget_inputs(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    inputs::Entity::delete_by_id(workspace).exec(tx.db()).await.stored()?;
    Ok(())
}

fn one(upstream: &str, downstream: &str, kind: Kind) -> Select<Entity> {
    Entity::find()
        .filter(Column::UpstreamId.eq(upstream))
        .filter(Column::DownstreamId.eq(downstream))
        .filter(Column::Kind.eq(kind.as_str()))
}
