//! [`Hands`]: which runs somebody drives, so that no run that is under way is in nobody's.

use std::collections::HashMap;

use tokio::task::{Id, JoinSet};

/// How the driving of a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What the run came to is stored, or belongs to somebody else.
    Settled,
    /// What it came to could not be stored: it is still there, under way as far as the database knows, and has to be
    /// taken up.
    LetGo,
    /// Its driver died.
    Died,
}

/// The runs that are driven, each by a task of its own.
#[derive(Default)]
pub struct Hands {
    tasks: JoinSet<Outcome>,
    runs: HashMap<Id, String>,
}

impl Hands {
    /// Has `work` drive a run from now on.
    pub fn take(&mut self, run: String, work: impl Future<Output = Outcome> + Send + 'static) {
        let task = self.tasks.spawn(work);
        self.runs.insert(task.id(), run);
    }

    /// Whether somebody drives this run.
    pub fn have(&self, run: &str) -> bool {
        self.runs.values().any(|driven| driven == run)
    }

    /// The next run that is not driven any more, and how that came; `None` when nobody drives anything.
    pub async fn next(&mut self) -> Option<(String, Outcome)> {
        let (id, outcome) = match self.tasks.join_next_with_id().await? {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => (error.id(), Outcome::Died),
        };
        Some((self.runs.remove(&id).unwrap_or_default(), outcome))
    }
}
