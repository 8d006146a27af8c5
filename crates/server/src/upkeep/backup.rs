//! A copy of a data folder in one file, taken while its server works.
//!
//! Blobs are linked, then the database is copied as of one moment, then the blobs are linked that came meanwhile; a blob never
//! changes, so what the copied rows name is what they named at that moment. The copy is checked like any data folder, and
//! only then gets its name. It holds everything but the keys, without which it opens to nobody; logs of runs that were under way,
//! and the folders of such runs, are not in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use domain::Problem;
use serde::{Deserialize, Serialize};

use super::archive::Archive;
use super::fsck::{Report, check};
use super::named::Named;
use super::tables::{self, Table};
use super::{Blobs, Folder, files, rows};
use crate::ports::Ports;
use crate::storage::{Db, Tx};

/// How often it is begun anew when states were replaced while the database was copied.
const ATTEMPTS: usize = 5;

/// Name of the SQLite database in a backup.
pub(super) const DATABASE: &str = "multispace.db";
/// Folder of the tables of a PostgreSQL database in a backup.
pub(super) const TABLES: &str = "tables";

/// What a backup says of itself, at its end: one that is cut off says nothing, and is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    pub format: u32,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// Version of the multispace that took it.
    pub version: String,
    /// Migrations that the database had.
    pub migrations: Vec<String>,
    /// Ids of the keys that it is sealed with, as hex.
    pub keys: Vec<String>,
    /// Tables of a PostgreSQL database; empty for SQLite.
    pub tables: Vec<Table>,
    /// Each file with the SHA-256 of its bytes as hex.
    pub files: Vec<(String, String)>,
}

/// A backup that was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Its file.
    pub file: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// What the check of the copy said.
    pub report: Report,
}

/// Takes a backup into `to`, a file that is not there yet, or a folder in which it gets a name by its time.
///
/// # Errors
/// `upkeep/exists`, `upkeep/no-data`, `upkeep/migrations`; `upkeep/damaged` when the copy does not pass the check; `upkeep/file`,
/// `storage/…`. Nothing is left of one that failed.
pub async fn backup(folder: &Folder, to: &Path) -> Result<Taken, Problem> {
    let now = Ports::system().now();
    let file = match to.is_dir() {
        true => to.join(format!("multispace-{}.backup", now.format("%Y%m%dT%H%M%S%3fZ"))),
        false => to.to_owned(),
    };
    if file.exists() {
        return Err(Problem::conflict("upkeep/exists", format!("{} is there already.", file.display()))
            .advice("Give another name, or a folder; a backup overwrites nothing."));
    }
    let key = folder.key()?;
    let db = folder.look().await?;
    let mut attempt = 1;
    let (stage, migrations, tables, report) = loop {
        let stage = tempfile::Builder::new()
            .prefix("backup-")
            .tempdir_in(&folder.data)
            .map_err(|error| files::unusable(&folder.data, error))?;
        let tx = db.steady().await?;
        let copied = copy(folder, &db, tx, stage.path()).await?;
        let blobs = Blobs::of(stage.path(), &key)?;
        let report = check(copied.tx, &copied.db, key.clone(), blobs, false, None).await?;
        if folder.database.is_none() {
            copied.db.close().await;
        }
        let replaced = report.findings.iter().any(|it| it.problem.code == "upkeep/missing");
        if report.is_clean() || !replaced || attempt == ATTEMPTS {
            break (stage, copied.migrations, copied.tables, report);
        }
        attempt += 1;
    };
    db.close().await;
    if let Some(finding) = report.findings.iter().find(|finding| !finding.is_left_over) {
        let message = format!("The data is not as it should be, so no backup was taken: {}", finding.problem.message);
        return Err(Problem::conflict("upkeep/damaged", message)
            .advice("Run `multispace fsck` for everything that is wrong, mend it, and take the backup again."));
    }
    let manifest = Manifest {
        format: 1,
        taken_at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        migrations,
        keys: key.ids(),
        tables,
        files: Vec::new(),
    };
    let size = Archive::write(stage.path(), &file, manifest).map_err(|error| files::unusable(&file, error))?;
    Ok(Taken { file, size, report })
}

struct Copied {
    migrations: Vec<String>,
    tables: Vec<Table>,
    /// A SQLite copy is read where it is; rows of PostgreSQL are read in the transaction that they were copied in.
    db: Db,
    tx: Tx,
}

/// Copies into `stage` what a backup holds.
async fn copy(folder: &Folder, db: &Db, tx: Tx, stage: &Path) -> Result<Copied, Problem> {
    let unusable = |error: io::Error| files::unusable(stage, error);
    linked(&folder.data, stage, "objects", |_| true).map_err(unusable)?;
    let (tables, db, tx) = match &folder.database {
        Some(url) => {
            let tables = tables::copied_out(url, &tx, &stage.join(TABLES)).await?;
            (tables, db.clone(), tx)
        }
        None => {
            drop(tx);
            let file = stage.join(DATABASE);
            db.copied_into(&file).await?;
            let copy = Db::sqlite_to_look(&file).await?;
            let tx = copy.steady().await?;
            (Vec::new(), copy, tx)
        }
    };
    let migrations = rows::migrations(&tx).await?;
    if migrations != crate::storage::migrations() {
        return Err(Problem::conflict("upkeep/migrations", "The database is of another version of multispace.")
            .advice("Take the backup with the multispace that is in use there."));
    }
    let named = Named::read(&tx).await?;
    let wanted = |path: &str| named.has(path) && named.is_still(path);
    linked(&folder.data, stage, "objects", wanted).map_err(unusable)?;
    linked(&folder.data, stage, "logs", wanted).map_err(unusable)?;
    for (path, file) in files::all(stage)? {
        if !wanted(&path) {
            fs::remove_file(file).map_err(unusable)?;
        }
    }
    Ok(Copied { migrations, tables, db, tx })
}

/// Links the files of a folder of blobs that are not linked yet. One that is gone by then was replaced.
fn linked(data: &Path, stage: &Path, top: &str, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    for (path, file) in files::below(data, top)? {
        let to = stage.join(top).join(&path);
        if !wanted(&path) || to.exists() {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        // A file system without links, or with too many to one file.
        let done = fs::hard_link(&file, &to).or_else(|_| fs::copy(&file, &to).map(drop));
        match done {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}
