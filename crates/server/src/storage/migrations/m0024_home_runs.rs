//! Runs of a walk in the engine's own process.

use sea_orm_migration::prelude::*;

use super::columns::boolean;

/// Adds the column of runs.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0024_home_runs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut column = boolean("home").default(false).take();
        manager.alter_table(Table::alter().table("runs").add_column(&mut column).to_owned()).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("state is never thrown away by going back to an older version".into()))
    }
}
