//! [`Asking`]: which run's terraform asks about which other run, and when it last did. In memory: what must survive is
//! stored by `resources::runs::waits`. Bounded by the waits that are stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::ports::Clock;

/// Who asks about whom.
#[derive(Clone)]
pub struct Asking(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    questions: Mutex<BTreeMap<Pair, Question>>,
    changed: Notify,
}

/// The run that asks, and the run that it asks about.
type Pair = (String, String);

/// A question that is asked again and again.
#[derive(Debug, Clone, Copy)]
struct Question {
    last: DateTime<Utc>,
    /// Requests that wait for an answer now.
    open: usize,
}

/// A request that waits for its answer; while it does, its run asks.
pub struct Held {
    asking: Asking,
    pair: Pair,
}

impl Asking {
    /// Nobody asks yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { clock, questions: Mutex::default(), changed: Notify::new() }))
    }

    /// A question that is new is asked.
    pub fn begin(&self, run: &str, about: &str) -> Held {
        let pair = (run.to_owned(), about.to_owned());
        let now = self.0.clock.now();
        let mut all = self.all();
        let question = all.entry(pair.clone()).or_insert(Question { last: now, open: 0 });
        (question.last, question.open) = (now, question.open + 1);
        drop(all);
        Held { asking: self.clone(), pair }
    }

    /// A question that was asked before is asked again; `None` when it was not.
    pub fn again(&self, run: &str, about: &str) -> Option<Held> {
        let pair = (run.to_owned(), about.to_owned());
        let now = self.0.clock.now();
        let mut all = self.all();
        let question = all.get_mut(&pair)?;
        (question.last, question.open) = (now, question.open + 1);
        drop(all);
        Some(Held { asking: self.clone(), pair })
    }

    /// The questions that nobody has asked since `then`.
    pub fn silent_since(&self, then: DateTime<Utc>) -> Vec<(String, String)> {
        self.all().iter().filter(|(_, it)| it.is_silent_since(then)).map(|(pair, _)| pair.clone()).collect()
    }

    /// Forgets a question that nobody has asked since `then`; says whether that is so.
    pub fn give_up(&self, run: &str, about: &str, then: DateTime<Utc>) -> bool {
        let (mut all, pair) = (self.all(), (run.to_owned(), about.to_owned()));
        let silent = all.get(&pair).is_some_and(|it| it.is_silent_since(then));
        if silent {
            all.remove(&pair);
        }
        silent
    }

    /// When the question was asked that is the longest unasked; open ones are left out.
    pub fn oldest(&self) -> Option<DateTime<Utc>> {
        self.all().values().filter(|it| it.open == 0).map(|it| it.last).min()
    }

    /// Returns when a request that was held has been answered, or was since the last call.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Pair, Question>> {
        self.0.questions.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Question {
    fn is_silent_since(&self, then: DateTime<Utc>) -> bool {
        self.open == 0 && self.last <= then
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let now = self.asking.0.clock.now();
        let mut all = self.asking.all();
        if let Some(question) = all.get_mut(&self.pair) {
            (question.last, question.open) = (now, question.open.saturating_sub(1));
        }
        drop(all);
        self.asking.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::ports::Ports;

    #[test]
    fn a_question_is_silent_only_when_nobody_holds_it_and_time_has_passed() {
        let ports = Ports::system();
        let asking = Asking::new(ports.clock.clone());
        let later = || ports.now() + TimeDelta::hours(1);
        assert!(asking.again("run-a", "run-b").is_none());
        let held = asking.begin("run-a", "run-b");
        assert!(asking.silent_since(later()).is_empty() && asking.oldest().is_none());
        let before = ports.now();
        drop(held);
        assert!(asking.silent_since(before).is_empty(), "it was asked until now");
        assert_eq!(asking.silent_since(later()), [("run-a".to_owned(), "run-b".to_owned())]);
        assert!(!asking.give_up("run-a", "run-b", before));
        drop(asking.again("run-a", "run-b"));
        assert!(asking.give_up("run-a", "run-b", later()));
        assert!(asking.again("run-a", "run-b").is_none());
    }
}
