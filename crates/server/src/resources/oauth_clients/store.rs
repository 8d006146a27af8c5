//! Tables and queries of connections, their credentials, and the projects that may use them.

use domain::Problem;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder};

use crate::storage::{Stored, Tx};

pub use self::tokens::Model as Token;

/// One connection; its secret is sealed for its id.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_clients")]
pub struct Model {
    /// `oc-…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its organization.
    pub organization_id: String,
    /// What people call it.
    pub name: Option<String>,
    /// One of `domain::vcs::ServiceProvider`.
    pub service_provider: String,
    /// Base URL of the host.
    pub http_url: String,
    /// Base URL of its API, as somebody gave it.
    pub api_url: String,
    /// Consumer key of Bitbucket.
    pub key: Option<String>,
    /// Public key of Bitbucket Data Center.
    pub rsa_public_key: Option<String>,
    /// Sealed secret that webhooks of the host are signed with; sealed emptiness where nobody gave one.
    pub secret: Vec<u8>,
    /// Every project may use it.
    pub organization_scoped: bool,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}

mod tokens {
    use sea_orm::entity::prelude::*;

    /// Credentials of a connection, sealed for their id.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "oauth_tokens")]
    pub struct Model {
        /// `ot-…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// Its connection.
        pub client_id: String,
        /// The organization of both.
        pub organization_id: String,
        /// Sealed token; sealed emptiness for a host that asks for none.
        pub value: Vec<u8>,
        /// Sealed private SSH key; sealed emptiness where there is none.
        pub ssh_key: Vec<u8>,
        /// Whether there is one.
        pub has_ssh_key: bool,
        /// When they were made.
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

mod projects {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "oauth_client_projects")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub client_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub project_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The connection of that id.
pub async fn by_id(tx: &Tx, id: &str) -> Result<Option<Model>, Problem> {
    tx.by_id::<Entity>(id).await
}

/// Connections of an organization, oldest first.
pub async fn in_organization(tx: &Tx, organization: &str) -> Result<Vec<Model>, Problem> {
    Entity::find()
        .filter(Column::OrganizationId.eq(organization))
        .order_by_asc(Column::CreatedAt)
        .all(tx.db())
        .await
        .stored()
}

/// Adds one.
pub async fn insert(tx: &Tx, client: &Model) -> Result<(), Problem> {
    let row = client.clone().into_active_model().reset_all();
    Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column.
pub async fn update(tx: &Tx, client: &Model) -> Result<(), Problem> {
    tx.save(client.clone().into_active_model().reset_all()).await
}

/// Removes one with its credentials.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), Problem> {
    tokens::Entity::delete_many().filter(tokens::Column::ClientId.eq(id)).exec(tx.db()).await.stored()?;
    projects::Entity::delete_many().filter(projects::Column::ClientId.eq(id)).exec(tx.db()).await.stored()?;
    Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// The credentials of that id.
pub async fn token(tx: &Tx, id: &str) -> Result<Option<Token>, Problem> {
    tx.by_id::<tokens::Entity>(id).await
}

/// Credentials of an organization's connections, oldest first.
pub async fn tokens_in(tx: &Tx, organization: &str) -> Result<Vec<Token>, Problem> {
    tokens::Entity::find()
        .filter(tokens::Column::OrganizationId.eq(organization))
        .order_by_asc(tokens::Column::CreatedAt)
        .all(tx.db())
        .await
        .stored()
}

/// Credentials of a connection, oldest first.
pub async fn tokens_of(tx: &Tx, client: &str) -> Result<Vec<Token>, Problem> {
    tokens::Entity::find()
        .filter(tokens::Column::ClientId.eq(client))
        .order_by_asc(tokens::Column::CreatedAt)
        .all(tx.db())
        .await
        .stored()
}

/// Adds credentials.
pub async fn insert_token(tx: &Tx, token: &Token) -> Result<(), Problem> {
    let row = token.clone().into_active_model().reset_all();
    tokens::Entity::insert(row).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Writes every column of credentials.
pub async fn update_token(tx: &Tx, token: &Token) -> Result<(), Problem> {
    tx.save(token.clone().into_active_model().reset_all()).await
}

/// Removes credentials.
pub async fn delete_token(tx: &Tx, id: &str) -> Result<(), Problem> {
    tokens::Entity::delete_by_id(id).exec(tx.db()).await.stored()?;
    Ok(())
}

/// Ids of the projects that may use a connection which not all may.
pub async fn projects_of(tx: &Tx, client: &str) -> Result<Vec<String>, Problem> {
    let rows = projects::Entity::find()
        .filter(projects::Column::ClientId.eq(client))
        .order_by_asc(projects::Column::ProjectId)
        .all(tx.db())
        .await
        .stored()?;
    Ok(rows.into_iter().map(|row| row.project_id).collect())
}

/// Lets a project use a connection.
pub async fn add_project(tx: &Tx, client: &str, project: &str) -> Result<(), Problem> {
    remove_project(tx, client, project).await?;
    let row = projects::Model { client_id: client.into(), project_id: project.into() };
    projects::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await.stored()?;
    Ok(())
}

/// Ends that.
pub async fn remove_project(tx: &Tx, client: &str, project: &str) -> Result<(), Problem> {
    projects::Entity::delete_by_id((client.to_owned(), project.to_owned())).exec(tx.db()).await.stored()?;
    Ok(())
}
