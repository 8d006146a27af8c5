//! Which folders are root modules, and what their workspaces are called.
//!
//! A workspace has the name that `multispace.hcl` gives its folder, else the one in its `cloud` or `backend "remote"` block,
//! else its path with `-` for `/`. Absent: what the roots read of one another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::backend::{self, BackendSetting, CloudSetting, StateKey, normal, relative, state_key};
use crate::diagnostic::Diagnostic;
use crate::evaluate::Scope;
use crate::module::{self, BackendBlock, Module};
use crate::settings::{Named, SettingsFile};
use crate::tree::Tree;
use crate::value::Value;
use crate::{names, tfvars};

/// A root module.
pub(crate) struct Seed {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) backend: BackendSetting,
    pub(crate) cloud: Option<CloudSetting>,
    pub(crate) state: Option<StateKey>,
    pub(crate) state_file: Option<PathBuf>,
    pub(crate) tfvars: BTreeMap<String, Option<Value>>,
    pub(crate) tfvars_files: Vec<PathBuf>,
}

/// Folders that the settings file names, with the name of the workspace each is to be. Blocks without a path count when
/// there is a folder of their name.
pub(crate) fn declared_paths(
    dir: &Path,
    file: Option<&SettingsFile>,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<PathBuf, String> {
    let mut paths: BTreeMap<PathBuf, String> = BTreeMap::new();
    for (file, block) in file.into_iter().flat_map(|file| file.workspaces.iter().map(move |block| (file, block))) {
        let (named, folder) = match &block.path {
            Some(path) => match declared_folder(dir, path) {
                Ok(folder) => (path, folder),
                Err((message, advice)) => {
                    let problem = file.text.diagnostic("configuration/path", message, path.span.clone());
                    problems.push(problem.advice(advice));
                    continue;
                }
            },
            None => (&block.label, dir.join(&block.label.name)),
        };
        if block.path.is_none() && module::configuration_files(&folder).is_empty() {
            continue;
        }
        if let Some(other) = paths.get(&folder).filter(|other| **other != block.label.name) {
            let message = format!("Workspaces {other:?} and {:?} have the same folder.", block.label.name);
            let problem = file.text.diagnostic("configuration/path", message, named.span.clone());
            problems.push(problem.advice("Give each workspace a folder of its own."));
            continue;
        }
        paths.insert(folder, block.label.name.clone());
    }
    paths
}

/// The folder a `path` means, or what is wrong with it and what to do.
fn declared_folder(dir: &Path, path: &Named) -> Result<PathBuf, (String, String)> {
    let name = &path.name;
    let folder = normal(&dir.join(name));
    if Path::new(name).is_absolute() || !folder.starts_with(dir) {
        let advice = "Write the path relative to the folder of multispace.hcl.".to_owned();
        return Err((format!("{name:?} is not inside this stack's folder."), advice));
    }
    if !folder.is_dir() {
        let parent = folder.parent().unwrap_or(dir).to_owned();
        let siblings: Vec<String> = std::fs::read_dir(parent)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok().map(|entry| relative(&entry.path(), dir)))
            .collect();
        return Err((
            format!("There is no folder {name:?}."),
            names::advice(name, siblings.iter().map(String::as_str)),
        ));
    }
    if module::configuration_files(&folder).is_empty() {
        let advice = "Name a folder that has *.tf files.".to_owned();
        return Err((format!("There is no Terraform code in the folder {name:?}."), advice));
    }
    Ok(folder)
}

/// Finds the roots in order of path; names that are wrong or clash add to `problems`.
pub(crate) fn find(
    tree: &Tree,
    declared: &BTreeMap<PathBuf, String>,
    file: Option<&SettingsFile>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Seed> {
    let called = tree.called();
    let mut seeds = Vec::new();
    for folder in &tree.folders {
        let Some(module) = tree.modules.get(folder) else { continue };
        let has_backend = module.backend.is_some() || module.cloud.is_some();
        let by_itself = !is_below_modules(folder, &tree.dir) && (!called.contains(folder) || has_backend);
        if declared.contains_key(folder) || by_itself {
            seeds.push(seed(folder, module, declared.get(folder), tree, problems));
        }
    }
    check_names(&seeds, tree, problems);
    check_states(&seeds, tree, problems);
    check_labels(&seeds, declared, file, problems);
    seeds
}

/// Below a folder named `modules`, code is for others to call.
fn is_below_modules(folder: &Path, dir: &Path) -> bool {
    let Ok(path) = folder.strip_prefix(dir) else { return false };
    let mut components: Vec<Component<'_>> = path.components().collect();
    components.pop();
    components.iter().any(|component| component.as_os_str() == "modules")
}

fn seed(folder: &Path, module: &Module, label: Option<&String>, tree: &Tree, problems: &mut Vec<Diagnostic>) -> Seed {
    let (mut tfvars, mut tfvars_files) = (BTreeMap::new(), Vec::new());
    tfvars::read(folder, &|path| tree.shown(path), &mut tfvars, &mut tfvars_files, problems);
    let working_directory = folder.to_string_lossy();
    let scope = Scope {
        workspace: None,
        module_path: ".",
        working_directory: &working_directory,
        given: &tfvars,
        defaults: &module.defaults,
        locals: &module.locals,
        each: None,
    };
    let (backend, cloud) = backend::read(module.backend.as_ref(), module.cloud.as_ref(), &scope);
    let (state, state_file) = match (&module.backend, &cloud) {
        (_, Some(_)) => (None, None),
        (None, None) => {
            let file = folder.join("terraform.tfstate");
            (Some(StateKey::File(file.clone())), Some(file))
        }
        (Some(block), None) => state_of(block, folder, &scope),
    };
    let path = tree.shown(folder);
    let of_folder = if path == "." { folder.file_name().map(|name| name.to_string_lossy().into_owned()) } else { None };
    let name = label
        .cloned()
        .or_else(|| cloud.as_ref().and_then(|cloud| cloud.name.clone()))
        .unwrap_or_else(|| names::from_path(&of_folder.unwrap_or(path)));
    Seed { name, folder: folder.to_owned(), backend, cloud, state, state_file, tfvars, tfvars_files }
}

fn state_of(block: &BackendBlock, folder: &Path, scope: &Scope<'_>) -> (Option<StateKey>, Option<PathBuf>) {
    let setting = |name: &str| block.attributes.get(name).map(|value| scope.evaluate(value));
    if block.kind == "local" {
        let path = match setting("path") {
            None | Some(Ok(Value::Null)) => "terraform.tfstate".to_owned(),
            Some(Ok(Value::String(path))) => path,
            Some(_) => return (None, None),
        };
        let file = normal(&folder.join(path));
        return (Some(StateKey::File(file.clone())), Some(file));
    }
    (state_key(&block.kind, block.attributes.keys(), setting).ok(), None)
}

fn check_names(seeds: &[Seed], tree: &Tree, problems: &mut Vec<Diagnostic>) {
    let mut known: BTreeMap<&str, &Seed> = BTreeMap::new();
    for seed in seeds {
        let path = tree.shown(&seed.folder);
        if !names::is_valid(&seed.name) {
            let message =
                format!("The folder {path:?} would be a workspace {:?}, which is not a name it can have.", seed.name);
            let advice =
                format!("{} Name it in multispace.hcl: `workspace \"NAME\" {{ path = {path:?} }}`.", names::RULE);
            problems.push(Diagnostic::new("configuration/workspace-name", message).advice(advice));
        }
        if let Some(other) = known.insert(&seed.name, seed) {
            let message = format!(
                "The folders {:?} and {path:?} would both be workspace {:?}.",
                tree.shown(&other.folder),
                seed.name
            );
            let advice = format!("Name one of them in multispace.hcl: `workspace \"NAME\" {{ path = {path:?} }}`.");
            problems.push(Diagnostic::new("configuration/duplicate-name", message).advice(advice));
        }
    }
}

/// Two roots that keep their state in one place would destroy each other's resources. Only a place that the code gives
/// in full counts: the rest of it may come from elsewhere.
fn check_states(seeds: &[Seed], tree: &Tree, problems: &mut Vec<Diagnostic>) {
    let mut known: BTreeMap<&StateKey, &Seed> = BTreeMap::new();
    for seed in seeds {
        let Some(state) = seed.state.as_ref().filter(|state| state.is_complete()) else { continue };
        if let Some(other) = known.insert(state, seed) {
            let (first, second) = (tree.shown(&other.folder), tree.shown(&seed.folder));
            let message =
                format!("The folders {first:?} and {second:?} keep their state in one place: {}.", state.describe());
            let advice = "Give each its own state: a run of one would take the other's resources for its own.";
            problems.push(Diagnostic::new("configuration/shared-state", message).advice(advice));
        }
    }
}

/// A block of the settings file that has neither a folder nor the name of a workspace is a mistake.
fn check_labels(
    seeds: &[Seed],
    declared: &BTreeMap<PathBuf, String>,
    file: Option<&SettingsFile>,
    problems: &mut Vec<Diagnostic>,
) {
    let with_folder: BTreeSet<&str> = declared.values().map(String::as_str).collect();
    for (file, block) in file.into_iter().flat_map(|file| file.workspaces.iter().map(move |block| (file, block))) {
        let name = block.label.name.as_str();
        let is_known = with_folder.contains(name) || seeds.iter().any(|seed| seed.name == name);
        if block.path.is_none() && !is_known {
            let message = format!(
                "There is no workspace {name:?} in this stack, and no folder of that name with Terraform code."
            );
            let near = names::advice(name, seeds.iter().map(|seed| seed.name.as_str()));
            let problem = file.text.diagnostic("configuration/unknown-workspace", message, block.label.span.clone());
            problems.push(problem.advice(format!("{near} `path` names its folder.")));
        }
    }
}
