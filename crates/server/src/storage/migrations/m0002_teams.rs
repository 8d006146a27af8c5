//! Teams, who belongs to them, what they may do where, and users in whose name teams and organizations act.

use sea_orm_migration::prelude::*;

use super::columns::{boolean, id, table, text, text_null, time};

/// Makes the tables of teams, and the owners of each organization that is there.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_teams"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let teams = &mut [
            id("id"),
            text("organization_id"),
            text("name"),
            text("visibility"),
            text_null("sso_team_id"),
            boolean("allow_member_tokens"),
            boolean("is_owners"),
            text("flags"),
            time("created_at"),
        ];
        let grants =
            &mut [id("id"), text("team_id"), text("target_id"), text("role"), text("custom"), time("created_at")];
        manager.create_table(table("teams", teams)).await?;
        manager.create_table(table("grants", grants)).await?;
        let members = Table::create()
            .table("team_members")
            .col(ColumnDef::new("team_id").text().not_null())
            .col(ColumnDef::new("user_id").text().not_null())
            .primary_key(Index::create().col("team_id").col("user_id"))
            .to_owned();
        manager.create_table(members).await?;
        for (table, column) in [("users", "speaks_for"), ("tokens", "created_by"), ("configurations", "created_by")] {
            manager.alter_table(Table::alter().table(table).add_column(text_null(column)).take()).await?;
        }
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("teams are not thrown away by going back to an older version".into()))
    }
}

/// An organization's id is its prefix, a dash and what no other has, so its owners can have the same.
const STATEMENTS: &[&str] = &[
    "CREATE UNIQUE INDEX teams_name ON teams (organization_id, name)",
    "CREATE UNIQUE INDEX grants_target ON grants (target_id, team_id)",
    "CREATE INDEX grants_team ON grants (team_id)",
    "CREATE INDEX tokens_subject ON tokens (subject_id)",
    "CREATE UNIQUE INDEX users_speaks_for ON users (speaks_for)",
    "INSERT INTO teams (id, organization_id, name, visibility, allow_member_tokens, is_owners, flags, created_at)
     SELECT 'team-' || substr(id, 5), id, 'owners', 'organization', TRUE, TRUE, '', created_at FROM organizations",
    "INSERT INTO team_members (team_id, user_id)
     SELECT 'team-' || substr(o.id, 5), u.id FROM organizations o, users u WHERE u.username = 'owner'",
];
