//! Sessions: browsers in which somebody has signed in.

use sea_orm_migration::prelude::*;

use super::columns::{id, table, text, time};

/// Makes the table of sessions.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0014_sessions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sessions = &mut [id("id"), text("token_id"), time("created_at"), time("expires_at")];
        manager.create_table(table("sessions", sessions)).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("state is never thrown away by going back to an older version".into()))
    }
}
