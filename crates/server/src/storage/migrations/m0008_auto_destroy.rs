//! Workspaces that destroy themselves: when, and what they inherit from their project.

use sea_orm_migration::prelude::*;

use super::columns::{boolean, text_null, time_null};

/// Adds the columns of workspaces and projects.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0008_auto_destroy"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let of_workspaces = [
            time_null("auto_destroy_at"),
            text_null("auto_destroy_duration"),
            boolean("inherits_project_auto_destroy").default(true).take(),
            text_null("auto_destroy_status"),
            time_null("active_at"),
        ];
        let of_projects = [text_null("auto_destroy_duration"), time_null("auto_destroy_since")];
        for (table, columns) in [("workspaces", &of_workspaces[..]), ("projects", &of_projects[..])] {
            for column in columns {
                manager.alter_table(Table::alter().table(table).add_column(column.clone()).take()).await?;
            }
        }
        manager.get_connection().execute_unprepared("UPDATE workspaces SET active_at = updated_at").await?;
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("what shall be destroyed is not forgotten by going back to an older version".into()))
    }
}
