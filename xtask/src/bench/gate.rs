//! What a change must not make dearer: the processor time of a chain, beside that of terraform alone.
//!
//! Time says nothing on a machine that others use too; processor time says enough when the least of a few rounds is taken. How often
//! terraform is started is a test of `multispace` itself.

use anyhow::{Context, Result, ensure};

use super::floor::Direction;
use super::place::Bench;
use super::{built, graph};
use crate::process;

/// Roots of the chain.
const ROOTS: usize = 10;
/// Rounds of which the least counts.
const ROUNDS: usize = 3;
/// Most processor time of the debug build, to that of terraform alone.
const MOST: f64 = 3.0;

/// Measures the debug build, which is there for the tests anyway.
///
/// # Errors
/// When it takes more than it may, or could not be measured.
pub(crate) fn run() -> Result<()> {
    let terraform = process::on_path("terraform")
        .context("there is no `terraform` on PATH to compare with: install Terraform 1.5 or newer")?;
    let bench = Bench::new(true, built(false)?, terraform)?;
    let graph = graph::chain(ROOTS);
    let (mut ours, mut alone) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let stack = bench.folder()?;
        graph.write(&stack)?;
        let sample = bench.ours(&stack, &["apply", "--auto-approve"], "")?;
        ours = ours.min(sample.usage.processor.as_secs_f64());
        let stack = bench.folder()?;
        graph.write(&stack)?;
        let sample = bench.floor(&stack, &graph, Direction::Up)?;
        alone = alone.min(sample.usage.processor.as_secs_f64());
    }
    let ratio = ours / alone;
    println!(
        "{}, apply: {:.0} ms of processor time a workspace, {:.0} ms of terraform alone: {ratio:.2}, at most {MOST:.2}",
        graph.name,
        1000.0 * ours / ROOTS as f64,
        1000.0 * alone / ROOTS as f64,
    );
    ensure!(
        ratio <= MOST,
        "an apply takes {ratio:.2} times the processor time of terraform alone, and {MOST:.2} is the most: \
         find what became dearer with `cargo xtask bench chain30`"
    );
    Ok(())
}
