//! The tables of a new SQLite database, laid at once: step by step they take longer than a small stack.
//!
//! `schema.sql` is what the migrations make; a test compares the two, and writes the file anew when it is told to.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};
use sea_orm_migration::MigratorTrait;

use super::Migrator;
use crate::storage::sqlite::Sqlite;

const TABLES: &str = include_str!("schema.sql");

/// Lays the tables where there are none and a few statements do it, and says whether they are those of this multispace by now. Anything else is
/// for the migrations.
///
/// # Errors
/// When the database does not answer; then there are no tables.
pub async fn is_laid(database: &Sqlite) -> Result<bool, DbErr> {
    let ask = |sql: &str| Statement::from_string(DbBackend::Sqlite, sql);
    let tables = database.query_all_raw(ask("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1")).await?;
    let known = super::names();
    if tables.is_empty() {
        let tx = database.begin(true).await?;
        let names: Vec<_> = known.iter().map(|name| format!("('{name}', unixepoch())")).collect();
        let noted = format!("INSERT INTO seaql_migrations (version, applied_at) VALUES {}", names.join(", "));
        tx.execute_unprepared(&format!("{TABLES}\n{noted}")).await?;
        tx.commit(()).await?;
        return Ok(true);
    }
    // Any doubt is for the migrations, which say what is wrong.
    let applied = database.query_all_raw(ask("SELECT version FROM seaql_migrations ORDER BY version")).await;
    let applied = applied.unwrap_or_default();
    let applied: Vec<String> = applied.iter().filter_map(|row| row.try_get("", "version").ok()).collect();
    Ok(applied == known)
}

/// Has the migrations bring the tables up to date.
///
/// # Errors
/// When the database does not answer, or is of a newer multispace.
pub async fn brought_up(database: &Sqlite) -> Result<(), DbErr> {
    Migrator::up(&connection(database).await?, None).await
}

/// A connection of SeaORM's own, which migrations ask for.
pub async fn connection(database: &Sqlite) -> Result<DatabaseConnection, DbErr> {
    Database::connect_proxy(DbBackend::Sqlite, Arc::new(Box::new(database.clone()))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tables(database: &Sqlite) -> Vec<String> {
        let all = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
        let rows = database.query_all_raw(Statement::from_string(DbBackend::Sqlite, all)).await.unwrap();
        rows.iter().map(|row| row.try_get::<String>("", "sql").unwrap()).collect()
    }

    fn new(folder: &std::path::Path, name: &str) -> Sqlite {
        Sqlite::open(&folder.join(name), true).unwrap()
    }

    #[tokio::test]
    async fn a_new_database_gets_at_once_what_the_migrations_make_step_by_step() {
        let folder = tempfile::tempdir().unwrap();
        let (stepped, laid) = (new(folder.path(), "stepped"), new(folder.path(), "laid"));
        brought_up(&stepped).await.unwrap();
        let text: String = tables(&stepped).await.iter().map(|sql| format!("{sql};\n")).collect();
        expect_test::expect_file!["schema.sql"].assert_eq(&text);

        assert!(is_laid(&laid).await.unwrap());
        assert_eq!(tables(&laid).await, tables(&stepped).await);
        assert!(is_laid(&laid).await.unwrap(), "it is as the second time finds it");
        assert!(is_laid(&stepped).await.unwrap());
        let pending = Migrator::get_pending_migrations(&connection(&laid).await.unwrap()).await;
        assert_eq!(pending.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_database_of_another_multispace_is_for_the_migrations() {
        let folder = tempfile::tempdir().unwrap();
        let (older, foreign) = (new(folder.path(), "older"), new(folder.path(), "foreign"));
        Migrator::up(&connection(&older).await.unwrap(), Some(3)).await.unwrap();
        assert!(!is_laid(&older).await.unwrap());
        foreign.execute_unprepared("CREATE TABLE notes (text TEXT)").await.unwrap();
        assert!(!is_laid(&foreign).await.unwrap());
    }
}
