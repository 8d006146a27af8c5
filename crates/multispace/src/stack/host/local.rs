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
    /// Runs that have moved, once each, in the order in which they did so first.
    moved: VecDeque<String>,
    /// `init` has run for one of them.
    initialised: bool,
}

/// Hears of every change from now on.
pub(super) fn listen(local: &Local<'_>) -> Changes {
    Changes { told: local.listen(), moved: VecDeque::new(), initialised: false }
}

impl Changes {
    /// The next one that concerns a run. A run that moved several times before it is asked about is told of once.
    pub(super) async fn next(&mut self) -> Result<Heard, Problem> {
        while self.moved.is_empty() && !self.initialised {
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
                    self.moved.clear();
                    return Ok(Heard::Missed);
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if std::mem::take(&mut self.initialised) {
            return Ok(Heard::Initialised);
        }
        Ok(self.moved.pop_front().map_or(Heard::Missed, Heard::Run))
    }

    fn note(&mut self, change: Change) {
        match change {
            Change::Run { what: RunNews::Initialised, .. } => self.initialised = true,
            Change::Run { run, .. } if !self.moved.contains(&run) => self.moved.push_back(run),
            _ => {}
        }
    }
}
