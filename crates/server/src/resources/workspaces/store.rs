//! Tables and queries of workspaces, their tags, and the readers of their state.

use domain::Problem;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, FromQueryResult, IntoActiveModel, QueryOrder, QuerySelect};

use crate::storage::{Stored, Tx};

/// One workspace.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workspaces")]
pub struct Model {
    /// `ws-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// Its project.
    pub project_id: String,
    /// Name, unique in the organization; also `terraform.workspace` of its runs.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `remote` or `local`.
    pub execution_mode: String,
    /// Runs are confirmed by themselves.
    pub auto_apply: bool,
    /// Runs that a run trigger started are confirmed by themselves.
    pub auto_apply_run_trigger: bool,
    /// `join` or `each`: see `domain::trigger`.
    pub run_trigger_mode: String,
    /// A run trigger does not start a run that would have nothing new to go by.
    pub run_trigger_cutoff: bool,
    /// Destroy runs may be started.
    pub allow_destroy_plan: bool,
    /// Kept for clients that set it.
    pub assessments_enabled: bool,
    /// Of pushes, only those that change certain files start a run.
    pub file_triggers_enabled: bool,
    /// Every workspace of the organization may read its state.
    pub global_remote_state: bool,
    /// Its repository starts runs even before anybody has started one.
    pub queue_all_runs: bool,
    /// Pull requests are planned.
    pub speculative_enabled: bool,
    /// Logs of runs that `cloud {}` started are `-json` lines.
    pub structured_run_output_enabled: bool,
    /// The root keeps a backend of its own; multispace does not hold its state.
    pub own_backend: bool,
    /// Exact version, or `latest`.
    pub terraform_version: String,
    /// Folder of the root module inside the configuration; empty for the top.
    pub working_directory: String,
    /// What made it (`tfe-api`, `tfe-ui`, `terraform`).
    pub source: String,
    /// Who made it, as they say.
    pub source_name: Option<String>,
    /// Where they are, as they say.
    pub source_url: Option<String>,
    /// Folders whose changes start a run: list of strings.
    pub trigger_prefixes: Json,
    /// Patterns of files whose changes start a run: list of strings.
    pub trigger_patterns: Json,
    /// `user` or `run`; none while it is not locked.
    pub locked_kind: Option<String>,
    /// Id of whoever holds the lock.
    pub locked_by: Option<String>,
    /// Why it is locked.
    pub locked_reason: Option<String>,
    /// Configuration that runs without one of their own use.
    pub current_configuration_id: Option<String>,
    /// The run that occupies it, or is next to, or was last.
    pub current_run_id: Option<String>,
    /// Its newest state.
    pub current_state_id: Option<String>,
    /// Resource instances under management in that state.
    pub resource_count: i32,
    /// When it is destroyed, once; not what follows from a duration.
    pub auto_destroy_at: Option<DateTimeUtc>,
    /// How long it may lie idle; its own, not its project's.
    pub auto_destroy_duration: Option<String>,
    /// Whether its project's duration applies.
    pub inherits_project_auto_destroy: bool,
    /// What became of its last destruction by itself: `held`, `queued`, `destroyed`, `errored`, `refused` or `empty`.
    pub auto_destroy_status: Option<String>,
    /// What an idle time counts from: the last change of the state, or when the duration was set. None once it was destroyed.
    pub active_at: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When its settings, run or state last changed.
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

/// A flat tag, or a key with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Name of a flat tag, or the key.
    pub key: String,
    /// The value, if it has one.
    pub value: Option<String>,
}

mod tags {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "workspace_tags")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        pub value: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod consumers {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "remote_state_consumers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub consumer_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The workspace of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// The same, with its row locked to the end of the transaction, so that decisions about it are made one at a time.
pub async fn lock_row(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.locked::<Entity>(id).await
}

/// The workspace of that name.
pub async fn by_name(tx: &Tx, organization: &str, name: &str) -> Result<Option<Model>, Problem> {
    let query = Entity::find().filter(Column::OrganizationId.eq(organization)).filter(Column::Name.eq(name));
    query.one(tx.db()).await.stored()
}

/// Workspaces of an organization by name.
pub async fn in_organization(tx: &Tx, organization: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::OrganizationId.eq(organization))
        .order_by_asc(Column::Name)
        .all(tx.db())
        .await
        .stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, workspace: &Model) -> Result<(), Problem> {
    let row = workspace.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, workspace: &Model) -> Result<(), Problem> {
    tx.save(workspace.clone().into_active_model().reset_all()).await
}

/// Removes one with its tags and consumers.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    tags::Entity::delete_many().filter(tags::Column::WorkspaceId.eq(id)).exec(tx.db()).await.stored()?;
    consumers::Entity::delete_many()
        .filter(Condition::any().add(consumers::Column::WorkspaceId.eq(id)).add(consumers::Column::ConsumerId.eq(id)))
        .exec(tx.db())
        .await
        .stored()?;
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Takes the lock if nobody has it; says whether it did.
pub async fn lock(tx: &Tx, id: &str, kind: &str, by: &str, reason: &str) -> Result<bool, Problem> {
    let result = Entity::update_many()
        .col_expr(Column::LockedKind, Expr::value(kind))
        .col_expr(Column::LockedBy, Expr::value(by))
        .col_expr(Column::LockedReason, Expr::value(reason))
        .filter(Column::Id.eq(id))
        .filter(Column::LockedKind.is_null())
        .exec(tx.db())
        .await
        .stored()?;
    Ok(result.rows_affected == 1)
}

/// Gives the lock back, whoever has it.
pub async fn unlock(tx: &Tx, id: &str) -> Result<(), Problem> {
    let none = || Expr::value(Option::<String>::None);
    Entity::update_many()
        .col_expr(Column::LockedKind, none())
        .col_expr(Column::LockedBy, none())
        .col_expr(Column::LockedReason, none())
        .filter(Column::Id.eq(id))
        .exec(tx.db())
        .await
        .stored()?;
    Ok(())
}

/// Points the workspace at its run.
pub async fn set_current_run(tx: &Tx, id: &str, run: &str) -> Result<(), Problem> {
    let row = ActiveModel { id: Set(id.into()), current_run_id: Set(Some(run.into())), ..Default::default() };
    tx.save(row).await
}

/// Points the workspace at the configuration of its next runs.
pub async fn set_current_configuration(tx: &Tx, id: &str, configuration: &str) -> Result<(), Problem> {
    let row = ActiveModel {
        id: Set(id.into()),
        current_configuration_id: Set(Some(configuration.into())),
        ..Default::default()
    };
    tx.save(row).await
}

/// Points the workspace at its newest state.
pub async fn set_current_state(
    tx: &Tx,
    id: &str,
    state: &str,
    resources: i32,
    now: DateTimeUtc,
) -> Result<(), Problem> {
    let row = ActiveModel {
        id: Set(id.into()),
        current_state_id: Set(Some(state.into())),
        resource_count: Set(resources),
        // An empty state has nothing that could lie idle.
        active_at: Set((resources > 0).then_some(now)),
        updated_at: Set(now),
        ..Default::default()
    };
    tx.save(row).await
}

/// Workspaces that may be destroyed by themselves: those that say so, and those that inherit it from one of these projects.
pub async fn that_destroy(tx: &Tx, projects: Vec<String>) -> Result<Vec<Model>, Problem> {
    let inherits = Condition::all()
        .add(Column::InheritsProjectAutoDestroy.eq(true))
        .add(Column::ActiveAt.is_not_null())
        .add(Column::ProjectId.is_in(projects));
    let any = Condition::any()
        .add(Column::AutoDestroyAt.is_not_null())
        .add(Column::AutoDestroyDuration.is_not_null())
        .add(inherits);
    Entity::find().filter(any).order_by_asc(Column::Name).all(tx.db()).await.stored()
}

/// Notes what became of its destruction by itself.
pub async fn set_auto_destroy_status(tx: &Tx, id: &str, status: &str) -> Result<(), Problem> {
    let row = ActiveModel { id: Set(id.into()), auto_destroy_status: Set(Some(status.into())), ..Default::default() };
    tx.save(row).await
}

/// Tags of a workspace by key.
pub async fn tags_of(tx: &Tx, workspace: &str) -> Result<Vec<Tag>, Problem> {
    Ok(tags_of_all(tx, &[workspace.to_owned()]).await?.into_iter().map(|(_, tag)| tag).collect())
}

/// Tags of several workspaces, each with the workspace's id, by key.
pub async fn tags_of_all(tx: &Tx, workspaces: &[String]) -> Result<Vec<(String, Tag)>, Problem> {
    let rows = tags::Entity::find()
        .filter(tags::Column::WorkspaceId.is_in(workspaces))
        .order_by_asc(tags::Column::Key)
        .all(tx.db())
        .await
        .stored()?;
    Ok(rows.into_iter().map(|row| (row.workspace_id, Tag { key: row.key, value: row.value })).collect())
}

/// Sets one tag, replacing the value of one with the same key.
pub async fn put_tag(tx: &Tx, workspace: &str, tag: &Tag) -> Result<(), Problem> {
    delete_tag(tx, workspace, &tag.key).await?;
    let row = tags::Model { workspace_id: workspace.into(), key: tag.key.clone(), value: tag.value.clone() };
    tags::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Removes one tag.
pub async fn delete_tag(tx: &Tx, workspace: &str, key: &str) -> Result<(), Problem> {
    tags::Entity::delete_by_id((workspace.to_owned(), key.to_owned())).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Ids of the workspaces that may read this one's state.
pub async fn consumers_of(tx: &Tx, workspace: &str) -> Result<Vec<String>, Problem> {
    let rows = consumers::Entity::find()
        .filter(consumers::Column::WorkspaceId.eq(workspace))
        .order_by_asc(consumers::Column::ConsumerId)
        .all(tx.db())
        .await
        .stored()?;
    Ok(rows.into_iter().map(|row| row.consumer_id).collect())
}

/// Whether `workspace` lists `consumer` among those that may read its state.
pub async fn shares_with(tx: &Tx, workspace: &str, consumer: &str) -> Result<bool, Problem> {
    let found =
        consumers::Entity::find_by_id((workspace.to_owned(), consumer.to_owned())).one(tx.db()).await.stored()?;
    Ok(found.is_some())
}

/// Lets `consumer` read the state of `workspace`.
pub async fn add_consumer(tx: &Tx, workspace: &str, consumer: &str) -> Result<(), Problem> {
    if shares_with(tx, workspace, consumer).await? {
        return Ok(());
    }
    let row = consumers::Model { workspace_id: workspace.into(), consumer_id: consumer.into() };
    consumers::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Ends that.
pub async fn delete_consumer(tx: &Tx, workspace: &str, consumer: &str) -> Result<(), Problem> {
    consumers::Entity::delete_by_id((workspace.to_owned(), consumer.to_owned())).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Where a workspace stands in the queue.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Placed {
    /// Its id.
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// Its project.
    pub project_id: String,
    /// `user` or `run`; none while it is not locked.
    pub locked_kind: Option<String>,
}

/// Where these workspaces stand. Read in pieces: databases take a bounded number of values in one query.
pub async fn placed(tx: &Tx, ids: &[String]) -> Result<Vec<Placed>, Problem> {
    let mut all = Vec::with_capacity(ids.len());
    for piece in ids.chunks(1_000) {
        let columns = [Column::Id, Column::OrganizationId, Column::ProjectId, Column::LockedKind];
        let query = Entity::find().filter(Column::Id.is_in(piece)).select_only().columns(columns);
        all.extend(query.into_model::<Placed>().all(tx.db()).await.stored()?);
    }
    Ok(all)
}
