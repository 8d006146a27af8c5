//! Rewrites a copy of the code so that blocks which read other workspaces are answered with planned outputs.
//!
//! An answered `data "terraform_remote_state"` or `data "tfe_outputs"` block is taken away, and every reference to it names
//! a local value instead, an object that looks like the block: what is known is a literal in it, what is not is an unknown
//! that Terraform carries on by itself. Variables of the root whose value is only planned are replaced the same way. Files
//! keep their lines, and the text that is not concerned byte for byte; files of JSON syntax are written anew.
//!
//! Nothing is marked sensitive that Terraform would not mark: a state's sensitive outputs come out of
//! `terraform_remote_state` unmarked, and a mark that the real plan has not would be a change of its own. `tfe_outputs`
//! marks `values`, and so does this.
//!
//! Absent: blocks in `check` blocks, `ephemeral` blocks, conditions of the blocks that are taken away, code that Terraform
//! downloads.

mod constraint;
mod json;
mod literal;
mod native;
mod object;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::Problem;
use domain::planned::{PlannedOutput, PlannedOutputs};

use crate::backend::relative;
use crate::module::{self, ReadKind};
use crate::tree::Tree;

/// The file that is added to each folder in which something is replaced.
const FILE: &str = "zz_multispace_preview.tf";
/// The provider of `tfe_outputs`.
const TFE: &str = "tfe";

/// Which sort of block reads a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadBlock {
    /// `data "terraform_remote_state"`.
    RemoteState,
    /// `data "tfe_outputs"`.
    TfeOutputs,
}

/// The planned outputs that answer one block, or one instance of it.
#[derive(Debug, Clone)]
pub struct PlannedAnswer<'a> {
    /// Folder of the module that has the block (absolute).
    pub folder: PathBuf,
    /// Sort of the block.
    pub block: ReadBlock,
    /// Name of the block.
    pub name: &'a str,
    /// The key of the block's `for_each` that this answers; `None` for all of the block.
    pub instance: Option<&'a str>,
    /// The outputs.
    pub outputs: &'a PlannedOutputs,
}

/// What a copy of the code is to be answered with.
#[derive(Debug, Clone)]
pub struct Preview<'a> {
    /// The copy, absolute.
    pub dir: &'a Path,
    /// Folder of the root module, absolute.
    pub root: &'a Path,
    /// The answers.
    pub answers: Vec<PlannedAnswer<'a>>,
    /// Variables of the root whose values are planned, by name.
    pub variables: &'a BTreeMap<String, PlannedOutput>,
    /// Whether the provider of `tfe_outputs` may go when nothing else of it is used.
    pub may_drop_tfe: bool,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// What Terraform calls the replacements in its messages, and what the code calls them: `local.multispace_...` and
    /// `data.terraform_remote_state.NAME`; longest first, so that replacing one after the other is right.
    pub names: Vec<(String, String)>,
    /// The provider of `tfe_outputs` is no longer asked for.
    pub dropped_tfe: bool,
}

/// What is replaced in one module.
#[derive(Default)]
struct Targets<'a> {
    blocks: BTreeMap<(ReadKind, String), Target<'a>>,
    /// Name of the variable, and of the local value that it becomes.
    variables: BTreeMap<String, String>,
    without_tfe: bool,
}

/// A block that is replaced.
struct Target<'a> {
    /// Name of the local value that it becomes.
    local: String,
    answers: Vec<(Option<&'a str>, &'a PlannedOutputs)>,
}

/// What the code says about what is replaced.
#[derive(Default)]
struct Found {
    /// Arguments of the blocks, as text.
    arguments: BTreeMap<(ReadKind, String), BTreeMap<String, String>>,
    /// Arguments of the blocks that are read like attributes, as `config`.
    read: BTreeSet<(ReadKind, String, String)>,
    /// `type` and `sensitive` of the variables.
    variables: BTreeMap<String, (Option<hcl_edit::expr::Expression>, bool)>,
}

impl Found {
    /// Notes a declaration; a later one, in an override file, adds to it.
    fn note_variable(&mut self, name: &str, ty: Option<hcl_edit::expr::Expression>, sensitive: Option<bool>) {
        let noted = self.variables.entry(name.to_owned()).or_default();
        if ty.is_some() {
            noted.0 = ty;
        }
        noted.1 = sensitive.unwrap_or(noted.1);
    }
}

impl From<ReadBlock> for ReadKind {
    fn from(block: ReadBlock) -> Self {
        match block {
            ReadBlock::RemoteState => ReadKind::RemoteState,
            ReadBlock::TfeOutputs => ReadKind::Outputs,
        }
    }
}

/// Rewrites the copy in place.
///
/// # Errors
/// When a file cannot be written. A file that cannot be parsed is left to Terraform, which says why.
pub fn rewrite(preview: &Preview<'_>) -> Result<Rewritten, Problem> {
    let mut modules: BTreeMap<PathBuf, Targets<'_>> = BTreeMap::new();
    for answer in &preview.answers {
        let kind = ReadKind::from(answer.block);
        let local = match answer.block {
            ReadBlock::RemoteState => format!("multispace_remote_state_{}", answer.name),
            ReadBlock::TfeOutputs => format!("multispace_outputs_{}", answer.name),
        };
        let targets = modules.entry(answer.folder.clone()).or_default();
        let target = targets
            .blocks
            .entry((kind, answer.name.to_owned()))
            .or_insert_with(|| Target { local, answers: Vec::new() });
        target.answers.push((answer.instance, answer.outputs));
    }
    if !preview.variables.is_empty() {
        let targets = modules.entry(preview.root.to_owned()).or_default();
        targets.variables =
            preview.variables.keys().map(|name| (name.clone(), format!("multispace_variable_{name}"))).collect();
    }
    let dropped_tfe = preview.may_drop_tfe && drop_tfe(preview, &mut modules);

    let mut names = BTreeSet::new();
    for (folder, targets) in &modules {
        rewrite_module(folder, targets, preview.variables)?;
        names.extend(targets.names());
    }
    let mut names: Vec<(String, String)> = names.into_iter().collect();
    names.sort_by_key(|(local, _)| std::cmp::Reverse(local.len()));
    Ok(Rewritten { names, dropped_tfe })
}

impl Targets<'_> {
    fn names(&self) -> impl Iterator<Item = (String, String)> {
        let blocks =
            self.blocks.iter().map(|((kind, name), target)| (format!("local.{}", target.local), kind.address(name)));
        let variables = self.variables.iter().map(|(name, local)| (format!("local.{local}"), format!("var.{name}")));
        blocks.chain(variables)
    }
}

/// Takes the provider away from every module when the answered blocks are all that used it; says whether it did.
fn drop_tfe(preview: &Preview<'_>, modules: &mut BTreeMap<PathBuf, Targets<'_>>) -> bool {
    if !preview.answers.iter().any(|answer| answer.block == ReadBlock::TfeOutputs) {
        return false;
    }
    let mut problems = Vec::new();
    let tree = Tree::of_root(preview.dir.to_owned(), preview.root.to_owned(), &mut problems);
    // Code that is not here, or cannot be read, may need it.
    if !problems.is_empty()
        || tree.modules.values().flat_map(|it| it.calls.values()).any(|it| it.local_source().is_none())
    {
        return false;
    }
    let is_used = tree.modules.iter().any(|(folder, module)| {
        let none = BTreeMap::new();
        let answered = modules.get(folder).map_or(&none, |targets| &targets.blocks);
        module.files.iter().filter_map(|file| module::parse(file, String::new(), &mut Vec::new())).any(|(_, body)| {
            body.blocks().any(|block| {
                let label = |index: usize| block.labels.get(index).map_or("", |label| label.as_str());
                let kind = ReadKind::of(block.ident.as_str(), label(0));
                let is_answered = kind.is_some_and(|kind| answered.contains_key(&(kind, label(1).to_owned())));
                let is_object = matches!(block.ident.as_str(), "data" | "resource" | "ephemeral" | "check" | "import");
                let inner =
                    block.body.blocks().any(|inner| inner.labels.first().is_some_and(|it| is_of_tfe(it.as_str())));
                is_object && !is_answered && (is_of_tfe(label(0)) || inner)
            })
        })
    });
    if is_used {
        return false;
    }
    for folder in tree.modules.keys() {
        modules.entry(folder.clone()).or_default().without_tfe = true;
    }
    true
}

fn is_of_tfe(kind: &str) -> bool {
    kind.starts_with("tfe_")
}

fn rewrite_module(
    folder: &Path,
    targets: &Targets<'_>,
    variables: &BTreeMap<String, PlannedOutput>,
) -> Result<(), Problem> {
    let mut found = Found::default();
    for name in module::in_order(folder) {
        let path = folder.join(&name);
        let Some(text) = module::read_text(&path, relative(&path, folder), &mut Vec::new()) else { continue };
        let rewritten = if name.ends_with(".json") {
            json::rewrite(&text, targets, &mut found)
        } else {
            native::rewrite(&text, targets, &mut found)
        };
        if let Some(rewritten) = rewritten.filter(|rewritten| *rewritten != text) {
            replace(&path, &rewritten).map_err(unwritable)?;
        }
    }
    let locals = object::locals(targets, &found, variables);
    if !locals.is_empty() {
        replace(&folder.join(FILE), &locals).map_err(unwritable)?;
    }
    Ok(())
}

/// Writes a file anew (0600): there are values in it, and what was there may be a link.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(problem) if problem.kind() != io::ErrorKind::NotFound => return Err(problem),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

fn unwritable(problem: io::Error) -> Problem {
    Problem::ours("configuration/unwritable", "The copy of the code cannot be written.", problem)
}

#[cfg(test)]
mod tests;
