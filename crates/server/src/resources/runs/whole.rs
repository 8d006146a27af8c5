//! A run as it is shown: with its phases and its workspace, and with what it waits for.

use domain::Problem;

use super::queue::{self, Standing};
use super::store::{self, Model as Run, PhaseModel as Phase};
use crate::resources::workspaces::Workspace;
use crate::storage::Tx;

/// A run with its phases, as one moment has them.
pub struct Parts {
    /// The run.
    pub run: Run,
    /// Its plan.
    pub plan: Phase,
    /// Its apply.
    pub apply: Phase,
    /// Its workspace.
    pub workspace: Workspace,
}

impl Parts {
    /// Those of a run that was read already.
    pub(super) async fn of(tx: &Tx, run: Run, workspace: Workspace) -> Result<Self, Problem> {
        let (plan, apply) = store::phases_of(tx, &run.id).await?;
        Ok(Self { run, plan, apply, workspace })
    }

    /// With what it waits for, which takes a look at the queue.
    pub(super) async fn whole(self, tx: &Tx) -> Result<Whole, Problem> {
        let Self { run, plan, apply, workspace } = self;
        let standing = queue::standing(tx, &run, &workspace).await?;
        Ok(Whole { run, plan, apply, workspace, standing })
    }
}

/// [`Parts`], and what the run waits for.
pub struct Whole {
    /// The run.
    pub run: Run,
    /// Its plan.
    pub plan: Phase,
    /// Its apply.
    pub apply: Phase,
    /// Its workspace.
    pub workspace: Workspace,
    /// What it waits for.
    pub standing: Standing,
}
