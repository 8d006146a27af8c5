//! `cargo xtask bench`: what multispace costs, as a ratio to plain terraform measured in the same run.
//!
//! Three ways bring the same roots up from nothing: a careful script (`init`, `plan -out`, `apply` of the plan, one root
//! after the other), a bare one (`apply -auto-approve`, one root after the other), and `multispace apply`. They take
//! turns, so that a busy minute of the machine hits all three. Absolute times say little about another machine; the
//! ratios do.

mod handshake;
mod pages;
mod queue;
mod roots;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::tree::{self, TemporaryFolder};
use crate::{demo, process, stopwatch};
use roots::Stack;

/// One way to bring a stack up.
#[derive(Clone, Copy)]
enum Way {
    Careful,
    Bare,
    Multispace,
}

const WAYS: [Way; 3] = [Way::Careful, Way::Bare, Way::Multispace];

/// `--quick` makes the stacks smaller, the rounds fewer, and uses the debug build.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let quick = match args {
        [] => false,
        [flag] if flag == "--quick" => true,
        [case] if case == "queue" => return queue::run(false),
        [case, flag] if case == "queue" && flag == "--quick" => return queue::run(true),
        [case] if case == "pages" => return pages::run(false),
        [case, flag] if case == "pages" && flag == "--quick" => return pages::run(true),
        _ => bail!("bench takes nothing but queue, pages and --quick"),
    };
    if process::on_path("terraform").is_none() {
        bail!("there is no `terraform` on PATH to compare with: install Terraform 1.5 or newer");
    }
    let binary = if quick { demo::multispace()? } else { release_build()? };
    let (length, rounds) = if quick { (5, 3) } else { (30, 7) };
    println!(
        "{rounds} rounds, {} build of multispace; ratios below 1 are faster than terraform alone",
        if quick { "debug" } else { "release" }
    );
    for stack in [roots::mesh(3), roots::chain(length)] {
        measure(&stack, rounds, &binary)?;
    }
    handshake::measure(quick)
}

fn release_build() -> Result<std::path::PathBuf> {
    process::run(process::cargo().args(["build", "--quiet", "--release", "--package", "multispace"]))?;
    Ok(tree::target().join("release/multispace"))
}

fn measure(stack: &Stack, rounds: usize, binary: &Path) -> Result<()> {
    let mut times: [Vec<Duration>; 3] = Default::default();
    for round in 0..rounds {
        for turn in 0..WAYS.len() {
            // Who begins changes with the round.
            let way = (round + turn) % WAYS.len();
            times[way].push(once(stack, WAYS[way], binary)?);
        }
    }
    let [careful, bare, ours] = times.map(median);
    let ratio = |to: Duration| ours.as_secs_f64() / to.as_secs_f64();
    println!("\n{}, median of {rounds}", stack.name);
    println!("  terraform init, plan -out, apply   {:>10}", stopwatch::human(careful));
    println!("  terraform apply -auto-approve      {:>10}", stopwatch::human(bare));
    println!("  multispace apply                   {:>10}", stopwatch::human(ours));
    println!("  multispace / careful script  {:.2}", ratio(careful));
    println!("  multispace / bare script     {:.2}", ratio(bare));
    Ok(())
}

/// Brings the stack up once, in a new folder; making and removing the folder is not timed.
fn once(stack: &Stack, way: Way, binary: &Path) -> Result<Duration> {
    let place = TemporaryFolder::new("bench")?;
    stack.write(place.path())?;
    let (outcome, took) = stopwatch::time(|| match way {
        Way::Careful => stack.in_order(|root| {
            terraform(place.path(), root, &["init", "-input=false"])?;
            terraform(place.path(), root, &["plan", "-input=false", "-out=plan"])?;
            terraform(place.path(), root, &["apply", "-input=false", "plan"])
        }),
        Way::Bare => stack.in_order(|root| terraform(place.path(), root, &["apply", "-input=false", "-auto-approve"])),
        Way::Multispace => {
            process::output(quiet(Command::new(binary)).arg("apply").arg(place.path()).arg("--auto-approve"))
                .map(|_| ())
        }
    });
    outcome?;
    Ok(took)
}

fn terraform(place: &Path, root: &str, args: &[&str]) -> Result<()> {
    process::output(quiet(Command::new("terraform")).current_dir(place.join(root)).args(args)).map(|_| ())
}

/// What both sides get: no look for newer versions, no colour.
fn quiet(mut command: Command) -> Command {
    command.env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1").env("NO_COLOR", "1");
    command
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median([9, 1, 5].map(Duration::from_secs).into()), Duration::from_secs(5));
    }
}
