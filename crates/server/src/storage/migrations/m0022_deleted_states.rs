//! What is left of the states of deleted workspaces.

use sea_orm_migration::prelude::*;

use super::columns::{big, id, table, text, time};

/// Makes the table of states whose workspaces were deleted.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0022_deleted_states"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut columns = [
            id("id"),
            text("workspace_id"),
            text("workspace_name"),
            text("organization_id"),
            big("serial"),
            big("size"),
            time("deleted_at"),
        ];
        manager.create_table(table("deleted_states", &mut columns)).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("state is never thrown away by going back to an older version".into()))
    }
}
