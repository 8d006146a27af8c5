//! [`Parts`]: what a single workspace of a stack needs of its code, for runs that work on a copy of it.
//!
//! In a stack of a thousand roots a run that unpacked all of them would spend most of its time on files that it never opens. A workspace
//! whose code and files give no sign of looking elsewhere gets its own folder and its local modules; every other one gets the
//! whole stack, as [`pack()`](crate::pack()) makes it. Signs are `..`, links, `provisioner` blocks, `external` data, functions that
//! can lead out of a folder, roots below the folder, and files that somebody may run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::problem::Problem;
use hcl_edit::expr::{Expression, FuncCall, Traversal, TraversalOperator};
use hcl_edit::structure::Block;
use hcl_edit::template::ForTemplateExpr;
use hcl_edit::visit::{self, Visit};

use crate::archive::Limits;
use crate::module;
use crate::owners::{Owners, goes_up, own_folders};
use crate::pack::{self, Packing};
use crate::stack::{Root, Stack};

/// Endings of files that are run, not read: what they look at is not in any Terraform code.
const RUN: [&str; 16] =
    ["sh", "bash", "zsh", "fish", "ksh", "py", "rb", "pl", "php", "lua", "js", "mjs", "ts", "ps1", "bat", "cmd"];

/// The files of a stack, looked at once.
pub struct Parts {
    packing: Packing,
    limits: Limits,
    /// By workspace that needs only a part, what that is: paths in the archive.
    parts: BTreeMap<String, Vec<String>>,
}

impl Parts {
    /// Looks at the files of a stack.
    ///
    /// # Errors
    /// Those of [`pack()`](crate::pack()).
    pub fn of(stack: &Stack, limits: &Limits) -> Result<Self, Problem> {
        let packing = pack::with_overrides(stack)?;
        let owners = Owners::of(stack);
        let alone = stack.roots.iter().filter(|root| is_alone(stack, root, &owners));
        // The folder of a root is there, even if no file is in it.
        let part = |root: &Root| (root.name.clone(), vec![stack.working_directory(root)]);
        let mut parts: BTreeMap<String, Vec<String>> = alone.map(part).collect();
        let mut elsewhere = Vec::new();
        for (name, (path, item)) in packing.items(limits)? {
            for owner in owners.of_file(&path) {
                if item.is_link() || item.is_executable() || is_run(&path) {
                    elsewhere.push(*owner);
                } else if let Some(part) = parts.get_mut(*owner) {
                    part.push(name.clone());
                }
            }
        }
        for owner in elsewhere {
            parts.remove(owner);
        }
        Ok(Self { packing, limits: *limits, parts })
    }

    /// Packs what a workspace needs, with the paths that it has in the whole; `None` where that is the whole.
    ///
    /// # Errors
    /// Those of [`pack()`](crate::pack()).
    pub fn pack(&self, workspace: &str) -> Result<Option<Vec<u8>>, Problem> {
        let Some(part) = self.parts.get(workspace) else { return Ok(None) };
        self.packing.archive_of(part.iter().map(String::as_str), &self.limits).map(Some)
    }
}

/// Whether the code of a root gives no sign that it looks beyond its folder and its local modules.
fn is_alone(stack: &Stack, root: &Root, owners: &Owners<'_>) -> bool {
    let folders: Vec<PathBuf> = own_folders(stack, root).collect();
    let has_others_below = |folder: &PathBuf| {
        owners.below(folder).any(|name| {
            name != root.name && stack.root(name).is_some_and(|other| stack.folder(other).starts_with(folder))
        })
    };
    !folders.iter().any(has_others_below) && !folders.iter().any(|folder| goes_up(folder) || looks_around(folder))
}

fn is_run(path: &Path) -> bool {
    path.extension().is_some_and(|ending| RUN.iter().any(|run| ending.eq_ignore_ascii_case(run)))
}

/// Whether code in a folder may find files by something else than a path below it.
fn looks_around(folder: &Path) -> bool {
    let mut search = Search::default();
    for name in module::configuration_files(folder) {
        match module::parse(&folder.join(name), String::new(), &mut Vec::new()) {
            Some((_, body)) => search.visit_body(&body),
            None => return true,
        }
    }
    search.found
}

#[derive(Default)]
struct Search {
    found: bool,
}

impl Visit for Search {
    fn visit_block(&mut self, block: &Block) {
        let label = block.labels.first().map(|label| label.as_str());
        self.found |= matches!((block.ident.as_str(), label), ("provisioner", _) | ("data", Some("external")));
        visit::visit_block(self, block);
    }

    fn visit_for_template_expr(&mut self, _: &ForTemplateExpr) {
        // The visitor of the crate passes over what is gone through.
        self.found = true;
    }

    fn visit_func_call(&mut self, call: &FuncCall) {
        self.found |= matches!(call.name.name.as_str(), "dirname" | "abspath" | "pathexpand");
        visit::visit_func_call(self, call);
    }

    fn visit_traversal(&mut self, traversal: &Traversal) {
        let is_path = matches!(&traversal.expr, Expression::Variable(name) if name.as_str() == "path");
        let first = traversal.operators.first().map(|operator| operator.value());
        self.found |= is_path && matches!(first, Some(TraversalOperator::GetAttr(name)) if name.as_str() == "cwd");
        visit::visit_traversal(self, traversal);
    }
}
