//! [`HeldRuns`]: terraforms that were started before their runs began, and wait for them. In memory: when this process ends they end, and nothing
//! of their runs has happened.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What is held, by the id of its run. Clones are the same.
#[derive(Clone, Default)]
pub struct HeldRuns(Arc<Mutex<BTreeMap<String, executor::Held>>>);

impl HeldRuns {
    /// Keeps one until it is taken.
    pub fn keep(&self, held: executor::Held) {
        let run = domain::id::Id::as_str(held.run()).to_owned();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(run, held);
    }

    /// Takes the one of a run.
    pub fn take(&self, run: &str) -> Option<executor::Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(run)
    }

    /// Gives up the one of a run.
    pub async fn give_up(&self, run: &str) {
        if let Some(held) = self.take(run) {
            held.give_up().await;
        }
    }

    /// Gives up all.
    pub async fn give_up_all(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for held in all.into_values() {
            held.give_up().await;
        }
    }
}
