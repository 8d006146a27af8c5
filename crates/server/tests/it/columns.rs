//! What SQLite's rows are read as, where it cannot say so itself.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::harness::{Database, Server};

/// PostgreSQL has integers of two sizes and tells them apart; SQLite has one, and `storage/values.rs` names the columns that
/// are read as the smaller.
#[tokio::test]
async fn the_columns_of_32_bits_are_those_that_sqlite_is_told_of() {
    let server = Server::open(Database::Postgres).await;
    let connection = sea_orm::Database::connect(server.database().unwrap()).await.unwrap();
    let columns = async |kind: &str| {
        let sql = format!(
            "SELECT DISTINCT column_name::text AS text FROM information_schema.columns
             WHERE table_schema = 'public' AND data_type = '{kind}' ORDER BY text"
        );
        let rows = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
        rows.iter().map(|row| row.try_get::<String>("", "text").unwrap()).collect::<Vec<_>>()
    };
    let (small, large) = (columns("integer").await, columns("bigint").await);
    assert_eq!(small, ["additions", "changes", "destructions", "imports", "resource_count", "run_limit"]);
    assert!(!large.iter().any(|column| small.contains(column)), "one name is read as one type: {large:?}");
    connection.close().await.unwrap();
}
