//! Blobs: configurations, plans, states and logs, sealed, through `object_store`.
//!
//! Paths are made by the rooms from ids, never from what a client sent.

use std::ffi::OsString;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{Fault, Problem};
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use super::recent::Recent;
use super::{Key, Moment, Probe, Reserve};

/// A store of blobs.
#[derive(Clone)]
pub struct Objects {
    store: Arc<LocalFileSystem>,
    key: Key,
    probe: Probe,
    reserve: Reserve,
    /// For whoever is the only one that changes the blobs.
    recent: Option<Recent>,
}

/// A blob in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its path.
    pub path: String,
    /// When it was last written.
    pub changed: DateTime<Utc>,
}

impl Objects {
    /// Blobs as files below `folder`, which is made if need be. `durable` ones are synced to disk before `put` returns.
    ///
    /// # Errors
    /// `storage/unavailable` when the folder cannot be made or used.
    pub fn files(folder: &Path, key: Key, durable: bool) -> Result<Self, Problem> {
        std::fs::create_dir_all(folder).map_err(|error| unavailable(folder.display(), error))?;
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| unavailable(folder.display(), error))?
            .with_fsync(durable);
        let (probe, reserve) = (Probe::default(), Reserve::of(folder, None));
        Ok(Self { store: Arc::new(store), key, probe, reserve, recent: None })
    }

    /// The same, with the last ones in memory: nobody else may change blobs of the folder while this is used.
    #[must_use]
    pub fn remembering(self) -> Self {
        Self { recent: Some(Recent::default()), ..self }
    }

    /// The same, with somebody who is told of every blob that is stored.
    #[must_use]
    pub fn probed(self, probe: Probe) -> Self {
        Self { probe, ..self }
    }

    /// The blobs below `folder` as they are; `None` where there is no such folder, which is not made.
    ///
    /// # Errors
    /// `storage/unavailable` when the folder cannot be used.
    pub fn existing(folder: &Path, key: Key) -> Result<Option<Self>, Problem> {
        match folder.try_exists() {
            Ok(true) => Self::files(folder, key, false).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(unavailable(folder.display(), error)),
        }
    }

    /// The same, with room that is given up when something cannot be written.
    #[must_use]
    pub fn with_reserve(mut self, reserve: Reserve) -> Self {
        self.reserve = reserve;
        self
    }

    /// Every blob, by path.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn all(&self) -> Result<Vec<Listed>, Problem> {
        let found: Vec<_> = self.store.list(None).try_collect().await.map_err(|error| unavailable("all", error))?;
        let listed =
            |meta: object_store::ObjectMeta| Listed { path: meta.location.to_string(), changed: meta.last_modified };
        let mut all: Vec<_> = found.into_iter().map(listed).collect();
        all.sort();
        Ok(all)
    }

    /// Stores `bytes` under `path`, replacing what was there.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn put(&self, path: &str, bytes: &[u8]) -> Result<(), Problem> {
        self.probe.at(Moment::Storing(path))?;
        self.forget(path);
        let sealed = PutPayload::from(self.key.seal(path, bytes)?);
        if self.store.put(&ObjectPath::from(path), sealed.clone()).await.is_err() {
            self.reserve.release();
            self.store.put(&ObjectPath::from(path), sealed).await.map_err(|error| unavailable(path, error))?;
        }
        if let Some(recent) = &self.recent {
            recent.keep(path, bytes);
        }
        self.probe.at(Moment::Stored(path))
    }

    fn forget(&self, path: &str) {
        if let Some(recent) = &self.recent {
            recent.forget(path);
        }
    }

    /// Reads the blob at `path`; `None` when there is none.
    ///
    /// # Errors
    /// `storage/unavailable`, `storage/sealed`.
    pub async fn get(&self, path: &str) -> Result<Option<Bytes>, Problem> {
        if let Some(blob) = self.recent.as_ref().and_then(|recent| recent.get(path)) {
            return Ok(Some(blob));
        }
        let file = self.file(path)?;
        let Some(sealed) = beside(path, move || std::fs::read(file)).await? else { return Ok(None) };
        let blob = Bytes::from(self.key.open_sealed(path, &sealed)?);
        if let Some(recent) = &self.recent {
            recent.keep(path, &blob);
        }
        Ok(Some(blob))
    }

    /// Reads the blob at `path`, which must be there.
    ///
    /// # Errors
    /// `storage/missing` when it is not; else as [`Objects::get`].
    pub async fn must_get(&self, path: &str) -> Result<Bytes, Problem> {
        self.get(path).await?.ok_or_else(|| {
            Problem::ours("storage/missing", "A stored object is missing.", path)
                .advice("Look at the server's log for its name and restore it from a backup.")
        })
    }

    /// Names of the blobs right below `folder`, sorted.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, Problem> {
        let path = self.file(folder)?;
        let names = beside(folder, move || {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(path)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    names.push(entry.file_name());
                }
            }
            Ok(names)
        });
        let names = names.await?.unwrap_or_default().into_iter().filter_map(|name| OsString::into_string(name).ok());
        // What is being written has a `#` in its name.
        let mut names: Vec<_> = names.filter(|name| !name.contains('#')).collect();
        names.sort();
        Ok(names)
    }

    /// Where a blob is, or a folder of blobs.
    fn file(&self, path: &str) -> Result<PathBuf, Problem> {
        self.store.path_to_filesystem(&ObjectPath::from(path)).map_err(|error| unavailable(path, error))
    }

    /// Removes the blob at `path`; one that is not there is fine.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn delete(&self, path: &str) -> Result<(), Problem> {
        self.forget(path);
        match self.store.delete(&ObjectPath::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(path, error)),
        }
    }
}

/// Reads from the disk beside what else is done, in one step; `None` when it is not there.
async fn beside<T: Send + 'static>(
    what: &str,
    read: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<Option<T>, Problem> {
    match tokio::task::spawn_blocking(read).await.map_err(|error| unavailable(what, error))? {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable(what, error)),
    }
}

fn unavailable(what: impl std::fmt::Display, error: impl std::fmt::Display) -> Problem {
    Problem::new(Fault::Unavailable, "storage/unavailable", "The object store did not answer as it should.")
        .advice("Check that the data folder is there, writable and not full, then try again.")
        .because(format!("{what}: {error}"))
}
