//! Stacks: which workspaces belong together, when they go, and how far their teardown has come.

use sea_orm_migration::prelude::*;

use super::columns::{big, id, json, table, text, text_null, time, time_null};

/// Makes the tables of stacks.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0009_stacks"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let stacks = &mut [
            id("id"),
            text("organization_id"),
            text("name"),
            json("workspaces"),
            text_null("tag"),
            text_null("project_id"),
            time_null("expires_at"),
            time_null("expiry_set_at"),
            text_null("session"),
            text("status"),
            text_null("message"),
            json("events"),
            time("created_at"),
            time("updated_at"),
        ];
        for table in
            [table("stacks", stacks), table("stack_lifetimes", &mut [id("organization_id"), big("most_hours")])]
        {
            manager.create_table(table).await?;
        }
        let unique = "CREATE UNIQUE INDEX stacks_name ON stacks (organization_id, name)";
        manager.get_connection().execute_unprepared(unique).await?;
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("what shall be destroyed is not forgotten by going back to an older version".into()))
    }
}
