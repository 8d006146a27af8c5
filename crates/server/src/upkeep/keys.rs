//! The keys that everything is sealed with are changed, while a server works with them.
//!
//! A new key stands before the others in their list, and a server hears of it at the next value that it seals or opens. Then
//! what older keys sealed is sealed anew, one value after the other, each only if nobody has changed it meanwhile. An old
//! key goes when nothing is sealed with it. It can be cut off at any point: each value opens before and after.
//!
//! Each step leaves a row in the audit log of the server, in the transaction of what it changes in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use domain::Problem;
use domain::run::PhaseStatus;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::files::{self, unusable};
use super::journal::Journal;
use super::{Folder, rows};
use crate::storage::{Db, Key, SEALED, write_private};

/// Rows that are sealed anew in one transaction.
const AT_A_TIME: usize = 100;

/// What was sealed anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Id of the key that encrypts.
    pub key: String,
    /// Values in the database.
    pub values: usize,
    /// Blobs.
    pub blobs: usize,
    /// What an older key still seals: logs that grow, and what was changed meanwhile.
    pub left: usize,
}

/// A key, and how much is sealed with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Its id, as hex.
    pub id: String,
    /// It is in the list of keys.
    pub is_here: bool,
    /// It is the one that encrypts.
    pub encrypts: bool,
    /// Values and blobs.
    pub sealed: usize,
}

/// Makes a new key, which encrypts from now on, and seals with it what older ones have sealed.
///
/// # Errors
/// `storage/key…` when there is no key or it is not ours to write; `upkeep/…`, `storage/…`.
pub async fn rotate(folder: &Folder) -> Result<Rewrapped, Problem> {
    let db = ready(folder).await?;
    let book = Journal::of(&db, folder, "multispace key rotate").await?;
    let tx = db.write().await?;
    let made = Key::make(&folder.keys)?.ids().into_iter().next().unwrap_or_default();
    book.write(&tx, "keys.rotate", &made, &[]).await?;
    tx.commit().await?;
    db.close().await;
    rewrap(folder).await
}

/// Seals with the key that encrypts what older ones have sealed; also what is left of a rotation that was cut off.
///
/// # Errors
/// As [`rotate`].
pub async fn rewrap(folder: &Folder) -> Result<Rewrapped, Problem> {
    let db = ready(folder).await?;
    let key = folder.key()?;
    let book = Journal::of(&db, folder, "multispace key rewrap").await?;
    let mut done = Rewrapped { key: key.ids().into_iter().next().unwrap_or_default(), ..Rewrapped::default() };
    values(&db, &key, &book, &mut done).await?;
    let sealed = blobs(folder, &db, &key, &mut done).await;
    if done.blobs > 0 {
        // Files have no transaction: what was done is written down, also when it was cut off.
        let tx = db.write().await?;
        book.write(&tx, "keys.rewrap", &done.key, &[("blobs", done.blobs)]).await?;
        tx.commit().await?;
    }
    sealed?;
    db.close().await;
    Ok(done)
}

/// How much is sealed with which key; those in the list first, in its order.
///
/// # Errors
/// As [`rotate`].
pub async fn uses(folder: &Folder) -> Result<Vec<Use>, Problem> {
    let db = folder.look().await?;
    let here = folder.key()?.ids();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let tx = db.steady().await?;
    for column in SEALED {
        for row in rows::sealed(&tx, column).await? {
            *counts.entry(Key::id_of(&row.value).unwrap_or_default()).or_default() += 1;
        }
    }
    drop(tx);
    db.close().await;
    for (_, file) in files::all(&folder.data)? {
        match head(&file) {
            Ok(id) => *counts.entry(id).or_default() += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(&file, error)),
        }
    }
    let of = |(at, id): (usize, &String)| Use {
        id: id.clone(),
        is_here: true,
        encrypts: at == 0,
        sealed: counts.get(id).copied().unwrap_or_default(),
    };
    let mut all: Vec<Use> = here.iter().enumerate().map(of).collect();
    let foreign = counts.iter().filter(|(id, _)| !here.contains(id));
    all.extend(foreign.map(|(id, sealed)| Use { id: id.clone(), is_here: false, encrypts: false, sealed: *sealed }));
    Ok(all)
}

/// Takes the keys out of the list with which nothing is sealed any more; returns their ids. The one that encrypts stays.
///
/// # Errors
/// As [`rotate`].
pub async fn retire(folder: &Folder) -> Result<Vec<String>, Problem> {
    if folder.keys.given.is_some() {
        return Err(Problem::conflict(
            "storage/key-given",
            "The keys come from the environment, which cannot be written to.",
        )
        .advice("Take the keys out of MULTISPACE_KEYS with which `multispace key list` says that nothing is sealed."));
    }
    let gone = uses(folder).await?.into_iter().filter(|key| key.is_here && !key.encrypts && key.sealed == 0);
    let gone: Vec<String> = gone.map(|key| key.id).collect();
    if !gone.is_empty() {
        let db = ready(folder).await?;
        let book = Journal::of(&db, folder, "multispace key retire").await?;
        let tx = db.write().await?;
        for key in &gone {
            book.write(&tx, "keys.retire", key, &[]).await?;
        }
        Key::retire(&folder.keys, &gone)?;
        tx.commit().await?;
        db.close().await;
    }
    Ok(gone)
}

/// The database, if its tables are those that this multispace knows.
pub(super) async fn ready(folder: &Folder) -> Result<Db, Problem> {
    folder.key()?;
    let db = folder.open().await?;
    let there = rows::migrations(&db.look()).await?;
    if there == crate::storage::migrations() {
        return Ok(db);
    }
    db.close().await;
    Err(Problem::conflict("upkeep/migrations", "The database is of another version of multispace.")
        .advice("Start the server once with this multispace, or use the one that is in use."))
}

async fn values(db: &Db, key: &Key, book: &Journal, done: &mut Rewrapped) -> Result<(), Problem> {
    for column in SEALED {
        let tx = db.steady().await?;
        let all = rows::sealed(&tx, column).await?;
        drop(tx);
        let mut anew = Vec::new();
        for row in all {
            if let Some(sealed) = key.rewrapped(&format!("{}{}", row.id, column.suffix), &row.value)? {
                anew.push((row, sealed));
            }
        }
        for piece in anew.chunks(AT_A_TIME) {
            let tx = db.write().await?;
            let mut replaced = 0;
            for (row, sealed) in piece {
                // Whoever has changed it meanwhile has sealed it with the new key.
                replaced += usize::from(rows::replace(&tx, column, row, sealed).await?);
            }
            if replaced > 0 {
                book.write(&tx, "keys.rewrap", &done.key, &[("values", replaced)]).await?;
            }
            tx.commit().await?;
            done.values += replaced;
        }
    }
    Ok(())
}

async fn blobs(folder: &Folder, db: &Db, key: &Key, done: &mut Rewrapped) -> Result<(), Problem> {
    let phases = rows::phases(&db.look()).await?;
    let over = |status: &str| PhaseStatus::parse(status).is_some_and(PhaseStatus::is_final);
    let growing: BTreeSet<&str> = phases.iter().filter(|it| !over(&it.status)).map(|it| it.id.as_str()).collect();
    let beside = folder.data.join("rewrap");
    let _ = fs::remove_dir_all(&beside);
    fs::create_dir(&beside).map_err(|error| unusable(&beside, error))?;
    for (path, file) in files::all(&folder.data)? {
        let sealed = match fs::read(&file) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unusable(&file, error)),
        };
        let Some(anew) = key.rewrapped(&path, &sealed)? else { continue };
        // Pieces of a log that grows are joined by its server.
        let phase = path.strip_prefix("logs/").and_then(|rest| rest.split('/').next());
        if phase.is_some_and(|phase| growing.contains(phase)) {
            done.left += 1;
            continue;
        }
        match exchanged(&file, &beside.join("blob"), &sealed, &anew, folder.is_in_use()) {
            Ok(true) => done.blobs += 1,
            Ok(false) => done.left += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(&file, error)),
        }
    }
    fs::remove_dir_all(&beside).map_err(|error| unusable(&beside, error))
}

/// Puts `anew` in the place of `sealed`, durably; not when something else stands there by now. Two files change places at
/// once, so that what stood there is seen and can be put back.
fn exchanged(file: &Path, beside: &Path, sealed: &[u8], anew: &[u8], in_use: bool) -> io::Result<bool> {
    let _ = fs::remove_file(beside);
    write_private(beside, anew)?;
    let change = || match renameat2(AT_FDCWD, beside, AT_FDCWD, file, RenameFlags::RENAME_EXCHANGE) {
        // A file system that does not know this, where nobody else writes.
        Err(Errno::EINVAL | Errno::ENOSYS) if !in_use => fs::rename(beside, file).map(|()| false),
        Err(Errno::EINVAL | Errno::ENOSYS) => Err(io::Error::other(
            "this file system cannot exchange two files at once; stop the server and run it again",
        )),
        changed => changed.map(|()| true).map_err(io::Error::from),
    };
    if change()? && fs::read(beside)? != sealed {
        change()?;
        return Ok(false);
    }
    if let Some(folder) = file.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(true)
}

/// Id of the key that a file was sealed with; empty when it is no sealed value.
fn head(file: &Path) -> io::Result<String> {
    use std::io::Read;
    let mut head = Vec::new();
    fs::File::open(file)?.take(16).read_to_end(&mut head)?;
    Ok(Key::id_of(&head).unwrap_or_default())
}
