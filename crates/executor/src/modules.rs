//! `.terraform/modules/modules.json`, in which `init` notes where each module of a root is.
//!
//! Source: Terraform's `internal/modsdir`.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::folder::Folder;
use crate::foreign;

/// Where it is, seen from the root.
pub(crate) const NOTED: &str = ".terraform/modules/modules.json";

/// A module of a root.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Module {
    /// Its address; empty for the root.
    #[serde(rename = "Key")]
    pub(crate) key: String,
    /// Its folder, seen from the root.
    #[serde(rename = "Dir")]
    pub(crate) folder: PathBuf,
}

/// The modules that are noted in such a file; `None` when it is none.
pub(crate) fn read(text: &[u8]) -> Option<Vec<Module>> {
    #[derive(Deserialize)]
    struct Noted {
        #[serde(rename = "Modules")]
        modules: Vec<Module>,
    }
    serde_json::from_slice::<Noted>(text).ok().map(|noted| noted.modules)
}

/// Folders of all modules of an initialised root, the root first.
pub(crate) fn folders(folder: &Folder, root: &Path) -> Option<Vec<PathBuf>> {
    let mut folders = vec![root.to_owned()];
    match foreign::read(folder.path(), &root.join(NOTED)) {
        Ok(text) => {
            let noted = read(&text)?;
            folders.extend(noted.into_iter().filter(|it| !it.key.is_empty()).map(|it| root.join(it.folder)));
        }
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => {}
        Err(_) => return None,
    }
    Some(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_read_with_their_folders_and_what_is_no_such_file_is_none() {
        let text = r#"{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"m","Source":"../m","Dir":"../m"}]}"#;
        let module = |key: &str, folder: &str| Module { key: key.to_owned(), folder: folder.into() };
        assert_eq!(read(text.as_bytes()), Some(vec![module("", "."), module("m", "../m")]));
        for other in ["", "[]", r#"{"Modules":[{"Dir":"."}]}"#] {
            assert_eq!(read(other.as_bytes()), None, "{other}");
        }
    }
}
