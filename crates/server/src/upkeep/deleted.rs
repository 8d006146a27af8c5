//! States of deleted workspaces: they are kept for a while, can be had back, and are swept; and with them whatever no row names.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::Problem;

use super::journal::Journal;
use super::keys::ready;
use super::named::Named;
use super::{Blobs, Folder, rows};
use crate::ports::Ports;
use crate::storage::Objects;

/// How long states of deleted workspaces are kept unless somebody says otherwise, in days.
pub const KEPT_DAYS: u32 = 30;

/// A state version whose workspace was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedState {
    /// Its id.
    pub id: String,
    /// What its workspace was called.
    pub workspace: String,
    /// Its serial.
    pub serial: i64,
    /// Its length in bytes.
    pub size: i64,
    /// When the workspace was deleted.
    pub deleted_at: DateTime<Utc>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// States of deleted workspaces.
    pub states: usize,
    /// Blobs, those of the states among them.
    pub blobs: usize,
}

/// The states of deleted workspaces that are still here, by workspace, the newest last.
///
/// # Errors
/// `upkeep/no-data`, `storage/…`.
pub async fn deleted(folder: &Folder) -> Result<Vec<DeletedState>, Problem> {
    let db = folder.look().await?;
    let all = rows::deleted(&db.look()).await?;
    db.close().await;
    let shown = |row: rows::Deleted| DeletedState {
        id: row.id,
        workspace: row.workspace_name,
        serial: row.serial,
        size: row.size,
        deleted_at: row.deleted_at,
    };
    Ok(all.into_iter().map(shown).collect())
}

/// The bytes of one of them, as they were sent.
///
/// # Errors
/// `upkeep/no-state` when it is none of them; `storage/…`.
pub async fn deleted_state(folder: &Folder, id: &str) -> Result<Bytes, Problem> {
    let none = || {
        Problem::not_found("upkeep/no-state", format!("There is no state {id} of a deleted workspace."))
            .advice("Run `multispace deleted list` for those that there are.")
    };
    if !deleted(folder).await?.iter().any(|state| state.id == id) {
        return Err(none());
    }
    let blobs = Blobs::of(&folder.data, &folder.key()?)?;
    blobs.objects.ok_or_else(none)?.must_get(&format!("states/{id}")).await
}

/// Removes states whose workspaces were deleted longer ago than `kept`, and blobs that no row names and that are older than that: what a
/// deleted workspace, or a crash, has left. Works while the server runs; archives, which a new upload may name again, go only when none
/// does.
///
/// # Errors
/// `upkeep/…`, `storage/…`. It can be cut off at any point, and goes on the next time.
pub async fn sweep(folder: &Folder, kept: TimeDelta) -> Result<Swept, Problem> {
    let db = ready(folder).await?;
    let journal = Journal::of(&db, folder, "multispace deleted sweep").await?;
    let before = Ports::system().now() - kept;
    let in_use = folder.is_in_use();
    let blobs = Blobs::of(&folder.data, &folder.key()?)?;
    // Before the rows are read: a blob that is stored later, and its row, are both not seen.
    let mut old: Vec<(Objects, String)> = Vec::new();
    for objects in [blobs.objects, blobs.logs].into_iter().flatten() {
        let all = objects.all().await?.into_iter().filter(|blob| blob.changed < before);
        let may_go = all.filter(|blob| !in_use || !blob.path.starts_with("configurations/"));
        old.extend(may_go.map(|blob| (objects.clone(), blob.path)));
    }
    let tx = db.write().await?;
    let states = rows::forget_deleted(&tx, before).await?;
    let named = Named::read(&tx).await?;
    old.retain(|(_, path)| !named.has(path));
    let swept = Swept { states, blobs: old.len() };
    if swept != Swept::default() {
        let counts = [("states", swept.states), ("blobs", swept.blobs)];
        journal.write(&tx, "deleted.sweep", &before.to_rfc3339(), &counts).await?;
    }
    tx.commit().await?;
    db.close().await;
    // Rows first: what is cut off here is named by nothing, and goes the next time.
    for (objects, path) in old {
        objects.delete(&path).await?;
    }
    Ok(swept)
}
