//! The engine in this process as a host: its broadcast of changes in the words of every host. All else the engine says
//! itself.

use std::collections::VecDeque;

use domain::Problem;
use server::local::{Change, Local, RunNews};
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use super::Heard;

/// Changes of the engine.
pub(crate) struct Changes {
    told: broadcast::Receiver<Change>,
    /// Runs that have moved, once each, in the order in which they did so first, and those that wait.
    runs: VecDeque<Heard>,
    /// `init` has run for one of them.
    initialised: bool,
}

/// Hears of every change from now on.
pub(super) fn listen(local: &Local<'_>) -> Changes {
    Changes { told: local.listen(), runs: VecDeque::new(), initialised: false }
}

impl Changes {
    /// The next one that concerns a run. A run that moved several times before it is asked about is told of once.
    pub(super) async fn next(&mut self) -> Result<Heard, Problem> {
        while self.runs.is_empty() && !self.initialised {
            match self.told.recv().await {
                Ok(change) => self.note(change),
                Err(RecvError::Lagged(_)) => return Ok(Heard::Missed),
                Err(RecvError::Closed) => {
                    return Err(Problem::ours("stack/engine", "The engine has stopped.", "no more changes")
                        .advice("Run the same command again: it goes on from here."));
                }
            }
        }
        loop {
            match self.told.try_recv() {
                Ok(change) => self.note(change),
                Err(TryRecvError::Lagged(_)) => {
                    self.runs.clear();
                    return Ok(Heard::Missed);
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if std::mem::take(&mut self.initialised) {
            return Ok(Heard::Initialised);
        }
        Ok(self.runs.pop_front().unwrap_or(Heard::Missed))
    }

    fn note(&mut self, change: Change) {
        match change {
            Change::Run { what: RunNews::Initialised, .. } => self.initialised = true,
            Change::Run { run, what: RunNews::WaitsForMemory, .. } => self.runs.push_back(Heard::WaitsForMemory(run)),
            Change::Run { run, .. } => {
                let (waits, moved) = (Heard::WaitsForMemory(run.clone()), Heard::Run(run));
                if self.runs.contains(&waits) {
                    self.runs.retain(|heard| *heard != waits && *heard != moved);
                }
                if !self.runs.contains(&moved) {
                    self.runs.push_back(moved);
                }
            }
            _ => {}
        }
    }
}
