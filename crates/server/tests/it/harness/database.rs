//! A PostgreSQL database for one test.

use std::sync::atomic::{AtomicUsize, Ordering};

use sea_orm::{ConnectionTrait, Database};

/// Changes a SQLite database behind the server's back.
pub(crate) async fn sqlite(file: &std::path::Path, statement: &str) {
    let connection = Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
    connection.execute_unprepared(statement).await.unwrap();
    connection.close().await.unwrap();
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
