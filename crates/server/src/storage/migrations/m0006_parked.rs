//! Parked runs: who started a run, who waits for whom, the limits beside the organization's, and whose turn it is.

use sea_orm_migration::prelude::*;

use super::columns::{big, id, table, text, text_null, time};

/// Makes the tables, and the columns of runs.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_parked"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut column in [text_null("parent_run_id"), text_null("parked")] {
            manager.alter_table(Table::alter().table("runs").add_column(&mut column).to_owned()).await?;
        }
        let waits = Table::create()
            .table("run_waits")
            .col(text("run_id"))
            .col(text("awaited_id"))
            .col(time("since"))
            .primary_key(Index::create().col("run_id").col("awaited_id"))
            .to_owned();
        let limits = Table::create()
            .table("run_limits")
            .col(text("organization_id"))
            .col(text("scope"))
            .col(text("name"))
            .col(big("most"))
            .primary_key(Index::create().col("organization_id").col("scope").col("name"))
            .to_owned();
        for table in [waits, limits, table("project_turns", &mut [id("project_id"), big("turn")])] {
            manager.create_table(table).await?;
        }
        for statement in [
            "CREATE INDEX run_waits_awaited ON run_waits (awaited_id)",
            "CREATE INDEX runs_parent ON runs (parent_run_id)",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("state is never thrown away by going back to an older version".into()))
    }
}
