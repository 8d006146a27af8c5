//! Connections to hosts of git repositories, which repository feeds a workspace, what runs wait to be fetched, and the commits
//! that configuration versions came from.

use sea_orm_migration::prelude::*;

use super::columns::{blob, boolean, id, json, table, text, text_null, time};

/// Makes these tables.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_connections"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [connections(), repositories()].concat() {
            manager.create_table(table).await?;
        }
        for statement in INDEXES {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("state is never thrown away by going back to an older version".into()))
    }
}

const INDEXES: &[&str] = &[
    "CREATE INDEX oauth_clients_organization ON oauth_clients (organization_id, created_at)",
    "CREATE INDEX oauth_tokens_client ON oauth_tokens (client_id)",
    "CREATE INDEX workspace_repositories_token ON workspace_repositories (oauth_token_id)",
    "CREATE UNIQUE INDEX ingresses_configuration ON ingresses (configuration_id)",
    "CREATE INDEX ingresses_commit ON ingresses (workspace_id, commit_sha)",
    "CREATE INDEX webhook_deliveries_received ON webhook_deliveries (received_at)",
];

fn connections() -> Vec<TableCreateStatement> {
    vec![
        table(
            "oauth_clients",
            &mut [
                id("id"),
                text("organization_id"),
                text_null("name"),
                text("service_provider"),
                text("http_url"),
                text("api_url"),
                text_null("key"),
                text_null("rsa_public_key"),
                blob("secret"),
                boolean("organization_scoped"),
                time("created_at"),
            ],
        ),
        Table::create()
            .table("oauth_client_projects")
            .col(ColumnDef::new("client_id").text().not_null())
            .col(ColumnDef::new("project_id").text().not_null())
            .primary_key(Index::create().col("client_id").col("project_id"))
            .to_owned(),
        table(
            "oauth_tokens",
            &mut [
                id("id"),
                text("client_id"),
                text("organization_id"),
                blob("value"),
                blob("ssh_key"),
                boolean("has_ssh_key"),
                time("created_at"),
            ],
        ),
    ]
}

fn repositories() -> Vec<TableCreateStatement> {
    vec![
        table(
            "workspace_repositories",
            &mut [
                id("workspace_id"),
                text("oauth_token_id"),
                text("identifier"),
                text("branch"),
                text_null("tags_regex"),
                boolean("ingress_submodules"),
            ],
        ),
        table(
            "fetches",
            &mut [
                id("run_id"),
                text("workspace_id"),
                text("oauth_token_id"),
                text("identifier"),
                text("branch"),
                boolean("submodules"),
                json("event"),
                time("created_at"),
            ],
        ),
        table(
            "ingresses",
            &mut [
                id("id"),
                text("configuration_id"),
                text("workspace_id"),
                text("oauth_token_id"),
                text("identifier"),
                text("branch"),
                text_null("tag"),
                boolean("on_default_branch"),
                boolean("submodules"),
                text("commit_sha"),
                text("commit_message"),
                text_null("commit_url"),
                text("clone_url"),
                text("author"),
                json("event"),
                time("created_at"),
            ],
        ),
        table("webhook_deliveries", &mut [id("id"), time("received_at")]),
        table("repository_heads", &mut [id("id"), text("commit_sha"), time("seen_at")]),
    ]
}
