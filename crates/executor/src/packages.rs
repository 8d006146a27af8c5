//! The package of a provider: a folder, its checksum, and what tells that it is still the one whose checksum was made.
//!
//! Source of the checksum: `dirhash.Hash1` of Go's modules, which Terraform has as `h1:` in its lock files: the SHA-256 of lines, a line for
//! each file, sorted by name.

use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{Context, Digest, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What was changed less than this ago may change once more and look the same: times of files move in ticks.
const TICK: Duration = Duration::from_millis(100);
/// More files than a package has.
const MOST: usize = 10_000;
/// Others than the owner may write.
const OTHERS_WRITE: u32 = 0o022;
/// Others than the owner may do something with it.
const OTHERS: u32 = 0o077;
/// Only who owns what is in a folder may rename it.
const STICKY: u32 = 0o1000;

/// A package that nobody changes but us and root.
#[derive(Debug)]
pub(crate) struct Package {
    folder: PathBuf,
    /// Sorted by name.
    files: Vec<(String, Metadata)>,
    /// It lies in the run's own folder, to which only we have access.
    is_own: bool,
}

impl Package {
    /// The package in the folder to which `path` leads. `own` is the folder of providers of a run and `run` the run's whole folder, `writable` are
    /// others that the run may write to.
    ///
    /// # Errors
    /// Where it cannot be read, and where somebody else could change it.
    pub(crate) fn at(path: &Path, own: &Path, run: &Path, writable: &[PathBuf]) -> io::Result<Self> {
        let folder = fs::canonicalize(path)?;
        let is_below = |above: &Path| fs::canonicalize(above).is_ok_and(|above| folder.starts_with(above));
        let is_own = is_below(own);
        if !is_own {
            if is_below(run) || writable.iter().any(|above| is_below(above)) {
                return Err(io::Error::other("the run may write to it"));
            }
            let above: Vec<&Path> = folder.ancestors().skip(1).collect();
            for above in above.into_iter().rev() {
                let found = fs::symlink_metadata(above)?;
                if is_private(&found) {
                    break;
                }
                let is_sticky = found.uid() == 0 && found.mode() & STICKY != 0;
                if !is_sticky && !is_of_ours(&found) {
                    return Err(io::Error::other("others may write to a folder above it"));
                }
            }
        }
        let mut files = Vec::new();
        collect(&folder, "", &mut files)?;
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self { folder, files, is_own })
    }

    /// Its folder.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Bytes of all of its files.
    pub(crate) fn size(&self) -> u64 {
        self.files.iter().map(|(_, found)| found.len()).sum()
    }

    /// What is the same as long as nobody changed it; a digest.
    pub(crate) fn identity(&self) -> String {
        let mut listing = String::new();
        for (name, found) in &self.files {
            let made = found.created().ok().and_then(|made| made.duration_since(SystemTime::UNIX_EPOCH).ok());
            // The files of a run may be linked to those that are kept, and every link moves the time of change.
            let changed = if self.is_own { None } else { Some((found.ctime(), found.ctime_nsec())) };
            let (device, inode, size, mode, owner) =
                (found.dev(), found.ino(), found.size(), found.mode(), found.uid());
            let modified = (found.mtime(), found.mtime_nsec());
            // Writing to a text does not fail.
            let _ = writeln!(
                listing,
                "{device} {inode} {size} {mode:o} {owner} {modified:?} {changed:?} {made:?} {name:?}"
            );
        }
        hex::encode(aws_lc_rs::digest::digest(&SHA256, listing.as_bytes()))
    }

    /// Whether a change from `now` on would be seen.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        self.files.iter().all(|(_, found)| {
            found.modified().is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age >= TICK))
        })
    }

    /// Its checksum: reads everything.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub(crate) fn checksum(&self) -> io::Result<String> {
        let mut lines = String::new();
        let mut buffer = vec![0; 1024 * 1024];
        for (name, _) in &self.files {
            let digest = digest_of(&self.folder.join(name), &mut buffer)?;
            lines.push_str(&line(&hex::encode(digest), name));
        }
        Ok(h1(&lines))
    }
}

fn line(digest: &str, name: &str) -> String {
    format!("{digest}  {name}\n")
}

fn h1(lines: &str) -> String {
    format!("h1:{}", STANDARD.encode(aws_lc_rs::digest::digest(&SHA256, lines.as_bytes())))
}

fn digest_of(file: &Path, buffer: &mut [u8]) -> io::Result<Digest> {
    let mut file = File::open(file)?;
    let mut context = Context::new(&SHA256);
    loop {
        match file.read(buffer)? {
            0 => return Ok(context.finish()),
            length => context.update(&buffer[..length]),
        }
    }
}

/// The plain files below a folder; an error for anything else, and for what others may change.
fn collect(folder: &Path, inside: &str, files: &mut Vec<(String, Metadata)>) -> io::Result<()> {
    if !is_of_ours(&fs::symlink_metadata(folder)?) {
        return Err(io::Error::other("others may write to a folder of it"));
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().filter(|name| !name.contains('\n'));
        let name = name.ok_or_else(|| io::Error::other("a file of it has a name that has no checksum"))?;
        let name = if inside.is_empty() { name.to_owned() } else { format!("{inside}/{name}") };
        let found = entry.metadata()?;
        if found.is_dir() {
            collect(&entry.path(), &name, files)?;
        } else if found.is_file() && is_of_ours(&found) && files.len() < MOST {
            files.push((name, found));
        } else {
            return Err(io::Error::other("a file of it is no plain one, or others may write to it"));
        }
    }
    Ok(())
}

/// Whether nobody else comes to what is below it.
fn is_private(found: &Metadata) -> bool {
    is_of_ours(found) && found.mode() & OTHERS == 0
}

/// Whether only we and root may write to it.
fn is_of_ours(found: &Metadata) -> bool {
    let is_owned = found.uid() == 0 || found.uid() == nix::unistd::geteuid().as_raw();
    is_owned && found.mode() & OTHERS_WRITE == 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A package in a folder of a run, and the folder.
    fn package(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let run = tempfile::tempdir().unwrap();
        let folder = run.path().join("providers/p");
        for (name, text) in files {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::set_permissions(file.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
            fs::write(&file, text).unwrap();
            aged(&file);
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        (run, folder)
    }

    fn aged(file: &Path) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        File::options().write(true).open(file).unwrap().set_modified(at).unwrap();
    }

    fn own(run: &tempfile::TempDir, folder: &Path) -> io::Result<Package> {
        Package::at(folder, &run.path().join("providers"), run.path(), &[])
    }

    #[test]
    fn the_checksum_is_the_one_that_terraform_writes_into_lock_files() {
        // What `terraform init` wrote for this package.
        let (run, folder) = package(&[("terraform-provider-fake_v1.0.0", "#!/bin/sh\nexit 1\n")]);
        let found = own(&run, &folder).unwrap();
        assert_eq!(found.checksum().unwrap(), "h1:O48mCx7rjst0tZPV1FmUsXkJ7Pc8SKDj7O2rjwiJBgQ=");
        assert_eq!(found.size(), 17);
        // Sorted by bytes of the whole name: "a-b" is before "a/c", which is before "b".
        let (run, folder) = package(&[("b", "1"), ("a/c", "2"), ("a-b", "3")]);
        let names: Vec<String> = own(&run, &folder).unwrap().files.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a-b", "a/c", "b"]);
    }

    #[test]
    fn any_change_of_a_file_makes_it_another_package() {
        let (run, folder) = package(&[("x", "one"), ("y", "two")]);
        let before = own(&run, &folder).unwrap();
        let moment =
            |seconds: u64, millis: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + millis);
        assert!(before.is_settled(moment(1_000_000, 100)));
        assert!(!before.is_settled(moment(1_000_000, 99)), "it may be written to once more within a tick");
        assert!(!before.is_settled(moment(999_999, 0)));
        let before = before.identity();
        assert_eq!(own(&run, &folder).unwrap().identity(), before);
        let now = || own(&run, &folder).unwrap().identity();
        let x = folder.join("x");
        // Other bytes of the same length, by somebody who sets back the time: into another file of the same name.
        fs::write(folder.join("new"), "six").unwrap();
        aged(&folder.join("new"));
        fs::set_permissions(folder.join("new"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(folder.join("new"), &x).unwrap();
        let renamed = now();
        assert_ne!(renamed, before);
        fs::write(&x, "ten").unwrap();
        let written = now();
        assert_ne!(written, renamed);
        fs::set_permissions(&x, fs::Permissions::from_mode(0o700)).unwrap();
        let moded = now();
        assert_ne!(moded, written);
        fs::rename(&x, folder.join("z")).unwrap();
        assert_ne!(now(), moded);
        // A link to it is no change: the kept ones are linked.
        let linked = now();
        fs::hard_link(folder.join("z"), run.path().join("elsewhere")).unwrap();
        assert_eq!(now(), linked);
    }

    #[test]
    fn what_lies_elsewhere_is_another_package_even_when_its_times_are_set_back() {
        let (run, folder) = package(&[("x", "one")]);
        let elsewhere = || Package::at(&folder, &run.path().join("none"), &run.path().join("none"), &[]).unwrap();
        let before = elsewhere().identity();
        assert_eq!(elsewhere().identity(), before);
        fs::write(folder.join("x"), "six").unwrap();
        aged(&folder.join("x"));
        assert_ne!(elsewhere().identity(), before);
    }

    #[test]
    fn what_others_may_change_is_not_taken() {
        let (run, folder) = package(&[("x", "one"), ("sub/y", "two")]);
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for path in [folder.clone(), folder.join("x"), folder.join("sub"), folder.join("sub/y")] {
            for open in [0o775, 0o757] {
                mode(&path, open);
                assert!(own(&run, &folder).is_err(), "{}", path.display());
            }
            mode(&path, 0o755);
            assert!(own(&run, &folder).is_ok());
        }
        // Of the run, but not where init puts providers; and what the run may write to.
        let nowhere = run.path().join("none");
        assert!(Package::at(&folder, &nowhere, run.path(), &[]).is_err());
        assert!(Package::at(&folder, &nowhere, &nowhere, &[run.path().to_owned()]).is_err());
        assert!(Package::at(&folder, &nowhere, &nowhere, &[]).is_ok());
        mode(&run.path().join("providers"), 0o775);
        mode(run.path(), 0o700);
        assert!(Package::at(&folder, &nowhere, &nowhere, &[]).is_ok(), "nobody else comes there");
        mode(run.path(), 0o755);
        assert!(Package::at(&folder, &nowhere, &nowhere, &[]).is_err(), "others may put another in its place");
        mode(&run.path().join("providers"), 0o755);
        // A link is followed by terraform, and leads to what is not looked at.
        symlink("/bin/sh", folder.join("link")).unwrap();
        assert!(own(&run, &folder).is_err());
    }
}
