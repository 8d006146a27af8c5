//! [`Passwords`]: hashes of passwords, by argon2id. They are made to be slow and to need memory, so they are made away from
//! the threads that answer, few at a time, and whoever comes when too many wait is told to come again.

use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::{Fault, Problem};
use tokio::sync::Semaphore;

/// Memory of one hash in KiB, rounds and lanes: what OWASP asks of argon2id at least.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// So many are made at once.
const AT_ONCE: usize = 2;
/// So many are under way or wait.
const MOST: usize = 34;
/// Fewest and most characters of a password. The most are there so that nobody sends a book.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=512;

/// Makes and compares hashes of passwords.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    places: Semaphore,
    slots: Semaphore,
    /// Compared with where there is no hash, so that a name without a password takes as long as one with. Made by [`Passwords::ready`]: a
    /// command that nobody signs in to does without.
    stand_in: OnceLock<String>,
}

impl Passwords {
    /// None was made yet.
    pub fn new() -> Self {
        let stand_in = OnceLock::new();
        Self(Arc::new(Inner { places: Semaphore::new(MOST), slots: Semaphore::new(AT_ONCE), stand_in }))
    }

    /// Makes what a name without a password is compared with. To be called before the first one signs in.
    ///
    /// # Errors
    /// `user/password` when there is no randomness to be had.
    pub fn ready(&self) -> Result<(), Problem> {
        self.0.stand_in().map(drop)
    }

    /// The hash of a new password, with its salt and cost in it.
    ///
    /// # Errors
    /// `user/password` for one that is too short or too long, `user/busy`.
    pub async fn hash(&self, password: &str) -> Result<String, Problem> {
        if !LENGTH.contains(&password.chars().count()) {
            return Err(Problem::invalid("user/password", "A password has 12 to 512 characters.")
                .advice("Take a longer one; a few words that you do not use elsewhere are good.")
                .attribute("password"));
        }
        let password = password.to_owned();
        self.apart(move || hashed(password.as_bytes())).await
    }

    /// Whether a password is the one of `hash`; where there is none, it is none.
    ///
    /// # Errors
    /// `user/busy`.
    pub async fn is(&self, password: &str, hash: Option<&str>) -> Result<bool, Problem> {
        if password.chars().count() > *LENGTH.end() {
            return Ok(false);
        }
        let (password, is_one) = (password.to_owned(), hash.is_some());
        let (inner, hash) = (self.0.clone(), hash.map(str::to_owned));
        self.apart(move || {
            let hash = match &hash {
                Some(hash) => hash,
                None => inner.stand_in()?,
            };
            let hash = PasswordHash::new(hash).map_err(unusable)?;
            let is_its = argon2()?.verify_password(password.as_bytes(), &hash).is_ok();
            Ok(is_one && is_its)
        })
        .await
    }

    async fn apart<T: Send + 'static>(
        &self,
        make: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = |_| {
            Problem::new(Fault::Unavailable, "user/busy", "Too many passwords are being looked at now.")
                .advice("Try again in a moment.")
        };
        let _place = self.0.places.try_acquire().map_err(busy)?;
        let _slot = self.0.slots.acquire().await.map_err(unusable)?;
        tokio::task::spawn_blocking(make).await.map_err(unusable)?
    }
}

impl Inner {
    fn stand_in(&self) -> Result<&str, Problem> {
        if self.stand_in.get().is_none() {
            let _ = self.stand_in.set(hashed(b"nobody has this one")?);
        }
        Ok(self.stand_in.get().map_or("", String::as_str))
    }
}

fn argon2() -> Result<Argon2<'static>, Problem> {
    let (memory, rounds, lanes) = COST;
    let params = Params::new(memory, rounds, lanes, None).map_err(unusable)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hashed(password: &[u8]) -> Result<String, Problem> {
    Ok(argon2()?.hash_password(password).map_err(unusable)?.to_string())
}

fn unusable(error: impl std::fmt::Display) -> Problem {
    Problem::ours("user/password", "The password could not be looked at.", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_with_a_salt_of_its_own_and_knows_its_password() {
        let passwords = Passwords::new();
        let (first, second) =
            (passwords.hash("correct horse").await.unwrap(), passwords.hash("correct horse").await.unwrap());
        assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && first != second, "{first}");
        assert!(passwords.is("correct horse", Some(&first)).await.unwrap());
        assert!(!passwords.is("correct house", Some(&first)).await.unwrap());
        assert!(!passwords.is("nobody has this one", None).await.unwrap());
    }

    #[tokio::test]
    async fn a_short_password_and_a_book_are_refused() {
        let passwords = Passwords::new();
        for password in ["", "elevenchars", &"x".repeat(513)] {
            assert_eq!(passwords.hash(password).await.unwrap_err().code, "user/password");
        }
        assert!(!passwords.is(&"x".repeat(100_000), None).await.unwrap());
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_told_so() {
        let passwords = Passwords::new();
        let _all = passwords.0.places.acquire_many(u32::try_from(MOST).unwrap()).await.unwrap();
        assert_eq!(passwords.is("x", None).await.unwrap_err().code, "user/busy");
    }
}
