//! [`workspaces_of_changes`]: which workspaces changed when some files did, whether the files are still there or not.
//!
//! Absent: what changed in a file, and who says that it did.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::problem::Problem;

use crate::archive::Limits;
use crate::owners::Owners;
use crate::pack::{self, IGNORE_FILE};
use crate::settings::SETTINGS_FILE;
use crate::stack::Stack;

/// How many links one after the other are followed.
const LINKS: usize = 4;

/// The workspaces whose code the changed paths belong to, by name. A path is absolute with links resolved, of a file or, as git names
/// a changed submodule, of a folder; it need not be there any more. What runs never get concerns nobody, and neither does
/// what is outside of the stack's folder and of the local modules that it reaches. `multispace.hcl` and `.terraformignore` concern
/// every workspace.
///
/// # Errors
/// Those of [`pack()`](crate::pack()).
pub fn workspaces_of_changes(
    stack: &Stack,
    limits: &Limits,
    changed: &BTreeSet<PathBuf>,
) -> Result<BTreeSet<String>, Problem> {
    if [SETTINGS_FILE, IGNORE_FILE].iter().any(|name| changed.contains(&stack.dir.join(name))) {
        return Ok(stack.roots.iter().map(|root| root.name.clone()).collect());
    }
    let packing = pack::packing(stack)?;
    let links = packing.links(limits)?;
    let owners = Owners::of(stack);
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for path in changed.iter().filter(|path| packing.takes(path)) {
        for path in seen_as(path, &links) {
            names.extend(owners.of_file(&path));
            names.extend(owners.below(&path));
        }
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// The paths under which code finds a file: its own, and those through links, each of them with where it leads to.
fn seen_as(path: &Path, links: &[(PathBuf, PathBuf)]) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::from([path.to_owned()]);
    let mut new = all.clone();
    for _ in 0..LINKS {
        let through = |path: &PathBuf| -> Vec<PathBuf> {
            let one = |(link, target): &(PathBuf, PathBuf)| match path.strip_prefix(target) {
                Ok(rest) if rest.as_os_str().is_empty() => Some(link.clone()),
                Ok(rest) => Some(link.join(rest)),
                Err(_) => None,
            };
            links.iter().filter_map(one).collect()
        };
        new = new.iter().flat_map(through).filter(|path| !all.contains(path)).collect();
        all.extend(new.iter().cloned());
    }
    all
}
