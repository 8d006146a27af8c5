//! [`files_by_workspace`]: the files that the code of each workspace may read, whatever their kind.
//!
//! Those are all files in the root's folder and in the folders of the local modules that it reaches, but for what belongs to
//! other roots below them. Code that goes up with `..` may read the files of the stack that belong to nobody as well.
//! Absent: what the files say, and files beyond what is packed for a run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::problem::Problem;

use crate::archive::Limits;
use crate::owners::Owners;
use crate::pack;
use crate::settings::SETTINGS_FILE;
use crate::stack::Stack;

/// The files of every workspace by its name; each by its path in the packed stack, with where it is. Left out is what is not
/// packed, and `multispace.hcl`.
///
/// # Errors
/// Those of [`pack()`](crate::pack()).
pub fn files_by_workspace(
    stack: &Stack,
    limits: &Limits,
) -> Result<BTreeMap<String, BTreeMap<String, PathBuf>>, Problem> {
    let mut packed = pack::packing(stack)?.files(limits)?;
    packed.retain(|_, path| *path != stack.dir.join(SETTINGS_FILE));
    let owners = Owners::of(stack);
    let mut all: BTreeMap<String, BTreeMap<String, PathBuf>> =
        stack.roots.iter().map(|root| (root.name.clone(), BTreeMap::new())).collect();
    for (name, path) in packed {
        for owner in owners.of_file(&path) {
            all.entry((*owner).to_owned()).or_default().insert(name.clone(), path.clone());
        }
    }
    Ok(all)
}
