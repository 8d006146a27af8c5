//! Plans of whole stacks that somebody is asked about.

use sea_orm_migration::prelude::*;

use super::columns::{id, json, table, text, text_null, time, time_null};

/// Makes the tables of the plans and of what is in them.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0016_stack_plans"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let plans = &mut [
            id("id"),
            text("organization_id"),
            text("status"),
            text("message"),
            text("digest"),
            json("workspaces"),
            json("totals"),
            text("created_by"),
            time("created_at"),
            time("asked_at"),
            text_null("decided_by"),
            time_null("decided_at"),
            text_null("comment"),
        ];
        for table in [table("stack_plans", plans), table("stack_plan_rows", &mut [id("plan_id"), json("rows")])] {
            manager.create_table(table).await?;
        }
        let index = "CREATE INDEX stack_plans_organization ON stack_plans (organization_id, created_at)";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("what somebody has approved is not forgotten by going back to an older version".into()))
    }
}
