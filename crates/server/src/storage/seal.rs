//! Secrets at rest, by envelope: each value is sealed with a key of its own (AES-256-GCM-SIV), and that key with the first key
//! of the [`Ring`], which is never in the database.
//!
//! ```text
//! MS2 | id of the key, 8 | nonce, 12 | wrapped key of the value, 48 | sealed value, 16 more than the value
//! MS1 | id of the key, 8 | nonce, 12 | sealed value                   what older versions wrote: readable, never written
//! ```
//!
//! What a value belongs to (a blob's path, a row's id) is authenticated with both: a value moved to another place does not open.
//! When the keys are changed, only the wrapped key is written anew.

use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use domain::Problem;

use super::ring::{self, ID, Keys, Ring};

const DIRECT: &[u8; 3] = b"MS1";
const ENVELOPE: &[u8; 3] = b"MS2";
const TAG: usize = 16;
/// Length of a wrapped key of a value.
const WRAPPED: usize = 32 + TAG;

/// The server's keys: they seal secrets, and a secret beside them signs URLs and digests tokens.
#[derive(Clone)]
pub struct Key {
    keys: Arc<Keys>,
    ring: Arc<RwLock<Arc<Ring>>>,
    sign: Arc<hmac::Key>,
}

impl Key {
    /// The keys that there are; `None` when there are none yet.
    ///
    /// # Errors
    /// `storage/key` when they cannot be read, are no keys, or others may read them too; `storage/key-command`.
    pub fn load(keys: &Keys) -> Result<Option<Self>, Problem> {
        Ring::read(keys)?.map(|ring| Self::of(keys, ring)).transpose()
    }

    /// The same, where they must be there; for whoever only looks at the data.
    ///
    /// # Errors
    /// As [`Key::load`].
    pub fn existing(keys: &Keys) -> Result<Self, Problem> {
        Self::load(keys)?.ok_or_else(|| ring::unusable(keys, "it is not there"))
    }

    /// Makes a key that comes before those that there are, and with which is sealed from now on.
    ///
    /// # Errors
    /// `storage/key` when it cannot be written, `storage/key-given` when it is not ours to write, `storage/key-command`.
    pub fn make(keys: &Keys) -> Result<Self, Problem> {
        let ring = Ring::with_new(keys)?;
        Self::of(keys, ring)
    }

    /// Takes the keys of these ids out of the list. Whoever calls knows that nothing is sealed with them.
    ///
    /// # Errors
    /// `storage/key`.
    pub fn retire(keys: &Keys, ids: &[String]) -> Result<(), Problem> {
        Ring::without(keys, ids)
    }

    fn of(keys: &Keys, ring: Ring) -> Result<Self, Problem> {
        let sign = ring.keys.last().map(ring::One::signing).transpose()?.unwrap_or_default();
        let sign = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &sign));
        Ok(Self { keys: Arc::new(keys.clone()), ring: Arc::new(RwLock::new(Arc::new(ring))), sign })
    }

    /// What signs until a server has a secret of its own for that.
    ///
    /// # Errors
    /// `storage/key`.
    pub fn first_signing(&self) -> Result<[u8; 32], Problem> {
        self.ring().keys.last().map(ring::One::signing).transpose().map(Option::unwrap_or_default)
    }

    /// The same keys with another secret to sign with.
    #[must_use]
    pub fn signing_with(mut self, secret: &[u8]) -> Self {
        self.sign = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret));
        self
    }

    /// Ids of the keys as hex, the one that encrypts first.
    pub fn ids(&self) -> Vec<String> {
        self.ring().keys.iter().map(|key| hex::encode(key.id)).collect()
    }

    /// Seals `plain` for the place `belongs_to`.
    ///
    /// # Errors
    /// `storage/key` when no randomness is to be had.
    pub fn seal(&self, belongs_to: &str, plain: &[u8]) -> Result<Vec<u8>, Problem> {
        let mut own = [0; 32];
        ring::random(&mut own)?;
        let mut sealed = Vec::with_capacity(ENVELOPE.len() + ID + NONCE_LEN + WRAPPED + plain.len() + TAG);
        self.begin(belongs_to, &own, &mut sealed)?;
        let mut body = plain.to_vec();
        own_key(&own)?.seal_in_place_append_tag(once(), Aad::from(belongs_to.as_bytes()), &mut body).map_err(failed)?;
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens what [`Key::seal`] made for the same place.
    ///
    /// # Errors
    /// `storage/sealed` when it was sealed with another key, for another place, or has been altered.
    pub fn open_sealed(&self, belongs_to: &str, sealed: &[u8]) -> Result<Vec<u8>, Problem> {
        let aad = || Aad::from(belongs_to.as_bytes());
        let no = |cause: &str| damaged(&format!("{belongs_to}: {cause}"));
        if let Some((own, body)) = self.unwrapped(belongs_to, sealed)? {
            let mut body = body.to_vec();
            let plain = own_key(&own)?.open_in_place(once(), aad(), &mut body).map_err(|_| no("altered"))?;
            return Ok(plain.to_vec());
        }
        let rest = sealed.strip_prefix(DIRECT).ok_or_else(|| no("no seal"))?;
        let (id, rest) = rest.split_at_checked(ID).ok_or_else(|| no("cut off"))?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or_else(|| no("cut off"))?;
        let ring = self.ring();
        let key = ring.keys.iter().find(|key| key.id == id).ok_or_else(|| no("sealed with another key"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| no("cut off"))?;
        let mut body = body.to_vec();
        let plain = key.direct.open_in_place(nonce, aad(), &mut body).map_err(|_| no("altered"))?;
        Ok(plain.to_vec())
    }

    /// The same value sealed with the key that encrypts now; `None` when it is already.
    ///
    /// # Errors
    /// As [`Key::open_sealed`].
    pub fn rewrapped(&self, belongs_to: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
        let first = self.ids().into_iter().next().unwrap_or_default();
        let Some((own, body)) = self.unwrapped(belongs_to, sealed)? else {
            return self.seal(belongs_to, &self.open_sealed(belongs_to, sealed)?).map(Some);
        };
        if Self::id_of(sealed).as_deref() == Some(&first) {
            return Ok(None);
        }
        let mut anew = Vec::with_capacity(sealed.len());
        self.begin(belongs_to, &own, &mut anew)?;
        anew.extend_from_slice(body);
        Ok(Some(anew))
    }

    /// Id of the key that a value was sealed with, as hex.
    pub fn id_of(sealed: &[u8]) -> Option<String> {
        let rest = sealed.strip_prefix(ENVELOPE).or_else(|| sealed.strip_prefix(DIRECT))?;
        rest.get(..ID).map(hex::encode)
    }

    /// Signature of `text`: 32 bytes as hex.
    pub fn sign(&self, text: &str) -> String {
        hex::encode(hmac::sign(&self.sign, text.as_bytes()))
    }

    /// Whether `signature` is that of `text`, compared in constant time.
    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|tag| hmac::verify(&self.sign, text.as_bytes(), &tag).is_ok())
    }

    /// All before the body: the value's own key, wrapped.
    fn begin(&self, belongs_to: &str, own: &[u8; 32], sealed: &mut Vec<u8>) -> Result<(), Problem> {
        let ring = self.ring();
        let first = ring.keys.first().ok_or_else(|| ring::unusable(&self.keys, "there is no key in it"))?;
        let mut nonce = [0; NONCE_LEN];
        ring::random(&mut nonce)?;
        let mut wrapped = own.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        first.wrap.seal_in_place_append_tag(unique, Aad::from(belongs_to.as_bytes()), &mut wrapped).map_err(failed)?;
        sealed.extend_from_slice(ENVELOPE);
        sealed.extend_from_slice(&first.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&wrapped);
        Ok(())
    }

    /// The value's own key, and its body; `None` when it was sealed without one.
    fn unwrapped<'a>(&self, belongs_to: &str, sealed: &'a [u8]) -> Result<Option<Unwrapped<'a>>, Problem> {
        let Some(rest) = sealed.strip_prefix(ENVELOPE) else { return Ok(None) };
        let no = |cause: &str| damaged(&format!("{belongs_to}: {cause}"));
        let (id, rest) = rest.split_at_checked(ID).ok_or_else(|| no("cut off"))?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN).ok_or_else(|| no("cut off"))?;
        let (wrapped, body) = rest.split_at_checked(WRAPPED).ok_or_else(|| no("cut off"))?;
        let ring = self.ring();
        let key = ring.keys.iter().find(|key| key.id == id).ok_or_else(|| no("sealed with another key"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| no("cut off"))?;
        let mut wrapped = wrapped.to_vec();
        let own =
            key.wrap.open_in_place(nonce, Aad::from(belongs_to.as_bytes()), &mut wrapped).map_err(|_| no("altered"))?;
        let own = <[u8; 32]>::try_from(&*own).map_err(|_| no("altered"))?;
        Ok(Some((own, body)))
    }

    /// The keys as they are now: whoever changes them replaces the file, and is heard at the next value. A list that
    /// cannot be read changes nothing for a server that runs.
    fn ring(&self) -> Arc<Ring> {
        let known = self.ring.read().unwrap_or_else(PoisonError::into_inner).clone();
        if self.keys.given.is_some() || known.stamp == ring::stamp_of(&self.keys.file) {
            return known;
        }
        match Ring::read(&self.keys) {
            Ok(Some(new)) => {
                let new = Arc::new(new);
                *self.ring.write().unwrap_or_else(PoisonError::into_inner) = new.clone();
                new
            }
            Ok(None) => known,
            Err(problem) => {
                tracing::error!(code = problem.code, "the keys are others and cannot be read: {}", problem.message);
                known
            }
        }
    }
}

/// The key of a value, and the value as it seals it.
type Unwrapped<'a> = ([u8; 32], &'a [u8]);

fn own_key(bytes: &[u8; 32]) -> Result<LessSafeKey, Problem> {
    UnboundKey::new(&AES_256_GCM_SIV, bytes).map(LessSafeKey::new).map_err(failed)
}

/// A key that seals one value needs no other nonce.
fn once() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn failed(error: aws_lc_rs::error::Unspecified) -> Problem {
    Problem::ours("storage/key", "A secret could not be sealed.", error)
}

fn damaged(cause: &str) -> Problem {
    Problem::ours("storage/sealed", "A stored secret does not open with this server's key.", cause)
        .advice("Start the server with the data folder's own key.")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn key_in(folder: &Path) -> Key {
        let keys = Keys::beside(folder);
        Key::load(&keys).unwrap().unwrap_or_else(|| Key::make(&keys).unwrap())
    }

    /// What an older version would have written with this key.
    fn direct(bytes: [u8; 32], belongs_to: &str, plain: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        crate::storage::write_private(&folder.path().join("key"), &bytes).unwrap();
        let key = key_in(folder.path());
        let ring = key.ring();
        let mut body = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key([3; NONCE_LEN]);
        ring.keys[0].direct.seal_in_place_append_tag(nonce, Aad::from(belongs_to.as_bytes()), &mut body).unwrap();
        [&DIRECT[..], &ring.keys[0].id, &[3; NONCE_LEN], &body].concat()
    }

    #[test]
    fn what_was_sealed_opens_for_the_same_place_only() {
        let folder = tempfile::tempdir().unwrap();
        let key = key_in(folder.path());
        let sealed = key.seal("states/sv-1", b"secret").unwrap();
        assert_eq!(key.open_sealed("states/sv-1", &sealed).unwrap(), b"secret");
        assert_eq!(key.open_sealed("states/sv-2", &sealed).unwrap_err().code, "storage/sealed");
    }

    #[test]
    fn whatever_is_altered_or_cut_off_does_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let key = key_in(folder.path());
        let sealed = key.seal("x", b"hunter2hunter2").unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"hunter2"));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(key.open_sealed("x", &altered).is_err(), "byte {at}");
            assert!(key.open_sealed("x", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_key_opens_nothing() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sealed = key_in(one.path()).seal("x", b"secret").unwrap();
        assert_eq!(key_in(other.path()).open_sealed("x", &sealed).unwrap_err().code, "storage/sealed");
    }

    #[test]
    fn what_an_older_version_sealed_opens_and_is_sealed_anew() {
        let folder = tempfile::tempdir().unwrap();
        crate::storage::write_private(&folder.path().join("key"), &[7; 32]).unwrap();
        let key = key_in(folder.path());
        let old = direct([7; 32], "x", b"secret");
        assert_eq!(key.open_sealed("x", &old).unwrap(), b"secret");
        assert!(key.open_sealed("y", &old).is_err());
        let anew = key.rewrapped("x", &old).unwrap().unwrap();
        assert!(anew.starts_with(ENVELOPE));
        assert_eq!(key.open_sealed("x", &anew).unwrap(), b"secret");
        assert_eq!(key.rewrapped("x", &anew).unwrap(), None);
    }

    #[test]
    fn a_new_key_encrypts_at_once_and_the_old_one_still_decrypts() {
        let folder = tempfile::tempdir().unwrap();
        let key = key_in(folder.path());
        let (sealed, signed) = (key.seal("x", b"secret").unwrap(), key.sign("text"));
        Key::make(&Keys::beside(folder.path())).unwrap();
        // The same server, which was told nothing.
        assert_eq!(key.ids().len(), 2);
        assert_eq!(key.open_sealed("x", &sealed).unwrap(), b"secret");
        assert_ne!(Key::id_of(&key.seal("x", b"secret").unwrap()), Key::id_of(&sealed));
        assert_eq!(key.sign("text"), signed, "tokens are good under any key");
        let anew = key.rewrapped("x", &sealed).unwrap().unwrap();
        assert_eq!(sealed[sealed.len() - 22..], anew[anew.len() - 22..], "the value itself is not sealed again");
        let old = Key::id_of(&sealed).unwrap();
        Key::retire(&Keys::beside(folder.path()), &[old]).unwrap();
        assert_eq!(key.open_sealed("x", &anew).unwrap(), b"secret");
        assert!(key.open_sealed("x", &sealed).is_err());
    }

    #[test]
    fn a_list_that_becomes_unreadable_changes_nothing_for_a_server_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let key = key_in(folder.path());
        let sealed = key.seal("x", b"secret").unwrap();
        std::fs::write(folder.path().join("key"), "nonsense").unwrap();
        assert_eq!(key.open_sealed("x", &sealed).unwrap(), b"secret");
        std::fs::remove_file(folder.path().join("key")).unwrap();
        assert_eq!(key.open_sealed("x", &sealed).unwrap(), b"secret");
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        key_in(folder.path());
        let keys = Keys::beside(folder.path());
        std::fs::set_permissions(&keys.file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let problem = Key::load(&keys).err().unwrap();
        assert!(problem.message.contains("may be read by others"), "{problem}");
    }

    #[test]
    fn keys_may_come_from_the_environment_and_are_not_written_then() {
        let folder = tempfile::tempdir().unwrap();
        let key = |byte: u8| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, [byte; 32]);
        let given = |text: String| Keys { given: Some(text), ..Keys::beside(folder.path()) };
        let one = Key::existing(&given(key(1))).unwrap();
        let sealed = one.seal("x", b"secret").unwrap();
        let both = Key::existing(&given(format!("{},{}", key(2), key(1)))).unwrap();
        assert_eq!(both.open_sealed("x", &sealed).unwrap(), b"secret");
        assert_eq!(Key::make(&given(key(1))).err().unwrap().code, "storage/key-given");
        assert_eq!(Key::load(&given("c2hvcnQ=".into())).err().unwrap().code, "storage/key");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_command_wraps_the_keys_in_the_file_and_a_failing_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let command = folder.path().join("kms");
        let script = |text: &str| {
            std::fs::write(&command, text).unwrap();
            std::fs::set_permissions(&command, std::fs::Permissions::from_mode(0o700)).unwrap();
        };
        let keys = Keys { command: Some(command.clone()), ..Keys::beside(folder.path()) };
        script("#!/bin/sh\ncase $1 in wrap) sed 's/^/kms:/' ;; unwrap) sed 's/^kms://' ;; esac\n");
        let sealed = Key::make(&keys).unwrap().seal("x", b"secret").unwrap();
        let text = std::fs::read_to_string(&keys.file).unwrap();
        assert!(text.contains("\nwrapped kms:") && !text.contains("\nkey "), "{text}");
        assert_eq!(Key::existing(&keys).unwrap().open_sealed("x", &sealed).unwrap(), b"secret");
        assert_eq!(Key::load(&Keys::beside(folder.path())).err().unwrap().code, "storage/key-command");

        script("#!/bin/sh\necho 'the service is away' >&2\nexit 3\n");
        let problem = Key::make(&keys).err().unwrap();
        assert!(problem.message.contains("the service is away"), "{problem}");
        assert_eq!(std::fs::read_to_string(&keys.file).unwrap(), text);
    }
}
