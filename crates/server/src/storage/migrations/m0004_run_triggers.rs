//! Run triggers, what their upstreams have left to decide on, and what was decided.

use sea_orm_migration::prelude::*;

use super::columns::{big, id, json, table, text, text_null, time};

/// Makes the tables of run triggers.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_run_triggers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let triggers =
            &mut [id("id"), text("organization_id"), text("workspace_id"), text("source_id"), time("created_at")];
        let notes = &mut [
            id("key"),
            text("downstream_id"),
            text("upstream_id"),
            text_null("run_id"),
            text("outcome"),
            big("origin"),
            big("at"),
        ];
        let decisions = &mut [
            id("id"),
            text("workspace_id"),
            text_null("run_id"),
            text("outcome"),
            text("message"),
            json("upstreams"),
            time("created_at"),
        ];
        for table in
            [table("run_triggers", triggers), table("trigger_notes", notes), table("trigger_decisions", decisions)]
        {
            manager.create_table(table).await?;
        }
        let triggered_by = ColumnDef::new("triggered_by").json().null().take();
        manager.alter_table(Table::alter().table("runs").add_column(triggered_by).take()).await?;
        let mode = text("run_trigger_mode").default("join").take();
        manager.alter_table(Table::alter().table("workspaces").add_column(mode).take()).await?;
        for statement in INDEXES {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("run triggers are never thrown away by going back to an older version".into()))
    }
}

const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX run_triggers_edge ON run_triggers (workspace_id, source_id)",
    "CREATE INDEX run_triggers_source ON run_triggers (source_id)",
    "CREATE INDEX trigger_notes_downstream ON trigger_notes (downstream_id)",
    "CREATE INDEX trigger_decisions_workspace ON trigger_decisions (workspace_id, created_at)",
];
