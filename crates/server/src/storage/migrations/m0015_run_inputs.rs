//! What went into the last run of each workspace, in the words of whoever started it.

use sea_orm_migration::prelude::*;

use super::columns::{id, table, text};

/// Makes the table.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0015_run_inputs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = &mut [id("workspace_id"), text("run_id"), text("inputs")];
        manager.create_table(table("run_inputs", columns)).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("what runs went by is not forgotten by going back to an older version".into()))
    }
}
