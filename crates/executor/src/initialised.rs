//! What `init` made, kept for the next run that asks for the same: `init` costs as much as a plan of a small workspace, and ten
//! times that where a provider is large.
//!
//! Kept is only what a new `init` would make again: every provider is in the lock file that came with the code (or is a part of
//! terraform), and every module is a local one. Providers are compared with the lock file, also those from here ([`crate::checks`]).
//! A kept folder that does not do is forgotten by the run that failed with it. Absent: fetching anything.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use domain::id::Id;

use crate::folder::{make_private, remove, write_private};
use crate::modules;
use crate::version::Version;
use crate::work::{Backend, Work};

/// Most folders that are kept.
const MOST: usize = 100;
/// Name of the lock file.
pub(crate) const LOCK: &str = ".terraform.lock.hcl";
/// Folder in which `init` leaves what it makes.
pub(crate) const MADE: &str = ".terraform";
/// Longest description of modules that is read.
const LONGEST: u64 = 1024 * 1024;

/// What a root asks of `init`, and where that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Initialised {
    /// What is asked for.
    asked: String,
    /// The folder that is kept for it.
    kept: PathBuf,
    root: PathBuf,
    lock: Option<Vec<u8>>,
    /// Id of the run.
    run: String,
}

impl Initialised {
    /// What the root module in `root` asks for; `None` where nothing can be kept.
    pub(crate) fn of(work: &Work, root: &Path, version: &Version) -> Option<Self> {
        let place = work.initialised.as_ref().filter(|_| work.backend == Backend::Held)?;
        // The providers of a run are linked to those that are kept: it must not be able to change them.
        if work.sandbox.as_ref().is_some_and(|sandbox| !sandbox.protects_parts()) {
            return None;
        }
        // What the archive brought along is for `init` to make sense of.
        if root.join(MADE).exists() {
            return None;
        }
        let lock = match fs::read(root.join(LOCK)) {
            Ok(lock) => Some(lock),
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => None,
            Err(_) => return None,
        };
        let Version { product, version, platform } = version;
        let asked = format!(
            "{} {version} {platform}\n{}\n{}",
            product.as_str(),
            configuration::asked_of_init(root)?,
            String::from_utf8_lossy(lock.as_deref().unwrap_or_default()),
        );
        let mut hasher = DefaultHasher::new();
        asked.hash(&mut hasher);
        let kept = place.join(format!("{:016x}", hasher.finish()));
        Some(Self { asked, kept, root: root.to_owned(), lock, run: work.run.as_str().to_owned() })
    }

    /// Puts what is kept into the run's folder; `false` when there is nothing, or it does not do.
    pub(crate) fn restore(&self) -> bool {
        let is_the_same = fs::read(self.asked_file()).is_ok_and(|asked| asked == self.asked.as_bytes());
        if !is_the_same {
            return false;
        }
        let made = self.root.join(MADE);
        match copy(&self.kept.join(MADE), &made) {
            Ok(()) => true,
            Err(problem) => {
                tracing::warn!(%problem, "what init made is kept and cannot be used");
                self.forget();
                if let Err(problem) = remove(&made) {
                    tracing::warn!(%problem, "what was copied of it could not be removed");
                }
                false
            }
        }
    }

    /// Keeps what `init` has made just now, if another `init` would make the same; whether it is kept.
    pub(crate) fn keep(&self) -> bool {
        if !self.is_made_again() {
            return false;
        }
        if !self.kept.exists()
            && let Err(problem) = self.store()
        {
            tracing::warn!(%problem, "what init made could not be kept");
            return false;
        }
        true
    }

    /// Forgets what is kept: a run failed with it.
    pub(crate) fn forget(&self) {
        if let Err(problem) = remove(&self.kept) {
            tracing::warn!(%problem, "what init made could not be forgotten");
        }
    }

    fn asked_file(&self) -> PathBuf {
        self.kept.join("asked")
    }

    /// Nothing was chosen (the lock file is as it was) and nothing was fetched but providers, and the backend is ready.
    fn is_made_again(&self) -> bool {
        let lock = fs::read(self.root.join(LOCK)).ok();
        let made = self.root.join(MADE);
        lock == self.lock && made.join("terraform.tfstate").is_file() && are_local(&self.root.join(modules::NOTED))
    }

    /// Made beside and renamed, so that nobody finds half of it.
    fn store(&self) -> io::Result<()> {
        let Some(place) = self.kept.parent() else { return Ok(()) };
        make_private(place)?;
        leave_at_most(place, MOST - 1)?;
        let beside = place.join(format!("new-{}", self.run));
        remove(&beside)?;
        make_private(&beside)?;
        let stored = copy(&self.root.join(MADE), &beside.join(MADE))
            // The name of the run's workspace.
            .and_then(|()| remove(&beside.join(MADE).join("environment")))
            .and_then(|()| write_private(&beside.join("asked"), self.asked.as_bytes()))
            .and_then(|()| fs::rename(&beside, &self.kept));
        if stored.is_err() {
            remove(&beside)?;
            // Another run was quicker.
            return if self.kept.exists() { Ok(()) } else { stored };
        }
        Ok(())
    }
}

/// Whether every module that `init` noted lies in the code itself.
fn are_local(noted: &Path) -> bool {
    match fs::metadata(noted) {
        Err(problem) => problem.kind() == io::ErrorKind::NotFound,
        Ok(found) if found.len() > LONGEST => false,
        Ok(_) => fs::read(noted)
            .ok()
            .and_then(|text| modules::read(&text))
            .is_some_and(|modules| modules.iter().all(|module| !module.folder.starts_with(MADE))),
    }
}

/// Copies a folder: links stay links (and have to lead somewhere), providers are linked, everything else is small and copied, so that
/// who writes into one has not written into the other.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    make_private(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target, kind) = (entry.path(), to.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            copy(&source, &target)?;
        } else if kind.is_symlink() {
            fs::metadata(&source)?;
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if source.components().any(|it| it.as_os_str() == "providers") {
            fs::hard_link(&source, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// Removes the oldest folders until there are not more than `most`.
pub(crate) fn leave_at_most(place: &Path, most: usize) -> io::Result<()> {
    let made =
        |entry: &fs::DirEntry| entry.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut all: Vec<fs::DirEntry> = fs::read_dir(place)?.collect::<io::Result<_>>()?;
    all.sort_by_key(made);
    let over = all.len().saturating_sub(most);
    all.iter().take(over).try_for_each(|entry| remove(&entry.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_that_were_fetched_are_not_local() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("modules.json");
        assert!(are_local(&file), "a root without modules has no such file");
        let of = |dir: &str| {
            format!(r#"{{"Modules":[{{"Key":"","Source":"","Dir":"."}},{{"Key":"m","Source":"x","Dir":"{dir}"}}]}}"#)
        };
        for (dir, local) in
            [("../m", true), ("m", true), (".terraform/modules/m", false), (".terraform/modules/m/sub", false)]
        {
            fs::write(&file, of(dir)).unwrap();
            assert_eq!(are_local(&file), local, "{dir}");
        }
        fs::write(&file, "{").unwrap();
        assert!(!are_local(&file));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        for (age, name) in ["b", "a", "c"].into_iter().enumerate() {
            let made = folder.path().join(name);
            fs::create_dir(&made).unwrap();
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age as u64 + 1);
            fs::File::open(&made).unwrap().set_modified(at).unwrap();
        }
        leave_at_most(folder.path(), 2).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["a", "c"]);
    }
}
