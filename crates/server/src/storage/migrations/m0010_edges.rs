//! Which workspaces depend on which, and what the code of a configuration reads.

use sea_orm_migration::prelude::*;

use super::columns::{id, json, table, text, text_null, time};

/// Makes the table of edges between workspaces, and the one of what was found in code.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0010_edges"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let edges = &mut [
            id("id"),
            text("upstream_id"),
            text("downstream_id"),
            text("kind"),
            ColumnDef::new("outputs").json().null().take(),
            json("places"),
            text_null("run_id"),
            text_null("state_id"),
            time("first_seen"),
            time("last_seen"),
        ];
        let reads = &mut [id("configuration_id"), text("workspace_id"), text("basis"), json("reading")];
        for table in [table("workspace_edges", edges), table("configuration_reads", reads)] {
            manager.create_table(table).await?;
        }
        for statement in INDEXES {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("what is known of dependencies is not thrown away by going back".into()))
    }
}

const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX workspace_edges_edge ON workspace_edges (downstream_id, upstream_id, kind)",
    "CREATE INDEX workspace_edges_upstream ON workspace_edges (upstream_id)",
];
