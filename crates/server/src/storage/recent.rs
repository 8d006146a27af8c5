//! [`Recent`]: the small blobs that were stored or read last, in memory. Only such as are never changed: a run reads what its upstreams have just
//! left, and the archive that its workspace has had all along.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hashlink::LruCache;

/// Beginnings of the paths of blobs that are never changed: a state version is what was sent, and an archive is named by its digest.
const UNCHANGED: [&str; 2] = ["states/", "configurations/"];
/// The largest that is kept, in bytes.
const LARGEST: usize = 64 * 1024;
/// How much is kept, in bytes.
const MOST: usize = 2 * 1024 * 1024;

/// What is kept. Clones are the same.
#[derive(Clone)]
pub(super) struct Recent(Arc<Mutex<Kept>>);

struct Kept {
    blobs: LruCache<String, Bytes>,
    bytes: usize,
}

impl Default for Recent {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Kept { blobs: LruCache::new_unbounded(), bytes: 0 })))
    }
}

impl Recent {
    /// The blob at `path`, if it is one of them.
    pub(super) fn get(&self, path: &str) -> Option<Bytes> {
        self.kept().blobs.get(path).cloned()
    }

    /// Keeps what was stored at `path`, or read there, in place of those that nobody asked for longest.
    pub(super) fn keep(&self, path: &str, blob: &[u8]) {
        if blob.len() > LARGEST || !UNCHANGED.iter().any(|beginning| path.starts_with(beginning)) {
            return;
        }
        let mut kept = self.kept();
        kept.forget(path);
        kept.bytes += blob.len();
        kept.blobs.insert(path.to_owned(), Bytes::copy_from_slice(blob));
        while kept.bytes > MOST
            && let Some((_, oldest)) = kept.blobs.remove_lru()
        {
            kept.bytes -= oldest.len();
        }
    }

    /// Forgets the blob at `path`, which is about to be another or none.
    pub(super) fn forget(&self, path: &str) {
        self.kept().forget(path);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self, path: &str) {
        if let Some(blob) = self.blobs.remove(path) {
            self.bytes -= blob.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_longest_goes_first_when_there_is_too_much() {
        let (recent, blob) = (Recent::default(), vec![1; LARGEST]);
        let path = |number: usize| format!("states/{number}");
        for number in 0..MOST / LARGEST {
            recent.keep(&path(number), &blob);
        }
        assert!(recent.get(&path(0)).is_some());
        recent.keep("states/more", &blob);
        assert!(recent.get(&path(0)).is_some(), "somebody asked for it");
        assert!(recent.get(&path(1)).is_none());
        assert!(recent.get("states/more").is_some());
    }

    #[test]
    fn what_is_stored_again_counts_once_and_what_is_forgotten_no_more() {
        let recent = Recent::default();
        for _ in 0..2 * MOST / LARGEST {
            recent.keep("states/a", &[2; LARGEST]);
        }
        recent.keep("states/b", b"b");
        assert_eq!(recent.get("states/a").map(|blob| blob.len()), Some(LARGEST));
        recent.forget("states/a");
        assert_eq!((recent.get("states/a"), recent.kept().bytes), (None, 1));
    }

    #[test]
    fn what_may_change_or_is_large_is_not_kept() {
        let recent = Recent::default();
        recent.keep("plans/plan-1/file", b"x");
        recent.keep("states/large", &[0; LARGEST + 1]);
        assert!(recent.get("plans/plan-1/file").is_none() && recent.get("states/large").is_none());
    }
}
