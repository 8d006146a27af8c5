//! `cargo xtask bench queue`: ten thousand runs wait on two thousand workspaces.
//!
//! The measuring is a test of the server, on its scripted terraform, which is run here at full length and with optimization;
//! it fails when a bound is passed. What it reported is kept for the table.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::rounds::Spread;
use super::table::{Row, Target, Unit};
use crate::tree::{self, TemporaryFolder};
use crate::{process, stopwatch};

/// The quick form has a tenth of the runs, in the debug build.
pub(super) fn run(quick: bool) -> Result<()> {
    let place = TemporaryFolder::new("queue")?;
    let report = place.path().join("report");
    let mut command = process::cargo();
    command.args(["nextest", "run", "--package", "server", "--status-level", "none", "-E", "test(long_queue)"]);
    if !quick {
        command.arg("--release");
    }
    command.env("MULTISPACE_QUEUE_RUNS", if quick { "1000" } else { "10000" }).env("MULTISPACE_QUEUE_REPORT", &report);
    let (outcome, took) = stopwatch::time(|| process::run(&mut command));
    outcome?;
    let report = tree::read(&report)?;
    println!("\n{report}  all of it   {}", stopwatch::human(took));
    if !quick {
        let kept = kept();
        std::fs::create_dir_all(kept.parent().context("it is in a folder")?)?;
        std::fs::write(kept, report)?;
    }
    Ok(())
}

/// The rows of the table: what the last full `cargo xtask bench queue` in this build folder reported.
pub(super) fn rows() -> Result<Vec<Row>> {
    let joined = Row::new("queued", "10,000 runs wait: a run joins, p99", Unit::Milliseconds, Target::AtMost(50.0));
    let reads = Row::new("queued", "10,000 runs wait: a read, p99", Unit::Milliseconds, Target::AtMost(20.0));
    let memory = Row::new("queued", "10,000 runs wait: memory", Unit::Megabytes, Target::AtMost(300.0));
    let Ok(report) = std::fs::read_to_string(kept()) else {
        let why = "`cargo xtask bench queue` measures it, which was not run in this build folder";
        return Ok(vec![joined.noted(why), reads.noted(why), memory.noted(why)]);
    };
    let Report { joins, read, megabytes } =
        Report::of(&report).with_context(|| format!("`bench queue` reported {report:?}"))?;
    let by = "measured by `cargo xtask bench queue`, beside a hundred readers of a log and thirty reads a second";
    Ok(vec![
        joined.figure(Spread::one(joins), 1).noted(by),
        reads.figure(Spread::one(read), 1).noted(by),
        memory.figure(Spread::one(megabytes), 1).noted("of the server and the test together"),
    ])
}

fn kept() -> PathBuf {
    tree::target().join("bench/queue")
}

/// What the test said.
#[derive(Debug, PartialEq)]
struct Report {
    /// Milliseconds, the 99th of a hundred.
    joins: f64,
    /// The same.
    read: f64,
    megabytes: f64,
}

impl Report {
    fn of(report: &str) -> Option<Self> {
        let line = |start: &str| report.lines().find_map(|line| line.trim().strip_prefix(start));
        let p99 = |start: &str| milliseconds(line(start)?.split_once("p99 ")?.1.split_whitespace().next()?);
        let megabytes = line("memory of server and test")?.trim().strip_suffix(" MB")?.parse().ok()?;
        Some(Self { joins: p99("joining the queue")?, read: p99("reading meanwhile")?, megabytes })
    }
}

fn milliseconds(duration: &str) -> Option<f64> {
    [("ms", 1.0), ("µs", 1e-3), ("s", 1e3)].into_iter().find_map(|(unit, worth)| {
        let number: f64 = duration.strip_suffix(unit)?.parse().ok()?;
        Some(number * worth)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_test_reports_is_read() {
        let report = "10000 runs on 2000 workspaces\n  joining the queue   median 2.1ms, p99 7.5ms\n  \
                      reading meanwhile, beside 100 readers of a log   median 300µs, p99 900µs of 320\n  \
                      memory of server and test   120 MB\n  closing, opening, first answer   1.2s\n";
        let read = Report { joins: 7.5, read: 0.9, megabytes: 120.0 };
        assert_eq!(Report::of(report), Some(read));
        assert_eq!(Report::of(&report.replace("7.5ms", "1.5s")).unwrap().joins, 1500.0);
        assert_eq!(Report::of("something else"), None);
    }
}
