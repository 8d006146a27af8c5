//! The code that the runs of a walk get: for a run in this process the part that its workspace needs, which is packed when the workspace
//! starts; the whole stack's where that is more than a part, and on a server.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use configuration::Parts;
use domain::Problem;
use tokio::sync::OnceCell;

use super::host::Host;

/// Names the code of each workspace, as [`Host`] has it. Clones share what was packed and stored.
#[derive(Clone)]
pub(crate) struct Code {
    whole: Rc<Whole>,
    parts: Option<Rc<Parts>>,
    packed: Rc<RefCell<BTreeMap<String, String>>>,
}

impl Code {
    /// Everybody gets the same.
    pub(crate) fn whole(archive: Bytes) -> Self {
        Self { whole: Rc::new(Whole::new(archive)), parts: None, packed: Rc::default() }
    }

    /// Everybody gets what they need, and who may need anything the whole.
    pub(crate) fn in_parts(archive: Bytes, parts: Parts) -> Self {
        Self { parts: Some(Rc::new(parts)), ..Self::whole(archive) }
    }

    /// The code of a workspace, which the host has from here on; it is the same at each attempt.
    ///
    /// # Errors
    /// `configuration/…` when it cannot be packed or is refused; `storage/…`.
    pub(crate) async fn of(&self, host: &Host<'_>, workspace: &str) -> Result<String, Problem> {
        if let Some(name) = self.packed.borrow().get(workspace) {
            return Ok(name.clone());
        }
        let part = match &self.parts {
            Some(parts) => parts.pack(workspace)?,
            None => None,
        };
        let name = match part {
            Some(part) => host.store(part.into()).await?,
            None => self.whole.name(|archive| host.store(archive)).await?,
        };
        self.packed.borrow_mut().insert(workspace.to_owned(), name.clone());
        Ok(name)
    }
}

/// The code of the whole stack. It is stored when the first workspace needs it: where each needs only a part, no row would ever
/// name it.
struct Whole {
    archive: Bytes,
    /// Its name, once it is stored.
    stored: OnceCell<String>,
}

impl Whole {
    fn new(archive: Bytes) -> Self {
        Self { archive, stored: OnceCell::new() }
    }

    /// Its name. Who asks while it is being stored waits for that; after a failure the next one stores it.
    async fn name<F>(&self, store: impl FnOnce(Bytes) -> F) -> Result<String, Problem>
    where
        F: Future<Output = Result<String, Problem>>,
    {
        self.stored.get_or_try_init(|| store(self.archive.clone())).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn the_whole_is_stored_once_however_many_ask_for_it_at_once_and_again_after_a_failure() {
        let whole = Whole::new(Bytes::from_static(b"archive"));
        let times = &Cell::new(0);
        let store = |archive: Bytes| async move {
            times.set(times.get() + 1);
            let is_first = times.get() == 1;
            tokio::task::yield_now().await;
            match is_first {
                true => Err(Problem::ours("storage/unavailable", "The store is away.", "test")),
                false => Ok(String::from_utf8_lossy(&archive).into_owned()),
            }
        };
        assert_eq!(times.get(), 0);
        assert_eq!(whole.name(store).await.unwrap_err().code, "storage/unavailable");
        let asked = futures::future::join_all([whole.name(store), whole.name(store), whole.name(store)]).await;
        assert!(asked.iter().all(|name| name.as_deref() == Ok("archive")), "{asked:?}");
        assert_eq!(times.get(), 2);
    }
}
