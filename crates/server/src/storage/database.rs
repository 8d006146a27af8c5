//! [`Db`] and [`Tx`]: one code base for SQLite and PostgreSQL.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{Fault, Problem};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::migrations::Migrator;
use super::{Change, Changes};

/// The database.
#[derive(Clone)]
pub struct Db {
    connection: DatabaseConnection,
    /// SQLite has one writer. Queueing here is fair and wakes at once, where its own busy handler sleeps and retries.
    writer: Option<Arc<Semaphore>>,
    changes: Changes,
}

impl Db {
    /// Opens, and brings up to date, the SQLite database in `file`: WAL, full sync, so that what was committed
    /// survives a power cut.
    ///
    /// # Errors
    /// `storage/unavailable` when the file cannot be opened or is of a newer multispace.
    pub async fn sqlite(file: &Path, changes: Changes) -> Result<Self, Problem> {
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", file.display()));
        options.max_connections(8).sqlx_logging(false).map_sqlx_sqlite_opts(|options| {
            options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(10))
                .foreign_keys(true)
        });
        Self::open(options, Some(Arc::new(Semaphore::new(1))), changes).await
    }

    /// Opens, and brings up to date, the PostgreSQL database at `url`.
    ///
    /// # Errors
    /// `storage/unavailable` when it cannot be reached or is of a newer multispace.
    pub async fn postgres(url: &str, changes: Changes) -> Result<Self, Problem> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(16).sqlx_logging(false);
        Self::open(options, None, changes).await
    }

    async fn open(options: ConnectOptions, writer: Option<Arc<Semaphore>>, changes: Changes) -> Result<Self, Problem> {
        let connection = Database::connect(options).await.map_err(unavailable)?;
        Migrator::up(&connection, None).await.map_err(unavailable)?;
        Ok(Self { connection, writer, changes })
    }

    /// Begins a transaction that only reads.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn read(&self) -> Result<Tx, Problem> {
        self.begin(None, TransactionOptions::default()).await
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn write(&self) -> Result<Tx, Problem> {
        let permit = match &self.writer {
            Some(writer) => Some(
                writer
                    .clone()
                    .acquire_owned()
                    .await
                    .map_err(|error| Problem::ours("storage/unavailable", "The database is closed.", error))?,
            ),
            None => None,
        };
        let mode = self.writer.as_ref().map(|_| SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
        self.begin(permit, options).await
    }

    async fn begin(&self, permit: Option<OwnedSemaphorePermit>, options: TransactionOptions) -> Result<Tx, Problem> {
        let inner = self.connection.begin_with_options(options).await.map_err(unavailable)?;
        Ok(Tx { inner, announced: Mutex::default(), changes: self.changes.clone(), _permit: permit })
    }

    /// Closes the connections, so that the files can be removed.
    pub async fn close(&self) {
        let _ = self.connection.clone().close().await;
    }
}

/// One transaction. Dropped without [`Tx::commit`] it leaves no trace, and what it announced is never heard.
pub struct Tx {
    inner: DatabaseTransaction,
    announced: Mutex<Vec<Change>>,
    changes: Changes,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Tx {
    /// What queries run on; for `store.rs` files alone.
    pub fn db(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Tells it to everybody once the transaction is committed.
    pub fn announce(&self, change: Change) {
        let mut announced = self.announced.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !announced.contains(&change) {
            announced.push(change);
        }
    }

    /// Makes everything durable, then tells what was announced.
    ///
    /// # Errors
    /// `storage/unavailable`; then nothing was written and nothing is told.
    pub async fn commit(self) -> Result<(), Problem> {
        self.inner.commit().await.map_err(unavailable)?;
        for change in self.announced.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            self.changes.tell(change);
        }
        Ok(())
    }
}

/// Turns a database error into a [`Problem`].
pub trait Stored<T> {
    /// The value, or what a person is told: a unique constraint becomes a conflict, anything else is our fault.
    ///
    /// # Errors
    /// `storage/conflict` or `storage/unavailable`.
    fn stored(self) -> Result<T, Problem>;
}

impl<T> Stored<T> for Result<T, DbErr> {
    fn stored(self) -> Result<T, Problem> {
        self.map_err(|error| match error.sql_err() {
            Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => {
                Problem::conflict("storage/conflict", "Somebody else has just made or changed the same thing.")
                    .advice("Read it again and repeat the request.")
                    .because(error)
            }
            _ => unavailable(error),
        })
    }
}

fn unavailable(error: DbErr) -> Problem {
    Problem::new(Fault::Unavailable, "storage/unavailable", "The database did not answer as it should.")
        .advice("Try again; if it stays so, look at the server's log.")
        .because(error)
}
