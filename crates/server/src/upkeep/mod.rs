//! What is done with a data folder as a whole, beside its server or without it: it is checked, copied and put back.
//!
//! It stands beside the rooms: it knows their tables and blobs, and none of their use cases.

mod archive;
mod backup;
mod deleted;
mod files;
pub mod fsck;
mod journal;
mod keys;
mod named;
mod restore;
mod rows;
mod tables;

use std::fs::File;
use std::path::{Path, PathBuf};

use domain::Problem;

use crate::storage::{Changes, Db, Key, Keys, Objects};

pub use backup::{Manifest, Taken, backup};
pub use deleted::{DeletedState, KEPT_DAYS, Swept, deleted, deleted_state, sweep};
pub use fsck::{Checked, Finding, Report, fsck};
pub use keys::{Rewrapped, Use, retire, rewrap, rotate, uses};
pub use restore::{RESTORED, Restored, restore};
pub use tables::Table;

/// A data folder: of a server, or the `.multispace` of a stack.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The folder.
    pub data: PathBuf,
    /// URL of the PostgreSQL database that belongs to it; `None` for SQLite in the folder.
    pub database: Option<String>,
    /// Where its keys are.
    pub keys: Keys,
}

impl Folder {
    /// The database as it is.
    async fn look(&self) -> Result<Db, Problem> {
        match &self.database {
            Some(url) => Db::postgres_to_look(url).await,
            None => Db::sqlite_to_look(&self.file()?).await,
        }
    }

    /// The database, to write to it; its tables are those that it has.
    async fn open(&self) -> Result<Db, Problem> {
        match &self.database {
            Some(url) => Db::postgres(url, Changes::default()).await,
            None => Db::sqlite(&self.file()?, Changes::default()).await,
        }
    }

    /// The file of a SQLite database, which must be there.
    fn file(&self) -> Result<PathBuf, Problem> {
        let file = self.data.join("multispace.db");
        if file.is_file() {
            return Ok(file);
        }
        Err(Problem::not_found("upkeep/no-data", format!("There is no data of multispace in {}.", self.data.display()))
            .advice("Name its folder with --data-dir, and its PostgreSQL database, if it has one, with --database."))
    }

    fn key(&self) -> Result<Key, Problem> {
        Key::existing(&self.keys)
    }

    /// Whether a server, or a command on a stack, is at work in it.
    fn is_in_use(&self) -> bool {
        File::open(self.data.join("lock")).is_ok_and(|lock| lock.try_lock().is_err())
    }
}

/// Blobs and logs of a folder; neither has to be there.
struct Blobs {
    objects: Option<Objects>,
    logs: Option<Objects>,
}

impl Blobs {
    fn of(data: &Path, key: &Key) -> Result<Self, Problem> {
        Ok(Self {
            objects: Objects::existing(&data.join("objects"), key.clone())?,
            logs: Objects::existing(&data.join("logs"), key.clone())?,
        })
    }
}
