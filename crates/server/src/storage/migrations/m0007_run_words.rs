//! What lets a run be asked for twice without there being two, and what people say about runs.

use sea_orm_migration::prelude::*;

use super::columns::{id, table, text, text_null, time};

/// Adds the key and the digest of the request that made a run, and the table of comments.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0007_run_words"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["request_key", "request_digest"] {
            manager.alter_table(Table::alter().table("runs").add_column(text_null(column)).take()).await?;
        }
        let comments = &mut [
            id("id"),
            text("workspace_id"),
            text("run_id"),
            text_null("user_id"),
            text("body"),
            time("created_at"),
        ];
        manager.create_table(table("comments", comments)).await?;
        for statement in [
            "CREATE UNIQUE INDEX runs_request_key ON runs (workspace_id, request_key)",
            "CREATE INDEX comments_run ON comments (run_id, created_at)",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("what was said is not thrown away by going back to an older version".into()))
    }
}
