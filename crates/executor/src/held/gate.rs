//! Where a terraform is held: at a file whose first half stands in a pipe. The rest comes when its gate is opened; a pipe that ends before has half a
//! file in it, which is none, and terraform ends with it.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Write, pipe};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use domain::Problem;

use super::Variables;
use crate::folder::{Folder, remove, replace_private, write_private};
use crate::modules;
use crate::overrides;
use crate::plan::unwritable;
use crate::prepare::{Prepared, written};
use crate::work::{UpstreamOutputs, Work};

/// Name of a file that is added to the code of a root which reads nobody.
const ADDED: &str = "zz_multispace_gate.tf";

/// What is in the file of [`Place::Validation`] once its gate is open.
pub(crate) const OPEN: &str = "null";

/// What terraform comes to and does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Its file of variables, which it reads to the end before it locks a state, starts a provider or reads data.
    Variables,
    /// The validation of its code, in the middle of a block that reads an upstream, or of a local value that was added to code which is to be
    /// destroyed and reads nobody. By then it has its variables and its own state, has asked its
    /// providers for their schemas and what they say of the code. It has configured none of them and read no data: that is of the walk which plans,
    /// and the walk which validates does not end before.
    Validation,
}

impl Place {
    /// The last place at which a terraform can be held that has this to do. That in the middle of validation is as far as it gets with values that it
    /// has, and for code that cannot have read anything by then which changes until its gate is opened. That validation comes before everything else is
    /// terraform's own affair, so it is relied on in versions that it was tried with.
    pub(super) fn of(work: &Work, prepared: &Prepared, variables: Variables) -> Self {
        let (folder, root) = (&prepared.launcher.folder, &prepared.launcher.root);
        // Anywhere else a value that is added would be in what the code comes to.
        let is_possible = variables == Variables::Known
            && prepared.version.is_tried()
            && (reads_upstreams(work, folder, root) || work.operation.destroy)
            && seen_from(root, folder).is_some();
        let reads_its_own =
            || modules::folders(folder, root).is_some_and(|folders| configuration::reads_its_own_files(&folders));
        if is_possible && reads_its_own() { Self::Validation } else { Self::Variables }
    }

    /// The file.
    fn file(self, folder: &Folder) -> PathBuf {
        match self {
            Self::Variables => folder.variables(),
            Self::Validation => folder.gate(),
        }
    }

    /// The file that a block of the code reads, if it is there that terraform waits, as the code says it.
    pub(super) fn in_code(self, folder: &Folder, root: &Path) -> Option<PathBuf> {
        if self == Self::Validation { seen_from(root, folder) } else { None }
    }

    /// What is in the pipe while the gate is shut: the beginning of a comment, or of a `null`.
    fn begin(self) -> &'static str {
        match self {
            Self::Variables => "/*",
            Self::Validation => "nul",
        }
    }

    /// What goes on from there.
    fn rest(self, variables: &str) -> String {
        match self {
            Self::Variables => format!("*/\n{variables}"),
            Self::Validation => "l".to_owned(),
        }
    }

    /// What is in the file from then on.
    fn whole(self, variables: &str) -> &str {
        match self {
            Self::Variables => variables,
            Self::Validation => OPEN,
        }
    }
}

/// Our end of the pipe.
pub(super) struct Gate {
    pub(super) place: Place,
    /// What terraform reads: a link to the pipe.
    file: PathBuf,
    writer: PipeWriter,
    /// Longest text that passes as a whole or not at all.
    room: usize,
}

impl Gate {
    /// Puts a gate that is shut into a run's folder; with the end of it that terraform reads. `None` where terraform would not find it.
    pub(super) fn shut(place: Place, work: &Work, prepared: &Prepared) -> Result<Option<(Self, PipeReader)>, Problem> {
        let (folder, root) = (&prepared.launcher.folder, &prepared.launcher.root);
        let (reader, mut writer) = pipe().map_err(unwritable)?;
        let Some(path) = path_of(&reader).map_err(unwritable)? else { return Ok(None) };
        // Beside what stands in it.
        let room = capacity(&reader) / 2;
        written(writer.write_all(place.begin().as_bytes()))?;
        let file = place.file(folder);
        written(remove(&file).and_then(|()| symlink(path, &file)))?;
        match place.in_code(folder, root) {
            Some(gate) if reads_upstreams(work, folder, root) => {
                overrides::answer(work, folder, root, prepared.launcher.bare, Some(&gate))?;
            }
            Some(gate) => {
                let text = format!("locals {{\n  multispace_gate = {}\n}}\n", overrides::null_in(&gate));
                written(write_private(&root.join(ADDED), text.as_bytes()))?;
            }
            None => {}
        }
        Ok(Some((Self { place, file, writer, room }, reader)))
    }

    /// Whether it can be opened with these variables.
    pub(super) fn has_room(&self, variables: &str) -> bool {
        self.place.rest(variables).len() <= self.room
    }

    /// Lets whoever reads now go on, and whoever opens the file from now on.
    pub(super) fn open(self, variables: &str) -> io::Result<()> {
        let Self { place, file, mut writer, .. } = self;
        replace_private(&file, place.whole(variables).as_bytes())?;
        writer.write_all(place.rest(variables).as_bytes())
    }
}

/// Whether a block in the root itself reads an upstream.
fn reads_upstreams(work: &Work, folder: &Folder, root: &Path) -> bool {
    let is_of_root = |outputs: &UpstreamOutputs| {
        overrides::module_folder(folder, &outputs.module).is_ok_and(|module| module == *root)
    };
    work.upstream_outputs.iter().any(is_of_root)
}

/// The file of [`Place::Validation`] in a run's folder, seen from its root: a plan has the code in it that it was made of, and reads it too when it is
/// applied, wherever its folder is by then. `None` where the root is behind a link.
fn seen_from(root: &Path, folder: &Folder) -> Option<PathBuf> {
    let inside = root.strip_prefix(folder.path()).ok()?;
    let is_there = root.canonicalize().ok()? == folder.path().canonicalize().ok()?.join(inside);
    let up: PathBuf = inside.components().map(|_| "..").collect();
    let name = folder.gate().file_name().map(PathBuf::from)?;
    is_there.then(|| up.join(name))
}

/// How much a pipe holds: less than usual, where somebody has very many.
#[cfg(target_os = "linux")]
fn capacity(pipe: &PipeReader) -> usize {
    use nix::fcntl::{FcntlArg, fcntl};
    fcntl(pipe, FcntlArg::F_GETPIPE_SZ).ok().and_then(|size| usize::try_from(size).ok()).unwrap_or_default()
}

/// Nothing is held where terraform could not find it.
#[cfg(not(target_os = "linux"))]
fn capacity(_pipe: &PipeReader) -> usize {
    0
}

/// Where others find a pipe of ours; `None` where they do not.
fn path_of(pipe: &PipeReader) -> io::Result<Option<PathBuf>> {
    let path = Path::new("/proc").join(std::process::id().to_string()).join("fd").join(pipe.as_raw_fd().to_string());
    let own = fs::File::from(OwnedFd::from(pipe.try_clone()?)).metadata()?;
    let is_it = fs::metadata(&path).is_ok_and(|found| (found.dev(), found.ino()) == (own.dev(), own.ino()));
    Ok(is_it.then_some(path))
}
