//! Commands to Chromium and answers from it: JSON texts that end with a zero byte, of the browser itself and, with a session's
//! id, of one tab.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use crate::DEADLINE;

type Answer = Result<Value, String>;

pub(crate) struct Pipe {
    input: Mutex<ChildStdin>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    tabs: Mutex<HashMap<String, Arc<Seen>>>,
}

/// What a tab has told.
#[derive(Default)]
pub(crate) struct Seen {
    /// How many pages have been loaded to their end.
    pub(crate) loads: watch::Sender<u64>,
    /// Errors and warnings of the console, exceptions nobody caught, and dialogs that a page has opened.
    pub(crate) complaints: Mutex<Vec<String>>,
}

impl Pipe {
    /// Begins to read what comes.
    pub(crate) fn open(input: ChildStdin, output: ChildStdout) -> Arc<Self> {
        let pipe = Arc::new(Self {
            input: Mutex::new(input),
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            tabs: Mutex::default(),
        });
        let own = Arc::clone(&pipe);
        std::thread::spawn(move || own.read(output));
        pipe
    }

    /// Sends a command and waits for its answer; an error is what Chromium says of it.
    pub(crate) async fn ask(&self, session: Option<&str>, method: &str, params: Value) -> Answer {
        let (tell, told) = oneshot::channel();
        self.send(session, method, params, Some(tell));
        match tokio::time::timeout(DEADLINE, told).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => panic!("Chromium ended before it answered {method}"),
            Err(_) => panic!("Chromium did not answer {method}"),
        }
    }

    /// The same, of a command that cannot be refused.
    pub(crate) async fn must(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.ask(session, method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Sends a command whose answer does not matter.
    pub(crate) fn tell(&self, session: Option<&str>, method: &str, params: Value) {
        self.send(session, method, params, None);
    }

    /// From now on, what this session tells is kept there.
    pub(crate) fn attend(&self, session: &str) -> Arc<Seen> {
        let seen = Arc::new(Seen::default());
        locked(&self.tabs).insert(session.to_owned(), Arc::clone(&seen));
        seen
    }

    fn send(&self, session: Option<&str>, method: &str, params: Value, tell: Option<oneshot::Sender<Answer>>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(tell) = tell {
            locked(&self.waiting).insert(id, tell);
        }
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        if locked(&self.input).write_all(&bytes).is_err() {
            // Whoever waits for the answer is told that none comes.
            locked(&self.waiting).remove(&id);
        }
    }

    fn read(&self, output: ChildStdout) {
        let mut output = BufReader::new(output);
        let mut bytes = Vec::new();
        while output.read_until(0, &mut bytes).is_ok_and(|read| read > 0) {
            bytes.pop();
            if let Ok(message) = serde_json::from_slice::<Value>(&bytes) {
                self.take(message);
            }
            bytes.clear();
        }
        locked(&self.waiting).clear();
    }

    fn take(&self, mut message: Value) {
        if let Some(id) = message["id"].as_u64() {
            if let Some(tell) = locked(&self.waiting).remove(&id) {
                let answer = match message["error"]["message"].as_str() {
                    Some(error) => Err(error.to_owned()),
                    None => Ok(message["result"].take()),
                };
                // Nobody may be waiting any more.
                let _ = tell.send(answer);
            }
            return;
        }
        let Some(session) = message["sessionId"].as_str() else { return };
        let Some(seen) = locked(&self.tabs).get(session).cloned() else { return };
        let params = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "Page.loadEventFired" => seen.loads.send_modify(|loads| *loads += 1),
            "Page.javascriptDialogOpening" => {
                // A page of ours opens none, and one that is open holds everything up.
                self.tell(Some(session), "Page.handleJavaScriptDialog", json!({ "accept": true }));
                seen.complain(format!("a dialog: {}", params["message"]));
            }
            "Runtime.consoleAPICalled" if matches!(params["type"].as_str(), Some("error" | "warning" | "assert")) => {
                seen.complain(format!("console: {}", params["args"]));
            }
            "Runtime.exceptionThrown" => {
                let details = &params["exceptionDetails"];
                seen.complain(format!("exception: {} {}", details["text"], details["exception"]["description"]));
            }
            "Log.entryAdded" if matches!(params["entry"]["level"].as_str(), Some("error" | "warning")) => {
                let entry = &params["entry"];
                seen.complain(format!("{}: {} {}", entry["source"], entry["text"], entry["url"]));
            }
            _ => {}
        }
    }
}

impl Seen {
    fn complain(&self, what: String) {
        locked(&self.complaints).push(what);
    }
}

/// A panic elsewhere is reported there; what it had locked is still good.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
