//! The walk that is under way on a host, written down in the stack's folder before its first run is started, so that the
//! same command after a kill or a failure goes on with it. Removed when the walk has ended well.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use domain::Problem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::new_file::NewFile;
use crate::stack::{clock, session};

const WHAT: &str = "It says which walk is under way; remove it when none is.";

/// What is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Drawn for this walk; the notes of its runs are made of it.
    pub(super) walk: String,
    /// Stands for the command, the code and the variables: a command that differs in any of them begins another walk.
    pub(super) digest: String,
    /// When it began, for people.
    pub(super) begun_at: String,
}

/// A record and its file.
pub(super) struct Kept {
    file: PathBuf,
    /// This walk.
    pub(super) record: Record,
    /// Whether an earlier process began it.
    pub(super) is_resumed: bool,
    /// A walk of other code or another command that has not ended; its runs are to be settled first.
    pub(super) left: Option<Record>,
}

impl Kept {
    /// Takes up the walk of this digest, or begins one. `place` names the host and the organization.
    ///
    /// # Errors
    /// `stack/data` when the folder cannot be written to or what is in it cannot be read.
    pub(super) fn open(dir: &Path, place: &str, digest: &str) -> Result<Self, Problem> {
        let data = dir.join(session::DATA);
        session::make_data(&data)?;
        let file = data.join(format!("walk-{}.json", client::encoded(place)));
        let known: Option<Record> = read(&file, WHAT)?;
        if let Some(record) = known.as_ref().filter(|known| known.digest == digest) {
            return Ok(Self { file, record: record.clone(), is_resumed: true, left: None });
        }
        let record = Record {
            walk: client::random::hex(8),
            digest: digest.to_owned(),
            begun_at: clock::now().format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        };
        Ok(Self { file, record, is_resumed: false, left: known })
    }

    /// Writes it down, in the place of an earlier walk's.
    ///
    /// # Errors
    /// `stack/data`.
    pub(super) fn write(&self) -> Result<(), Problem> {
        let text = serde_json::to_vec_pretty(&self.record).unwrap_or_default();
        let written = NewFile::begin(&self.file, 0o600).and_then(|file| file.finish(&text));
        written.map_err(|error| unusable(&self.file, &error.to_string(), WHAT))
    }

    /// The walk has ended well: the next command begins another.
    ///
    /// # Errors
    /// `stack/data`.
    pub(super) fn remove(&self) -> Result<(), Problem> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(unusable(&self.file, &error.to_string(), WHAT)),
            _ => Ok(()),
        }
    }
}

/// What is written in a file of the stack's folder, if there is one. `advice` says what it is, for when it cannot be read.
///
/// # Errors
/// `stack/data`.
pub(super) fn read<T: DeserializeOwned>(file: &Path, advice: &str) -> Result<Option<T>, Problem> {
    match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(file, &error.to_string(), advice)),
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| unusable(file, &error.to_string(), advice)),
    }
}

/// A file of the stack's folder that cannot be used.
pub(super) fn unusable(file: &Path, why: &str, advice: &str) -> Problem {
    Problem::invalid("stack/data", format!("{} cannot be used: {why}.", file.display())).advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_that_did_not_end_is_taken_up_by_the_same_command_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Kept::open(dir.path(), "h:1/acme", "d").unwrap();
        assert!(!first.is_resumed && first.left.is_none());
        first.write().unwrap();
        let again = Kept::open(dir.path(), "h:1/acme", "d").unwrap();
        assert!(again.is_resumed);
        assert_eq!(again.record, first.record);
        let other = Kept::open(dir.path(), "h:1/acme", "e").unwrap();
        assert!(!other.is_resumed);
        assert_ne!(other.record.walk, first.record.walk);
        assert_eq!(other.left, Some(first.record));
        assert!(!Kept::open(dir.path(), "h:2/acme", "d").unwrap().is_resumed);
        again.remove().unwrap();
        assert!(!Kept::open(dir.path(), "h:1/acme", "d").unwrap().is_resumed);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_said_and_not_taken_for_none() {
        let dir = tempfile::tempdir().unwrap();
        let walk = Kept::open(dir.path(), "h", "d").unwrap();
        fs::write(&walk.file, "{").unwrap();
        assert_eq!(Kept::open(dir.path(), "h", "d").err().unwrap().code, "stack/data");
    }
}
