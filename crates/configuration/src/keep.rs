//! `backend "local"` with a path keeps its state in a file of the user's, and a run works on a copy of the code somewhere
//! else. So a packed stack gets override files that name such state files by their absolute paths: for the root
//! that has the backend, and for `terraform_remote_state` blocks that read it.
//!
//! Absent: states that multispace holds; whoever runs a workspace answers blocks that read those.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::backend::BackendSetting;
use crate::preview::ReadBlock;
use crate::stack::{Reader, Root, Stack};
use crate::value::Value;

/// Name of the override files. Override files are merged in order of name, so one that answers blocks with outputs can still
/// come later.
pub(crate) const FILE_NAME: &str = "zz_multispace_files_override.tf";

/// The override files by path in the packed stack. `None` when a path is not UTF-8.
pub(crate) fn override_files(stack: &Stack) -> Option<BTreeMap<String, String>> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for root in &stack.roots {
        if let Some(text) = backend(root, &stack.folder(root))? {
            texts.entry(stack.working_directory(root)).or_default().push_str(&text);
        }
    }
    for ((module, _), readers) in blocks(stack) {
        if let Some(text) = data(stack, &readers)? {
            texts.entry(module.to_owned()).or_default().push_str(&text);
        }
    }
    let path = |folder: String| if folder.is_empty() { FILE_NAME.to_owned() } else { format!("{folder}/{FILE_NAME}") };
    Some(texts.into_iter().map(|(folder, text)| (path(folder), text)).collect())
}

/// The backend block of a root with a state file of its own, with absolute paths; it replaces the one in the code as a whole.
fn backend(root: &Root, folder: &Path) -> Option<Option<String>> {
    let BackendSetting::Own { kind, attributes } = &root.backend else { return Some(None) };
    let (true, Some(file)) = (kind == "local", &root.state_file) else { return Some(None) };
    let mut text = format!("terraform {{\n  backend \"local\" {{\n    path = {}\n", quoted(file)?);
    if let Some(Value::String(workspaces)) = attributes.get("workspace_dir") {
        text.push_str(&format!("    workspace_dir = {}\n", quoted(&crate::backend::normal(&folder.join(workspaces)))?));
    }
    text.push_str("  }\n}\n");
    Some(Some(text))
}

/// The blocks that read a state, by folder and name, each with all of its readers.
fn blocks(stack: &Stack) -> BTreeMap<(&str, &str), Vec<&Reader>> {
    let mut blocks: BTreeMap<_, Vec<&Reader>> = BTreeMap::new();
    for reader in stack.readers.iter().filter(|reader| reader.block == ReadBlock::RemoteState) {
        blocks.entry((reader.module.as_str(), reader.block_name.as_str())).or_default().push(reader);
    }
    blocks
}

/// The block with absolute paths, when all it reads is in files, and the same for every root that comes by it.
fn data(stack: &Stack, readers: &[&Reader]) -> Option<Option<String>> {
    let mut paths: BTreeMap<Option<&str>, BTreeSet<String>> = BTreeMap::new();
    for reader in readers {
        let upstream = stack.root(&reader.upstream);
        let in_file =
            upstream.filter(|root| matches!(&root.backend, BackendSetting::Own { kind, .. } if kind == "local"));
        let Some(file) = in_file.and_then(|root| root.state_file.as_deref()) else { return Some(None) };
        paths.entry(reader.instance.as_deref()).or_default().insert(quoted(file)?);
    }
    if paths.values().any(|paths| paths.len() != 1) {
        return Some(None);
    }
    let path = match paths.get(&None) {
        Some(path) if paths.len() == 1 => path.iter().cloned().collect(),
        Some(_) => return Some(None),
        None => {
            let entry = |(key, paths): (&Option<&str>, &BTreeSet<String>)| {
                let key = Value::String(key.unwrap_or_default().to_owned()).to_hcl();
                format!("{key} = {}", paths.iter().cloned().collect::<String>())
            };
            format!("{{ {} }}[each.key]", paths.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    };
    let name = readers.first().map_or("", |reader| reader.block_name.as_str());
    Some(Some(format!("data \"terraform_remote_state\" \"{name}\" {{\n  config = {{\n    path = {path}\n  }}\n}}\n")))
}

fn quoted(path: &Path) -> Option<String> {
    Some(Value::String(path.to_str()?.to_owned()).to_hcl())
}
