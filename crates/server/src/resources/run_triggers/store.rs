//! Tables and queries of run triggers, of the notes that runs leave for downstreams, and of what was decided.

use std::collections::BTreeSet;

use domain::Problem;
use domain::trigger::{Outcome, Settled};
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, FromJsonQueryResult, IntoActiveModel, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::storage::{Stored, Tx};

pub use self::decisions::Model as DecisionModel;

/// How many decisions a workspace keeps.
const KEPT: u64 = 20;

/// One run trigger.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_triggers")]
pub struct Model {
    /// `rt-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Organization of both workspaces.
    pub organization_id: String,
    /// The downstream.
    pub workspace_id: String,
    /// The upstream.
    pub source_id: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

mod notes {
    use sea_orm::entity::prelude::*;

    /// An upstream has settled, and its downstream was not decided on since. Moments are microseconds.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "trigger_notes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        pub downstream_id: String,
        pub upstream_id: String,
        pub run_id: Option<String>,
        pub outcome: String,
        pub origin: i64,
        pub at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod decisions {
    use sea_orm::entity::prelude::*;

    use super::Upstreams;

    /// What was decided on a downstream.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "trigger_decisions")]
    pub struct Model {
        /// `td-…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The downstream.
        pub workspace_id: String,
        /// The run that was started.
        pub run_id: Option<String>,
        /// `started` or `not-run`.
        pub outcome: String,
        /// Why, in words.
        pub message: String,
        /// What it rests on.
        pub upstreams: Upstreams,
        /// When.
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What a decision rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Upstreams(pub Vec<Upstream>);

/// How an upstream came to rest, as it was when that was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Its id.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Its run.
    pub run: Option<String>,
    /// See [`Outcome`].
    pub outcome: String,
}

/// The trigger of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Every trigger.
pub async fn every(tx: &Tx) -> Result<Vec<Model>, Problem> {
    Entity::find().all(tx.db()).await.stored()
}

/// Triggers of an organization.
pub async fn in_organization(tx: &Tx, organization: &str) -> Result<Vec<Model>, Problem> {
    Entity::find().filter(Column::OrganizationId.eq(organization)).all(tx.db()).await.stored()
}

/// Triggers from one of these workspaces to another of them, oldest first.
pub async fn among(tx: &Tx, workspaces: &[String]) -> Result<Vec<Model>, Problem> {
    let sources: BTreeSet<&str> = workspaces.iter().map(String::as_str).collect();
    let mut all = Vec::new();
    for piece in workspaces.chunks(1_000) {
        let of = Entity::find().filter(Column::WorkspaceId.is_in(piece));
        all.extend(of.order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()?);
    }
    all.retain(|trigger| sources.contains(trigger.source_id.as_str()));
    Ok(all)
}

/// Triggers that start runs of a workspace, oldest first.
pub async fn into(tx: &Tx, workspace: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::WorkspaceId.eq(workspace));
    all.order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()
}

/// Triggers that runs of a workspace set off, oldest first.
pub async fn out_of(tx: &Tx, workspace: &str) -> Result<Vec<Model>, Problem> {
    let all = Entity::find().filter(Column::SourceId.eq(workspace));
    all.order_by_asc(Column::CreatedAt).all(tx.db()).await.stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, trigger: &Model) -> Result<(), Problem> {
    Entity::insert(trigger.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Removes one with the notes that came over it.
pub async fn delete(tx: &Tx, trigger: &Model) -> Result<(), Problem> {
    notes::Entity::delete_many()
        .filter(notes::Column::DownstreamId.eq(&trigger.workspace_id))
        .filter(notes::Column::UpstreamId.eq(&trigger.source_id))
        .exec(tx.db())
        .await
        .stored()?;
    Entity::delete_by_id(&trigger.id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Removes everything that has to do with a workspace that is going.
pub async fn delete_of(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    let triggers = Condition::any().add(Column::WorkspaceId.eq(workspace)).add(Column::SourceId.eq(workspace));
    Entity::delete_many().filter(triggers).exec(tx.db()).await.stored()?;
    let left =
        Condition::any().add(notes::Column::DownstreamId.eq(workspace)).add(notes::Column::UpstreamId.eq(workspace));
    notes::Entity::delete_many().filter(left).exec(tx.db()).await.stored()?;
    let decided = decisions::Column::WorkspaceId.eq(workspace);
    decisions::Entity::delete_many().filter(decided).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Every note, oldest first.
pub async fn notes(tx: &Tx) -> Result<Vec<Settled>, Problem> {
    let rows = notes::Entity::find().order_by_asc(notes::Column::At).all(tx.db()).await.stored()?;
    let settled = |row: notes::Model| Settled {
        downstream: row.downstream_id,
        upstream: row.upstream_id,
        run: row.run_id,
        // A word that this version does not know cannot have been written.
        outcome: Outcome::parse(&row.outcome).unwrap_or(Outcome::NotRun),
        origin: row.origin,
        at: row.at,
    };
    Ok(rows.into_iter().map(settled).collect())
}

/// Leaves a note. A run leaves one for each downstream and never another.
pub async fn insert_note(tx: &Tx, note: &Settled) -> Result<(), Problem> {
    let row = notes::Model {
        key: key(note),
        downstream_id: note.downstream.clone(),
        upstream_id: note.upstream.clone(),
        run_id: note.run.clone(),
        outcome: note.outcome.as_str().to_owned(),
        origin: note.origin,
        at: note.at,
    };
    notes::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Takes notes away: they were decided on.
pub async fn take(tx: &Tx, settled: &[Settled]) -> Result<(), Problem> {
    for note in settled {
        notes::Entity::delete_by_id(key(note)).exec(tx.db()).await.stored()?;
    }
    Ok(())
}

/// Decisions on a workspace, newest first.
pub async fn decisions_of(tx: &Tx, workspace: &str) -> Result<Vec<DecisionModel>, Problem> {
    let all = decisions::Entity::find().filter(decisions::Column::WorkspaceId.eq(workspace));
    all.order_by_desc(decisions::Column::CreatedAt).limit(KEPT).all(tx.db()).await.stored()
}

/// Keeps a decision; the oldest make room.
pub async fn insert_decision(tx: &Tx, decision: &DecisionModel) -> Result<(), Problem> {
    let row = decision.clone().into_active_model().reset_all();
    decisions::Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    let kept = decisions_of(tx, &decision.workspace_id).await?;
    if let Some(oldest) = kept.last().filter(|_| kept.len() as u64 == KEPT) {
        decisions::Entity::delete_many()
            .filter(decisions::Column::WorkspaceId.eq(&decision.workspace_id))
            .filter(decisions::Column::CreatedAt.lt(oldest.created_at))
            .exec(tx.db())
            .await
            .stored()?;
    }
    Ok(())
}

fn key(note: &Settled) -> String {
    let what = note.run.clone().unwrap_or_else(|| note.at.to_string());
    format!("{} {} {what}", note.downstream, note.upstream)
}
