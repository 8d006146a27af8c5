//! [`HeldRuns`]: terraforms that were started before their runs began, and wait for them, the runs that have begun since, and what those below them
//! may expect of them. In memory: when this process ends so do the terraforms, and nothing of their runs has happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::scheduler::Begun;

/// What is held, by the id of its run. Clones are the same.
#[derive(Clone, Default)]
pub struct HeldRuns {
    held: Arc<Mutex<BTreeMap<String, executor::Held>>>,
    begun: Arc<Mutex<Vec<Begun>>>,
    /// Runs that begin, until somebody drives them.
    coming: Arc<Mutex<BTreeSet<String>>>,
    /// By run that is applied, the outputs that will be others when it has ended.
    foreseen: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    heard: Arc<Notify>,
}

/// A run that is about to begin: until it has, or this is dropped, nobody takes it for one that was left alone.
pub struct Coming<'a> {
    runs: &'a HeldRuns,
    run: Option<String>,
}

impl Coming<'_> {
    /// Its plan has begun, in a transaction that is committed: the scheduler is to go on with it.
    pub fn go_on(mut self, begun: Begun) {
        self.run = None;
        self.runs.begun.lock().unwrap_or_else(PoisonError::into_inner).push(begun);
        self.runs.heard.notify_one();
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        if let Some(run) = &self.run {
            self.runs.coming().remove(run);
        }
    }
}

impl HeldRuns {
    /// A run is about to begin, in a transaction that is not committed yet.
    pub fn comes(&self, run: &str) -> Coming<'_> {
        self.coming().insert(run.to_owned());
        Coming { runs: self, run: Some(run.to_owned()) }
    }

    fn coming(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when there is a run to go on with.
    pub async fn heard(&self) {
        self.heard.notified().await;
    }

    /// The runs to go on with, by whoever asks.
    pub fn begun(&self) -> Vec<Begun> {
        let begun = std::mem::take(&mut *self.begun.lock().unwrap_or_else(PoisonError::into_inner));
        let mut coming = self.coming();
        for run in &begun {
            coming.remove(run.id());
        }
        begun
    }

    /// Whether somebody is about to go on with this run.
    pub fn have(&self, run: &str) -> bool {
        self.all().contains_key(run) || self.coming().contains(run)
    }

    /// A run has planned, and goes on to make these outputs others.
    pub fn foresees(&self, run: &str, outputs: &[String]) {
        self.foreseen().insert(run.to_owned(), outputs.to_vec());
    }

    /// A run has ended.
    pub fn forgets(&self, run: &str) {
        self.foreseen().remove(run);
    }

    /// The outputs that will be others when a run has ended which is applied.
    pub fn outputs(&self, run: &str) -> Vec<String> {
        self.foreseen().get(run).cloned().unwrap_or_default()
    }

    fn foreseen(&self) -> MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        self.foreseen.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_about_to_begin_is_nobodys_to_take_up_until_it_is_clear_that_it_will_not() {
        let runs = HeldRuns::default();
        assert!(!runs.have("run-a"));
        let coming = runs.comes("run-a");
        assert!(runs.have("run-a") && !runs.have("run-b"));
        drop(coming);
        assert!(!runs.have("run-a"), "its transaction came to nothing");
    }
}
