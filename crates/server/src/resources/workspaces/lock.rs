//! The lock of a workspace: one row, one holder. State is written by its holder alone.

use domain::Problem;

use super::store::{self, Model as Workspace};
use crate::storage::{Change, Tx};

/// Who holds a lock or wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A user, by id.
    User(String),
    /// A run, by id.
    Run(String),
}

impl Holder {
    fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Run(_) => "run",
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::User(id) | Self::Run(id) => id,
        }
    }
}

impl Workspace {
    /// Who holds the lock, if anybody does.
    pub fn holder(&self) -> Option<Holder> {
        let by = self.locked_by.clone()?;
        match self.locked_kind.as_deref() {
            Some("run") => Some(Holder::Run(by)),
            Some(_) => Some(Holder::User(by)),
            None => None,
        }
    }
}

/// Takes the lock of a workspace.
///
/// # Errors
/// `workspace/locked` when somebody has it, the taker included.
pub async fn take(tx: &Tx, workspace: &Workspace, holder: &Holder, reason: &str) -> Result<(), Problem> {
    if store::lock(tx, &workspace.id, holder.kind(), holder.id(), reason).await? {
        tx.announce(Change::Workspace { workspace: workspace.id.clone() });
        return Ok(());
    }
    let by = match workspace.holder() {
        Some(Holder::Run(run)) => format!("by the run {run}"),
        Some(Holder::User(user)) => format!("by the user {user}"),
        None => "by somebody else".into(),
    };
    Err(Problem::conflict("workspace/locked", format!("The workspace \"{}\" is already locked {by}.", workspace.name))
        .advice("Wait until it is unlocked, or force-unlock it if its holder is gone."))
}

/// Gives the lock back if `holder` has it; says whether that was so.
pub async fn release(tx: &Tx, workspace: &Workspace, holder: &Holder) -> Result<bool, Problem> {
    if workspace.holder().as_ref() != Some(holder) {
        return Ok(false);
    }
    store::unlock(tx, &workspace.id).await?;
    tx.announce(Change::Workspace { workspace: workspace.id.clone() });
    Ok(true)
}
