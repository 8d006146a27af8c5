//! What a command does to a data folder stands in the audit log of the server.

use domain::Problem;
use serde_json::{Map, Value, json};

use super::Folder;
use crate::ports::Ports;
use crate::storage::audit::{Book, Done};
use crate::storage::{Db, Tx, signing_known};

/// Writes down what a command does.
pub(super) struct Journal {
    /// `None` where no server has ever begun a log.
    book: Option<Book>,
    command: &'static str,
}

impl Journal {
    /// For that command, in that folder.
    pub(super) async fn of(db: &Db, folder: &Folder, command: &'static str) -> Result<Self, Problem> {
        let key = signing_known(&db.look(), folder.key()?).await?;
        Ok(Self { book: key.map(|key| Book::new(key, Ports::system())), command })
    }

    /// Adds a row, in the transaction of what is done: the action, what it is done to, and how much of what.
    pub(super) async fn write(
        &self,
        tx: &Tx,
        action: &str,
        object: &str,
        counts: &[(&str, usize)],
    ) -> Result<(), Problem> {
        let Some(book) = &self.book else { return Ok(()) };
        let details: Map<String, Value> =
            counts.iter().map(|(what, count)| ((*what).to_owned(), json!(count))).collect();
        book.by_command(tx, self.command, Done { action: action.to_owned(), object: object.to_owned(), details }).await
    }
}
