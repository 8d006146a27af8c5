//! `cargo xtask bench queue`: ten thousand runs wait on two thousand workspaces.
//!
//! The measuring is a test of the server, on its scripted terraform, which is run here at full length and with optimization;
//! it fails when a bound is passed.

use anyhow::Result;

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
    println!("\n{}  all of it   {}", tree::read(&report)?, stopwatch::human(took));
    Ok(())
}
