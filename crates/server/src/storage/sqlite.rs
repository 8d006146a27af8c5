//! [`Sqlite`]: a SQLite database, asked in the thread that asks.
//!
//! A row that is at hand is read in some twenty microseconds; to have another thread read it takes ten times as long, and a run
//! asks some eighty times. Only what waits for the disk, which is a commit, is done beside the runtime.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use sea_orm::error::{ConnAcquireErr, RuntimeErr};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, ProxyDatabaseTrait, ProxyExecResult, ProxyRow, QueryResult,
    Statement,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::values;

/// Most transactions at a time.
const TRANSACTIONS: usize = 8;
/// How long a transaction waits for one of them to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(10);
/// How many prepared statements a connection keeps.
const PREPARED: usize = 256;
/// What SQLite says of a second row with the same key.
const NOT_UNIQUE: &str = "UNIQUE constraint failed";

/// A database.
#[derive(Clone)]
pub struct Sqlite(Arc<Inner>);

struct Inner {
    file: PathBuf,
    may_write: bool,
    /// Connections that nobody uses; `None` when it is closed.
    idle: Mutex<Option<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Sqlite {
    /// Opens the database in `file`: WAL, full sync, so that what was committed survives a power cut. One that may not be
    /// written must be there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(file: &Path, may_write: bool) -> Result<Self, DbErr> {
        let inner = Inner {
            file: file.to_owned(),
            may_write,
            idle: Mutex::new(Some(Vec::new())),
            turns: Arc::new(Semaphore::new(TRANSACTIONS)),
        };
        let opened = Self(Arc::new(inner));
        let first = opened.connect()?;
        opened.give_back(first);
        Ok(opened)
    }

    fn connect(&self) -> Result<Connection, DbErr> {
        let access = match self.0.may_write {
            true => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            false => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0.file, flags).map_err(not_opened)?;
        connection.busy_timeout(BUSY).map_err(not_opened)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // A statement stays as it was prepared, whatever its values: else one with a `LIMIT ?` is prepared anew each time.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(not_opened)?;
        // SQLite reads a file at the first statement: what is no database is found out here.
        let first = match self.0.may_write {
            true => "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
            false => "PRAGMA schema_version;",
        };
        connection.execute_batch(first).map_err(not_opened)?;
        Ok(connection)
    }

    /// A connection that nobody uses.
    fn take(&self) -> Result<Connection, DbErr> {
        let idle = match self.idle().as_mut() {
            Some(idle) => idle.pop(),
            None => return Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
        };
        idle.map_or_else(|| self.connect(), Ok)
    }

    fn give_back(&self, connection: Connection) {
        if let Some(idle) = self.idle().as_mut() {
            idle.push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.0.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Does something on a connection of its own.
    fn on<T>(&self, work: impl FnOnce(&Connection) -> Result<T, DbErr>) -> Result<T, DbErr> {
        let connection = self.take()?;
        let done = work(&connection);
        self.give_back(connection);
        done
    }

    /// Begins a transaction; one that writes is the only one from now on.
    ///
    /// # Errors
    /// When too many are under way for too long, or the database does not answer.
    pub(super) async fn begin(&self, writes: bool) -> Result<SqliteTransaction, DbErr> {
        let turn = tokio::time::timeout(PATIENCE, self.0.turns.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)) };
        let connection = self.take()?;
        let begin = if writes { "BEGIN IMMEDIATE" } else { "BEGIN" };
        if let Err(error) = run(&connection, begin) {
            self.give_back(connection);
            return Err(error);
        }
        Ok(SqliteTransaction { database: self.clone(), connection: Mutex::new(Some(connection)), _turn: turn })
    }

    /// Writes a copy, as of one moment, into `file`, which must not be there. It is done beside the runtime.
    ///
    /// # Errors
    /// When the file cannot be made, or the database does not answer.
    pub(super) async fn copied_into(&self, file: &Path) -> Result<(), DbErr> {
        let (database, name) = (self.clone(), file.display().to_string().replace('\'', "''"));
        let copying = move || database.on(|connection| batch(connection, &format!("VACUUM INTO '{name}'")));
        beside(copying).await.map(drop)
    }

    /// Closes its connections.
    pub(super) fn close(&self) {
        drop(self.idle().take());
    }
}

/// A transaction. Dropped without [`SqliteTransaction::commit`] it leaves no trace.
pub struct SqliteTransaction {
    database: Sqlite,
    /// `None` once it has ended.
    connection: Mutex<Option<Connection>>,
    _turn: OwnedSemaphorePermit,
}

impl SqliteTransaction {
    /// Makes it durable, then lets go of `afterwards`. The disk is waited for beside the runtime, whether or not somebody waits here.
    ///
    /// # Errors
    /// When the database does not answer; then everything was written or nothing.
    pub(super) async fn commit(self, afterwards: impl Send + 'static) -> Result<(), DbErr> {
        let committing = move || {
            let committed = self.on(|connection| run(connection, "COMMIT"));
            if committed.is_ok()
                && let Some(connection) = self.end()
            {
                self.database.give_back(connection);
            }
            // What it could not commit is rolled back before the next may write.
            drop(self);
            drop(afterwards);
            committed
        };
        beside(committing).await
    }

    fn on<T>(&self, work: impl FnOnce(&Connection) -> Result<T, DbErr>) -> Result<T, DbErr> {
        match self.connection().as_ref() {
            Some(connection) => work(connection),
            None => Err(DbErr::Custom("the transaction has ended".into())),
        }
    }

    fn end(&self) -> Option<Connection> {
        self.connection().take()
    }

    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        // A connection that cannot be rolled back is closed, which does it.
        if let Some(connection) = self.end()
            && run(&connection, "ROLLBACK").is_ok()
        {
            self.database.give_back(connection);
        }
    }
}

macro_rules! asked_in_place {
    ($type:ty) => {
        #[async_trait]
        impl ConnectionTrait for $type {
            fn get_database_backend(&self) -> DbBackend {
                DbBackend::Sqlite
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                self.on(|connection| execute(connection, &statement)).map(Into::into)
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                self.on(|connection| batch(connection, sql)).map(Into::into)
            }

            async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
                self.on(|connection| query(connection, &statement, 1))
                    .map(|rows| rows.into_iter().next().map(Into::into))
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                self.on(|connection| query(connection, &statement, usize::MAX)).map(results)
            }
        }
    };
}

asked_in_place!(Sqlite);
asked_in_place!(SqliteTransaction);

/// For the migrations, which ask for a connection of SeaORM's own.
#[async_trait]
impl ProxyDatabaseTrait for Sqlite {
    async fn query(&self, statement: Statement) -> Result<Vec<ProxyRow>, DbErr> {
        self.on(|connection| query(connection, &statement, usize::MAX))
    }

    async fn execute(&self, statement: Statement) -> Result<ProxyExecResult, DbErr> {
        self.on(|connection| execute(connection, &statement))
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sqlite({})", self.0.file.display())
    }
}

async fn beside<T: Send + 'static>(work: impl FnOnce() -> Result<T, DbErr> + Send + 'static) -> Result<T, DbErr> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(DbErr::Custom(error.to_string())))
}

fn results(rows: Vec<ProxyRow>) -> Vec<QueryResult> {
    rows.into_iter().map(Into::into).collect()
}

fn run(connection: &Connection, sql: &str) -> Result<(), DbErr> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map_err(failed)?;
    Ok(())
}

fn execute(connection: &Connection, statement: &Statement) -> Result<ProxyExecResult, DbErr> {
    // What it returns is of no interest, but a statement is done only when all of it was taken.
    query(connection, statement, usize::MAX)?;
    Ok(changed(connection))
}

fn batch(connection: &Connection, sql: &str) -> Result<ProxyExecResult, DbErr> {
    connection.execute_batch(sql).map_err(failed)?;
    Ok(changed(connection))
}

fn changed(connection: &Connection) -> ProxyExecResult {
    ProxyExecResult { last_insert_id: 0, rows_affected: connection.changes() }
}

/// At most so many rows. A statement that changes something does all of it with its first.
fn query(connection: &Connection, statement: &Statement, most: usize) -> Result<Vec<ProxyRow>, DbErr> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(failed)?;
    let given = statement.values.as_ref().map(|values| values.0.as_slice()).unwrap_or_default();
    for (place, value) in given.iter().enumerate() {
        prepared.raw_bind_parameter(place + 1, values::bound(value)?).map_err(failed)?;
    }
    let columns = values::columns(&prepared);
    let mut rows = prepared.raw_query();
    let mut found = Vec::new();
    while found.len() < most {
        let Some(row) = rows.next().map_err(failed)? else { break };
        found.push(values::row(row, &columns)?);
    }
    Ok(found)
}

fn not_opened(error: rusqlite::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(error.to_string()))
}

fn failed(error: rusqlite::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::Internal(error.to_string()))
}

/// Whether a statement failed because there is a row with the same key.
pub(super) fn is_not_unique(error: &DbErr) -> bool {
    matches!(error, DbErr::Exec(RuntimeErr::Internal(text)) if text.starts_with(NOT_UNIQUE))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn database(folder: &Path) -> Sqlite {
        let database = Sqlite::open(&folder.join("db"), true).unwrap();
        database.execute_unprepared("CREATE TABLE things (id text PRIMARY KEY)").await.unwrap();
        database
    }

    async fn count(on: &impl ConnectionTrait) -> usize {
        let all = Statement::from_string(DbBackend::Sqlite, "SELECT id FROM things");
        on.query_all_raw(all).await.unwrap().len()
    }

    #[tokio::test]
    async fn what_is_not_committed_leaves_no_trace_and_the_connection_is_good_for_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path()).await;
        for _ in 0..2 * TRANSACTIONS {
            let dropped = database.begin(true).await.unwrap();
            dropped.execute_unprepared("INSERT INTO things VALUES ('a')").await.unwrap();
            assert_eq!((count(&dropped).await, count(&database).await), (1, 0));
        }
        let kept = database.begin(true).await.unwrap();
        kept.execute_unprepared("INSERT INTO things VALUES ('a')").await.unwrap();
        kept.commit(()).await.unwrap();
        assert_eq!(count(&database).await, 1);
    }

    #[tokio::test]
    async fn a_transaction_that_reads_sees_one_moment() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path()).await;
        let reads = database.begin(false).await.unwrap();
        assert_eq!(count(&reads).await, 0);
        database.execute_unprepared("INSERT INTO things VALUES ('a')").await.unwrap();
        assert_eq!((count(&reads).await, count(&database).await), (0, 1));
    }

    #[tokio::test]
    async fn a_second_row_of_a_key_is_known_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path()).await;
        let insert =
            || Statement::from_sql_and_values(DbBackend::Sqlite, "INSERT INTO things VALUES (?)", ["a".into()]);
        database.execute_raw(insert()).await.unwrap();
        assert!(is_not_unique(&database.execute_raw(insert()).await.unwrap_err()));
        let none = database.execute_unprepared("INSERT INTO nothings VALUES (1)").await.unwrap_err();
        assert!(!is_not_unique(&none));
    }

    #[tokio::test]
    async fn one_that_is_to_be_looked_at_must_be_there_and_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Sqlite::open(&folder.path().join("db"), false).is_err());
        let written = database(folder.path()).await;
        let looked = Sqlite::open(&folder.path().join("db"), false).unwrap();
        assert_eq!(count(&looked).await, 0);
        assert!(looked.execute_unprepared("INSERT INTO things VALUES ('a')").await.is_err());
        written.close();
        assert!(written.execute_unprepared("INSERT INTO things VALUES ('a')").await.is_err());
    }
}
