//! The tables of a PostgreSQL database as PostgreSQL writes them, row for row.

use std::path::Path;

use domain::{Fault, Problem};
use futures::TryStreamExt;
use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, Row};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use super::files::unusable;
use super::rows;
use crate::storage::Tx;

/// Which migrations were made is for the database that is written into to say.
const MIGRATIONS: &str = "seaql_migrations";

/// A table in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in the order in which their values stand.
    pub columns: Vec<String>,
}

/// Writes every table into a file of the folder `to`, as of the moment that the transaction `tx` sees.
pub(super) async fn copied_out(url: &str, tx: &Tx, to: &Path) -> Result<Vec<Table>, Problem> {
    let moment = rows::moment(tx).await?;
    std::fs::create_dir_all(to).map_err(|error| unusable(to, error))?;
    let mut connection = PgConnection::connect(url).await.map_err(unavailable)?;
    let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{moment}'");
    connection.execute(sea_orm::sqlx::raw_sql(AssertSqlSafe(begin))).await.map_err(unavailable)?;
    let tables = tables_of(&mut connection).await?;
    for table in tables.iter().filter(|table| table.name != MIGRATIONS) {
        let path = to.join(&table.name);
        let mut file = tokio::fs::File::create_new(&path).await.map_err(|error| unusable(&path, error))?;
        let statement = format!("COPY {} ({}) TO STDOUT", quoted(&table.name), columns(table));
        let mut rows = connection.copy_out_raw(&statement).await.map_err(unavailable)?;
        while let Some(bytes) = rows.try_next().await.map_err(unavailable)? {
            file.write_all(&bytes).await.map_err(|error| unusable(&path, error))?;
        }
        file.sync_all().await.map_err(|error| unusable(&path, error))?;
    }
    connection.close().await.map_err(unavailable)?;
    Ok(tables.into_iter().filter(|table| table.name != MIGRATIONS).collect())
}

/// Refuses a database that has tables already.
pub(super) async fn must_be_empty(url: &str) -> Result<(), Problem> {
    let mut connection = PgConnection::connect(url).await.map_err(unavailable)?;
    let tables = tables_of(&mut connection).await?;
    connection.close().await.map_err(unavailable)?;
    match tables.first() {
        None => Ok(()),
        Some(table) => {
            Err(Problem::conflict("upkeep/exists", format!("The database has the table {} already.", table.name))
                .advice("Restore into an empty database; a restore overwrites nothing."))
        }
    }
}

/// Writes the files of the folder `from` into the tables that they are of, all or nothing.
pub(super) async fn copied_in(url: &str, tables: &[Table], from: &Path) -> Result<(), Problem> {
    let mut connection = PgConnection::connect(url).await.map_err(unavailable)?;
    connection.execute("BEGIN").await.map_err(unavailable)?;
    for table in tables {
        let path = from.join(&table.name);
        let file = tokio::fs::File::open(&path).await.map_err(|error| unusable(&path, error))?;
        let statement = format!("COPY {} ({}) FROM STDIN", quoted(&table.name), columns(table));
        let mut copy = connection.copy_in_raw(&statement).await.map_err(unavailable)?;
        copy.read_from(file).await.map_err(unavailable)?;
        copy.finish().await.map_err(unavailable)?;
    }
    connection.execute("COMMIT").await.map_err(unavailable)?;
    connection.close().await.map_err(unavailable)
}

async fn tables_of(connection: &mut PgConnection) -> Result<Vec<Table>, Problem> {
    let sql = "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c \
               JOIN information_schema.tables t USING (table_schema, table_name) \
               WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' \
               ORDER BY c.table_name, c.ordinal_position";
    let mut tables: Vec<Table> = Vec::new();
    for row in connection.fetch_all(sql).await.map_err(unavailable)? {
        let (name, column): (String, String) =
            (row.try_get(0).map_err(unavailable)?, row.try_get(1).map_err(unavailable)?);
        match tables.last_mut() {
            Some(table) if table.name == name => table.columns.push(column),
            _ => tables.push(Table { name, columns: vec![column] }),
        }
    }
    Ok(tables)
}

fn columns(table: &Table) -> String {
    table.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn unavailable(error: sea_orm::sqlx::Error) -> Problem {
    Problem::new(Fault::Unavailable, "storage/unavailable", "The database did not answer as it should.")
        .advice("Try again; if it stays so, look at its log.")
        .because(error)
}
