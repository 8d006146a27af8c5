//! [`Act`]: a request on its way through the server, as the audit log will have it.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};

tokio::task_local! {
    static PRESENT: Act;
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// `user`, `team`, `organization`, `run`, `address` (whoever has a signed address), `webhook`, `anonymous`, `command` (somebody at the machine itself) or `server`.
    pub kind: &'static str,
    /// Id of the user, the team and so on; empty where there is none.
    pub id: String,
    /// What they are called, where that is known with them.
    pub name: Option<String>,
    /// Id of the token that came along.
    pub token: Option<String>,
}

impl Who {
    /// Somebody of that kind and id.
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), name: None, token: None }
    }
}

/// A question whether somebody may do something, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is to be done, in the words of `domain::roles`.
    pub action: String,
    /// Id of the organization that it is to be done in.
    pub organization: Option<String>,
    /// Whether they may.
    pub allowed: bool,
}

/// A request on its way. Cheap to clone; every clone is the same request.
#[derive(Clone)]
pub struct Act(Arc<Mutex<Told>>);

/// What is known of a request by now.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) request: String,
    pub(super) action: String,
    /// Id or name at the end of its path, if it is about something that is there already.
    pub(super) target: String,
    /// It only reads.
    pub(super) reads: bool,
    pub(super) who: Who,
    /// The organization of the last question whose answer was yes.
    pub(super) organization: Option<String>,
    pub(super) last: Option<Question>,
    /// SHA-256 of its body.
    pub(super) body: Option<Vec<u8>>,
}

impl Told {
    /// Nothing but who does something, without a request.
    pub(super) fn of(who: Who) -> Self {
        Self {
            request: String::new(),
            action: String::new(),
            target: String::new(),
            reads: false,
            who,
            organization: None,
            last: None,
            body: None,
        }
    }

    /// The word of what it is done to (`workspaces`).
    pub(super) fn word(&self) -> &str {
        self.action.split_once('.').map_or(self.action.as_str(), |(word, _)| word)
    }
}

impl Act {
    /// A request of that id, for that action (`workspaces.update`) on that target. `reads` says that it only reads.
    pub fn new(request: &str, action: String, target: String, reads: bool) -> Self {
        let told = Told::of(Who::new("anonymous", ""));
        Self(Arc::new(Mutex::new(Told { request: request.to_owned(), action, target, reads, ..told })))
    }

    /// Does something as a part of this request.
    pub async fn during<F: Future>(self, work: F) -> F::Output {
        PRESENT.scope(self, work).await
    }

    /// The request that is being answered, if one is.
    pub fn present() -> Option<Self> {
        PRESENT.try_with(Clone::clone).ok()
    }

    /// Says of the present request who asks.
    pub fn by(who: Who) {
        if let Some(act) = Self::present() {
            act.lock().who = who;
        }
    }

    /// Says of the present request what its body was.
    pub fn took(body: &[u8]) {
        if let Some(act) = Self::present() {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
            act.lock().body = Some(digest.as_ref().to_vec());
        }
    }

    /// Notes a question whether the present request may do something, and the answer.
    pub fn asked(question: Question) {
        if let Some(act) = Self::present() {
            let mut told = act.lock();
            if question.allowed && question.organization.is_some() {
                told.organization.clone_from(&question.organization);
            }
            told.last = Some(question);
        }
    }

    /// What it is about (`workspaces.update`).
    pub fn action(&self) -> String {
        self.lock().action.clone()
    }

    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        self.lock().reads
    }

    /// The last question, if its answer was no.
    pub fn refused(&self) -> Option<Question> {
        self.lock().last.clone().filter(|question| !question.allowed)
    }

    pub(super) fn told(&self) -> Told {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
