//! A data folder is made of a backup: unpacked beside its place, checked with its keys, and only then moved there.
//!
//! What runs did after the backup was taken is not in it. So none of those that were under way goes on: when the server first
//! starts on the folder it ends them, and says so on each. See `scheduler::recover`.

use std::fs;
use std::path::Path;

use domain::Problem;

use super::archive::Archive;
use super::backup::{DATABASE, Manifest, TABLES};
use super::fsck::{Report, fsck};
use super::{Folder, files, tables};
use crate::storage::{Changes, Db, Key, write_private};

/// Name of the file in a data folder that says that it was restored, until its server has started.
pub const RESTORED: &str = "restored";

/// What was restored.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What the backup said of itself.
    pub manifest: Manifest,
    /// What the check said.
    pub report: Report,
}

/// Makes the data folder `to`, and fills its PostgreSQL database where it has one, of the backup `file`. The keys are those of
/// `to`; a file of them is copied to its place in the folder.
///
/// # Errors
/// `upkeep/no-backup`, `upkeep/exists`, `upkeep/backup`, `storage/wrong-key`, `upkeep/damaged`, `upkeep/migrations`, `upkeep/file`, `storage/…`: then there
/// is no such folder.
pub async fn restore(file: &Path, to: &Folder) -> Result<Restored, Problem> {
    if !file.exists() {
        return Err(Problem::not_found("upkeep/no-backup", format!("There is no backup {}.", file.display()))
            .advice("Name a file that `multispace backup` has written."));
    }
    if to.data.exists() {
        return Err(Problem::conflict("upkeep/exists", format!("{} is there already.", to.data.display()))
            .advice("Name a folder that is not there yet; a restore overwrites nothing."));
    }
    if let Some(url) = &to.database {
        tables::must_be_empty(url).await?;
    }
    let key = Key::existing(&to.keys)?;
    let beside = to.data.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(beside).map_err(|error| files::unusable(beside, error))?;
    let stage = tempfile::Builder::new()
        .prefix(".multispace-restore-")
        .tempdir_in(beside)
        .map_err(|error| files::unusable(beside, error))?;
    let manifest = Archive::read(file, stage.path())?;
    fits(&manifest, to, &key)?;

    let staged = Folder { data: stage.path().to_owned(), ..to.clone() };
    let marker = serde_json::json!({ "taken-at": manifest.taken_at }).to_string();
    let place = stage.path().join(RESTORED);
    write_private(&place, marker.as_bytes()).map_err(|error| files::unusable(&place, error))?;
    let db = match &to.database {
        Some(url) => {
            let db = Db::postgres(url, Changes::default()).await?.migrated().await?;
            tables::copied_in(url, &manifest.tables, &stage.path().join(TABLES)).await?;
            let gone = stage.path().join(TABLES);
            fs::remove_dir_all(&gone).map_err(|error| files::unusable(&gone, error))?;
            db
        }
        // One that an older multispace took is brought up to date.
        None => Db::sqlite(&stage.path().join(DATABASE), Changes::default()).await?.migrated().await?,
    };
    db.close().await;
    let report = fsck(&staged).await?;
    if let Some(finding) = report.findings.iter().find(|finding| !finding.is_left_over) {
        let message = format!("What is in the backup is not as it should be: {}", finding.problem.message);
        return Err(Problem::conflict("upkeep/damaged", message)
            .advice("Use another backup, or the keys that belong to this one; nothing was put into place."));
    }
    if to.keys.given.is_none() {
        let (from, place) = (&to.keys.file, stage.path().join("key"));
        let copied = fs::read(from).and_then(|bytes| write_private(&place, &bytes));
        copied.map_err(|error| files::unusable(&place, error))?;
    }
    let placed = fs::File::open(stage.path())
        .and_then(|folder| folder.sync_all())
        .and_then(|()| fs::rename(stage.path(), &to.data))
        .and_then(|()| fs::File::open(beside)?.sync_all());
    placed.map_err(|error| files::unusable(&to.data, error))?;
    Ok(Restored { manifest, report })
}

/// Whether a backup can be put into such a folder with these keys.
fn fits(manifest: &Manifest, to: &Folder, key: &Key) -> Result<(), Problem> {
    let here = key.ids();
    if let Some(missing) = manifest.keys.iter().find(|id| !here.contains(id)) {
        let message = format!("The backup needs the key {missing}, which is not in {}.", to.keys.place());
        return Err(Problem::conflict("storage/wrong-key", message)
            .advice("Name the file with the keys that the server had then (--key-file); nothing was restored."));
    }
    let known = crate::storage::migrations();
    let is_newer = manifest.migrations.iter().any(|name| !known.contains(name));
    if is_newer || (to.database.is_some() && manifest.migrations != known) {
        return Err(Problem::conflict(
            "upkeep/migrations",
            format!("The backup was taken by multispace {}.", manifest.version),
        )
        .advice("Restore it with that version."));
    }
    match (manifest.tables.is_empty(), &to.database) {
        (true, Some(_)) => {
            Err(Problem::invalid("upkeep/backup", "The backup is of a server on SQLite.")
                .advice("Leave --database away."))
        }
        (false, None) => Err(Problem::invalid("upkeep/backup", "The backup is of a server on PostgreSQL.")
            .advice("Name an empty database with --database.")),
        _ => Ok(()),
    }
}
