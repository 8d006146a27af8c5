//! [`Stop`]: how whoever gave the work takes it back. Absent: any timer; the grace period belongs to the process.

use std::sync::Arc;

use tokio::sync::watch;

/// How hard the work is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Run,
    Interrupt,
    Kill,
}

/// A handle that stops one phase; its clones stop the same phase.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<Level>>);

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// A handle that nobody has used yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Level::Run)))
    }

    /// Asks terraform to end: one SIGINT, and after `Work::grace` SIGKILL for all of its processes. Asking again
    /// changes nothing, so that terraform never sees the second SIGINT that would make it drop its state.
    pub fn interrupt(&self) {
        self.raise(Level::Interrupt);
    }

    /// Kills all of terraform's processes at once. What terraform had not saved by then is lost.
    pub fn kill(&self) {
        self.raise(Level::Kill);
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow() >= Level::Interrupt
    }

    /// Returns once somebody has asked.
    pub async fn interrupted(&self) {
        self.reached(Level::Interrupt).await;
    }

    pub(crate) async fn killed(&self) {
        self.reached(Level::Kill).await;
    }

    fn raise(&self, level: Level) {
        self.0.send_if_modified(|now| {
            let higher = level > *now;
            if higher {
                *now = level;
            }
            higher
        });
    }

    async fn reached(&self, level: Level) {
        // The sender lives in self, so that waiting cannot end with its loss.
        let _ = self.0.subscribe().wait_for(|now| *now >= level).await;
    }
}
