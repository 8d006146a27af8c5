//! What went into the last run of each workspace, kept in the stack's folder because a server keeps nothing of the kind. A run
//! that was not started from here is one of which nothing is known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Problem;
use serde::{Deserialize, Serialize};

use super::record::{read, unusable};
use crate::digest::sha256;
use crate::new_file::NewFile;
use crate::stack::session;

/// The memory of one host and organization.
pub(super) struct Memory {
    file: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// Drawn once; digests are made with it, so that they say nothing of what they are of.
    key: String,
    /// By id of the workspace.
    workspaces: BTreeMap<String, Went>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Went {
    run: String,
    inputs: String,
}

impl Memory {
    /// Opens it; nothing is written yet. `place` names the host and the organization.
    ///
    /// # Errors
    /// `stack/data` when what is there cannot be read.
    pub(super) fn open(dir: &Path, place: &str) -> Result<Self, Problem> {
        let file = dir.join(session::DATA).join(format!("inputs-{}.json", client::encoded(place)));
        let new = || Kept { key: client::random::hex(32), workspaces: BTreeMap::new() };
        let kept = read(&file, WHAT)?.unwrap_or_else(new);
        Ok(Self { file, kept: Mutex::new(kept) })
    }

    /// What went into this run of a workspace, if it is the one that is remembered.
    pub(super) fn of(&self, workspace: &str, run: &str) -> Option<String> {
        self.kept().workspaces.get(workspace).filter(|went| went.run == run).map(|went| went.inputs.clone())
    }

    /// Keeps what goes into a run.
    ///
    /// # Errors
    /// `stack/data` when it cannot be written.
    pub(super) fn keep(&self, workspace: &str, run: &str, inputs: String) -> Result<(), Problem> {
        session::make_data(self.file.parent().unwrap_or(Path::new(".")))?;
        let mut kept = self.kept();
        kept.workspaces.insert(workspace.to_owned(), Went { run: run.to_owned(), inputs });
        let text = serde_json::to_vec(&*kept).unwrap_or_default();
        let written = NewFile::begin(&self.file, 0o600).and_then(|file| file.finish(&text));
        written.map_err(|error| unusable(&self.file, &error.to_string(), WHAT))
    }

    /// A digest that says nothing of the text to whoever lacks the key.
    pub(super) fn digest(&self, text: &str) -> String {
        sha256(format!("{}\n{text}", self.kept().key).as_bytes())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const WHAT: &str = "It says what went into the last runs; without it, every workspace runs once more.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_of_one_run_and_outlives_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::open(dir.path(), "h/acme").unwrap();
        memory.keep("ws-1", "run-1", "a".into()).unwrap();
        memory.keep("ws-1", "run-2", "b".into()).unwrap();
        let again = Memory::open(dir.path(), "h/acme").unwrap();
        assert_eq!((again.of("ws-1", "run-1"), again.of("ws-1", "run-2")), (None, Some("b".to_owned())));
        assert_eq!(again.digest("x"), memory.digest("x"));
        assert_ne!(Memory::open(dir.path(), "h/other").unwrap().digest("x"), memory.digest("x"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_said() {
        let dir = tempfile::tempdir().unwrap();
        Memory::open(dir.path(), "h").unwrap().keep("ws-1", "run-1", "a".into()).unwrap();
        std::fs::write(dir.path().join(".multispace/inputs-h.json"), "{").unwrap();
        let problem = Memory::open(dir.path(), "h").err().unwrap();
        assert_eq!(problem.code, "stack/data");
        assert!(problem.advice.contains("runs once more"), "{problem}");
    }
}
