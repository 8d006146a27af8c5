//! [`read_stack`]: a folder of Terraform code becomes a stack: its root modules, and which reads which.
//!
//! Which folders are roots: every folder with Terraform code, except one that another folder calls as a local module,
//! and except one below a folder named `modules`. A called folder that has a backend of its own is a root all the same,
//! and whatever `multispace.hcl` names is one always. Hidden folders and `node_modules` are not looked into, links are not
//! followed.
//!
//! Absent: the order of runs and circles (the stack's graph finds them), and anything that needs Terraform to run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::backend::{BackendSetting, CloudSetting};
use crate::diagnostic::{Diagnostic, Notice, Place};
use crate::edges::{self, Start};
use crate::preview::ReadBlock;
use crate::roots::{self, Seed};
use crate::settings::{self, OutputReference, SettingsFile, StackSettings, WorkspaceSettings};
use crate::tree::Tree;
use crate::value::Value;
use crate::{backend, names};

/// Workspaces and the edges between them, as the code has them.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The folder that was read, absolute with links resolved.
    pub dir: PathBuf,
    /// The workspaces, in order of path.
    pub roots: Vec<Root>,
    /// Who must run before whom; there may be circles. One edge for a pair of workspaces.
    pub edges: Vec<Edge>,
    /// The `terraform_remote_state` blocks behind the edges, but those in `check` blocks, which nothing can answer.
    pub readers: Vec<Reader>,
    /// What `multispace.hcl` says; the defaults without one.
    pub settings: StackSettings,
    /// Remarks for the user.
    pub notices: Vec<Notice>,
    /// Nearest folder that holds `dir` and every local module that is reached; the top of a packed stack.
    pub pack_root: PathBuf,
    /// Whether there is a `multispace.hcl`.
    pub has_settings_file: bool,
}

/// One root module, which is one workspace.
#[derive(Debug, Clone)]
pub struct Root {
    /// Name of the workspace.
    pub name: String,
    /// Folder relative to the stack's, with `/`; `.` for the stack's folder itself.
    pub path: String,
    /// Who keeps the state.
    pub backend: BackendSetting,
    /// What `cloud {}` or `backend "remote"` says.
    pub cloud: Option<CloudSetting>,
    /// The file where `terraform` by itself keeps the state, absolute: for no backend and for `backend "local"`.
    pub state_file: Option<PathBuf>,
    /// `required_version`.
    pub required_version: Option<String>,
    /// Input variables.
    pub variables: Vec<DeclaredVariable>,
    /// Names of the outputs.
    pub outputs: Vec<String>,
    /// Every file that was read for it, absolute: its own, those of local modules, and `.tfvars`.
    pub files: Vec<PathBuf>,
    /// Folders of the local modules it reaches, absolute.
    pub local_modules: Vec<PathBuf>,
}

/// An input variable of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredVariable {
    /// Its name.
    pub name: String,
    /// It may be left out.
    pub has_default: bool,
    /// A `.tfvars` file that Terraform loads by itself gives it a value.
    pub is_in_tfvars: bool,
    /// Its value is a secret.
    pub sensitive: bool,
    /// Where it is declared.
    pub place: Place,
    /// Byte range of its name in that file.
    pub span: Option<Range<usize>>,
}

/// The upstream runs first; the downstream is destroyed first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Name of the workspace that runs first.
    pub upstream: String,
    /// Name of the workspace that depends on it.
    pub downstream: String,
    /// Why, with at least one reason.
    pub reasons: Vec<Reason>,
}

/// Why there is an edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// Where the code says so.
    pub place: Place,
    /// What it says: `data.terraform_remote_state.network (backend "local", path "../network/terraform.tfstate")`.
    pub what: String,
}

impl Reason {
    /// Whether it is a `tfe_outputs` block: one that reads a workspace of a server of the HCP Terraform API.
    pub fn reads_a_server(&self) -> bool {
        self.what.contains("data.tfe_outputs.") || self.is_ephemeral()
    }

    /// Whether it is an `ephemeral "tfe_outputs"` block: one that nothing but such a server answers.
    pub fn is_ephemeral(&self) -> bool {
        self.what.contains("ephemeral.tfe_outputs.")
    }

    /// Whether it is a `terraform_remote_state` block that reads a state in a backend or a file: a server of the HCP
    /// Terraform API, where the upstream's state would be, answers none of those.
    pub fn reads_a_state_in_place(&self) -> bool {
        let of_a_server = ["(backend \"remote\", workspace ", "(backend \"cloud\", workspace "];
        self.what.contains("data.terraform_remote_state.") && !of_a_server.iter().any(|block| self.what.contains(block))
    }
}

/// A `data "terraform_remote_state"` or `data "tfe_outputs"` block that reads another workspace of the stack. Where multispace
/// holds the upstream's state, or it is in a file, the block must be answered when the downstream runs somewhere else than in its
/// folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Name of the workspace that reads.
    pub downstream: String,
    /// Name of the workspace that is read.
    pub upstream: String,
    /// Folder of the module that has the block, relative to the top of the packed stack; empty for the top.
    pub module: String,
    /// Sort of the block.
    pub block: ReadBlock,
    /// Name of the block.
    pub block_name: String,
    /// The block has `count` or `for_each`.
    pub has_count_or_for_each: bool,
    /// `each.key` of the instance that reads this upstream, when `for_each` is known; the block then has a reader for each key.
    pub instance: Option<String>,
    /// Where the block is.
    pub place: Place,
    /// Byte range of the block's header in that file.
    pub span: Option<Range<usize>>,
}

impl Stack {
    /// The workspace of this name.
    #[must_use]
    pub fn root(&self, name: &str) -> Option<&Root> {
        self.roots.iter().find(|root| root.name == name)
    }

    /// Folder of a root, absolute.
    #[must_use]
    pub fn folder(&self, root: &Root) -> PathBuf {
        backend::normal(&self.dir.join(&root.path))
    }

    /// Folder of a root inside the packed stack, relative with `/`; empty for the top.
    #[must_use]
    pub fn working_directory(&self, root: &Root) -> String {
        let path = backend::relative(&self.folder(root), &self.pack_root);
        if path == "." { String::new() } else { path }
    }

    /// The terraform or tofu that `multispace.hcl` names: a name to look up on PATH, or an absolute path when it has a `/`.
    #[must_use]
    pub fn terraform(&self) -> Option<PathBuf> {
        let terraform = self.settings.terraform.as_deref()?;
        let path = Path::new(terraform);
        Some(if terraform.contains('/') { backend::normal(&self.dir.join(path)) } else { path.to_owned() })
    }

    /// Settings of a workspace; the defaults when `multispace.hcl` does not name it.
    #[must_use]
    pub fn workspace_settings(&self, name: &str) -> WorkspaceSettings {
        self.settings.workspaces.get(name).cloned().unwrap_or_default()
    }

    /// Terraform variables that `multispace.hcl` gives to a root: its own, and those of the stack that it declares.
    #[must_use]
    pub fn variables(&self, root: &Root) -> BTreeMap<String, Value> {
        let is_declared = |name: &String| root.variables.iter().any(|variable| variable.name == *name);
        let of_stack = self.settings.variables.iter().filter(|(name, _)| is_declared(name));
        let own = self.settings.workspaces.get(&root.name);
        let is_replaced = |name: &String| own.is_some_and(|own| own.references.contains_key(name));
        let own_variables = own.map(|settings| &settings.variables);
        let all = of_stack.filter(|(name, _)| !is_replaced(name)).chain(own_variables.into_iter().flatten());
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Variables of a root whose value is an output of another workspace: its own, and those of the stack that it declares.
    #[must_use]
    pub fn references(&self, root: &Root) -> BTreeMap<String, OutputReference> {
        let is_declared = |name: &str| root.variables.iter().any(|variable| variable.name == name);
        references(&self.settings, &root.name, is_declared)
    }

    /// Environment variables that `multispace.hcl` gives to a root: those of the stack, and its own over them.
    #[must_use]
    pub fn environment(&self, root: &Root) -> BTreeMap<String, String> {
        let mut environment = self.settings.environment.clone();
        if let Some(settings) = self.settings.workspaces.get(&root.name) {
            environment.extend(settings.environment.clone());
        }
        environment
    }
}

/// Reads the stack in a folder.
///
/// # Errors
/// Every error that was found, not only the first: the folder is missing or has no root module, files that are not valid,
/// names that clash, module folders that are not there, and whatever is wrong in `multispace.hcl`.
pub fn read_stack(dir: &Path) -> Result<Stack, Vec<Diagnostic>> {
    let dir = open(dir).map_err(|problem| vec![*problem])?;
    let mut problems = Vec::new();
    let file = settings::read(&dir, &mut problems);
    let paths = roots::declared_paths(&dir, file.as_ref(), &mut problems);
    let also: Vec<PathBuf> = paths.keys().cloned().collect();
    let tree = Tree::read(dir, &also, &mut problems);
    let seeds = roots::find(&tree, &paths, file.as_ref(), &mut problems);
    if seeds.is_empty() && problems.is_empty() {
        problems.push(no_roots(&tree));
    }
    let settings = file.as_ref().map(|file| checked(file, &seeds, &tree, &mut problems)).unwrap_or_default();
    let starts: Vec<Start> = seeds.iter().map(|seed| start(seed, &settings)).collect();
    let mut found = edges::find(&tree, &starts, |modules| common_folder(&tree.dir, modules));
    if let Some(file) = &file {
        add_written_edges(file, &settings, &starts, &mut found);
        add_edges_of_variables(&settings, &seeds, &tree, &mut found);
    }
    problems.append(&mut found.problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let pack_root = common_folder(&tree.dir, &found.modules);
    let edges = found.edges(&starts);
    let modules = found.modules;
    let roots = seeds.into_iter().zip(modules).map(|(seed, modules)| root(seed, modules, &tree)).collect();
    Ok(Stack {
        roots,
        edges,
        readers: found.readers,
        settings,
        notices: found.notices,
        pack_root,
        has_settings_file: file.is_some(),
        dir: tree.dir,
    })
}

fn open(dir: &Path) -> Result<PathBuf, Box<Diagnostic>> {
    let shown = dir.display();
    let problem = match dir.canonicalize() {
        Ok(path) if path.is_dir() => return Ok(path),
        Ok(_) => Diagnostic::new("configuration/not-a-folder", format!("{shown} is not a folder.")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Diagnostic::new("configuration/no-folder", format!("There is no folder {shown}."))
        }
        Err(error) => {
            Diagnostic::new("configuration/unreadable", format!("The folder {shown} cannot be read: {error}."))
        }
    };
    Err(Box::new(problem.advice("Name the folder that holds your root modules.")))
}

fn no_roots(tree: &Tree) -> Diagnostic {
    let dir = tree.dir.display();
    if tree.folders.is_empty() {
        return Diagnostic::new("configuration/no-roots", format!("There is no Terraform code in {dir}."))
            .advice("Name a folder that has root modules (folders with *.tf files) in it.");
    }
    Diagnostic::new(
        "configuration/no-roots",
        format!("There is no root module in {dir}: all of its code is modules that other code calls."),
    )
    .advice("Name a folder in multispace.hcl, `workspace \"NAME\" { path = \"FOLDER\" }`, to make a workspace of it.")
}

/// Checks what the settings file says against the workspaces that there are.
fn checked(file: &SettingsFile, seeds: &[Seed], tree: &Tree, problems: &mut Vec<Diagnostic>) -> StackSettings {
    let mut settings = file.stack.clone();
    let known = || seeds.iter().map(|seed| seed.name.as_str());
    for block in &file.workspaces {
        let own = block.label.name.as_str();
        for upstream in &block.depends_on {
            let name = upstream.name.as_str();
            let problem = if name == own {
                file.text
                    .diagnostic(
                        "configuration/depends-on-itself",
                        format!("Workspace {own:?} depends on itself."),
                        upstream.span.clone(),
                    )
                    .advice("Remove the name.")
            } else if known().any(|known| known == name) {
                continue;
            } else {
                unknown_workspace(file, name, upstream.span.clone(), known().filter(|known| *known != own))
            };
            problems.push(problem);
        }
        let Some(seed) = seeds.iter().find(|seed| seed.name == own) else { continue };
        let Some(module) = tree.modules.get(&seed.folder) else { continue };
        for variable in &block.variables {
            if !module.variables.contains_key(&variable.name) {
                let message = format!("Workspace {own:?} declares no variable {:?}.", variable.name);
                let advice = names::advice(&variable.name, module.variables.keys().map(String::as_str));
                problems.push(
                    file.text
                        .diagnostic("configuration/unknown-variable", message, variable.span.clone())
                        .advice(advice),
                );
            }
        }
        check_references(file, Some(own), &block.settings.references, seeds, tree, problems);
        settings.workspaces.insert(own.to_owned(), block.settings.clone());
    }
    check_references(file, None, &file.stack.references, seeds, tree, problems);
    for name in file.only.iter().filter(|only| !known().any(|known| known == only.name)) {
        problems.push(unknown_workspace(file, &name.name, name.span.clone(), known()));
    }
    let declared: BTreeSet<&str> = seeds
        .iter()
        .filter_map(|seed| tree.modules.get(&seed.folder))
        .flat_map(|module| module.variables.keys().map(String::as_str))
        .collect();
    for variable in file.variables.iter().filter(|variable| !declared.contains(variable.name.as_str())) {
        let message = format!("No workspace of this stack declares a variable {:?}.", variable.name);
        let advice = names::advice(&variable.name, declared.iter().copied());
        problems.push(
            file.text.diagnostic("configuration/unknown-variable", message, variable.span.clone()).advice(advice),
        );
    }
    settings
}

fn unknown_workspace<'a>(
    file: &SettingsFile,
    name: &str,
    span: Option<Range<usize>>,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let message = format!("There is no workspace {name:?} in this stack.");
    file.text.diagnostic("configuration/unknown-workspace", message, span).advice(names::advice(name, known))
}

/// Checks that what is referred to is there. `own` is the workspace that is given the values, `None` for the whole stack.
fn check_references(
    file: &SettingsFile,
    own: Option<&str>,
    references: &BTreeMap<String, OutputReference>,
    seeds: &[Seed],
    tree: &Tree,
    problems: &mut Vec<Diagnostic>,
) {
    for reference in references.values() {
        let (name, span) = (reference.workspace.as_str(), reference.span.clone());
        let Some(seed) = seeds.iter().find(|seed| seed.name == name) else {
            let known = seeds.iter().map(|seed| seed.name.as_str()).filter(|known| Some(*known) != own);
            problems.push(unknown_workspace(file, name, span, known));
            continue;
        };
        if own == Some(name) {
            let message = format!("Workspace {name:?} depends on itself.");
            let problem = file.text.diagnostic("configuration/depends-on-itself", message, span);
            problems.push(problem.advice("Name another workspace, or write the value itself."));
            continue;
        }
        let outputs = tree.modules.get(&seed.folder).map(|module| module.outputs.as_slice()).unwrap_or_default();
        if !outputs.contains(&reference.output) {
            let message = format!("Workspace {name:?} has no output {:?}.", reference.output);
            let advice = names::advice(&reference.output, outputs.iter().map(String::as_str));
            problems.push(file.text.diagnostic("configuration/unknown-output", message, span).advice(advice));
        }
    }
}

/// The references among the variables of a workspace: those of the stack, unless it is the one that is read or has a value
/// of its own, and its own.
fn references(
    settings: &StackSettings,
    workspace: &str,
    is_declared: impl Fn(&str) -> bool,
) -> BTreeMap<String, OutputReference> {
    let own = settings.workspaces.get(workspace);
    let has_own = |name: &String| own.is_some_and(|own| own.variables.contains_key(name));
    let of_stack = settings
        .references
        .iter()
        .filter(|(name, reference)| is_declared(name) && reference.workspace != workspace && !has_own(name));
    let all = of_stack.chain(own.into_iter().flat_map(|own| &own.references));
    all.map(|(name, reference)| (name.clone(), reference.clone())).collect()
}

fn start(seed: &Seed, settings: &StackSettings) -> Start {
    let mut given = seed.tfvars.clone();
    let own = settings.workspaces.get(&seed.name);
    for (name, value) in settings.variables.iter().chain(own.into_iter().flat_map(|own| &own.variables)) {
        given.insert(name.clone(), Some(value.clone()));
    }
    for name in references(settings, &seed.name, |_| true).into_keys() {
        given.insert(name, None);
    }
    Start {
        name: seed.name.clone(),
        terraform_workspace: if seed.backend == BackendSetting::Held { &seed.name } else { "default" }.to_owned(),
        folder: seed.folder.clone(),
        organization: seed.cloud.as_ref().and_then(|cloud| cloud.organization.clone()),
        cloud_name: seed.cloud.as_ref().and_then(|cloud| cloud.name.clone()),
        state: seed.state.clone(),
        is_answered: seed.backend == BackendSetting::Held || seed.state_file.is_some(),
        given,
    }
}

fn add_written_edges(file: &SettingsFile, settings: &StackSettings, starts: &[Start], found: &mut edges::Found) {
    let index = |name: &str| starts.iter().position(|start| start.name == name);
    for block in file.workspaces.iter().filter(|block| settings.workspaces.contains_key(&block.label.name)) {
        let Some(downstream) = index(&block.label.name) else { continue };
        for upstream in &block.depends_on {
            if let Some(at) = index(&upstream.name).filter(|at| *at != downstream) {
                let what = format!("depends_on of workspace {:?} in {}", block.label.name, settings::SETTINGS_FILE);
                let place = file.text.place(upstream.span.as_ref());
                found.add(at, downstream, Reason { place, what });
            }
        }
    }
}

/// A workspace that is given another's output as a variable runs after it.
fn add_edges_of_variables(settings: &StackSettings, seeds: &[Seed], tree: &Tree, found: &mut edges::Found) {
    for (downstream, seed) in seeds.iter().enumerate() {
        let module = tree.modules.get(&seed.folder);
        let is_declared = |name: &str| module.is_some_and(|module| module.variables.contains_key(name));
        for (name, reference) in references(settings, &seed.name, is_declared) {
            if let Some(upstream) = seeds.iter().position(|seed| seed.name == reference.workspace) {
                let what = format!("{reference}, the value of variable {name:?} of {:?}", seed.name);
                found.add(upstream, downstream, Reason { place: reference.place.clone(), what });
            }
        }
    }
}

fn root(seed: Seed, modules: BTreeSet<PathBuf>, tree: &Tree) -> Root {
    let own = tree.modules.get(&seed.folder).cloned().unwrap_or_default();
    let of_modules =
        modules.iter().filter_map(|folder| tree.modules.get(folder)).flat_map(|module| module.files.clone());
    let mut files: Vec<PathBuf> = own.files.iter().cloned().chain(of_modules).chain(seed.tfvars_files).collect();
    files.sort();
    let variable = |(name, variable): (&String, &crate::module::Variable)| DeclaredVariable {
        name: name.clone(),
        has_default: variable.has_default,
        is_in_tfvars: seed.tfvars.contains_key(name),
        sensitive: variable.sensitive,
        place: variable.place.clone(),
        span: variable.span.clone(),
    };
    Root {
        path: tree.shown(&seed.folder),
        variables: own.variables.iter().map(variable).collect(),
        outputs: own.outputs,
        required_version: own.required_version,
        name: seed.name,
        backend: seed.backend,
        cloud: seed.cloud,
        state_file: seed.state_file,
        files,
        local_modules: modules.into_iter().collect(),
    }
}

/// The nearest folder that holds `dir` and all of the modules.
fn common_folder(dir: &Path, modules: &[BTreeSet<PathBuf>]) -> PathBuf {
    let mut common = dir.to_owned();
    for module in modules.iter().flatten() {
        while !module.starts_with(&common) && common.pop() {}
    }
    common
}
