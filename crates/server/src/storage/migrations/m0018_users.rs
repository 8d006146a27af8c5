//! Users: their passwords, who is a member of which organization, invitations, and the codes of a sign-in from a terminal.

use sea_orm_migration::prelude::*;

use super::columns::{boolean, id, table, text, text_null, time, time_null};

/// Makes the tables, and what was one user into the administrator of the site.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0018_users"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            ("users", text("status").default("active").take()),
            ("users", boolean("is_admin").default(false).take()),
            ("users", text_null("password")),
            ("sessions", text_null("user_id")),
            ("tokens", time_null("last_used_at")),
        ];
        for (table, mut column) in columns {
            manager.alter_table(Table::alter().table(table).add_column(&mut column).to_owned()).await?;
        }
        let memberships = &mut [id("id"), text("organization_id"), text("user_id"), time("created_at")];
        let invitations = &mut [
            id("id"),
            text("user_id"),
            text_null("organization_id"),
            text_null("created_by"),
            time("created_at"),
            time("expires_at"),
        ];
        let logins = &mut [
            id("id"),
            text("user_id"),
            text("challenge"),
            text("redirect"),
            time("created_at"),
            time("expires_at"),
        ];
        for table in
            [table("memberships", memberships), table("invitations", invitations), table("login_codes", logins)]
        {
            manager.create_table(table).await?;
        }
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("users are not thrown away by going back to an older version".into()))
    }
}

/// Until now each person owned everything, so each administers the site and is in every organization. The id of a membership
/// is the one that it had when it was made of the two that it joins.
const STATEMENTS: &[&str] = &[
    "CREATE UNIQUE INDEX users_name ON users (lower(username))",
    "CREATE UNIQUE INDEX users_address ON users (lower(email)) WHERE status IN ('active', 'suspended')",
    "CREATE UNIQUE INDEX memberships_pair ON memberships (organization_id, user_id)",
    "CREATE INDEX memberships_user ON memberships (user_id)",
    "CREATE INDEX team_members_user ON team_members (user_id)",
    "CREATE INDEX invitations_user ON invitations (user_id)",
    "CREATE INDEX sessions_user ON sessions (user_id)",
    "UPDATE users SET is_admin = TRUE WHERE speaks_for IS NULL",
    "INSERT INTO memberships (id, organization_id, user_id, created_at)
     SELECT 'ou-' || substr(o.id, 5, 8) || substr(u.id, 6, 8), o.id, u.id, u.created_at
     FROM organizations o, users u WHERE u.speaks_for IS NULL",
];

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;
    use sea_orm_migration::MigratorTrait;

    use super::*;
    use crate::storage::migrations::{Migrator, schema};
    use crate::storage::sqlite::Sqlite;

    #[tokio::test]
    async fn who_owned_everything_administers_the_site_and_is_a_member_where_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let db = Sqlite::open(&folder.path().join("db"), true).unwrap();
        let db = schema::connection(&db).await.unwrap();
        let before = Migrator::migrations().iter().take_while(|it| it.name() != Migration.name()).count();
        Migrator::up(&db, before.try_into().ok()).await.unwrap();
        for statement in [
            "INSERT INTO organizations (id, name, email, run_limit, created_at)
             VALUES ('org-abcdefghijklmnop', 'acme', 'a@b', 4, '2026-01-01T00:00:00Z')",
            "INSERT INTO users (id, username, email, created_at, speaks_for)
             VALUES ('user-ABCDEFGHJKLMNPQR', 'owner', 'owner@localhost', '2026-01-01T00:00:00Z', NULL),
                    ('user-2', 'api-org-1', 'api@localhost', '2026-01-01T00:00:00Z', 'org-abcdefghijklmnop')",
            "INSERT INTO tokens (id, digest, kind, subject_id, description, created_at)
             VALUES ('at-1', 'd', 'user', 'user-ABCDEFGHJKLMNPQR', 'made at the first start', '2026-01-01T00:00:00Z')",
            "INSERT INTO sessions (id, token_id, created_at, expires_at)
             VALUES ('s', 'at-1', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z')",
        ] {
            db.execute_unprepared(statement).await.unwrap();
        }
        Migrator::up(&db, None).await.unwrap();
        let rows = async |sql: &str| -> Vec<String> {
            let all = db.query_all_raw(sea_orm::Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
            all.into_iter().map(|row| row.try_get("", "text").unwrap()).collect()
        };
        assert_eq!(
            rows("SELECT username || ' ' || status || ' ' || is_admin AS text FROM users ORDER BY username DESC").await,
            ["owner active 1", "api-org-1 active 0"]
        );
        assert_eq!(
            rows("SELECT id || ' ' || organization_id || ' ' || user_id AS text FROM memberships").await,
            ["ou-abcdefghABCDEFGH org-abcdefghijklmnop user-ABCDEFGHJKLMNPQR"]
        );
        assert_eq!(
            rows("SELECT digest AS text FROM tokens WHERE last_used_at IS NULL").await,
            ["d"],
            "tokens stay good"
        );
        assert_eq!(rows("SELECT id AS text FROM sessions WHERE user_id IS NULL").await, ["s"]);
    }
}
