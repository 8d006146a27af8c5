//! The engine in this process as a host: its broadcast of changes in the words of every host. All else the engine says
//! itself.

use domain::Problem;
use server::local::{Change, Local};
use tokio::sync::broadcast::{self, error::RecvError};

use super::Heard;

/// Changes of the engine.
pub(crate) struct Changes(broadcast::Receiver<Change>);

/// Hears of every change from now on.
pub(super) fn listen(local: &Local<'_>) -> Changes {
    Changes(local.listen())
}

impl Changes {
    /// The next one that concerns a run.
    pub(super) async fn next(&mut self) -> Result<Heard, Problem> {
        loop {
            match self.0.recv().await {
                Ok(Change::Run { run, .. }) => return Ok(Heard::Run(run)),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return Ok(Heard::Missed),
                Err(RecvError::Closed) => {
                    return Err(Problem::ours("stack/engine", "The engine has stopped.", "no more changes")
                        .advice("Run the same command again: it goes on from here."));
                }
            }
        }
    }
}
