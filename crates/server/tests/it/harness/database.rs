//! A PostgreSQL database for one test, and what is done to either kind behind the server's back.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use server::upkeep::Folder;

/// Changes a SQLite database behind the server's back.
pub(crate) async fn sqlite(file: &Path, statement: &str) {
    let (file, statement) = (file.to_owned(), statement.to_owned());
    let changing = move || rusqlite::Connection::open(file).unwrap().execute_batch(&statement).unwrap();
    tokio::task::spawn_blocking(changing).await.unwrap();
}

/// Changes the database of a data folder behind everybody's back.
pub(crate) async fn change(folder: &Folder, statement: &str) {
    let Some(url) = &folder.database else { return sqlite(&folder.data.join("multispace.db"), statement).await };
    let connection = Database::connect(url).await.unwrap();
    connection.execute_unprepared(statement).await.unwrap();
    connection.close().await.unwrap();
}

/// The number that a query of such a database finds as `number`.
pub(crate) async fn number(folder: &Folder, sql: &str) -> i64 {
    let Some(url) = &folder.database else {
        let (file, sql) = (folder.data.join("multispace.db"), sql.to_owned());
        let reading =
            move || rusqlite::Connection::open(file).unwrap().query_row(&sql, [], |row| row.get("number")).unwrap();
        return tokio::task::spawn_blocking(reading).await.unwrap();
    };
    let connection = Database::connect(url).await.unwrap();
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    connection.close().await.unwrap();
    row.unwrap().try_get("", "number").unwrap()
}

/// URL of a new, empty database on the server that `cargo xtask test` brings up.
pub(crate) async fn fresh() -> String {
    let server = std::env::var("MULTISPACE_TEST_POSTGRES").expect(
        "MULTISPACE_TEST_POSTGRES is not set: run the tests with `cargo xtask test`, which brings up a PostgreSQL server",
    );
    let (address, _) = server.rsplit_once('/').expect("the URL ends in the name of a database");
    // Unique among the tests that run at once, each in its own process.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("it_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let connection = Database::connect(&server).await.unwrap();
    connection.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
    connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    connection.close().await.unwrap();
    format!("{address}/{name}")
}
