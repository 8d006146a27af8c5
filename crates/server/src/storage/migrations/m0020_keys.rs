//! Secrets of the server itself, sealed like all others.

use sea_orm_migration::prelude::*;

use super::columns::{blob, id, table};

/// Makes the table of the server's secrets.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0020_keys"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table("server_secrets", &mut [id("id"), blob("sealed")])).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("tokens would be good for nothing after going back to an older version".into()))
    }
}
