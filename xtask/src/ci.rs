//! `cargo xtask ci`: what a change must pass, cheapest first, the tests last.

use anyhow::Result;

use crate::{bench, process, stopwatch, test, tidy};

/// Stops at the first step that fails. The tests come last, so that the last lines are their summary.
pub(crate) fn run() -> Result<()> {
    step("formatting", || process::run(process::cargo().args(["fmt", "--all", "--check"])))?;
    step("tidy", tidy::run)?;
    step("clippy", || {
        process::run(process::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    step("documentation", || {
        process::run(
            process::cargo()
                .args(["doc", "--workspace", "--no-deps", "--document-private-items"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?;
    step("processor time", bench::gate::run)?;
    println!("\n== tests");
    test::run(&[])
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {name}");
    let (outcome, took) = stopwatch::time(work);
    match &outcome {
        Ok(()) => println!("== {name}: done in {}", stopwatch::human(took)),
        Err(_) => println!("== {name}: FAILED after {}", stopwatch::human(took)),
    }
    outcome
}
