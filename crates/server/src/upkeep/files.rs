//! The files of a data folder that hold blobs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::Problem;

/// Every blob of a data folder: the path that it is sealed for, and its file.
pub(super) fn all(data: &Path) -> Result<Vec<(String, PathBuf)>, Problem> {
    let mut all = Vec::new();
    for top in ["objects", "logs"] {
        all.extend(below(data, top).map_err(|error| unusable(&data.join(top), error))?);
    }
    Ok(all)
}

/// Those of its folder `top`, sorted; none where there is no such folder.
pub(super) fn below(data: &Path, top: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let top = data.join(top);
    let mut all = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            // What the store is writing has a number behind its name, and gets its own name when it is whole.
            let is_whole = !path.to_string_lossy().contains('#');
            match path.strip_prefix(&top) {
                _ if path.is_dir() => folders.push(path),
                Ok(name) if is_whole => all.push((name.to_string_lossy().into_owned(), path.clone())),
                _ => {}
            }
        }
    }
    all.sort();
    Ok(all)
}

pub(super) fn unusable(file: &Path, error: impl std::fmt::Display) -> Problem {
    Problem::invalid("upkeep/file", format!("{} cannot be used: {error}.", file.display()))
        .advice("Look at the disk and at who may write there, then run it again: nothing was lost.")
}
