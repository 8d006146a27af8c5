//! Child processes: run to the end, or watched line by line while they run.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::DEADLINE;

/// What a finished child left: its exit code and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) command: String,
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Both streams, for text that may be on either.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The exit code must be 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.exits_with(0)
    }

    /// The exit code must be this one.
    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.shown());
        self
    }

    /// Must end by itself with an exit code that is not 0, and without a panic.
    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert!(self.code.is_some_and(|code| code != 0), "expected it to fail\n{}", self.shown());
        assert!(!self.text().contains("panicked"), "it panicked\n{}", self.shown());
        self
    }

    /// This text must be somewhere in what it said.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(unwrapped(&self.text()).contains(&unwrapped(text)), "expected `{text}`\n{}", self.shown());
        self
    }

    /// This text must be nowhere in what it said.
    #[track_caller]
    pub(crate) fn never_says(self, text: &str) -> Self {
        assert!(!unwrapped(&self.text()).contains(&unwrapped(text)), "did not expect `{text}`\n{}", self.shown());
        self
    }

    pub(crate) fn shown(&self) -> String {
        format!(
            "`{}` ended with {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.command, self.code, self.stdout, self.stderr
        )
    }
}

/// Terraform breaks long lines and draws a bar beside errors; neither is part of what it says.
fn unwrapped(text: &str) -> String {
    text.replace(['│', '╷', '╵'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs to the end with `input` on stdin.
pub(crate) fn run(command: &mut Command, input: &str) -> Outcome {
    let mut running = Running::start(command);
    running.write(input);
    running.finish()
}

/// A child whose output is read as it comes; killed when dropped.
pub(crate) struct Running {
    command: String,
    child: Child,
    lines: Receiver<(Stream, String)>,
    stdout: String,
    stderr: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let shown = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{shown} could not be started: {error}"));
        let (sender, lines) = mpsc::channel();
        follow(child.stdout.take().expect("stdout is piped"), Stream::Out, sender.clone());
        follow(child.stderr.take().expect("stderr is piped"), Stream::Err, sender);
        Self { command: shown, child, lines, stdout: String::new(), stderr: String::new() }
    }

    pub(crate) fn id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id fits"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.id(), signal).expect("the child is there to be signalled");
    }

    /// Writes to its stdin and leaves it open.
    pub(crate) fn write(&mut self, input: &str) {
        if let Some(stdin) = &mut self.child.stdin {
            // A child that does not read its stdin is not at fault.
            let _ = stdin.write_all(input.as_bytes());
        }
    }

    /// Waits for a line with this text, and returns the line.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((stream, line)) => {
                    self.keep(stream, &line);
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no line with `{text}` in time\n{}", self.so_far()),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without `{text}`\n{}", self.so_far()),
            }
        }
    }

    /// Waits for a line with this text, or for its end; says whether there was one.
    pub(crate) fn reaches(&mut self, text: &str) -> bool {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((stream, line)) => {
                    self.keep(stream, &line);
                    if line.contains(text) {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("neither `{text}` nor its end in time\n{}", self.so_far()),
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the child can be asked").is_none()
    }

    /// Closes its stdin, waits for its end and returns everything it said, from the start.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Outcome {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((stream, line)) => self.keep(stream, &line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it did not end in time\n{}", self.so_far()),
            }
        }
        let status: ExitStatus = self.child.wait().expect("the child can be waited for");
        Outcome {
            command: self.command.clone(),
            code: status.code(),
            stdout: std::mem::take(&mut self.stdout),
            stderr: std::mem::take(&mut self.stderr),
        }
    }

    fn keep(&mut self, stream: Stream, line: &str) {
        let kept = if stream == Stream::Out { &mut self.stdout } else { &mut self.stderr };
        kept.push_str(line);
    }

    fn so_far(&self) -> String {
        format!("`{}`\n--- stdout\n{}\n--- stderr\n{}", self.command, self.stdout, self.stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(stream: impl Read + Send + 'static, which: Stream, sender: mpsc::Sender<(Stream, String)>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            if sender.send((which, String::from_utf8_lossy(&line).into_owned())).is_err() {
                return;
            }
            line.clear();
        }
    });
}
