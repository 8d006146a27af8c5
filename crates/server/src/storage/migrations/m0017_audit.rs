//! The audit log.

use sea_orm_migration::prelude::*;

use super::columns::{big, id, table, text, text_null, time};

/// Makes the tables of the rows, and of where their chains end.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0017_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let rows = &mut [
            text("chain"),
            big("number"),
            time("at"),
            text("actor_kind"),
            text("actor_id"),
            text("actor_name"),
            text_null("token_id"),
            text_null("request_id"),
            text("action"),
            text("object_kind"),
            text("object_id"),
            text_null("object_name"),
            text("result"),
            text("details"),
            text("previous"),
            text("digest"),
        ];
        let mut rows = table("audit_rows", rows);
        rows.primary_key(Index::create().col("chain").col("number"));
        let chains = table("audit_chains", &mut [id("id"), big("length"), text("digest"), text("seal")]);
        for table in [rows, chains] {
            manager.create_table(table).await?;
        }
        let index = "CREATE INDEX audit_rows_at ON audit_rows (chain, at)";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("who has done what is not forgotten by going back to an older version".into()))
    }
}
