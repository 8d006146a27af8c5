//! Whose a file is, told by its path alone: of the nearest folder around it that is a root or a local module, and so of that root, or of
//! all roots that reach the module. Files of the stack's folder that have none around them are loose: code that goes up with `..` may
//! read them, so they belong to the roots with such code.
//!
//! Absent: whether the file is there, and whether a run would get it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;
use hcl_edit::template::Element;
use hcl_edit::visit::{self, Visit};

use crate::module;
use crate::stack::{Root, Stack};

/// Names of the workspaces that something belongs to.
pub(crate) type Names<'a> = BTreeSet<&'a str>;

/// The folders of a stack with whose they are.
pub(crate) struct Owners<'a> {
    stack: &'a Stack,
    /// Every root and local module.
    folders: BTreeMap<PathBuf, Names<'a>>,
    /// Whose the loose files are; the code is looked through when it is asked for.
    of_loose: OnceCell<Names<'a>>,
}

impl<'a> Owners<'a> {
    pub(crate) fn of(stack: &'a Stack) -> Self {
        let mut folders: BTreeMap<PathBuf, Names<'a>> = BTreeMap::new();
        for root in &stack.roots {
            for folder in own_folders(stack, root) {
                folders.entry(folder).or_default().insert(&root.name);
            }
        }
        Self { stack, folders, of_loose: OnceCell::new() }
    }

    /// The workspaces that a file, or a folder for itself, belongs to; `path` is absolute and normal.
    pub(crate) fn of_file(&self, path: &Path) -> &Names<'a> {
        const NOBODY: &Names<'static> = &Names::new();
        match path.ancestors().find_map(|folder| self.folders.get(folder)) {
            Some(owners) => owners,
            None if path.starts_with(&self.stack.dir) => self.of_loose(),
            None => NOBODY,
        }
    }

    /// The workspaces that have a root or module in a folder, or are one of these themselves.
    pub(crate) fn below(&self, folder: &Path) -> impl Iterator<Item = &'a str> {
        let inside = self.folders.iter().filter(move |(it, _)| it.starts_with(folder));
        inside.flat_map(|(_, owners)| owners.iter().copied())
    }

    fn of_loose(&self) -> &Names<'a> {
        self.of_loose.get_or_init(|| {
            let goes_up = |root: &&Root| own_folders(self.stack, root).any(|folder| goes_up(&folder));
            self.stack.roots.iter().filter(goes_up).map(|root| root.name.as_str()).collect()
        })
    }
}

/// The folder of a root, and those of the local modules that it reaches.
pub(crate) fn own_folders(stack: &Stack, root: &Root) -> impl Iterator<Item = PathBuf> {
    root.local_modules.iter().cloned().chain([stack.folder(root)])
}

/// Whether code in a folder names something above it that it may read. Files that cannot be read were told of before.
pub(crate) fn goes_up(folder: &Path) -> bool {
    let mut search = Search::default();
    for name in module::configuration_files(folder) {
        if let Some((_, body)) = module::parse(&folder.join(name), String::new(), &mut Vec::new()) {
            search.visit_body(&body);
        }
    }
    search.goes_up
}

#[derive(Default)]
struct Search {
    goes_up: bool,
}

impl Search {
    fn note(&mut self, text: &str) {
        self.goes_up |= text.split('/').any(|part| part == "..");
    }
}

impl Visit for Search {
    fn visit_block(&mut self, block: &Block) {
        let label = block.labels.first().map(|label| label.as_str());
        match (block.ident.as_str(), label) {
            // These name modules and states, not files.
            ("data", Some("terraform_remote_state")) | ("backend", _) => {}
            ("module", _) => {
                for attribute in block.body.attributes().filter(|attribute| attribute.key.as_str() != "source") {
                    visit::visit_attr(self, attribute);
                }
            }
            _ => visit::visit_block(self, block),
        }
    }

    fn visit_expr(&mut self, expression: &Expression) {
        if let Expression::String(text) = expression {
            self.note(text.value());
        }
        visit::visit_expr(self, expression);
    }

    fn visit_element(&mut self, element: &Element) {
        if let Element::Literal(text) = element {
            self.note(text.value());
        }
        visit::visit_element(self, element);
    }
}
