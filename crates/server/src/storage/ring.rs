//! Keys that other keys are sealed with: an ordered list, of which the first encrypts and all decrypt.
//!
//! The list is a file of mode 0600, outside of the database and of every backup:
//!
//! ```text
//! # The first encrypts, all decrypt.
//! key Yh0…=          32 bytes in base64
//! wrapped AQEC…      the same, as the key command has wrapped it
//! ```
//!
//! A file of exactly 32 bytes is one key, as older versions wrote it. Instead of a file, the environment may give the keys.
//! A key command stands for a key service: it is run without a shell as `COMMAND wrap` or `COMMAND unwrap`, reads one line
//! and prints one line. It is asked when the list is read, not for each object.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey};
use aws_lc_rs::{digest, hkdf, rand};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::Problem;

/// Length of a key's id in bytes.
pub(super) const ID: usize = 8;
const HEAD: &str = "# Keys of multispace: the first encrypts, all decrypt. Keep a copy apart from the backups.\n";

/// Where the keys come from.
#[derive(Clone)]
pub struct Keys {
    /// The file with the list.
    pub file: PathBuf,
    /// The list itself, from the environment: keys in base64, the first first. There is no file then.
    pub given: Option<String>,
    /// The command that wraps and unwraps the keys in the file.
    pub command: Option<PathBuf>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("file", &self.file).field("command", &self.command).finish_non_exhaustive()
    }
}

impl Keys {
    /// The file `key` in a data folder.
    pub fn beside(data: &Path) -> Self {
        Self { file: data.join("key"), given: None, command: None }
    }

    /// Where they are, for people.
    pub fn place(&self) -> String {
        match self.given {
            Some(_) => "MULTISPACE_KEYS".to_owned(),
            None => self.file.display().to_string(),
        }
    }
}

/// The keys as they were read.
pub(super) struct Ring {
    /// The first encrypts.
    pub(super) keys: Vec<One>,
    /// By which it is seen that the file is another one.
    pub(super) stamp: Option<Stamp>,
}

/// One key, and what is derived from it.
pub(super) struct One {
    pub(super) id: [u8; ID],
    /// Seals keys of objects.
    pub(super) wrap: LessSafeKey,
    /// Opens what versions sealed that had no keys of objects.
    pub(super) direct: LessSafeKey,
    bytes: [u8; 32],
    line: String,
}

/// What tells one content of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64, i64, i64, u64);

impl Ring {
    /// The keys that there are; `None` when there are none yet.
    pub(super) fn read(keys: &Keys) -> Result<Option<Self>, Problem> {
        if let Some(given) = &keys.given {
            let all = given.split([',', ' ', '\n']).filter(|text| !text.trim().is_empty());
            let all = all.map(|text| One::of_base64(keys, text.trim())).collect::<Result<Vec<_>, _>>()?;
            return Self::of(keys, all, None).map(Some);
        }
        let mut file = match std::fs::File::open(&keys.file) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(keys, error)),
        };
        let known = file.metadata().map_err(|error| unusable(keys, error))?;
        if known.permissions().mode() & 0o077 != 0 {
            let message = format!("The key {} may be read by others.", keys.file.display());
            return Err(
                Problem::invalid("storage/key", message).advice(format!("Run: chmod 600 {}", keys.file.display()))
            );
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| unusable(keys, error))?;
        let all = match <[u8; 32]>::try_from(bytes.as_slice()) {
            Ok(bytes) => vec![One::new(keys, bytes, None)?],
            Err(_) => listed(keys, &bytes)?,
        };
        Self::of(keys, all, Some(stamp(&known))).map(Some)
    }

    fn of(keys: &Keys, all: Vec<One>, stamp: Option<Stamp>) -> Result<Self, Problem> {
        if all.is_empty() {
            return Err(unusable(keys, "there is no key in it"));
        }
        Ok(Self { keys: all, stamp })
    }

    /// The list with a new key before the others, written in its place. What is sealed from now on is sealed with it.
    pub(super) fn with_new(keys: &Keys) -> Result<Self, Problem> {
        if keys.given.is_some() {
            return Err(Problem::conflict("storage/key-given", "The keys come from the environment, which cannot be written to.")
                .advice("Put a new key before the others in MULTISPACE_KEYS, restart the server, and run `multispace key rewrap`."));
        }
        let mut bytes = [0; 32];
        random(&mut bytes)?;
        let line = match &keys.command {
            Some(command) => {
                let wrapped = ask(command, "wrap", &BASE64_STANDARD.encode(bytes))?;
                if ask(command, "unwrap", &wrapped)? != BASE64_STANDARD.encode(bytes) {
                    return Err(refused(command, "it did not give back the key that it had wrapped"));
                }
                Some(format!("wrapped {wrapped}"))
            }
            None => None,
        };
        let mut all = vec![One::new(keys, bytes, line)?];
        all.extend(Self::read(keys)?.map(|ring| ring.keys).unwrap_or_default());
        let mut ring = Self { keys: all, stamp: None };
        ring.write(keys)?;
        ring.stamp = stamp_of(&keys.file);
        Ok(ring)
    }

    /// The list without the keys of these ids.
    pub(super) fn without(keys: &Keys, gone: &[String]) -> Result<(), Problem> {
        let mut ring = Self::read(keys)?.ok_or_else(|| unusable(keys, "it is not there"))?;
        ring.keys.retain(|key| !gone.contains(&hex::encode(key.id)));
        ring.write(keys)
    }

    /// Replaces the file, durably: a reader sees the old list or the new one.
    fn write(&self, keys: &Keys) -> Result<(), Problem> {
        let text: String = self.keys.iter().map(|key| format!("{}\n", key.line)).collect();
        let beside = keys.file.with_extension("new");
        let write = || {
            let _ = std::fs::remove_file(&beside);
            super::write_private(&beside, format!("{HEAD}{text}").as_bytes())?;
            std::fs::rename(&beside, &keys.file)?;
            std::fs::File::open(keys.file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
                .sync_all()
        };
        write().map_err(|error: std::io::Error| unusable(keys, error))
    }
}

impl One {
    fn of_base64(keys: &Keys, text: &str) -> Result<Self, Problem> {
        let bytes = BASE64_STANDARD.decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        Self::new(keys, bytes.ok_or_else(|| unusable(keys, "a key is not 32 bytes in base64"))?, None)
    }

    fn new(keys: &Keys, bytes: [u8; 32], line: Option<String>) -> Result<Self, Problem> {
        let cipher = |purpose| {
            let key =
                UnboundKey::new(&AES_256_GCM_SIV, &derived(&bytes, purpose)?).map_err(|error| unusable(keys, error))?;
            Ok::<_, Problem>(LessSafeKey::new(key))
        };
        let mut id = [0; ID];
        id.copy_from_slice(&digest::digest(&digest::SHA256, &bytes).as_ref()[..ID]);
        let line = line.unwrap_or_else(|| format!("key {}", BASE64_STANDARD.encode(bytes)));
        Ok(Self { id, wrap: cipher(b"wrap")?, direct: cipher(b"seal")?, bytes, line })
    }

    /// The key that signed before signing had a secret of its own.
    pub(super) fn signing(&self) -> Result<[u8; 32], Problem> {
        derived(&self.bytes, b"sign")
    }
}

/// A key for one purpose, of a key for all.
fn derived(bytes: &[u8; 32], purpose: &'static [u8]) -> Result<[u8; 32], Problem> {
    let mut key = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"multispace")
        .extract(bytes)
        .expand(&[purpose], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .map_err(|error| Problem::ours("storage/key", "The key cannot be used.", error))?;
    Ok(key)
}

fn listed(keys: &Keys, bytes: &[u8]) -> Result<Vec<One>, Problem> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| unusable(keys, "it is neither 32 bytes long nor a list of keys"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once(' ') {
            Some(("key", key)) => One::of_base64(keys, key.trim()),
            Some(("wrapped", wrapped)) => {
                let command = keys.command.as_ref().ok_or_else(|| {
                    Problem::invalid("storage/key-command", format!("A key in {} is wrapped.", keys.file.display()))
                        .advice("Name the command that unwraps it with --key-command.")
                })?;
                let key = One::of_base64(keys, &ask(command, "unwrap", wrapped.trim())?)?;
                Ok(One { line: line.to_owned(), ..key })
            }
            _ => Err(unusable(keys, "it is neither 32 bytes long nor a list of keys")),
        })
        .collect()
}

/// Runs the key command: one line in, one line out.
fn ask(command: &Path, what: &str, line: &str) -> Result<String, Problem> {
    let mut child = Command::new(command)
        .arg(what)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| refused(command, error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its line says by its status what it thinks of it.
        let _ = stdin.write_all(format!("{line}\n").as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| refused(command, error))?;
    let answer = String::from_utf8(output.stdout).unwrap_or_default().trim().to_owned();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default().to_owned();
        return Err(refused(command, format!("`{what}` ended with {}: {said}", output.status)));
    }
    if answer.is_empty() || answer.contains(char::is_whitespace) {
        return Err(refused(command, format!("`{what}` did not print one line")));
    }
    Ok(answer)
}

/// Stamp of the file as it is now; `None` when it cannot be told.
pub(super) fn stamp_of(file: &Path) -> Option<Stamp> {
    std::fs::metadata(file).ok().as_ref().map(stamp)
}

fn stamp(known: &std::fs::Metadata) -> Stamp {
    Stamp(known.ino(), known.mtime(), known.mtime_nsec(), known.size())
}

#[allow(clippy::disallowed_methods, reason = "keys and nonces come from the cryptographic library alone")]
pub(super) fn random(bytes: &mut [u8]) -> Result<(), Problem> {
    rand::fill(bytes).map_err(|error| Problem::ours("storage/key", "There is no randomness to be had.", error))
}

fn refused(command: &Path, cause: impl std::fmt::Display) -> Problem {
    Problem::invalid("storage/key-command", format!("The key command {} failed: {cause}.", command.display()))
        .advice("Run it by hand with `wrap` or `unwrap` and one line on stdin; nothing was changed.")
}

pub(super) fn unusable(keys: &Keys, cause: impl std::fmt::Display) -> Problem {
    Problem::invalid("storage/key", format!("The key {} cannot be used: {cause}.", keys.place()))
        .advice("Put the data folder's own key back; without it nothing that was sealed can be read.")
}

/// Writes a new file that only its owner may read; durable when it returns.
pub fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    opened.write_all(bytes)?;
    opened.sync_all()
}
