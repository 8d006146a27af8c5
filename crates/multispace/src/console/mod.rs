//! The only module that prints. stdout is data, stderr is talk.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this module is what prints")]

mod excerpt;
mod failure;
pub(crate) mod lines;
mod preview;
pub(crate) mod progress;
pub(crate) mod prompt;
mod style;
mod summary;

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use domain::Problem;
use domain::plan::{Difference, Plan};
use domain::stack::Critical;
use executor::{InDoubt, Unsaved};
use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::failure::Failure;
use crate::stack::preview::Foreseen;
use crate::stack::record::Record;
use style::Style;
pub(crate) use style::without_escapes as plain;

/// stdout and stderr, and how they are dressed.
#[derive(Clone)]
pub(crate) struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    out: Style,
    err: Style,
    live: bool,
    bars: MultiProgress,
    /// Talk that waits while somebody is asked a question.
    held: Mutex<Option<Vec<String>>>,
}

impl Console {
    /// The console of this process. `NO_COLOR` (<https://no-color.org>) and a stream that is no terminal mean plain text.
    pub(crate) fn new(no_colour: bool) -> Self {
        let plain = no_colour
            || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let inner = Inner {
            out: Style { colour: out && !plain },
            err: Style { colour: err && !plain },
            live: err && !plain,
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            held: Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Data, on stdout. A reader that has gone away is no error.
    ///
    /// # Errors
    /// `console/stdout` when it cannot be written, for instance to a full disk.
    pub(crate) fn data(&self, text: &str) -> Result<(), Problem> {
        let text = self.inner.out.foreign(text);
        self.inner.bars.suspend(|| {
            let mut stdout = io::stdout().lock();
            match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(Problem::invalid("console/stdout", format!("The output cannot be written: {error}."))
                        .advice("Look at where stdout goes."))
                }
                _ => Ok(()),
            }
        })
    }

    /// A line of talk, on stderr; held back while somebody is being asked.
    pub(crate) fn say(&self, line: &str) {
        match self.inner.held.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(held) => held.push(line.to_owned()),
            None => self.write(&format!("{line}\n")),
        }
    }

    /// A remark.
    pub(crate) fn notice(&self, text: &str) {
        self.say(&format!("{} {text}", self.inner.err.yellow("notice:")));
    }

    /// Why a command gave up.
    pub(crate) fn failure(&self, failure: &Failure) {
        let text = match failure {
            Failure::Problem(problem) => failure::problem(problem, self.inner.err),
            Failure::Code(all) => failure::diagnostics(all, self.inner.err, self.width()),
            Failure::Interrupted => "interrupted; nothing was started\n".to_owned(),
        };
        self.say(text.trim_end_matches('\n'));
    }

    /// Terraform's own text about a workspace that failed, and how to see all of it: the log and the command that shows it.
    pub(crate) fn failed(&self, workspace: &str, why: &str, log: Option<(&str, &str)>) {
        let style = self.inner.err;
        let mut text = format!("\n{}\n", style.bold(&style.red(&format!("── {workspace} failed"))));
        let shown = log.map(|(log, _)| excerpt::errors(log)).unwrap_or_default();
        // Where terraform says why, that it failed is no news.
        if !why.is_empty() && !shown.contains("Error:") {
            text += &format!("{why}\n");
        }
        if !shown.is_empty() {
            text += &format!("{}\n", style.foreign(&shown));
        }
        if let Some((_, command)) = log {
            text += &format!("{}\n", style.dim(&format!("the whole log: {command}")));
        }
        self.say(&text);
    }

    /// Resources that a run made and its state lacks, and those whose fate nobody knows.
    pub(crate) fn lost(&self, workspace: &str, unsaved: &[Unsaved], in_doubt: &[InDoubt]) {
        let style = self.inner.err;
        if !unsaved.is_empty() {
            let head = format!("{workspace}: these resources are not in the state that was saved:");
            self.say(&style.bold(&style.red(&head)));
            for it in unsaved {
                let id =
                    if it.id_value.is_empty() { String::new() } else { format!("  {}={}", it.id_key, it.id_value) };
                self.say(&format!("  {} ({}){id}", it.address, it.action));
            }
        }
        if !in_doubt.is_empty() {
            let head = format!("{workspace}: it is not known what became of these resources:");
            self.say(&style.bold(&style.yellow(&head)));
            for it in in_doubt {
                self.say(&format!("  {} ({})", it.address, it.action));
            }
        }
    }

    /// A plan as terraform shows it, under the name of its workspace, as data.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub(crate) fn plan(&self, workspace: &str, log: &str) -> Result<(), Problem> {
        let head = self.inner.out.bold(&format!("── {workspace}"));
        self.data(&format!("{head}\n\n{}\n\n", excerpt::plan(log)))
    }

    /// Why terraform cannot plan a workspace, under its name, as data.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub(crate) fn refused_plan(&self, workspace: &str, log: &str) -> Result<(), Problem> {
        let head = self.inner.out.bold(&format!("── {workspace}"));
        self.data(&format!("{head}\n\n{}\n\n", excerpt::errors(log)))
    }

    /// The plan of a stack as a table, as data.
    ///
    /// # Errors
    /// As [`data`](Self::data).
    pub(crate) fn stack_plan(&self, rows: &[(&str, &Foreseen)]) -> Result<(), Problem> {
        self.data(&format!("{}\n{}\n", preview::table(rows, self.inner.out), preview::total(rows)))
    }

    /// Shows the plan of a stack and asks about it; talk is held back until [`release`](Self::release).
    /// `elsewhere` is a line about where else it may be answered, or nothing.
    pub(crate) fn ask_about_stack(&self, rows: &[(&str, &Foreseen)], elsewhere: &str, question: &str) {
        let style = self.inner.err;
        let before = format!("\n{}\n{}\n{elsewhere}\n", preview::table(rows, style), preview::total(rows));
        self.ask(&before, question);
    }

    /// Shows the plan of a stack as talk.
    pub(crate) fn show_stack(&self, rows: &[(&str, &Foreseen)]) {
        let style = self.inner.err;
        self.say(&format!("\n{}\n{}", preview::table(rows, style), preview::total(rows)));
    }

    /// Ends the line of a question that nobody has to answer any more, and lets the talk go that was held back.
    pub(crate) fn break_off(&self) {
        if io::stdin().is_terminal() {
            self.write("\n");
        }
        self.release();
    }

    /// What a plan has that was not approved, as text.
    pub(crate) fn differences(&self, found: &[Difference], approved: &Plan, real: &Plan) -> String {
        preview::differences(found, approved, real, self.inner.err)
    }

    /// Shows a plan below a heading and asks about it; talk is held back until [`release`](Self::release).
    pub(crate) fn ask_about_plan(&self, head: &str, log: &str, question: &str) {
        let style = self.inner.err;
        let head = style.bold(&format!("── {head}"));
        self.ask(&format!("\n{head}\n\n{}\n\n", style.foreign(&excerpt::plan(log))), question);
    }

    /// Asks a question; talk is held back until [`release`](Self::release).
    pub(crate) fn ask(&self, before: &str, question: &str) {
        self.inner.held.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
        self.write(&format!("{before}{} ", self.inner.err.bold(question)));
    }

    /// Lets the talk go that was held back. Where the answer was no typing of a person, the line is still open.
    pub(crate) fn release(&self) {
        if !io::stdin().is_terminal() {
            self.write("\n");
        }
        let held = self.inner.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        for line in held.into_iter().flatten() {
            self.say(&line);
        }
    }

    /// The closing summary.
    pub(crate) fn summary(&self, records: &[Record], wall_ms: u64, critical: &Critical) {
        self.say(summary::text(records, wall_ms, critical, self.inner.err).trim_end_matches('\n'));
    }

    /// Whether lines may move.
    fn is_live(&self) -> bool {
        self.inner.live
    }

    fn style(&self) -> Style {
        self.inner.err
    }

    fn bars(&self) -> &MultiProgress {
        &self.inner.bars
    }

    fn width(&self) -> usize {
        100
    }

    fn write(&self, text: &str) {
        self.inner.bars.suspend(|| {
            // Nobody can be told that stderr cannot be written to.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        });
    }
}
