//! What went into the last apply of each workspace, and whether run triggers go by it.

use sea_orm_migration::prelude::*;

use super::columns::{boolean, id, json, table, text, time};

/// Makes the table of inputs and the setting of workspaces.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0011_cutoff"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let inputs = &mut [id("workspace_id"), text("run_id"), json("inputs"), time("created_at")];
        manager.create_table(table("apply_inputs", inputs)).await?;
        let cutoff = boolean("run_trigger_cutoff").default(true).take();
        manager.alter_table(Table::alter().table("workspaces").add_column(cutoff).take()).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("which runs somebody wants is not forgotten by going back to an older version".into()))
    }
}
