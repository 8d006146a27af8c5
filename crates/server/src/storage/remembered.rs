//! [`Remembered`]: rows that one transaction knows.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use sea_orm::DbBackend;

/// The rows that a transaction has read or written whole, by table and id: the services that it passes through do not each ask
/// for the same row again. On SQLite a transaction sees its own changes alone, and a row is good until one of its statements
/// changes the table. On PostgreSQL it sees what others commit as well, and every statement that may have waited for them, which
/// is one that writes or locks, makes all of them old.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<Rows>);

type Row = Box<dyn Any + Send>;

#[derive(Debug, Default)]
struct Rows {
    by_table: HashMap<String, HashMap<String, Row>>,
    /// How many statements have changed something: what was read before such a one says nothing after it.
    changes: u64,
}

impl Remembered {
    /// The row of that id, if it is known.
    pub(super) fn recall<M: Clone + 'static>(&self, table: &str, id: &str) -> Option<M> {
        self.rows().by_table.get(table)?.get(id)?.downcast_ref().cloned()
    }

    /// How many statements have changed something, to be handed to [`Remembered::keep`] with what is read from now on.
    pub(super) fn changes(&self) -> u64 {
        self.rows().changes
    }

    /// Keeps a row, unless a statement has changed something since there were that many.
    pub(super) fn keep<M: Send + 'static>(&self, table: &str, id: &str, row: M, changes: u64) {
        let mut rows = self.rows();
        if rows.changes == changes {
            rows.by_table.entry(table.to_owned()).or_default().insert(id.to_owned(), Box::new(row));
        }
    }

    /// Forgets the rows that a statement makes old which is about to change a table.
    pub(super) fn forget(&self, table: &str, backend: DbBackend) {
        self.waited(backend);
        let mut rows = self.rows();
        rows.changes += 1;
        rows.by_table.remove(table);
    }

    /// Forgets what somebody else may have changed while a statement waited for them.
    pub(super) fn waited(&self, backend: DbBackend) {
        if backend != DbBackend::Sqlite {
            self.rows().by_table.clear();
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_known_until_its_table_changes() {
        let known = Remembered::default();
        known.keep("runs", "run-1", 1_u8, 0);
        known.keep("teams", "team-1", 2_u8, 0);
        assert_eq!(known.recall("runs", "run-1"), Some(1_u8));
        known.forget("runs", DbBackend::Sqlite);
        assert_eq!(known.recall::<u8>("runs", "run-1"), None);
        assert_eq!(known.recall("teams", "team-1"), Some(2_u8));
    }

    #[test]
    fn where_others_write_at_the_same_time_nothing_is_known_after_a_statement_that_waits() {
        let known = Remembered::default();
        known.keep("teams", "team-1", 2_u8, 0);
        known.waited(DbBackend::Sqlite);
        assert_eq!(known.recall("teams", "team-1"), Some(2_u8));
        known.forget("runs", DbBackend::Postgres);
        assert_eq!(known.recall::<u8>("teams", "team-1"), None);
    }

    #[test]
    fn what_was_asked_before_a_change_and_answered_after_it_is_not_kept() {
        let known = Remembered::default();
        let asked = known.changes();
        known.forget("runs", DbBackend::Sqlite);
        known.keep("runs", "run-1", 1_u8, asked);
        assert_eq!(known.recall::<u8>("runs", "run-1"), None);
    }
}
