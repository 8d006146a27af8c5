//! Answers from stdin, a line at a time and only when asked for. As terraform does, it also reads where stdin is no
//! terminal; there its end is a no.

use std::io::{BufRead, stdin};
use std::sync::{Arc, OnceLock, mpsc};

use tokio::sync::{Mutex, mpsc as answers};

/// Reads lines on request.
pub(crate) struct Prompt(Arc<Mutex<Reader>>);

/// The thread that reads. There is one for the process: a second would be kept from stdin by a first one that waits for the
/// line of a question which nobody needs answered any more.
struct Reader {
    requests: mpsc::Sender<()>,
    answers: answers::Receiver<Option<String>>,
    /// A line was asked for and has not come: a question that was withdrawn leaves it to the next one.
    is_open: bool,
}

impl Prompt {
    /// Starts the thread, unless it was started before. It ends with the process: nothing can wake it while it waits for a line.
    pub(crate) fn start() -> Self {
        static READER: OnceLock<Arc<Mutex<Reader>>> = OnceLock::new();
        Self(READER.get_or_init(|| Arc::new(Mutex::new(Reader::start()))).clone())
    }

    /// Wants one more line. One that came when nobody asked any more is no answer.
    pub(crate) async fn ask(&mut self) {
        let mut reader = self.0.lock().await;
        if reader.answers.try_recv().is_ok() {
            reader.is_open = false;
        }
        if !reader.is_open {
            reader.is_open = reader.requests.send(()).is_ok();
        }
    }

    /// The line; `None` at the end of the input.
    pub(crate) async fn answer(&mut self) -> Option<String> {
        let mut reader = self.0.lock().await;
        let answer = reader.answers.recv().await.flatten();
        reader.is_open = false;
        answer
    }
}

impl Reader {
    fn start() -> Self {
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
}
