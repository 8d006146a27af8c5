//! What is read of the tables, as it is stored: nothing is taken for granted of it.

use chrono::{DateTime, Utc};
use domain::Problem;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use serde_json::Value as Json;

use crate::storage::{SealedColumn, Stored, Tx};

/// A workspace.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Workspace {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) current_state_id: Option<String>,
    pub(super) locked_kind: Option<String>,
    pub(super) locked_by: Option<String>,
}

/// A state version.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct State {
    pub(super) id: String,
    pub(super) workspace_id: String,
    pub(super) run_id: Option<String>,
    pub(super) serial: i64,
    pub(super) lineage: String,
    pub(super) md5: String,
    pub(super) size: i64,
    pub(super) status: String,
    pub(super) intermediate: bool,
    pub(super) forced: bool,
}

/// A run.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) workspace_id: String,
    pub(super) status: String,
    pub(super) status_timestamps: Json,
    pub(super) plan_only: bool,
    pub(super) save_plan: bool,
    pub(super) scratch: bool,
    pub(super) holds_workspace: bool,
    pub(super) failure: Option<String>,
}

/// The plan or apply of a run.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Phase {
    pub(super) id: String,
    pub(super) run_id: String,
    pub(super) kind: String,
    pub(super) status: String,
}

/// A configuration version.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Configuration {
    pub(super) id: String,
    pub(super) object: String,
}

/// A sealed value.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct SealedValue {
    pub(super) id: String,
    pub(super) value: Vec<u8>,
}

#[derive(FromQueryResult)]
struct Word {
    word: String,
}

/// The moment that a transaction of PostgreSQL sees, so that another may see the same.
pub(super) async fn moment(tx: &Tx) -> Result<String, Problem> {
    Ok(words(tx, "SELECT pg_export_snapshot() AS word").await?.into_iter().next().unwrap_or_default())
}

/// Names of the migrations that were made.
pub(super) async fn migrations(tx: &Tx) -> Result<Vec<String>, Problem> {
    words(tx, "SELECT version AS word FROM seaql_migrations ORDER BY version").await
}

/// All workspaces, by name.
pub(super) async fn workspaces(tx: &Tx) -> Result<Vec<Workspace>, Problem> {
    all(tx, "SELECT id, name, current_state_id, locked_kind, locked_by FROM workspaces ORDER BY name").await
}

/// All state versions in the order in which they were made.
pub(super) async fn states(tx: &Tx) -> Result<Vec<State>, Problem> {
    let columns = "id, workspace_id, run_id, serial, lineage, md5, size, status, intermediate, forced";
    all(tx, &format!("SELECT {columns} FROM states ORDER BY created_at, serial")).await
}

/// Whether a state version is there.
pub(super) async fn has_state(tx: &Tx, id: &str) -> Result<bool, Problem> {
    let backend = tx.db().get_database_backend();
    let sql = match backend {
        sea_orm::DbBackend::Postgres => "SELECT id AS word FROM states WHERE id = $1",
        _ => "SELECT id AS word FROM states WHERE id = ?",
    };
    let statement = Statement::from_sql_and_values(backend, sql, [Value::from(id)]);
    Ok(Word::find_by_statement(statement).one(tx.db()).await.stored()?.is_some())
}

/// A state version whose workspace was deleted.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Deleted {
    pub(super) id: String,
    pub(super) workspace_name: String,
    pub(super) serial: i64,
    pub(super) size: i64,
    pub(super) deleted_at: DateTime<Utc>,
}

/// All state versions whose workspaces were deleted.
pub(super) async fn deleted(tx: &Tx) -> Result<Vec<Deleted>, Problem> {
    let columns = "id, workspace_name, serial, size, deleted_at";
    all(tx, &format!("SELECT {columns} FROM deleted_states ORDER BY workspace_name, workspace_id, serial, id")).await
}

/// Forgets those whose workspaces were deleted before that moment; says how many.
pub(super) async fn forget_deleted(tx: &Tx, before: DateTime<Utc>) -> Result<usize, Problem> {
    let backend = tx.db().get_database_backend();
    let sql = match backend {
        sea_orm::DbBackend::Postgres => "DELETE FROM deleted_states WHERE deleted_at < $1",
        _ => "DELETE FROM deleted_states WHERE deleted_at < ?",
    };
    let statement = Statement::from_sql_and_values(backend, sql, [Value::from(before)]);
    let done = tx.db().execute_raw(statement).await.stored()?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}

/// All runs in the order in which they were made.
pub(super) async fn runs(tx: &Tx) -> Result<Vec<Run>, Problem> {
    let columns =
        "id, workspace_id, status, status_timestamps, plan_only, save_plan, scratch, holds_workspace, failure";
    all(tx, &format!("SELECT {columns} FROM runs ORDER BY created_at, id")).await
}

/// All plans and applies.
pub(super) async fn phases(tx: &Tx) -> Result<Vec<Phase>, Problem> {
    all(tx, "SELECT id, run_id, kind, status FROM phases ORDER BY id").await
}

/// All configuration versions.
pub(super) async fn configurations(tx: &Tx) -> Result<Vec<Configuration>, Problem> {
    all(tx, "SELECT id, object FROM configurations ORDER BY id").await
}

/// Ids of all users.
pub(super) async fn users(tx: &Tx) -> Result<Vec<String>, Problem> {
    words(tx, "SELECT id AS word FROM users").await
}

/// The sealed values of a column, by id.
pub(super) async fn sealed(tx: &Tx, column: &SealedColumn) -> Result<Vec<SealedValue>, Problem> {
    let SealedColumn { table, id, column, .. } = column;
    all(tx, &format!("SELECT {id} AS id, {column} AS value FROM {table} WHERE {column} IS NOT NULL ORDER BY {id}"))
        .await
}

/// Writes a sealed value in the place of another; not when that is no longer there. Returns whether it did.
pub(super) async fn replace(tx: &Tx, column: &SealedColumn, old: &SealedValue, new: &[u8]) -> Result<bool, Problem> {
    let SealedColumn { table, id, column, .. } = column;
    let backend = tx.db().get_database_backend();
    let sql = match backend {
        sea_orm::DbBackend::Postgres => format!("UPDATE {table} SET {column} = $1 WHERE {id} = $2 AND {column} = $3"),
        _ => format!("UPDATE {table} SET {column} = ? WHERE {id} = ? AND {column} = ?"),
    };
    let values = [Value::from(new.to_vec()), Value::from(old.id.clone()), Value::from(old.value.clone())];
    let done = tx.db().execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.stored()?;
    Ok(done.rows_affected() > 0)
}

async fn words(tx: &Tx, sql: &str) -> Result<Vec<String>, Problem> {
    Ok(all::<Word>(tx, sql).await?.into_iter().map(|row| row.word).collect())
}

async fn all<R: FromQueryResult + Send + Sync>(tx: &Tx, sql: &str) -> Result<Vec<R>, Problem> {
    let statement = Statement::from_string(tx.db().get_database_backend(), sql);
    R::find_by_statement(statement).all(tx.db()).await.stored()
}
