//! Archives of Terraform code: what an upload is checked for, and how it is unpacked.
//!
//! An archive is untrusted. It is read twice: the first pass looks at every byte of it and writes nothing; only an archive that
//! is safe as a whole is unpacked by the second. Links are made last, so that no write can go through one. Absent: other formats than
//! gzip-compressed tar, sparse files, owners, times and extended attributes.

mod entries;
mod layout;

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use domain::problem::{Fault, Problem};

use entries::{Entries, Kind};
use layout::Layout;

/// What an archive may hold at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes when unpacked, headers and copies made for hard links included.
    pub bytes: u64,
    /// Headers in the archive, those that only carry a long name included; also what it makes, folders that it only implies included.
    pub entries: u64,
    /// Bytes of all paths and targets of links together.
    pub names_bytes: u64,
    /// Times its own size that an archive may grow, once it is above `ratio_above`.
    pub ratio: u64,
    /// Unpacked bytes below which `ratio` does not matter.
    pub ratio_above: u64,
    /// Folders one in the other, the file included.
    pub depth: usize,
    /// Bytes of a whole path.
    pub path_bytes: usize,
    /// Bytes of one name in a path.
    pub name_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 512 * 1024 * 1024,
            entries: 50_000,
            names_bytes: 16 * 1024 * 1024,
            ratio: 200,
            ratio_above: 1024 * 1024,
            depth: 64,
            path_bytes: 1024,
            name_bytes: 255,
        }
    }
}

/// What is in an archive that [`check`] found safe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Files, links included.
    pub files: u64,
    /// Their bytes when unpacked.
    pub bytes: u64,
}

/// Looks at a whole archive and writes nothing.
///
/// # Errors
/// `configuration/archive-format` when it is not a gzip-compressed tar archive, `configuration/archive-damaged` when it cannot be read
/// to its end, `configuration/archive-unsafe` when it would write outside of its folder or make something that is not a file, a folder
/// or a link inside, `configuration/archive-too-large` when it is over a limit.
pub fn check(archive: &[u8], limits: &Limits) -> Result<Contents, Problem> {
    let mut layout = Layout::new(limits);
    let mut entries = Entries::new(archive, limits)?;
    while let Some(entry) = entries.next()? {
        layout.add(&entry)?;
        entries.data(&entry, &mut |_| Ok(()))?;
    }
    layout.check_links()
}

/// Checks an archive and unpacks it into a folder, which must be empty or not there. Permissions are kept without set-user,
/// set-group and sticky bits; owners and times are not kept.
///
/// # Errors
/// Those of [`check`], before anything is written; `configuration/not-empty` when something is in the folder;
/// `configuration/unpack` when the disk fails, after which the folder is removed.
pub fn unpack(archive: &[u8], into: &Path, limits: &Limits) -> Result<(), Problem> {
    check(archive, limits)?;
    let is_empty = fs::read_dir(into).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty || into.is_file() {
        return Err(Problem::conflict("configuration/not-empty", "The folder to unpack into is not empty."));
    }
    write_all(archive, into, limits).inspect_err(|_| {
        // What was written is of no use to anyone; that it cannot be removed is not the news.
        let _ = fs::remove_dir_all(into);
    })
}

fn write_all(archive: &[u8], into: &Path, limits: &Limits) -> Result<(), Problem> {
    fs::create_dir_all(into).map_err(on_disk)?;
    let mut entries = Entries::new(archive, limits)?;
    let mut links: Vec<(PathBuf, String)> = Vec::new();
    while let Some(entry) = entries.next()? {
        let path = into.join(entry.path.join("/"));
        if let Some(parent) = path.parent().filter(|_| !entry.path.is_empty()) {
            fs::create_dir_all(parent).map_err(on_disk)?;
        }
        match &entry.kind {
            Kind::Folder if entry.path.is_empty() => {}
            Kind::Folder => fs::create_dir_all(&path).map_err(on_disk)?,
            Kind::File => {
                let mut file = create(&path, entry.mode).map_err(on_disk)?;
                entries.data(&entry, &mut |bytes| file.write_all(bytes).map_err(on_disk))?;
                continue;
            }
            Kind::Link { target } => links.push((path, target.clone())),
            Kind::Copy { of } => copy(&into.join(of.join("/")), &path).map_err(on_disk)?,
        }
        entries.data(&entry, &mut |_| Ok(()))?;
    }
    for (path, target) in links {
        symlink(target, path).map_err(on_disk)?;
    }
    Ok(())
}

/// A new file; fails when anything is there, a link included. Its owner can always read and write it.
fn create(path: &Path, mode: u32) -> io::Result<fs::File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode((mode & 0o777) | 0o600))?;
    Ok(file)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = fs::File::open(from)?;
    let mut file = create(to, source.metadata()?.permissions().mode())?;
    io::copy(&mut source, &mut file).map(drop)
}

fn on_disk(error: io::Error) -> Problem {
    Problem::ours("configuration/unpack", "The archive could not be unpacked.", error)
}

/// The archive would do harm, or something that Terraform code never needs.
fn not_safe(path: &str, why: &str) -> Problem {
    Problem::invalid("configuration/archive-unsafe", format!("The archive holds {path:?}, {why}.")).advice(
        "Pack the folder with `multispace`, `terraform` or plain `tar -czf`, with nothing in it that points outside.",
    )
}

fn damaged(why: &str) -> Problem {
    Problem::invalid("configuration/archive-damaged", format!("The archive is damaged: {why}."))
        .advice("Make it again and upload it whole.")
}

fn too_large(what: String) -> Problem {
    Problem::new(Fault::TooLarge, "configuration/archive-too-large", what)
        .advice("Leave out what Terraform does not need, with a .terraformignore file.")
}
