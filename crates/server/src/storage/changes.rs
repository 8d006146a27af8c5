//! What happened, told after the fact: the one way in which the scheduler and live readers are woken.

use tokio::sync::broadcast;

/// Something that was committed. A listener that lags reads the database again: a change carries no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something happened to a run.
    Run {
        /// Its workspace.
        workspace: String,
        /// Its id.
        run: String,
        /// What, so that only those look who are concerned.
        what: RunNews,
    },
    /// A workspace was made, changed, locked, unlocked or deleted.
    Workspace {
        /// Its id; empty when what counts for many, a limit or a setting of their project, was changed.
        workspace: String,
    },
    /// The plan of a stack was made or decided, or is waited for again.
    StackPlan {
        /// Its organization.
        organization: String,
        /// Its id.
        plan: String,
    },
    /// The log of a plan or an apply has grown or ended.
    Log {
        /// Id of the plan or apply.
        phase: String,
    },
    /// Somebody has read the log of a plan or an apply to its end.
    Read {
        /// Id of the plan or apply.
        phase: String,
    },
}

/// What happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunNews {
    /// It was made, has moved, or waits for other runs.
    Moved,
    /// It has ended.
    Over,
    /// Somebody has asked for it to be canceled or killed.
    Asked,
    /// `init` has run for it at home, and what that made can be used for others that are held.
    Initialised,
    /// Its terraform is not started before there is memory for it. When it is, the run has [`Moved`](Self::Moved).
    WaitsForMemory,
}

/// The channel of changes. Bounded: who lags more than its length behind is told so and reads again.
#[derive(Clone)]
pub struct Changes(broadcast::Sender<Change>);

const BACKLOG: usize = 1024;

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Changes {
    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }

    /// Tells everybody who listens. Nobody listening is fine.
    pub fn tell(&self, change: Change) {
        let _ = self.0.send(change);
    }
}
