//! Variable sets: variables get an owner of either kind, and a run keeps those it was made with.

use sea_orm_migration::prelude::*;

use super::columns::{blob, boolean, id, table, text, text_null, time};

/// Makes the tables of variable sets.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_variable_sets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sets = &mut [
            id("id"),
            text("organization_id"),
            text_null("project_id"),
            text("name"),
            text("description"),
            boolean("global"),
            boolean("priority"),
            time("created_at"),
            time("updated_at"),
        ];
        let assignments = table("variable_set_assignments", &mut [text("set_id"), text("target_id")])
            .primary_key(Index::create().col("set_id").col("target_id"))
            .to_owned();
        let pinned = &mut [id("run_id"), text("workspace_id"), blob("sealed")];
        for table in [table("variable_sets", sets), assignments, table("pinned_variables", pinned)] {
            manager.create_table(table).await?;
        }
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("variables are never thrown away by going back to an older version".into()))
    }
}

const STATEMENTS: &[&str] = &[
    // The unique index over workspace, category and key follows the column.
    "ALTER TABLE variables RENAME COLUMN workspace_id TO owner_id",
    "CREATE UNIQUE INDEX variable_sets_name ON variable_sets (organization_id, name)",
    "CREATE INDEX variable_set_assignments_target ON variable_set_assignments (target_id)",
    "CREATE INDEX pinned_variables_workspace ON pinned_variables (workspace_id)",
];
