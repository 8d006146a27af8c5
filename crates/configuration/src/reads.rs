//! [`read_outputs`]: which workspaces one root reads, and which of their outputs.
//!
//! What a block reads is told by where its values are used: `data.tfe_outputs.a.values.ip` uses the output `ip` of whatever
//! workspace `a` names. A use of the whole object, or one that cannot be told, is a use of all outputs. Absent: other roots
//! (that is [`crate::read_stack`]), states that no server of the HCP Terraform API holds, and code that Terraform downloads:
//! where there is such code, or some that cannot be read or resolved, the answer says that it is not complete.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::{Attribute, Block};
use hcl_edit::template::ForTemplateExpr;
use hcl_edit::visit::{self, Visit};

use crate::backend::{normal, relative};
use crate::diagnostic::Place;
use crate::edges::{Arguments, MAX_DEPTH, MAX_INSTANCES, Target, instances, outputs, remote_state};
use crate::evaluate::Scope;
use crate::module::{self, Read, ReadKind};
use crate::stack::{Reader, Stack};
use crate::tfvars;
use crate::tree::Tree;
use crate::value::Value;

/// What a root reads of other workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The reads, in no particular order; a workspace may be in several.
    pub reads: Vec<OutputRead>,
    /// Whether there can be no other read: all code was there and is read, and every block names its workspace.
    pub is_complete: bool,
}

/// A block that reads a workspace, and what is used of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRead {
    /// Name of the workspace.
    pub workspace: String,
    /// Name of its organization, where the block says it.
    pub organization: Option<String>,
    /// Names of the outputs that are used; `None` when all may be.
    pub outputs: Option<BTreeSet<String>>,
    /// The block: `data.tfe_outputs.network`.
    pub what: String,
    /// Where the block is; the file is relative to the folder that was read.
    pub place: Place,
}

/// Reads the root in `working_directory` (relative, empty for the top) of the configuration in `dir`, with the local modules
/// it calls. `workspace` is what `terraform.workspace` will be; `given` are the variables that the run is given, `None` for a
/// value that is not known.
#[must_use]
pub fn read_outputs(
    dir: &Path,
    working_directory: &str,
    workspace: &str,
    given: &BTreeMap<String, Option<Value>>,
) -> Reading {
    let folder = normal(&dir.join(working_directory));
    let mut problems = Vec::new();
    let tree = Tree::of_root(dir.to_owned(), folder.clone(), &mut problems);
    let mut values = BTreeMap::new();
    tfvars::read(&folder, &|path| relative(path, dir), &mut values, &mut Vec::new(), &mut problems);
    values.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut walk = Walk {
        tree: &tree,
        root: &folder,
        workspace,
        uses: BTreeMap::new(),
        seen: BTreeSet::new(),
        reading: Reading { reads: Vec::new(), is_complete: tree.modules.contains_key(&folder) },
    };
    walk.module(&folder, &values, 0);
    let mut reading = walk.reading;
    reading.is_complete &= problems.is_empty();
    reading
}

/// Names of the outputs that the code uses of what a block reads; `None` when all may be.
#[must_use]
pub fn outputs_used(stack: &Stack, reader: &Reader) -> Option<BTreeSet<String>> {
    let folder = normal(&stack.pack_root.join(&reader.module));
    let files: Vec<PathBuf> = module::configuration_files(&folder).iter().map(|name| folder.join(name)).collect();
    let mut uses = uses_in(&files);
    // A block that nothing uses is read all the same, and nothing of it matters.
    uses.remove(&(reader.block.into(), reader.block_name.clone())).unwrap_or_else(|| Some(BTreeSet::new()))
}

/// By block, the outputs that are used of it; `None` when all may be.
type Uses = BTreeMap<(ReadKind, String), Option<BTreeSet<String>>>;

struct Walk<'a> {
    tree: &'a Tree,
    root: &'a Path,
    workspace: &'a str,
    /// By folder of a module.
    uses: BTreeMap<PathBuf, Uses>,
    seen: BTreeSet<(PathBuf, Arguments)>,
    reading: Reading,
}

impl Walk<'_> {
    fn module(&mut self, folder: &Path, given: &Arguments, depth: usize) {
        let Some(module) = self.tree.modules.get(folder) else {
            self.reading.is_complete = false;
            return;
        };
        if depth >= MAX_DEPTH || self.seen.len() >= MAX_INSTANCES {
            self.reading.is_complete = false;
            return;
        }
        if !self.seen.insert((folder.to_owned(), given.clone())) {
            return;
        }
        if !self.uses.contains_key(folder) {
            self.uses.insert(folder.to_owned(), uses_in(&module.files));
        }
        let module_path = relative(folder, self.root);
        let working_directory = self.root.to_string_lossy();
        let scope = Scope {
            workspace: Some(self.workspace),
            module_path: &module_path,
            working_directory: &working_directory,
            given,
            defaults: &module.defaults,
            locals: &module.locals,
            each: None,
        };
        for ((kind, name), read) in &module.reads {
            self.block(folder, *kind, name, read, &scope);
        }
        for call in module.calls.values() {
            match call.local_source() {
                Some(source) => {
                    let arguments =
                        call.arguments.iter().map(|(name, value)| (name.clone(), scope.evaluate(value).ok())).collect();
                    self.module(&normal(&folder.join(source)), &arguments, depth + 1);
                }
                None => self.reading.is_complete = false,
            }
        }
    }

    fn block(&mut self, folder: &Path, kind: ReadKind, name: &str, read: &Read, scope: &Scope<'_>) {
        let each = read.attributes.get("for_each").and_then(|each| instances(&scope.evaluate(each).ok()?));
        match each {
            Some(each) => {
                for (key, value) in &each {
                    self.instance(folder, kind, name, read, &Scope { each: Some((key, value)), ..*scope });
                }
            }
            None => self.instance(folder, kind, name, read, scope),
        }
    }

    fn instance(&mut self, folder: &Path, kind: ReadKind, name: &str, read: &Read, scope: &Scope<'_>) {
        let resolved = match kind {
            ReadKind::RemoteState if is_elsewhere(read, scope) => return,
            ReadKind::RemoteState => remote_state(read, scope, self.root),
            ReadKind::Outputs | ReadKind::EphemeralOutputs => outputs(read, scope),
        };
        let Ok((Target::Workspace { name: workspace, organization }, _)) = resolved else {
            self.reading.is_complete = false;
            return;
        };
        let used = self.uses.get(folder).and_then(|uses| uses.get(&(kind, name.to_owned())));
        let read = OutputRead {
            workspace,
            organization,
            outputs: used.cloned().unwrap_or_else(|| Some(BTreeSet::new())),
            what: kind.address(name),
            place: read.place.clone(),
        };
        if !self.reading.reads.contains(&read) {
            self.reading.reads.push(read);
        }
    }
}

/// Whether the state is in a backend that no server of the HCP Terraform API is.
fn is_elsewhere(read: &Read, scope: &Scope<'_>) -> bool {
    let backend = read.attributes.get("backend").and_then(|backend| scope.evaluate(backend).ok());
    backend.as_ref().and_then(Value::as_str).is_some_and(|kind| kind != "remote" && kind != "cloud")
}

/// Uses in the files of one module. Files that cannot be read were told of when the module was.
fn uses_in(files: &[PathBuf]) -> Uses {
    let mut search = Search::default();
    for file in files {
        if let Some((_, body)) = module::parse(file, String::new(), &mut Vec::new()) {
            search.visit_body(&body);
        }
    }
    search.uses
}

#[derive(Default)]
struct Search {
    uses: Uses,
    /// The block that is looked through, if it is one that reads.
    inside: Option<(ReadKind, String)>,
}

impl Search {
    fn note(&mut self, block: (ReadKind, String), output: Option<&str>) {
        let used = self.uses.entry(block).or_insert_with(|| Some(BTreeSet::new()));
        match (output, used) {
            (Some(output), Some(names)) => drop(names.insert(output.to_owned())),
            (None, used) => *used = None,
            (Some(_), None) => {}
        }
    }
}

impl Visit for Search {
    fn visit_attr(&mut self, attribute: &Attribute) {
        // It orders, and reads nothing.
        if attribute.key.as_str() != "depends_on" {
            visit::visit_attr(self, attribute);
        }
    }

    fn visit_block(&mut self, block: &Block) {
        let outer = self.inside.clone();
        if let [kind, name] = block.labels.as_slice()
            && let Some(kind) = ReadKind::of(block.ident.as_str(), kind.as_str())
        {
            self.inside = Some((kind, name.as_str().to_owned()));
        }
        visit::visit_block(self, block);
        self.inside = outer;
    }

    fn visit_expr(&mut self, expression: &Expression) {
        // Conditions of a block speak of it as `self`.
        if let (Expression::Variable(name), Some(block)) = (expression, &self.inside)
            && name.as_str() == "self"
        {
            self.note(block.clone(), None);
        }
        visit::visit_expr(self, expression);
    }

    fn visit_for_template_expr(&mut self, directive: &ForTemplateExpr) {
        // The visitor of the crate passes over what is gone through.
        self.visit_expr(&directive.collection_expr);
        visit::visit_for_template_expr(self, directive);
    }

    fn visit_traversal(&mut self, traversal: &Traversal) {
        if let Some((block, output)) = use_of(traversal) {
            self.note(block, output);
        }
        visit::visit_traversal(self, traversal);
    }
}

/// The block that a traversal begins with, and the output that it goes on to; `None` for an output that is not named.
fn use_of(traversal: &Traversal) -> Option<((ReadKind, String), Option<&str>)> {
    let Expression::Variable(first) = &traversal.expr else { return None };
    let mut rest = traversal.operators.iter().map(|operator| operator.value());
    let mut attribute = || match rest.next() {
        Some(TraversalOperator::GetAttr(name)) => Some(name.as_str()),
        _ => None,
    };
    let kind = ReadKind::of(first.as_str(), attribute()?)?;
    let block = (kind, attribute()?.to_owned());
    let mut rest = rest.peekable();
    // One instance of a block that has several, or each of them.
    if rest.peek().is_some_and(|operator| !matches!(operator, TraversalOperator::GetAttr(_))) {
        rest.next();
    }
    let values = match rest.next() {
        Some(TraversalOperator::GetAttr(name)) => name.as_str(),
        _ => return Some((block, None)),
    };
    if !matches!(values, "values" | "nonsensitive_values" | "outputs") {
        return Some((block, None));
    }
    let output = match rest.next() {
        Some(TraversalOperator::GetAttr(name)) => Some(name.as_str()),
        Some(TraversalOperator::Index(Expression::String(name))) => Some(name.value().as_str()),
        _ => None,
    };
    Some((block, output))
}
