//! [`Db`] and [`Tx`]: one code base for SQLite and PostgreSQL.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use async_trait::async_trait;
use domain::{Fault, Problem};
use sea_orm::error::RuntimeErr;
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};

use super::audit::{Act, Book, Noted};
use super::connections::{Connections, Transaction, is_not_unique};
use super::migrations::{Migrator, schema};
use super::remembered::Remembered;
use super::sqlite::Sqlite;
use super::{Change, Changes, Moment, Probe};

/// The database.
#[derive(Clone)]
pub struct Db {
    connections: Connections,
    /// SQLite has one writer. Queueing here is fair and wakes at once, where its own busy handler sleeps and retries.
    writer: Option<Arc<Semaphore>>,
    changes: Changes,
    probe: Probe,
    /// Everybody's but for what looks after the data folder as a whole.
    book: Option<Book>,
    /// The lock of the data folder, which is its engine's.
    claim: Option<Weak<File>>,
}

impl Db {
    /// Opens the SQLite database in `file`: WAL, full sync, so that what was committed survives a power cut. Its tables are those
    /// that it has: see [`Db::migrated`].
    ///
    /// # Errors
    /// `storage/not-opened` when the file cannot be opened, or is no database.
    pub async fn sqlite(file: &Path, changes: Changes) -> Result<Self, Problem> {
        let database = Sqlite::open(file, true).map_err(|error| not_opened(file, error))?;
        Ok(Self::on_top(Connections::Sqlite(database), changes))
    }

    /// Opens the PostgreSQL database at `url`, likewise.
    ///
    /// # Errors
    /// `storage/unavailable` when it cannot be reached.
    pub async fn postgres(url: &str, changes: Changes) -> Result<Self, Problem> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(16).sqlx_logging(false);
        let connection = Database::connect(options).await.map_err(unavailable)?;
        Ok(Self::on_top(Connections::Postgres(connection), changes))
    }

    /// Opens the SQLite database in `file` as it is: nothing is brought up to date, and nothing can be written.
    ///
    /// # Errors
    /// `storage/not-opened` when the file is not there or no database.
    pub async fn sqlite_to_look(file: &Path) -> Result<Self, Problem> {
        let database = Sqlite::open(file, false).map_err(|error| not_opened(file, error))?;
        Ok(Self::on_top(Connections::Sqlite(database), Changes::default()))
    }

    /// Opens the PostgreSQL database at `url` as it is.
    ///
    /// # Errors
    /// `storage/unavailable` when it cannot be reached.
    pub async fn postgres_to_look(url: &str) -> Result<Self, Problem> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(2).sqlx_logging(false);
        let connection = Database::connect(options).await.map_err(unavailable)?;
        Ok(Self::on_top(Connections::Postgres(connection), Changes::default()))
    }

    fn on_top(connections: Connections, changes: Changes) -> Self {
        let writer = match &connections {
            Connections::Sqlite(_) => Some(Arc::new(Semaphore::new(1))),
            Connections::Postgres(_) => None,
        };
        Self { connections, writer, changes, probe: Probe::default(), book: None, claim: None }
    }

    /// The same, with somebody who is told of every commit.
    #[must_use]
    pub fn probed(self, probe: Probe) -> Self {
        Self { probe, ..self }
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// `storage/unavailable`, also when they are of a newer multispace.
    pub async fn migrated(self) -> Result<Self, Problem> {
        match &self.connections {
            Connections::Postgres(connection) => Migrator::up(connection, None).await,
            Connections::Sqlite(database) => match schema::is_laid(database).await.map_err(unavailable)? {
                true => Ok(()),
                false => schema::brought_up(database).await,
            },
        }
        .map_err(unavailable)?;
        Ok(self)
    }

    /// The same, with the book that every change is written down in. Only what looks after a data folder as a whole has none.
    #[must_use]
    pub fn audited(self, book: Book) -> Self {
        Self { book: Some(book), ..self }
    }

    /// The same, in a data folder that one engine has taken for itself with this lock. Transactions keep it until they have ended, so that
    /// the next engine sees all that this one has done; once the engine is gone no new one begins.
    #[must_use]
    pub fn claimed(self, lock: &Arc<File>) -> Self {
        Self { claim: Some(Arc::downgrade(lock)), ..self }
    }

    /// To ask without a transaction: one trip to the database where [`Db::read`] makes three. Each query sees what is
    /// committed at its moment, and those that are asked at once are answered at once. For one question, and for whoever is
    /// told of every change and looks again.
    pub fn look(&self) -> Tx {
        self.on(On::Connections(self.connections.clone()), None, None)
    }

    /// Begins a transaction that only reads.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn read(&self) -> Result<Tx, Problem> {
        self.begin(None, false).await
    }

    /// Begins a transaction that only reads, and to whose end everything stays as it was at its first question.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn steady(&self) -> Result<Tx, Problem> {
        self.begin(None, true).await
    }

    /// Writes a copy of a SQLite database, as of one moment, into `file`, which must not be there.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn copied_into(&self, file: &Path) -> Result<(), Problem> {
        match &self.connections {
            Connections::Sqlite(database) => database.copied_into(file).await.map_err(unavailable),
            Connections::Postgres(_) => Err(unavailable(DbErr::Custom("it is no file".into()))),
        }
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn write(&self) -> Result<Tx, Problem> {
        let permit = match &self.writer {
            Some(writer) => Some(writer.clone().acquire_owned().await.map_err(closed)?),
            None => None,
        };
        self.begin(permit, false).await
    }

    async fn begin(&self, permit: Option<OwnedSemaphorePermit>, steady: bool) -> Result<Tx, Problem> {
        let claim = match &self.claim {
            Some(claim) => Some(claim.upgrade().ok_or_else(|| closed("its engine is gone"))?),
            None => None,
        };
        let transaction = match &self.connections {
            // A transaction of SQLite is steady anyway, and it knows no other kind.
            Connections::Sqlite(database) => database.begin(permit.is_some()).await.map(Transaction::Sqlite),
            Connections::Postgres(connection) => {
                let options = TransactionOptions {
                    isolation_level: steady.then_some(IsolationLevel::RepeatableRead),
                    access_mode: steady.then_some(AccessMode::ReadOnly),
                    ..TransactionOptions::default()
                };
                connection.begin_with_options(options).await.map(Transaction::Postgres)
            }
        };
        let transaction = transaction.map_err(unavailable)?;
        let on = On::Transaction(Box::new(transaction), AsyncMutex::default(), Remembered::default());
        Ok(self.on(on, permit, claim))
    }

    /// Writes down that a request was refused, in a transaction of its own.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn refused(&self, act: &Act, status: u16) -> Result<(), Problem> {
        let tx = self.write().await?;
        if let (On::Transaction(on, ..), Some(book)) = (&tx.on, &tx.book) {
            book.refused(&**on, act, status).await.map_err(unavailable)?;
        }
        tx.commit().await
    }

    fn on(&self, on: On, permit: Option<OwnedSemaphorePermit>, claim: Option<Arc<File>>) -> Tx {
        Tx {
            on,
            announced: Mutex::default(),
            changes: self.changes.clone(),
            probe: self.probe.clone(),
            book: self.book.clone(),
            permit,
            claim,
        }
    }

    /// Closes the connections, so that the files can be removed.
    pub async fn close(&self) {
        match &self.connections {
            Connections::Sqlite(database) => database.close(),
            Connections::Postgres(connection) => drop(connection.clone().close().await),
        }
    }
}

/// One transaction, or a look without one. Dropped without [`Tx::commit`] it leaves no trace, and what it announced is never heard.
pub struct Tx {
    on: On,
    announced: Mutex<Vec<Change>>,
    changes: Changes,
    probe: Probe,
    book: Option<Book>,
    permit: Option<OwnedSemaphorePermit>,
    claim: Option<Arc<File>>,
}

/// What comes after a commit, whether or not somebody still waits for it: what was announced is told, and the next may write.
struct Afterwards {
    announced: Vec<Change>,
    changes: Changes,
    _permit: Option<OwnedSemaphorePermit>,
    _claim: Option<Arc<File>>,
}

impl Drop for Afterwards {
    fn drop(&mut self) {
        for change in self.announced.drain(..) {
            self.changes.tell(change);
        }
    }
}

impl Tx {
    /// What queries run on; for `store.rs` files alone.
    pub fn db(&self) -> &On {
        &self.on
    }

    /// Tells it to everybody once the transaction is committed.
    pub fn announce(&self, change: Change) {
        let mut announced = self.announced.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !announced.contains(&change) {
            announced.push(change);
        }
    }

    /// Notes that bytes of something were stored, which are not in the database: the commit writes it down like any change.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn changed_bytes(&self, table: &str, id: &str) -> Result<(), Problem> {
        match &self.on {
            On::Transaction(on, noted, _) => noted.lock().await.note_bytes(&**on, table, id).await.stored(),
            On::Connections(_) => Err(unavailable(no_writes())),
        }
    }

    /// Writes down what was changed, makes everything durable, then tells what was announced. Once it is being made durable it is told also
    /// when nobody waits any more: a client that hangs up takes the answer away from itself, and nothing from those who listen.
    ///
    /// # Errors
    /// `storage/unavailable`; then everything was written or nothing, and nobody knows which. What was announced is told all
    /// the same: whoever is told looks.
    pub async fn commit(self) -> Result<(), Problem> {
        let afterwards = Afterwards {
            announced: self.announced.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()),
            changes: self.changes,
            _permit: self.permit,
            _claim: self.claim,
        };
        let On::Transaction(transaction, noted, _) = self.on else { return Ok(()) };
        if let Some(book) = &self.book {
            book.changed(&*transaction, &noted.into_inner()).await.map_err(unavailable)?;
        }
        self.probe.at(Moment::Committing)?;
        transaction.commit(afterwards).await.map_err(unavailable)?;
        self.probe.at(Moment::Committed)
    }
}

/// What the queries of a [`Tx`] run on.
pub enum On {
    /// One transaction, what its statements change, and the rows that it knows.
    Transaction(Box<Transaction>, AsyncMutex<Noted>, Remembered),
    /// Whichever connection is free; refuses to write.
    Connections(Connections),
}

#[async_trait]
impl ConnectionTrait for On {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Transaction(on, ..) => on.get_database_backend(),
            Self::Connections(on) => on.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Transaction(on, noted, known) => {
                noting(on, noted, known, &statement).await?;
                on.execute_raw(statement).await
            }
            Self::Connections(_) => Err(no_writes()),
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Transaction(on, noted, known) => {
                let statement = Statement::from_string(on.get_database_backend(), sql);
                noting(on, noted, known, &statement).await?;
                on.execute_unprepared(sql).await
            }
            Self::Connections(_) => Err(no_writes()),
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            // A statement that returns what it has changed is one too.
            Self::Transaction(on, noted, known) => {
                noting(on, noted, known, &statement).await?;
                on.query_one_raw(statement).await
            }
            Self::Connections(on) => on.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Transaction(on, noted, known) => {
                noting(on, noted, known, &statement).await?;
                on.query_all_raw(statement).await
            }
            Self::Connections(on) => on.query_all_raw(statement).await,
        }
    }
}

/// Notes what a statement is about to change, and forgets the rows that are old after it.
async fn noting(
    on: &Transaction,
    noted: &AsyncMutex<Noted>,
    known: &Remembered,
    statement: &Statement,
) -> Result<(), DbErr> {
    if let Some(table) = noted.lock().await.note(on, statement).await? {
        known.forget(&table, on.get_database_backend());
    } else if statement.sql.contains(" FOR UPDATE") {
        known.waited(on.get_database_backend());
    }
    Ok(())
}

pub(super) fn no_writes() -> DbErr {
    DbErr::Custom("only a transaction may write".into())
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
        self.map_err(|error| match is_not_unique(&error) {
            true => Problem::conflict("storage/conflict", "Somebody else has just made or changed the same thing.")
                .advice("Read it again and repeat the request.")
                .because(error),
            false => unavailable(error),
        })
    }
}

pub(super) fn unavailable(error: DbErr) -> Problem {
    Problem::new(Fault::Unavailable, "storage/unavailable", "The database did not answer as it should.")
        .advice("Try again; if it stays so, look at the server's log.")
        .because(error)
}

fn closed(cause: impl std::fmt::Display) -> Problem {
    Problem::ours("storage/unavailable", "The database is closed.", cause)
}

/// What a person is told of a file that cannot be opened as a SQLite database.
fn not_opened(file: &Path, error: DbErr) -> Problem {
    let why = match &error {
        DbErr::Conn(RuntimeErr::Internal(why)) => why.clone(),
        error => error.to_string(),
    };
    let message = format!("The database {} cannot be opened: {why}.", file.display());
    Problem::new(Fault::Unavailable, "storage/not-opened", message)
        .advice("Look whether it is the file that multispace made, and who may read it; if it is damaged, restore a backup.")
        .because(error)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_look_sees_what_is_committed_and_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&folder.path().join("db"), Changes::default()).await.unwrap().migrated().await.unwrap();
        let tx = db.write().await.unwrap();
        tx.db().execute_unprepared("INSERT INTO project_turns VALUES ('a', 1)").await.unwrap();
        let look = db.look();
        let turns =
            || look.db().query_all_raw(Statement::from_string(DbBackend::Sqlite, "SELECT * FROM project_turns"));
        assert_eq!(turns().await.unwrap().len(), 0);
        tx.commit().await.unwrap();
        assert_eq!(turns().await.unwrap().len(), 1);
        assert!(look.db().execute_unprepared("DELETE FROM project_turns").await.is_err());
        assert_eq!(turns().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_is_being_committed_is_told_also_when_nobody_waits_for_it_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let changes = Changes::default();
        let db = Db::sqlite(&folder.path().join("db"), changes.clone()).await.unwrap().migrated().await.unwrap();
        let mut heard = changes.listen();
        let tx = db.write().await.unwrap();
        tx.db().execute_unprepared("INSERT INTO project_turns VALUES ('a', 1)").await.unwrap();
        tx.announce(Change::Workspace { workspace: "ws-1".into() });
        // As when a client hangs up: asked once, which begins to commit, and then forgotten.
        assert!(tx.commit().now_or_never().is_none());
        assert_eq!(heard.recv().await.unwrap(), Change::Workspace { workspace: "ws-1".into() });
        // It is told after it was written, and before the next may write.
        let turns = Statement::from_string(DbBackend::Sqlite, "SELECT * FROM project_turns");
        assert_eq!(db.look().db().query_all_raw(turns).await.unwrap().len(), 1);
        db.write().await.unwrap().commit().await.unwrap();
    }

    #[tokio::test]
    async fn once_its_engine_is_gone_what_is_under_way_ends_before_the_next_opens_and_nothing_begins() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lock");
        let lock = Arc::new(File::create(&file).unwrap());
        lock.try_lock().unwrap();
        let db = Db::sqlite(&folder.path().join("db"), Changes::default()).await.unwrap().migrated().await.unwrap();
        let db = db.claimed(&lock);
        let under_way = db.write().await.unwrap();
        drop(lock);
        let next = File::open(&file).unwrap();
        assert!(next.try_lock().is_err());
        under_way.commit().await.unwrap();
        next.try_lock().unwrap();
        assert_eq!(db.write().await.err().unwrap().code, "storage/unavailable");
        assert_eq!(db.read().await.err().unwrap().code, "storage/unavailable");
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_named_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("multispace.db");
        let text = "this is a text, and no database\n".repeat(100);
        fs::write(&file, &text).unwrap();
        let to_write = Db::sqlite(&file, Changes::default()).await.err().unwrap();
        let to_look = Db::sqlite_to_look(&file).await.err().unwrap();
        assert_eq!(to_look, to_write);
        assert_eq!(to_look.code, "storage/not-opened");
        let told = format!("The database {} cannot be opened: file is not a database.", file.display());
        assert_eq!(to_look.message, told);
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        let missing = Db::sqlite_to_look(&folder.path().join("none.db")).await.err().unwrap();
        assert_eq!(missing.code, "storage/not-opened");
        assert!(missing.message.contains("none.db"), "{missing}");
    }
}
