//! From references in code to edges between workspaces.
//!
//! A root is walked together with the local modules it calls, once for each different set of arguments, so that a
//! workspace's name or a bucket that is handed down as an argument is known. Absent: circles between workspaces, which
//! the stack's graph finds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hcl_edit::expr::{Expression, ObjectKey};

use crate::backend::{StateKey, normal, relative, state_key};
use crate::diagnostic::{Diagnostic, Notice, NoticeKind, Place};
use crate::evaluate::{Scope, Unknown};
use crate::module::{Module, Read, ReadKind};
use crate::preview::ReadBlock;
use crate::stack::{Edge, Reader, Reason};
use crate::tree::Tree;
use crate::value::Value;

/// How deep modules may call one another, and how many calls with different arguments one root may have.
pub(crate) const MAX_DEPTH: usize = 64;
pub(crate) const MAX_INSTANCES: usize = 10_000;

/// A root as far as the walk needs it.
pub(crate) struct Start {
    pub(crate) name: String,
    /// What `terraform.workspace` is in a run: the workspace's name where multispace holds the state, else `default`.
    pub(crate) terraform_workspace: String,
    pub(crate) folder: PathBuf,
    pub(crate) organization: Option<String>,
    pub(crate) cloud_name: Option<String>,
    /// The state's key, when the code gives all of it.
    pub(crate) state: Option<StateKey>,
    /// Whether the state is read from a file or held by multispace, so that a block that reads it must be answered.
    pub(crate) is_answered: bool,
    pub(crate) given: BTreeMap<String, Option<Value>>,
}

/// What the walk of all roots finds.
#[derive(Default)]
pub(crate) struct Found {
    edges: BTreeMap<(usize, usize), Vec<Reason>>,
    pub(crate) readers: Vec<Reader>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) problems: Vec<Diagnostic>,
    /// By root, the local modules it reaches.
    pub(crate) modules: Vec<BTreeSet<PathBuf>>,
}

impl Found {
    /// Adds a reason for an edge, once.
    pub(crate) fn add(&mut self, upstream: usize, downstream: usize, reason: Reason) {
        let reasons = self.edges.entry((upstream, downstream)).or_default();
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }

    /// The edges with names, in order of the roots.
    pub(crate) fn edges(&self, starts: &[Start]) -> Vec<Edge> {
        let edge = |((upstream, downstream), reasons): (&(usize, usize), &Vec<Reason>)| Edge {
            upstream: starts[*upstream].name.clone(),
            downstream: starts[*downstream].name.clone(),
            reasons: reasons.clone(),
        };
        self.edges.iter().map(edge).collect()
    }

    fn notice(&mut self, kind: NoticeKind, workspace: &str, place: &Place, message: String) {
        let notice = Notice { kind, workspace: workspace.to_owned(), message, place: place.clone() };
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }
}

/// Walks every root.
pub(crate) fn find(tree: &Tree, starts: &[Start], pack_root: impl Fn(&[BTreeSet<PathBuf>]) -> PathBuf) -> Found {
    let mut found = Found::default();
    let index = Index::new(starts);
    let mut met = Vec::new();
    for root in 0..starts.len() {
        let mut walk =
            Walk { tree, starts, index: &index, root, found: &mut found, seen: BTreeSet::new(), met: &mut met };
        walk.module(&starts[root].folder, &starts[root].given, &mut Vec::new());
        if walk.seen.len() >= MAX_INSTANCES {
            let message = format!(
                "Workspace {:?} calls local modules with more than {MAX_INSTANCES} different sets of arguments.",
                starts[root].name
            );
            let advice = "Call a module once with `for_each` instead of once for each set.";
            walk.found.problems.push(Diagnostic::new("configuration/too-many-modules", message).advice(advice));
        }
        let mut modules: BTreeSet<PathBuf> = walk.seen.into_iter().map(|(folder, _)| folder).collect();
        modules.remove(&starts[root].folder);
        found.modules.push(modules);
    }
    let top = pack_root(&found.modules);
    found.readers = readers(met, starts, &top);
    report_ambiguous(&mut found, starts);
    found
}

/// The blocks, each once for an upstream: a module that is called twice reads the same.
fn readers(met: Vec<Met>, starts: &[Start], top: &Path) -> Vec<Reader> {
    let mut seen = BTreeSet::new();
    let mut readers: Vec<Reader> = met.into_iter().map(|met| met.into_reader(starts, top)).collect();
    readers.retain(|reader| {
        let Reader { downstream, upstream, module, block, block_name, instance, .. } = reader;
        let names = (downstream.clone(), upstream.clone(), module.clone());
        seen.insert((names, *block, block_name.clone(), instance.clone()))
    });
    readers
}

/// Roots by what references name them with.
struct Index {
    names: BTreeMap<String, usize>,
    states: BTreeMap<StateKey, Vec<usize>>,
}

impl Index {
    fn new(starts: &[Start]) -> Self {
        let mut index = Self { names: BTreeMap::new(), states: BTreeMap::new() };
        for (root, start) in starts.iter().enumerate() {
            if let Some(name) = &start.cloud_name {
                index.names.entry(name.clone()).or_insert(root);
            }
            if let Some(state) = &start.state {
                index.states.entry(state.clone()).or_default().push(root);
            }
        }
        for (root, start) in starts.iter().enumerate() {
            index.names.entry(start.name.clone()).or_insert(root);
        }
        index
    }
}

/// A `terraform_remote_state` block that was resolved, before folders are made relative.
struct Met {
    downstream: usize,
    upstream: usize,
    folder: PathBuf,
    reader: Reader,
}

impl Met {
    fn into_reader(self, starts: &[Start], top: &Path) -> Reader {
        let module = relative(&self.folder, top);
        Reader {
            downstream: starts[self.downstream].name.clone(),
            upstream: starts[self.upstream].name.clone(),
            module: if module == "." { String::new() } else { module },
            ..self.reader
        }
    }
}

/// What a reference points to.
pub(crate) enum Target {
    State(StateKey),
    Workspace { name: String, organization: Option<String> },
}

pub(crate) type Arguments = BTreeMap<String, Option<Value>>;

struct Walk<'a> {
    tree: &'a Tree,
    starts: &'a [Start],
    index: &'a Index,
    root: usize,
    found: &'a mut Found,
    seen: BTreeSet<(PathBuf, Arguments)>,
    met: &'a mut Vec<Met>,
}

impl Walk<'_> {
    fn module(&mut self, folder: &Path, given: &Arguments, callers: &mut Vec<PathBuf>) {
        let Some(module) = self.tree.modules.get(folder) else { return };
        if self.seen.len() >= MAX_INSTANCES || !self.seen.insert((folder.to_owned(), given.clone())) {
            return;
        }
        let start = &self.starts[self.root];
        let module_path = relative(folder, &start.folder);
        let working_directory = start.folder.to_string_lossy();
        let locals = &module.locals;
        let scope = Scope {
            workspace: Some(&start.terraform_workspace),
            module_path: &module_path,
            working_directory: &working_directory,
            given,
            defaults: &module.defaults,
            locals,
            each: None,
        };
        for ((kind, name), read) in &module.reads {
            self.read(folder, *kind, name, read, &scope);
        }
        callers.push(folder.to_owned());
        self.calls(folder, module, &scope, callers);
        callers.pop();
    }

    fn calls(&mut self, folder: &Path, module: &Module, scope: &Scope<'_>, callers: &mut Vec<PathBuf>) {
        for (name, call) in &module.calls {
            let Some(source) = call.local_source() else { continue };
            let callee = normal(&folder.join(source));
            let problem = if callers.contains(&callee) || callers.len() >= MAX_DEPTH {
                call.text
                    .diagnostic(
                        "configuration/module-circle",
                        format!("Module {name:?} calls itself in the end."),
                        call.span.clone(),
                    )
                    .advice("Let no module call a module that calls it.")
            } else if !self.tree.modules.contains_key(&callee) {
                let shown = self.tree.shown(&callee);
                let message = if callee.is_dir() {
                    format!("There is no Terraform code in the module folder {shown:?}.")
                } else {
                    format!("There is no module folder {shown:?}.")
                };
                call.text
                    .diagnostic("configuration/no-module", message, call.span.clone())
                    .advice("`source` is relative to the folder of the file it stands in.")
            } else {
                let arguments =
                    call.arguments.iter().map(|(name, value)| (name.clone(), scope.evaluate(value).ok())).collect();
                self.module(&callee, &arguments, callers);
                continue;
            };
            let is_known = |other: &Diagnostic| other.file == problem.file && other.span == problem.span;
            if !self.found.problems.iter().any(is_known) {
                self.found.problems.push(problem);
            }
        }
    }

    fn read(&mut self, folder: &Path, kind: ReadKind, name: &str, read: &Read, scope: &Scope<'_>) {
        let repeats = read.attributes.contains_key("count") || read.attributes.contains_key("for_each");
        let instances = read.attributes.get("for_each").and_then(|each| instances(&scope.evaluate(each).ok()?));
        match instances {
            Some(instances) => {
                for (key, value) in &instances {
                    let scope = Scope { each: Some((key, value)), ..*scope };
                    self.instance(folder, kind, name, read, &scope, repeats);
                }
            }
            None => self.instance(folder, kind, name, read, scope, repeats),
        }
    }

    fn instance(&mut self, folder: &Path, kind: ReadKind, name: &str, read: &Read, scope: &Scope<'_>, repeats: bool) {
        let start = &self.starts[self.root];
        let address = kind.address(name);
        let resolved = match kind {
            ReadKind::RemoteState => remote_state(read, scope, &start.folder),
            ReadKind::Outputs | ReadKind::EphemeralOutputs => outputs(read, scope),
        };
        let (target, description) = match resolved {
            Ok(resolved) => resolved,
            Err(Unknown(why)) => {
                let message = format!("{address}: which workspace it reads is not known from the code: {why}.");
                return self.found.notice(NoticeKind::Unresolved, &start.name, &read.place, message);
            }
        };
        let upstream = match self.find(&target) {
            Ok(Some(upstream)) => upstream,
            Ok(None) => {
                let what = match &target {
                    Target::Workspace { name, .. } => format!("reads workspace {name:?}, which is not in this stack"),
                    Target::State(_) => format!("reads a state that is no workspace's of this stack ({description})"),
                };
                return self.found.notice(NoticeKind::Outside, &start.name, &read.place, format!("{address} {what}."));
            }
            Err(several) => {
                let message = format!("{address}: more than one workspace keeps its state there: {several}.");
                return self.found.notice(NoticeKind::Unresolved, &start.name, &read.place, message);
            }
        };
        if upstream == self.root {
            let message = format!("{address} reads the outputs of its own workspace.");
            return self.found.notice(NoticeKind::SelfRead, &start.name, &read.place, message);
        }
        let what = format!("{address} ({description})");
        self.found.add(upstream, self.root, Reason { place: read.place.clone(), what });
        let block = match kind {
            ReadKind::RemoteState => Some(ReadBlock::RemoteState),
            ReadKind::Outputs => Some(ReadBlock::TfeOutputs),
            ReadKind::EphemeralOutputs => None,
        };
        if let Some(block) = block.filter(|_| !read.in_check) {
            let reader = Reader {
                block,
                downstream: String::new(),
                upstream: String::new(),
                module: String::new(),
                block_name: name.to_owned(),
                has_count_or_for_each: repeats,
                instance: scope.each.map(|(key, _)| key.to_owned()),
                place: read.place.clone(),
                span: read.span.clone(),
            };
            self.met.push(Met { downstream: self.root, upstream, folder: folder.to_owned(), reader });
        }
    }

    /// The root a reference points to; `Err` names several.
    fn find(&self, target: &Target) -> Result<Option<usize>, String> {
        match target {
            Target::State(key) => match self.index.states.get(key).map_or(&[][..], Vec::as_slice) {
                [] => Ok(None),
                [root] => Ok(Some(*root)),
                several => {
                    let names: Vec<&str> = several.iter().map(|root| self.starts[*root].name.as_str()).collect();
                    Err(names.join(", "))
                }
            },
            Target::Workspace { name, organization } => Ok(self.index.names.get(name).copied().filter(|root| {
                let theirs = &self.starts[*root].organization;
                organization.is_none() || theirs.is_none() || organization == theirs
            })),
        }
    }
}

/// The instances of a `for_each` whose value is known.
pub(crate) fn instances(value: &Value) -> Option<BTreeMap<String, Value>> {
    match value {
        Value::Object(entries) => Some(entries.clone()),
        Value::List(items) => {
            items.iter().map(|item| Some((item.as_str()?.to_owned(), item.clone()))).collect::<Option<_>>()
        }
        _ => None,
    }
}

type Resolved = Result<(Target, String), Unknown>;

/// `data "tfe_outputs"` and `ephemeral "tfe_outputs"`.
pub(crate) fn outputs(read: &Read, scope: &Scope<'_>) -> Resolved {
    let name = match read.attributes.get("workspace") {
        Some(expression) => text(scope.evaluate(expression)?)?,
        None => return Err(Unknown("it has no attribute \"workspace\"".to_owned())),
    };
    let organization = read.attributes.get("organization").and_then(|value| text(scope.evaluate(value).ok()?).ok());
    let description = format!("workspace {name:?}");
    Ok((Target::Workspace { name, organization }, description))
}

/// `data "terraform_remote_state"`.
pub(crate) fn remote_state(read: &Read, scope: &Scope<'_>, root_folder: &Path) -> Resolved {
    let kind = match read.attributes.get("backend") {
        Some(expression) => text(scope.evaluate(expression)?)?,
        None => return Err(Unknown("it has no attribute \"backend\"".to_owned())),
    };
    let config = Config::new(read.attributes.get("config"), scope)?;
    let setting = |name: &str| config.get(name, scope);
    if kind == "remote" || kind == "cloud" {
        return remote_workspace(read, scope, &kind, &setting);
    }
    default_workspace_only(read, scope)?;
    if kind == "local" {
        let path = match setting("path") {
            None | Some(Ok(Value::Null)) => "terraform.tfstate".to_owned(),
            Some(value) => text(value?)?,
        };
        let description = format!("backend \"local\", path {path:?}");
        return Ok((Target::State(StateKey::File(normal(&root_folder.join(path)))), description));
    }
    let names = config.names();
    let key = state_key(&kind, names.iter(), setting)?;
    let description = key.describe();
    Ok((Target::State(key), description))
}

fn remote_workspace(
    read: &Read,
    scope: &Scope<'_>,
    kind: &str,
    setting: &dyn Fn(&str) -> Option<Result<Value, Unknown>>,
) -> Resolved {
    let workspaces = match setting("workspaces") {
        Some(Ok(Value::Object(entries))) => entries,
        // Written as a list of one by code that was once a block.
        Some(Ok(Value::List(items))) => match items.first() {
            Some(Value::Object(entries)) => entries.clone(),
            _ => return Err(Unknown("its \"workspaces\" is not an object".to_owned())),
        },
        Some(Err(unknown)) => return Err(unknown),
        _ => return Err(Unknown("its config has no \"workspaces\"".to_owned())),
    };
    let name = match (workspaces.get("name").and_then(Value::as_str), workspaces.get("prefix").and_then(Value::as_str))
    {
        (Some(name), _) => name.to_owned(),
        (None, Some(prefix)) => match read.attributes.get("workspace") {
            Some(expression) => format!("{prefix}{}", text(scope.evaluate(expression)?)?),
            None => return Err(Unknown("it has a prefix and no attribute \"workspace\"".to_owned())),
        },
        (None, None) => return Err(Unknown("its \"workspaces\" has no name".to_owned())),
    };
    let organization = setting("organization").and_then(|value| text(value.ok()?).ok());
    let description = format!("backend {kind:?}, workspace {name:?}");
    Ok((Target::Workspace { name, organization }, description))
}

/// `workspace` picks a terraform workspace of the backend. Only the default one is a root's, and the one of the same name as
/// the reader's, which is how code says "the same environment as mine".
fn default_workspace_only(read: &Read, scope: &Scope<'_>) -> Result<(), Unknown> {
    let Some(expression) = read.attributes.get("workspace") else { return Ok(()) };
    let name = text(scope.evaluate(expression)?)?;
    if name == "default" || Some(name.as_str()) == scope.workspace {
        return Ok(());
    }
    Err(Unknown(format!(
        "it reads the terraform workspace {name:?} of a backend, and a stack has only the default ones"
    )))
}

fn text(value: Value) -> Result<String, Unknown> {
    value.to_template_text().ok_or_else(|| Unknown(format!("{} is there where a name is expected", value.kind())))
}

/// `config = { ... }`, read setting by setting, so that one that is not known does not hide the others.
enum Config<'a> {
    Written(BTreeMap<String, &'a Expression>),
    Known(BTreeMap<String, Value>),
}

impl<'a> Config<'a> {
    fn new(expression: Option<&'a Expression>, scope: &Scope<'a>) -> Result<Self, Unknown> {
        let Some(expression) = expression else { return Ok(Config::Known(BTreeMap::new())) };
        if let Some(object) = scope.local_behind(expression).as_object() {
            let mut written = BTreeMap::new();
            for (key, value) in object.iter() {
                let name = match key {
                    ObjectKey::Ident(name) => name.as_str().to_owned(),
                    ObjectKey::Expression(Expression::Variable(name)) => name.as_str().to_owned(),
                    ObjectKey::Expression(expression) => text(scope.evaluate(expression)?)?,
                };
                written.insert(name, value.expr());
            }
            return Ok(Config::Written(written));
        }
        match scope.evaluate(expression)? {
            Value::Object(entries) => Ok(Config::Known(entries)),
            other => Err(Unknown(format!("its config is {}", other.kind()))),
        }
    }

    fn get(&self, name: &str, scope: &Scope<'_>) -> Option<Result<Value, Unknown>> {
        match self {
            Config::Written(written) => written.get(name).map(|expression| scope.evaluate(expression)),
            Config::Known(entries) => entries.get(name).cloned().map(Ok),
        }
    }

    fn names(&self) -> Vec<String> {
        match self {
            Config::Written(written) => written.keys().cloned().collect(),
            Config::Known(entries) => entries.keys().cloned().collect(),
        }
    }
}

/// One block in one module folder can be answered with one workspace's outputs.
fn report_ambiguous(found: &mut Found, starts: &[Start]) {
    let answered: BTreeSet<&str> =
        starts.iter().filter(|start| start.is_answered).map(|start| start.name.as_str()).collect();
    let mut blocks: BTreeMap<_, (&Place, BTreeSet<&str>)> = BTreeMap::new();
    for reader in found.readers.iter().filter(|reader| answered.contains(reader.upstream.as_str())) {
        let block = (&reader.downstream, &reader.module, reader.block, &reader.block_name, &reader.instance);
        blocks.entry(block).or_insert((&reader.place, BTreeSet::new())).1.insert(&reader.upstream);
    }
    let mut notices = Vec::new();
    for ((downstream, _, block, name, _), (place, upstreams)) in blocks {
        if upstreams.len() > 1 {
            let upstreams: Vec<&str> = upstreams.into_iter().collect();
            let message = format!(
                "{} reads {} depending on who calls its module, and can be answered with one of them only.",
                ReadKind::from(block).address(name),
                upstreams.join(" or ")
            );
            notices.push((downstream.clone(), place.clone(), message));
        }
    }
    for (workspace, place, message) in notices {
        found.notice(NoticeKind::Ambiguous, &workspace, &place, message);
    }
}
