//! The tables of a new SQLite database, laid at once: step by step they take longer than a small stack.
//!
//! `schema.sql` is what the migrations make; a test compares the two, and writes the file anew when it is told to.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement};
use sea_orm::{TransactionOptions, TransactionTrait};

const TABLES: &str = include_str!("schema.sql");

/// Lays the tables where there are none and a few statements do it, and says whether they are those of this multispace by now. Anything else is
/// for the migrations.
///
/// # Errors
/// When the database does not answer; then there are no tables.
pub async fn is_laid(connection: &DatabaseConnection) -> Result<bool, DbErr> {
    if connection.get_database_backend() != DbBackend::Sqlite {
        return Ok(false);
    }
    let ask = |sql: &str| Statement::from_string(DbBackend::Sqlite, sql);
    let tables = connection.query_all_raw(ask("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1")).await?;
    let known = super::names();
    if tables.is_empty() {
        let mode = Some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
        let tx = connection.begin_with_options(options).await?;
        let names: Vec<_> = known.iter().map(|name| format!("('{name}', unixepoch())")).collect();
        let noted = format!("INSERT INTO seaql_migrations (version, applied_at) VALUES {}", names.join(", "));
        tx.execute_unprepared(&format!("{TABLES}\n{noted}")).await?;
        tx.commit().await?;
        return Ok(true);
    }
    // Any doubt is for the migrations, which say what is wrong.
    let applied = connection.query_all_raw(ask("SELECT version FROM seaql_migrations ORDER BY version")).await;
    let applied = applied.unwrap_or_default();
    let applied: Vec<String> = applied.iter().filter_map(|row| row.try_get("", "version").ok()).collect();
    Ok(applied == known)
}

#[cfg(test)]
mod tests {
    use sea_orm::Database;
    use sea_orm_migration::MigratorTrait;

    use super::super::Migrator;
    use super::*;

    async fn tables(connection: &DatabaseConnection) -> Vec<String> {
        let all = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
        let rows = connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, all)).await.unwrap();
        rows.iter().map(|row| row.try_get::<String>("", "sql").unwrap()).collect()
    }

    async fn new(folder: &std::path::Path, name: &str) -> DatabaseConnection {
        Database::connect(format!("sqlite://{}?mode=rwc", folder.join(name).display())).await.unwrap()
    }

    #[tokio::test]
    async fn a_new_database_gets_at_once_what_the_migrations_make_step_by_step() {
        let folder = tempfile::tempdir().unwrap();
        let (stepped, laid) = (new(folder.path(), "stepped").await, new(folder.path(), "laid").await);
        Migrator::up(&stepped, None).await.unwrap();
        let text: String = tables(&stepped).await.iter().map(|sql| format!("{sql};\n")).collect();
        expect_test::expect_file!["schema.sql"].assert_eq(&text);

        assert!(is_laid(&laid).await.unwrap());
        assert_eq!(tables(&laid).await, tables(&stepped).await);
        assert!(is_laid(&laid).await.unwrap(), "it is as the second time finds it");
        assert!(is_laid(&stepped).await.unwrap());
        assert_eq!(Migrator::get_pending_migrations(&laid).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_database_of_another_multispace_is_for_the_migrations() {
        let folder = tempfile::tempdir().unwrap();
        let (older, foreign) = (new(folder.path(), "older").await, new(folder.path(), "foreign").await);
        Migrator::up(&older, Some(3)).await.unwrap();
        assert!(!is_laid(&older).await.unwrap());
        foreign.execute_unprepared("CREATE TABLE notes (text TEXT)").await.unwrap();
        assert!(!is_laid(&foreign).await.unwrap());
    }
}
