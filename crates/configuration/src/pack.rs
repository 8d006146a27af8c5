//! Packs the code of a stack into an archive for runs: the stack's folder and the local modules outside of it.
//!
//! The same content gives the same bytes: entries are sorted, times and owners are left out. Left out are also version control, what
//! Terraform and multispace keep in a folder, state files, and whatever `.terraformignore` in the stack's folder names (rules as in
//! `.gitignore`: a file below a folder that is ignored cannot be taken back). Kept is `.terraform.lock.hcl`. Added are override
//! files for state files of the user's own (`crate::keep`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use domain::problem::{Fault, Problem};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use tar::{Builder, EntryType, Header};

use crate::archive::{Limits, check};
use crate::backend::{normal, relative};
use crate::keep;
use crate::stack::Stack;

/// Name of the file with rules for what is left out. Source: HCP Terraform's documentation of `.terraformignore`.
pub(crate) const IGNORE_FILE: &str = ".terraformignore";

/// Packs a stack as a gzip-compressed tar archive whose top is `stack.pack_root`; [`Stack::working_directory`] says where in it a
/// root is.
///
/// # Errors
/// `configuration/link-outside` when a symbolic link leads out of what is packed, `configuration/stack-too-large` over a limit,
/// `configuration/file-name` for a name that no archive should have, `configuration/ignore-file` and `configuration/unreadable`.
pub fn pack(stack: &Stack, limits: &Limits) -> Result<Vec<u8>, Problem> {
    with_overrides(stack)?.archive(limits)
}

/// What is packed of a stack, with the files that are added.
pub(crate) fn with_overrides(stack: &Stack) -> Result<Packing, Problem> {
    let mut packing = packing(stack)?;
    packing.added = keep::override_files(stack).ok_or_else(|| bad_name(&stack.dir))?;
    Ok(packing)
}

/// Packs one folder with everything in it, by the same rules.
///
/// # Errors
/// Those of [`pack`].
pub fn pack_folder(folder: &Path, limits: &Limits) -> Result<Vec<u8>, Problem> {
    let folder = folder.canonicalize().map_err(|error| unreadable(folder, &error))?;
    Packing::new(&folder, &folder, std::iter::empty(), BTreeSet::new())?.archive(limits)
}

/// What is packed of a stack.
pub(crate) fn packing(stack: &Stack) -> Result<Packing, Problem> {
    let modules = stack.roots.iter().flat_map(|root| root.local_modules.iter().cloned());
    let states = stack.roots.iter().filter_map(|root| root.state_file.clone());
    Packing::new(&stack.dir, &stack.pack_root, modules, states.collect())
}

/// Folders, and what of them goes into an archive.
pub(crate) struct Packing {
    /// Top of the archive.
    top: PathBuf,
    dir: PathBuf,
    /// Folders that go into the archive; none is inside another.
    folders: BTreeSet<PathBuf>,
    /// State files of roots, which stay where they are.
    states: BTreeSet<PathBuf>,
    ignore: Gitignore,
    /// Files that are not on disk, by path in the archive.
    added: BTreeMap<String, String>,
}

pub(crate) enum Item {
    Folder,
    File { executable: bool, size: u64 },
    Link { target: String },
    Added { content: String },
}

impl Item {
    pub(crate) fn is_link(&self) -> bool {
        matches!(self, Self::Link { .. })
    }

    pub(crate) fn is_executable(&self) -> bool {
        matches!(self, Self::File { executable: true, .. })
    }
}

impl Packing {
    fn new(
        dir: &Path,
        top: &Path,
        modules: impl Iterator<Item = PathBuf>,
        states: BTreeSet<PathBuf>,
    ) -> Result<Self, Problem> {
        let mut folders: BTreeSet<PathBuf> = modules.collect();
        folders.insert(dir.to_owned());
        let inside = |folder: &PathBuf| folder.ancestors().skip(1).any(|ancestor| folders.contains(ancestor));
        let folders = folders.iter().filter(|folder| !inside(folder)).cloned().collect();
        Ok(Self {
            top: top.to_owned(),
            dir: dir.to_owned(),
            folders,
            states,
            ignore: ignore_rules(dir)?,
            added: BTreeMap::new(),
        })
    }

    /// The files that are packed, by path in the archive, with where each is; a link is where it leads to.
    pub(crate) fn files(&self, limits: &Limits) -> Result<BTreeMap<String, PathBuf>, Problem> {
        let is_file = |item: &Item| matches!(item, Item::File { .. } | Item::Link { .. });
        let items = self.items(limits)?.into_iter().filter(|(_, (_, item))| is_file(item));
        Ok(items.map(|(name, (path, _))| (name, path)).collect())
    }

    /// The links that are packed, each with what it leads to in the end.
    pub(crate) fn links(&self, limits: &Limits) -> Result<Vec<(PathBuf, PathBuf)>, Problem> {
        let links = self.items(limits)?.into_values().filter_map(|(path, item)| {
            let Item::Link { target } = item else { return None };
            let target = path.canonicalize().unwrap_or_else(|_| normal(&path.with_file_name(target)));
            Some((path, target))
        });
        Ok(links.collect())
    }

    /// Whether a file or folder of that path is packed where there is one, or holds something that is.
    pub(crate) fn takes(&self, path: &Path) -> bool {
        if self.folders.iter().any(|folder| folder.starts_with(path)) {
            return true;
        }
        let Some(folder) = self.folders.iter().find(|folder| path.starts_with(folder)) else { return false };
        let below = path.strip_prefix(folder).unwrap_or(path);
        if self.states.contains(path) || below.iter().any(|part| is_left_out(&part.to_string_lossy())) {
            return false;
        }
        // The rules speak of paths below the stack's folder alone, and of a file below a folder by the folder.
        !(path.starts_with(&self.dir) && self.ignore.matched_path_or_any_parents(path, path.is_dir()).is_ignore())
    }

    fn archive(&self, limits: &Limits) -> Result<Vec<u8>, Problem> {
        self.packed(&self.items(limits)?, limits)
    }

    /// Packs these of what is packed, by path in the archive, as they are now; with the folders around them.
    pub(crate) fn archive_of<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
        limits: &Limits,
    ) -> Result<Vec<u8>, Problem> {
        let mut items = BTreeMap::new();
        for name in names {
            let around = Path::new(name).ancestors().filter(|path| !path.as_os_str().is_empty());
            for path in around.filter_map(Path::to_str) {
                if items.contains_key(path) {
                    continue;
                }
                let source = self.top.join(path);
                let item = match self.added.get(path) {
                    Some(content) => Some(Item::Added { content: content.clone() }),
                    None => self.item(&source)?,
                };
                items.extend(item.map(|item| (path.to_owned(), (source, item))));
            }
        }
        self.packed(&items, limits)
    }

    fn packed(&self, items: &BTreeMap<String, (PathBuf, Item)>, limits: &Limits) -> Result<Vec<u8>, Problem> {
        let encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::default());
        let mut builder = Builder::new(encoder);
        for (path, (source, item)) in items {
            append(&mut builder, path, source, item).map_err(|error| unreadable(source, &error))?;
        }
        let archive = builder
            .into_inner()
            .and_then(GzEncoder::finish)
            .map_err(|error| Problem::ours("configuration/pack", "The code could not be packed.", error))?;
        // What would be refused at the other end is refused here, where it can be repaired.
        check(&archive, limits)?;
        Ok(archive)
    }

    /// Everything that goes into the archive, by path in it.
    pub(crate) fn items(&self, limits: &Limits) -> Result<BTreeMap<String, (PathBuf, Item)>, Problem> {
        let mut items = BTreeMap::new();
        let mut bytes = 0_u64;
        let mut queue: Vec<PathBuf> = self.folders.iter().cloned().collect();
        while let Some(folder) = queue.pop() {
            for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
                let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
                let Some(item) = self.item(&path)? else { continue };
                if let Item::File { size, .. } = item {
                    bytes = bytes.saturating_add(size);
                }
                if bytes > limits.bytes || items.len() as u64 >= limits.entries {
                    return Err(too_large(&self.dir, limits));
                }
                if matches!(item, Item::Folder) {
                    queue.push(path.clone());
                }
                items.insert(self.name(&path)?, (path, item));
            }
        }
        for (name, content) in &self.added {
            items.insert(name.clone(), (self.top.join(name), Item::Added { content: content.clone() }));
        }
        Ok(items)
    }

    /// What a path is; `None` when it is left out.
    fn item(&self, path: &Path) -> Result<Option<Item>, Problem> {
        let metadata = fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_ignored = path.starts_with(&self.dir) && self.ignore.matched(path, metadata.is_dir()).is_ignore();
        if is_left_out(&name) || self.states.contains(path) || is_ignored {
            return Ok(None);
        }
        let kind = metadata.file_type();
        if kind.is_dir() {
            Ok(Some(Item::Folder))
        } else if kind.is_file() {
            Ok(Some(Item::File { executable: metadata.permissions().mode() & 0o100 != 0, size: metadata.len() }))
        } else if kind.is_symlink() {
            self.link(path).map(Some)
        } else {
            // Sockets, pipes and devices are no code.
            Ok(None)
        }
    }

    fn link(&self, path: &Path) -> Result<Item, Problem> {
        let target = fs::read_link(path).map_err(|error| unreadable(path, &error))?;
        let parent = path.parent().unwrap_or(&self.top);
        let leads_to = normal(&parent.join(&target));
        if !self.folders.iter().any(|folder| leads_to.starts_with(folder)) {
            let message = format!("The link {} leads out of the stack, to {}.", path.display(), leads_to.display());
            return Err(Problem::invalid("configuration/link-outside", message)
                .advice("Replace it with what it leads to, or name it in .terraformignore."));
        }
        // An absolute link would lead to this machine's files after unpacking.
        let target = if target.is_absolute() { PathBuf::from(relative(&leads_to, parent)) } else { target };
        match target.into_os_string().into_string() {
            Ok(target) => Ok(Item::Link { target }),
            Err(_) => Err(bad_name(path)),
        }
    }

    fn name(&self, path: &Path) -> Result<String, Problem> {
        match path.strip_prefix(&self.top).ok().and_then(Path::to_str) {
            Some(name) => Ok(name.to_owned()),
            None => Err(bad_name(path)),
        }
    }
}

/// What never goes into an archive: version control, what Terraform and multispace keep in a folder, states and their locks.
fn is_left_out(name: &str) -> bool {
    matches!(name, ".git" | ".terraform" | ".multispace" | "crash.log")
        || name.starts_with("terraform.tfstate")
        || name.ends_with(".tfstate.backup")
        || name.ends_with(".tfstate.lock.info")
        || (name.starts_with("crash.") && name.ends_with(".log"))
}

fn ignore_rules(dir: &Path) -> Result<Gitignore, Problem> {
    let file = dir.join(IGNORE_FILE);
    if !file.exists() {
        return Ok(Gitignore::empty());
    }
    let mut builder = GitignoreBuilder::new(dir);
    let broken = builder.add(&file).map(|error| error.to_string());
    match (broken, builder.build()) {
        (None, Ok(rules)) => Ok(rules),
        (broken, built) => {
            let why = broken.or(built.err().map(|error| error.to_string())).unwrap_or_default();
            Err(Problem::invalid("configuration/ignore-file", format!("{} cannot be read: {why}.", file.display()))
                .advice("Its rules are written as in a .gitignore file."))
        }
    }
}

fn append(builder: &mut Builder<GzEncoder<Vec<u8>>>, path: &str, source: &Path, item: &Item) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    match item {
        Item::Folder => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o755);
            builder.append_data(&mut header, format!("{path}/"), io::empty())
        }
        Item::File { executable, size } => {
            // Exactly as many bytes as the header says, whatever happens to the file meanwhile.
            let mut content = Vec::new();
            fs::File::open(source)?.take(*size).read_to_end(&mut content)?;
            header.set_entry_type(EntryType::Regular);
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, content.as_slice())
        }
        Item::Added { content } => {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o644);
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, content.as_bytes())
        }
        Item::Link { target } => {
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            builder.append_link(&mut header, path, target)
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::invalid("configuration/unreadable", format!("{} cannot be read: {error}.", path.display()))
        .advice("Make it readable, or name it in .terraformignore.")
}

fn bad_name(path: &Path) -> Problem {
    Problem::invalid("configuration/file-name", format!("The name of {} is not UTF-8.", path.display()))
        .advice("Rename it, or name it in .terraformignore.")
}

fn too_large(dir: &Path, limits: &Limits) -> Problem {
    let message = format!(
        "The code in {} is over the limit of {} MB or {} files.",
        dir.display(),
        limits.bytes / 1024 / 1024,
        limits.entries
    );
    Problem::new(Fault::TooLarge, "configuration/stack-too-large", message)
        .advice("Name what Terraform does not need in a .terraformignore file.")
}
