//! [`files_by_workspace`]: the files that the code of each workspace may read, whatever their kind.
//!
//! Those are all files in the root's folder and in the folders of the local modules that it reaches, but for what belongs to
//! other roots below them. Code that goes up with `..` may read the files of the stack that belong to nobody as well.
//! Absent: what the files say, and files beyond what is packed for a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use domain::problem::Problem;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;
use hcl_edit::template::Element;
use hcl_edit::visit::{self, Visit};

use crate::archive::Limits;
use crate::module;
use crate::pack;
use crate::settings::SETTINGS_FILE;
use crate::stack::{Root, Stack};

/// The files of every workspace by its name; each by its path in the packed stack, with where it is. Left out is what is not
/// packed, and `multispace.hcl`.
///
/// # Errors
/// Those of [`pack()`](crate::pack()).
pub fn files_by_workspace(
    stack: &Stack,
    limits: &Limits,
) -> Result<BTreeMap<String, BTreeMap<String, PathBuf>>, Problem> {
    let packed = pack::files(stack, limits)?;
    let folders: BTreeSet<PathBuf> = stack.roots.iter().map(|root| stack.folder(root)).collect();
    let modules: BTreeSet<&PathBuf> = stack.roots.iter().flat_map(|root| &root.local_modules).collect();
    let owned =
        |path: &Path| path.ancestors().skip(1).any(|it| folders.contains(it) || modules.contains(&it.to_owned()));
    let is_settings = |path: &Path| path == stack.dir.join(SETTINGS_FILE);
    let loose: Vec<_> = packed.iter().filter(|(_, path)| !owned(path) && !is_settings(path)).collect();
    let mut all = BTreeMap::new();
    for root in &stack.roots {
        let own = own_folders(stack, root);
        let is_own = |path: &Path| {
            // The nearest folder that is a root or module says whose it is.
            let nearest =
                path.ancestors().skip(1).find(|it| folders.contains(*it) || modules.contains(&it.to_path_buf()));
            nearest.is_some_and(|nearest| own.contains(nearest))
        };
        let mut files: BTreeMap<String, PathBuf> = packed
            .iter()
            .filter(|(_, path)| is_own(path) && !is_settings(path))
            .map(|(name, path)| (name.clone(), path.clone()))
            .collect();
        if own.iter().any(|folder| goes_up(folder)) {
            files.extend(loose.iter().map(|(name, path)| ((*name).clone(), (*path).clone())));
        }
        all.insert(root.name.clone(), files);
    }
    Ok(all)
}

fn own_folders(stack: &Stack, root: &Root) -> BTreeSet<PathBuf> {
    root.local_modules.iter().cloned().chain([stack.folder(root)]).collect()
}

/// Whether code in a folder names something above it that it may read. Files that cannot be read were told of before.
fn goes_up(folder: &Path) -> bool {
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
