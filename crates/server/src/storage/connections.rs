//! [`Connections`] and [`Transaction`]: either database, for SeaORM.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, SqlErr,
    Statement,
};

use super::sqlite::{self, Sqlite, SqliteTransaction};

/// Whichever connection is free.
#[derive(Clone)]
pub enum Connections {
    /// Of a pool to PostgreSQL.
    Postgres(DatabaseConnection),
    /// To a SQLite database.
    Sqlite(Sqlite),
}

/// One transaction.
pub enum Transaction {
    /// Of PostgreSQL.
    Postgres(DatabaseTransaction),
    /// Of SQLite.
    Sqlite(SqliteTransaction),
}

impl Transaction {
    /// Makes it durable, then lets go of `afterwards`. Both are done to their end also when nobody waits any more.
    pub(super) async fn commit(self, afterwards: impl Send + 'static) -> Result<(), DbErr> {
        match self {
            Self::Postgres(transaction) => {
                let committing = async move {
                    let committed = transaction.commit().await;
                    drop(afterwards);
                    committed
                };
                tokio::spawn(committing).await.unwrap_or_else(|error| Err(DbErr::Custom(error.to_string())))
            }
            Self::Sqlite(transaction) => transaction.commit(afterwards).await,
        }
    }
}

/// Whether a statement failed because there is a row with the same key.
pub(super) fn is_not_unique(error: &DbErr) -> bool {
    sqlite::is_not_unique(error) || matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

macro_rules! either {
    ($type:ty) => {
        #[async_trait]
        impl ConnectionTrait for $type {
            fn get_database_backend(&self) -> DbBackend {
                match self {
                    Self::Postgres(on) => on.get_database_backend(),
                    Self::Sqlite(on) => on.get_database_backend(),
                }
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Postgres(on) => on.execute_raw(statement).await,
                    Self::Sqlite(on) => on.execute_raw(statement).await,
                }
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Postgres(on) => on.execute_unprepared(sql).await,
                    Self::Sqlite(on) => on.execute_unprepared(sql).await,
                }
            }

            async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
                match self {
                    Self::Postgres(on) => on.query_one_raw(statement).await,
                    Self::Sqlite(on) => on.query_one_raw(statement).await,
                }
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                match self {
                    Self::Postgres(on) => on.query_all_raw(statement).await,
                    Self::Sqlite(on) => on.query_all_raw(statement).await,
                }
            }
        }
    };
}

either!(Connections);
either!(Transaction);
