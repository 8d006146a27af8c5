//! What runs at this moment. On a terminal a line for each running workspace with its phase and time, which moves; anywhere
//! else a plain line for each change.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Console;
use super::lines::{self, Phase};
use crate::stack::record::Record;

/// Nothing moves before this: what is done by then needs no animation.
const QUIET: Duration = Duration::from_millis(250);

/// Draws in a second.
const DRAWS: u8 = 10;

/// The progress of one walk.
pub(crate) struct Progress {
    console: Console,
    born: Instant,
    width: usize,
    running: BTreeMap<String, Running>,
    is_shown: bool,
    is_paused: bool,
}

struct Running {
    bar: Option<ProgressBar>,
    phase: Phase,
    since: Instant,
}

impl Progress {
    /// Progress of workspaces whose longest name has `width` characters.
    pub(crate) fn new(console: &Console, width: usize) -> Self {
        Self {
            console: console.clone(),
            born: Instant::now(),
            width: width.min(40),
            running: BTreeMap::new(),
            is_shown: false,
            is_paused: false,
        }
    }

    /// How long to wait before [`tick`](Self::tick); `None` where nothing moves.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.console.is_live().then_some(Duration::from_millis(1000 / u64::from(DRAWS)))
    }

    /// A workspace is in a phase.
    pub(crate) fn phase(&mut self, workspace: &str, phase: Phase) {
        if self.running.get(workspace).is_some_and(|running| running.phase == phase) {
            return;
        }
        if !self.console.is_live() {
            // A queue of many would be many lines that say nothing yet.
            if phase != Phase::Queued {
                self.console.say(&format!("{workspace}: {}", phase.as_str()));
            }
            let since = Instant::now();
            self.running.insert(workspace.to_owned(), Running { bar: None, phase, since });
            return;
        }
        let bar = match self.running.remove(workspace).and_then(|running| running.bar) {
            Some(bar) => bar,
            None => self.bar(workspace),
        };
        self.running.insert(workspace.to_owned(), Running { bar: Some(bar), phase, since: Instant::now() });
        self.tick();
    }

    /// A workspace has ended.
    pub(crate) fn finished(&mut self, record: &Record) {
        self.gone(&record.workspace);
        let line = match self.console.is_live() {
            true => lines::finished(record, self.width, self.console.style()),
            false => lines::finished_plainly(record),
        };
        self.console.say(&line);
    }

    /// A workspace waits to be tried again.
    pub(crate) fn gone(&mut self, workspace: &str) {
        if let Some(bar) = self.running.remove(workspace).and_then(|running| running.bar) {
            bar.finish_and_clear();
            self.console.bars().remove(&bar);
        }
    }

    /// Moves the lines on.
    pub(crate) fn tick(&mut self) {
        if !self.console.is_live() || self.is_paused {
            return;
        }
        if !self.is_shown && self.born.elapsed() >= QUIET {
            self.is_shown = true;
            self.console.bars().set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS));
        }
        for running in self.running.values() {
            if let Some(bar) = &running.bar {
                let ms = u64::try_from(running.since.elapsed().as_millis()).unwrap_or(u64::MAX);
                bar.set_message(format!("{}  {}", running.phase.as_str(), lines::duration(ms)));
                bar.tick();
            }
        }
    }

    /// Takes the moving lines away while a question is asked.
    pub(crate) fn pause(&mut self) {
        if self.is_shown {
            let _ = self.console.bars().clear();
            self.console.bars().set_draw_target(ProgressDrawTarget::hidden());
            self.is_shown = false;
        }
        self.is_paused = true;
    }

    /// Brings them back.
    pub(crate) fn resume(&mut self) {
        self.is_paused = false;
        self.tick();
    }

    /// The end: nothing moves any more.
    pub(crate) fn close(&mut self) {
        for name in self.running.keys().cloned().collect::<Vec<_>>() {
            self.gone(&name);
        }
        self.pause();
    }

    fn bar(&self, workspace: &str) -> ProgressBar {
        let bar = self.console.bars().add(ProgressBar::new_spinner());
        // The template is a constant of ours; were it wrong, the default one would do.
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix}  {wide_msg:.dim}") {
            bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        }
        bar.set_prefix(format!("{workspace:<width$}", width = self.width));
        bar
    }
}
