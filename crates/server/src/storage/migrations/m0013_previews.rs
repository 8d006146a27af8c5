//! Scratch plans: runs that plan against outputs which are only planned themselves.

use sea_orm_migration::prelude::*;

use super::columns::{boolean, text_null};

/// Adds the columns of runs.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0013_previews"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut column in [boolean("scratch").default(false).take(), text_null("deferred")] {
            manager.alter_table(Table::alter().table("runs").add_column(&mut column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("state is never thrown away by going back to an older version".into()))
    }
}
