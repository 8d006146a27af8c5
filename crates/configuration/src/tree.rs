//! All modules of a stack: the folders below the one that is read, and the local modules they call, wherever those are.
//!
//! Absent: which of them are roots.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::backend::{normal, relative};
use crate::diagnostic::Diagnostic;
use crate::module::{self, Module};

/// Folders that hold no code of the user's; hidden folders are left out too.
const SKIPPED_FOLDERS: &[&str] = &["node_modules"];

/// The modules by folder (absolute, normal).
pub(crate) struct Tree {
    /// The folder that is read, absolute with links resolved.
    pub(crate) dir: PathBuf,
    pub(crate) modules: BTreeMap<PathBuf, Module>,
    /// Folders below `dir` that hold code, in order of path.
    pub(crate) folders: Vec<PathBuf>,
}

impl Tree {
    /// Reads every module. `also` are folders to read although the search would pass them by.
    pub(crate) fn read(dir: PathBuf, also: &[PathBuf], problems: &mut Vec<Diagnostic>) -> Self {
        let mut folders: BTreeSet<PathBuf> = folders_with_code(&dir, problems).into_iter().collect();
        folders.extend(also.iter().cloned());
        Self::reached(dir, folders, problems)
    }

    /// Reads one root of `dir` and the local modules that it reaches, and nothing else.
    pub(crate) fn of_root(dir: PathBuf, root: PathBuf, problems: &mut Vec<Diagnostic>) -> Self {
        Self::reached(dir, BTreeSet::from([root]), problems)
    }

    fn reached(dir: PathBuf, folders: BTreeSet<PathBuf>, problems: &mut Vec<Diagnostic>) -> Self {
        let mut tree = Self { dir, modules: BTreeMap::new(), folders: folders.iter().cloned().collect() };
        let mut queue: VecDeque<PathBuf> = folders.into_iter().collect();
        while let Some(folder) = queue.pop_front() {
            if tree.modules.contains_key(&folder) || module::configuration_files(&folder).is_empty() {
                continue;
            }
            let module = module::read(&folder, &|path| relative(path, &tree.dir), problems);
            queue.extend(callees(&folder, &module));
            tree.modules.insert(folder, module);
        }
        tree
    }

    /// Folders that a module below `dir` calls, apart from calls of a module to itself.
    pub(crate) fn called(&self) -> BTreeSet<PathBuf> {
        let callers = self.folders.iter().filter_map(|folder| Some((folder, self.modules.get(folder)?)));
        callers.flat_map(|(folder, module)| callees(folder, module).filter(move |callee| callee != folder)).collect()
    }

    /// A folder as it is written in messages and names: relative to `dir`.
    pub(crate) fn shown(&self, path: &Path) -> String {
        relative(path, &self.dir)
    }
}

fn callees(folder: &Path, module: &Module) -> impl Iterator<Item = PathBuf> {
    module.calls.values().filter_map(|call| Some(normal(&folder.join(call.local_source()?))))
}

fn folders_with_code(dir: &Path, problems: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut queue = vec![dir.to_owned()];
    while let Some(folder) = queue.pop() {
        if !module::configuration_files(&folder).is_empty() {
            found.push(folder.clone());
        }
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("The folder {:?} cannot be read: {error}.", relative(&folder, dir));
                let advice = "Make it readable: there may be a root module in it.";
                problems.push(Diagnostic::new("configuration/unreadable", message).advice(advice));
                continue;
            }
        };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Links are not followed: what they lead to is found where it is, or lies outside.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !name.starts_with('.') && !SKIPPED_FOLDERS.contains(&name.as_ref()) {
                queue.push(entry.path());
            }
        }
    }
    found
}
