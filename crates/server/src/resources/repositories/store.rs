//! Tables and queries of repositories, fetches and commits.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};
use serde::{Deserialize, Serialize};

use crate::storage::{Stored, Tx};

pub use self::fetches::Model as Fetch;
pub use self::ingresses::Model as Ingress;
pub use self::repositories::Model as Repository;

mod repositories {
    use sea_orm::entity::prelude::*;

    /// The repository that feeds a workspace.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "workspace_repositories")]
    pub struct Model {
        /// The workspace.
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: String,
        /// Credentials that it is read by.
        pub oauth_token_id: String,
        /// `owner/name`.
        pub identifier: String,
        /// Branch; empty for the default one.
        pub branch: String,
        /// Tags that start a run, as a regular expression; none when commits do.
        pub tags_regex: Option<String>,
        /// Submodules come along.
        pub ingress_submodules: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod fetches {
    use sea_orm::entity::prelude::*;

    /// What a run waits for: the settings of its workspace when it was made.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "fetches")]
    pub struct Model {
        /// The run.
        #[sea_orm(primary_key, auto_increment = false)]
        pub run_id: String,
        /// Its workspace.
        pub workspace_id: String,
        /// Credentials.
        pub oauth_token_id: String,
        /// `owner/name`.
        pub identifier: String,
        /// Branch; empty for the default one.
        pub branch: String,
        /// Submodules come along.
        pub submodules: bool,
        /// What started it: an [`Event`](super::Event).
        pub event: Json,
        /// When it was made.
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod ingresses {
    use sea_orm::entity::prelude::*;

    /// The commit that a configuration came from.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "ingresses")]
    pub struct Model {
        /// `ia-…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The configuration.
        pub configuration_id: String,
        /// Its workspace.
        pub workspace_id: String,
        /// Credentials that it was read by.
        pub oauth_token_id: String,
        /// `owner/name`.
        pub identifier: String,
        /// Branch; empty where it was none.
        pub branch: String,
        /// Tag, if one started the run.
        pub tag: Option<String>,
        /// The branch is the default one.
        pub on_default_branch: bool,
        /// Submodules came along.
        pub submodules: bool,
        /// Name of the commit.
        pub commit_sha: String,
        /// Its whole message.
        pub commit_message: String,
        /// Where people find it.
        pub commit_url: Option<String>,
        /// Where git found the repository.
        pub clone_url: String,
        /// Who wrote it.
        pub author: String,
        /// What started it: an [`Event`](super::Event).
        pub event: Json,
        /// When it was fetched.
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What made somebody look at the repository. Nothing at all for a run that somebody started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// The commit that was pushed, on the branch that the workspace follows, or that a pull request proposes.
    pub commit: Option<String>,
    /// The tag that was pushed.
    pub tag: Option<String>,
    /// The pull request.
    pub pull_request: Option<PullRequest>,
    /// Who pushed.
    pub sender: Option<String>,
    /// Where people find what changed.
    pub compare_url: Option<String>,
}

/// A pull request, or a merge request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Name under which the host offers it, such as `refs/heads/add-x`.
    pub reference: String,
    /// Where people find it.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
}

impl Fetch {
    /// What started it.
    pub fn event(&self) -> Event {
        serde_json::from_value(self.event.clone()).unwrap_or_default()
    }
}

impl Ingress {
    /// What started it.
    pub fn event(&self) -> Event {
        serde_json::from_value(self.event.clone()).unwrap_or_default()
    }
}

/// The repository of a workspace.
pub async fn of(tx: &Tx, workspace: &str) -> Result<Option<Repository>, Problem> {
    tx.by_id::<repositories::Entity>(workspace).await
}

/// The repositories of workspaces that are read by one of these credentials.
pub async fn by_tokens(tx: &Tx, tokens: &[String]) -> Result<Vec<Repository>, Problem> {
    let query = repositories::Entity::find().filter(repositories::Column::OauthTokenId.is_in(tokens));
    query.order_by_asc(repositories::Column::WorkspaceId).all(tx.db()).await.stored()
}

/// Sets the repository of a workspace.
pub async fn put(tx: &Tx, repository: &Repository) -> Result<(), Problem> {
    remove(tx, &repository.workspace_id).await?;
    let row = repository.clone().into_active_model().reset_all();
    repositories::Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Takes it away.
pub async fn remove(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    repositories::Entity::delete_by_id(workspace).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Adds what a run waits for.
pub async fn insert_fetch(tx: &Tx, fetch: &Fetch) -> Result<(), Problem> {
    let row = fetch.clone().into_active_model().reset_all();
    fetches::Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// What a run waits for.
pub async fn fetch_of(tx: &Tx, run: &str) -> Result<Option<Fetch>, Problem> {
    tx.by_id::<fetches::Entity>(run).await
}

/// It is here, or nobody waits for it any more.
pub async fn forget_fetch(tx: &Tx, run: &str) -> Result<(), Problem> {
    fetches::Entity::delete_by_id(run).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Adds the commit of a configuration.
pub async fn insert_ingress(tx: &Tx, ingress: &Ingress) -> Result<(), Problem> {
    let row = ingress.clone().into_active_model().reset_all();
    ingresses::Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// The commit of a configuration.
pub async fn ingress_of(tx: &Tx, configuration: &str) -> Result<Option<Ingress>, Problem> {
    let query = ingresses::Entity::find().filter(ingresses::Column::ConfigurationId.eq(configuration));
    query.one(tx.db()).await.stored()
}

/// Configurations of a workspace that came from this commit, newest first.
pub async fn ingress_of_commit(tx: &Tx, workspace: &str, commit: &str) -> Result<Vec<Ingress>, Problem> {
    ingresses::Entity::find()
        .filter(ingresses::Column::WorkspaceId.eq(workspace))
        .filter(ingresses::Column::CommitSha.eq(commit))
        .order_by_desc(ingresses::Column::CreatedAt)
        .all(tx.db())
        .await
        .stored()
}

/// Removes all of a workspace.
pub async fn delete_of(tx: &Tx, workspace: &str) -> Result<(), Problem> {
    remove(tx, workspace).await?;
    fetches::Entity::delete_many().filter(fetches::Column::WorkspaceId.eq(workspace)).exec(tx.db()).await.stored()?;
    let of = ingresses::Entity::delete_many().filter(ingresses::Column::WorkspaceId.eq(workspace));
    of.exec(tx.db()).await.stored()?;
    Ok(())
}
