//! States that were refused and are kept, and what a plan read.

use sea_orm_migration::prelude::*;

use super::columns::text_null;

/// Adds why a state was not taken, and to runs what their plans read.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0021_kept_states"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut reads = ColumnDef::new("reads").blob().null().take();
        for (table, column) in [("states", &mut text_null("refusal")), ("runs", &mut reads)] {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("state is never thrown away by going back to an older version".into()))
    }
}
