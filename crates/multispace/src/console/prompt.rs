//! Answers from stdin, a line at a time and only when asked for. As terraform does, it also reads where stdin is no
//! terminal; there its end is a no.

use std::io::{BufRead, stdin};
use std::sync::mpsc;

use tokio::sync::mpsc as answers;

/// A thread that reads lines on request.
pub(crate) struct Prompt {
    requests: mpsc::Sender<()>,
    answers: answers::Receiver<Option<String>>,
    /// A line was asked for and has not come: a question that was withdrawn leaves it to the next one.
    is_open: bool,
}

impl Prompt {
    /// Starts the thread. It ends with the process: nothing can wake it while it waits for a line.
    pub(crate) fn start() -> Self {
        let (requests, wanted) = mpsc::channel();
        let (sender, answers) = answers::channel(1);
        std::thread::spawn(move || {
            while wanted.recv().is_ok() {
                let mut line = String::new();
                let read = stdin().lock().read_line(&mut line);
                let answer = matches!(read, Ok(count) if count > 0).then_some(line);
                if sender.blocking_send(answer).is_err() {
                    return;
                }
            }
        });
        Self { requests, answers, is_open: false }
    }

    /// Wants one more line.
    pub(crate) fn ask(&mut self) {
        if !self.is_open {
            self.is_open = self.requests.send(()).is_ok();
        }
    }

    /// The line; `None` at the end of the input.
    pub(crate) async fn answer(&mut self) -> Option<String> {
        let answer = self.answers.recv().await.flatten();
        self.is_open = false;
        answer
    }
}
