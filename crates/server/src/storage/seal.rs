//! Secrets at rest: AES-256-GCM-SIV under a key that lives in a file of mode 0600, never in the database.
//!
//! Sealed bytes begin with `MS1` and the id of the key, so that keys can be changed later. What a value belongs to (a blob's
//! path, a row's id) is authenticated with it: a value moved to another place does not open.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac, rand};
use domain::Problem;

const MAGIC: &[u8; 3] = b"MS1";
const KEY_ID: usize = 8;

/// The server's key: seals secrets, and signs URLs and tokens with keys derived from it.
#[derive(Clone)]
pub struct Key(Arc<Inner>);

struct Inner {
    id: [u8; KEY_ID],
    seal: LessSafeKey,
    sign: hmac::Key,
}

impl Key {
    /// Reads the key in `file`, or makes one there on the first start.
    ///
    /// # Errors
    /// `storage/key` when it cannot be read, is not a key, or others may read it too.
    #[allow(clippy::disallowed_methods, reason = "keys and nonces come from the cryptographic library alone")]
    pub fn open(file: &Path) -> Result<Self, Problem> {
        match std::fs::read(file) {
            Ok(bytes) => {
                let mode = std::fs::metadata(file).map_err(|error| unusable(file, error))?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(Problem::invalid(
                        "storage/key",
                        format!("The key {} may be read by others.", file.display()),
                    )
                    .advice(format!("Run: chmod 600 {}", file.display())));
                }
                let bytes: [u8; 32] = bytes.try_into().map_err(|_| unusable(file, "it is not 32 bytes long"))?;
                Self::new(bytes)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = [0; 32];
                rand::fill(&mut bytes).map_err(|error| unusable(file, error))?;
                write_private(file, &bytes).map_err(|error| unusable(file, error))?;
                Self::new(bytes)
            }
            Err(error) => Err(unusable(file, error)),
        }
    }

    fn new(bytes: [u8; 32]) -> Result<Self, Problem> {
        let derive = |purpose: &'static [u8]| -> Result<[u8; 32], Problem> {
            let mut key = [0; 32];
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"multispace")
                .extract(&bytes)
                .expand(&[purpose], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut key))
                .map_err(|error| Problem::ours("storage/key", "The key cannot be used.", error))?;
            Ok(key)
        };
        let seal = UnboundKey::new(&AES_256_GCM_SIV, &derive(b"seal")?)
            .map_err(|error| Problem::ours("storage/key", "The key cannot be used.", error))?;
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest::digest(&digest::SHA256, &bytes).as_ref()[..KEY_ID]);
        Ok(Self(Arc::new(Inner {
            id,
            seal: LessSafeKey::new(seal),
            sign: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"sign")?),
        })))
    }

    /// Seals `plain` for the place `belongs_to`.
    ///
    /// # Errors
    /// `storage/key` when no randomness is to be had.
    #[allow(clippy::disallowed_methods, reason = "keys and nonces come from the cryptographic library alone")]
    pub fn seal(&self, belongs_to: &str, plain: &[u8]) -> Result<Vec<u8>, Problem> {
        let failed = |error| Problem::ours("storage/key", "A secret could not be sealed.", error);
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(failed)?;
        let mut sealed = Vec::with_capacity(MAGIC.len() + KEY_ID + NONCE_LEN + plain.len() + 16);
        sealed.extend_from_slice(MAGIC);
        sealed.extend_from_slice(&self.0.id);
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.seal.seal_in_place_append_tag(nonce, Aad::from(belongs_to.as_bytes()), &mut body).map_err(failed)?;
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens what [`Key::seal`] made for the same place.
    ///
    /// # Errors
    /// `storage/sealed` when it was sealed with another key, for another place, or has been altered.
    pub fn open_sealed(&self, belongs_to: &str, sealed: &[u8]) -> Result<Vec<u8>, Problem> {
        let damaged = |cause: String| {
            Problem::ours("storage/sealed", "A stored secret does not open with this server's key.", cause)
                .advice("Start the server with the data folder's own key.")
        };
        let rest = sealed.strip_prefix(MAGIC).ok_or_else(|| damaged(format!("{belongs_to}: no seal")))?;
        if rest.len() < KEY_ID + NONCE_LEN || rest[..KEY_ID] != self.0.id {
            return Err(damaged(format!("{belongs_to}: sealed with another key")));
        }
        let (nonce, body) = rest[KEY_ID..].split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|error| damaged(error.to_string()))?;
        let mut body = body.to_vec();
        let plain = self
            .0
            .seal
            .open_in_place(nonce, Aad::from(belongs_to.as_bytes()), &mut body)
            .map_err(|error| damaged(format!("{belongs_to}: {error}")))?;
        Ok(plain.to_vec())
    }

    /// Signature of `text`: 32 bytes as hex.
    pub fn sign(&self, text: &str) -> String {
        hex::encode(hmac::sign(&self.0.sign, text.as_bytes()))
    }

    /// Whether `signature` is that of `text`, compared in constant time.
    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|tag| hmac::verify(&self.0.sign, text.as_bytes(), &tag).is_ok())
    }
}

/// Writes a new file that only its owner may read; durable when it returns.
pub fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    opened.write_all(bytes)?;
    opened.sync_all()
}

fn unusable(file: &Path, cause: impl std::fmt::Display) -> Problem {
    Problem::invalid("storage/key", format!("The key {} cannot be used: {cause}.", file.display()))
        .advice("Put the data folder's own key back; without it nothing that was sealed can be read.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::new([7; 32]).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_for_the_same_place_only() {
        let sealed = key().seal("states/sv-1", b"secret").unwrap();
        assert_eq!(key().open_sealed("states/sv-1", &sealed).unwrap(), b"secret");
        assert_eq!(key().open_sealed("states/sv-2", &sealed).unwrap_err().code, "storage/sealed");
    }

    #[test]
    fn a_secret_is_not_to_be_found_in_what_was_sealed() {
        let sealed = key().seal("x", b"hunter2hunter2").unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"hunter2"));
    }

    #[test]
    fn another_key_opens_nothing() {
        let sealed = key().seal("x", b"secret").unwrap();
        assert_eq!(Key::new([8; 32]).unwrap().open_sealed("x", &sealed).unwrap_err().code, "storage/sealed");
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        Key::open(&file).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let problem = Key::open(&file).err().unwrap();
        assert!(problem.message.contains("may be read by others"), "{problem}");
    }
}
