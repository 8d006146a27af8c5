//! What executables said of themselves, kept in a file from one process to the next.
//!
//! Kept is only what an executable says that is terraform or tofu itself. One that starts another of the same name says what that one is,
//! and may start another tomorrow.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Product, Version};

/// Most executables that are kept; with one more it begins anew.
const MOST: usize = 64;
/// Longest file that is read.
const LONGEST: u64 = 64 * 1024;
/// Names of packages that nobody else can build into an executable: Go lets only their own module use what is `internal`.
const OWN: [&[u8]; 2] = [b"github.com/hashicorp/terraform/internal/", b"github.com/opentofu/opentofu/internal/"];
/// So much of an executable is looked through at once.
const PIECE: usize = 1024 * 1024;

/// What tells one content of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    length: u64,
    /// Nanoseconds since 1970, of what is in it and of what is said of it.
    changed: (i128, i128),
}

impl Identity {
    /// That of the file as it is now.
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        let found = fs::metadata(file)?;
        let nanoseconds = |seconds: i64, more: i64| i128::from(seconds) * 1_000_000_000 + i128::from(more);
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            changed: (nanoseconds(found.mtime(), found.mtime_nsec()), nanoseconds(found.ctime(), found.ctime_nsec())),
        })
    }
}

/// An answer, and of which executable.
#[derive(Serialize, Deserialize)]
struct Answer {
    identity: Identity,
    product: String,
    version: String,
    platform: String,
}

/// What is kept of an executable that is still the same; a file that cannot be read or understood keeps nothing.
pub(super) fn read(kept: &Path, binary: &Path, identity: Identity) -> Option<Version> {
    let answer = all(kept).remove(binary).filter(|answer| answer.identity == identity)?;
    let product = [Product::Terraform, Product::OpenTofu].into_iter().find(|it| it.as_str() == answer.product)?;
    Some(Version { product, version: answer.version, platform: answer.platform })
}

/// Keeps what an executable said, if it is terraform or tofu itself. What cannot be written is asked again next time.
pub(super) fn write(kept: &Path, binary: &Path, identity: Identity, version: &Version) -> io::Result<()> {
    if !is_itself(binary)? {
        return Ok(());
    }
    let mut answers = all(kept);
    if answers.len() >= MOST {
        answers.clear();
    }
    let Version { product, version, platform } = version.clone();
    let answer = Answer { identity, product: product.as_str().to_owned(), version, platform };
    answers.insert(binary.to_owned(), answer);
    if let Some(folder) = kept.parent() {
        fs::create_dir_all(folder)?;
    }
    // Whole or not at all: another process may read, or write its own, at the same moment.
    let new = kept.with_extension(format!("new-{}", std::process::id()));
    let file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = serde_json::to_writer(file, &answers).map_err(io::Error::from).and_then(|()| fs::rename(&new, kept));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn all(kept: &Path) -> BTreeMap<PathBuf, Answer> {
    let mut text = Vec::new();
    let read = File::open(kept).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
    read.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn is_itself(binary: &Path) -> io::Result<bool> {
    let longest = OWN.iter().map(|name| name.len()).max().unwrap_or_default();
    let mut file = File::open(binary)?;
    let mut piece = Vec::with_capacity(longest + PIECE);
    loop {
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece)?;
        if OWN.iter().any(|name| memchr::memmem::find(&piece, name).is_some()) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        // A name may begin in this piece and end in the next.
        piece.drain(..piece.len().saturating_sub(longest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> Version {
        Version { product: Product::OpenTofu, version: "1.9.0".into(), platform: "linux_arm64".into() }
    }

    /// An executable in which this stands, not at its beginning.
    fn binary(folder: &Path, says: &[u8]) -> PathBuf {
        let file = folder.join("terraform");
        fs::write(&file, [&vec![b'.'; PIECE - 7], says, b"..."].concat()).unwrap();
        file
    }

    #[test]
    fn what_terraform_itself_says_is_kept_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("cache/versions.json");
        let file = binary(folder.path(), b"github.com/opentofu/opentofu/internal/command");
        let identity = Identity::of(&file).unwrap();
        assert_eq!(read(&kept, &file, identity), None);
        write(&kept, &file, identity, &version()).unwrap();
        assert_eq!(read(&kept, &file, identity), Some(version()));
        assert_eq!(read(&kept, &folder.path().join("another"), identity), None);
        binary(folder.path(), b"github.com/opentofu/opentofu/internal/commanD");
        let changed = Identity::of(&file).unwrap();
        assert_ne!(changed, identity);
        assert_eq!(read(&kept, &file, changed), None);
    }

    #[test]
    fn what_one_says_that_starts_another_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("versions.json");
        let file = binary(folder.path(), b"exec ~/versions/1.9.0/terraform");
        write(&kept, &file, Identity::of(&file).unwrap(), &version()).unwrap();
        assert!(!kept.exists());
    }

    #[test]
    fn a_file_that_cannot_be_understood_keeps_nothing_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("versions.json");
        let file = binary(folder.path(), OWN[0]);
        let identity = Identity::of(&file).unwrap();
        for text in ["", "{", "[1]", r#"{"/bin/x":{"version":1}}"#] {
            fs::write(&kept, text).unwrap();
            assert_eq!(read(&kept, &file, identity), None, "{text}");
        }
        write(&kept, &file, identity, &version()).unwrap();
        assert_eq!(read(&kept, &file, identity), Some(version()));
    }
}
