//! [`HeldRuns`]: terraforms that were started before their runs began, and wait for them, and the runs that have begun since. In memory: when this
//! process ends so do the terraforms, and nothing of their runs has happened.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::scheduler::Begun;

/// What is held, by the id of its run. Clones are the same.
#[derive(Clone, Default)]
pub struct HeldRuns {
    held: Arc<Mutex<BTreeMap<String, executor::Held>>>,
    begun: Arc<Mutex<Vec<Begun>>>,
    heard: Arc<Notify>,
}

impl HeldRuns {
    /// The plan of a run that one is held for has begun, in a transaction that is committed: the scheduler is to go on with it.
    pub fn go_on(&self, begun: Begun) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).push(begun);
        self.heard.notify_one();
    }

    /// Returns when there is a run to go on with.
    pub async fn heard(&self) {
        self.heard.notified().await;
    }

    /// The runs to go on with.
    pub fn begun(&self) -> Vec<Begun> {
        std::mem::take(&mut *self.begun.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether one is held for this run, which somebody is about to go on with.
    pub fn have(&self, run: &str) -> bool {
        self.all().contains_key(run)
    }

    /// Keeps one until it is taken.
    pub fn keep(&self, held: executor::Held) {
        let run = domain::id::Id::as_str(held.run()).to_owned();
        self.all().insert(run, held);
    }

    /// Takes the one of a run.
    pub fn take(&self, run: &str) -> Option<executor::Held> {
        self.all().remove(run)
    }

    /// Gives up the one of a run.
    pub async fn give_up(&self, run: &str) {
        if let Some(held) = self.take(run) {
            held.give_up().await;
        }
    }

    /// Gives up all.
    pub async fn give_up_all(&self) {
        let all = std::mem::take(&mut *self.all());
        for held in all.into_values() {
            held.give_up().await;
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, executor::Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
