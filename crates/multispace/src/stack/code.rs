//! The code that the runs of a walk get: the whole stack's, which the host has, or for a run in this process the part that its workspace
//! needs, which is packed when the workspace starts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use configuration::Parts;
use domain::Problem;

use super::host::Host;

/// Names the code of each workspace, as [`Host`] has it. Clones share what was packed.
#[derive(Clone)]
pub(crate) struct Code {
    whole: String,
    parts: Option<Rc<Parts>>,
    packed: Rc<RefCell<BTreeMap<String, String>>>,
}

impl Code {
    /// Everybody gets the same.
    pub(crate) fn whole(name: String) -> Self {
        Self { whole: name, parts: None, packed: Rc::default() }
    }

    /// Everybody gets what they need, and who may need anything the whole.
    pub(crate) fn in_parts(name: String, parts: Parts) -> Self {
        Self { parts: Some(Rc::new(parts)), ..Self::whole(name) }
    }

    /// The code of a workspace; it is the same at each attempt.
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
            None => self.whole.clone(),
        };
        self.packed.borrow_mut().insert(workspace.to_owned(), name.clone());
        Ok(name)
    }
}
