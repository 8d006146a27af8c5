//! `cargo xtask demo`: a stack of Terraform workspaces comes up in order and goes down in reverse.
//!
//! Runs the binary as a person would, in a copy of the example, and shows each command before its output.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::tree::{self, TemporaryFolder};
use crate::{process, stopwatch};

const EXAMPLE: &str = "examples/kubernetes";

/// Graph, apply, a second apply that has nothing to do, destroy; each must succeed.
pub(crate) fn run() -> Result<()> {
    let binary = multispace()?;
    let place = TemporaryFolder::new("demo")?;
    tree::copy_roots(&tree::root().join(EXAMPLE), &place.path().join(EXAMPLE))?;

    let (outcome, took) = stopwatch::time(|| walk(&binary, place.path()));
    outcome?;
    println!("\nThe stack was up and is gone again, in {}.", stopwatch::human(took));
    Ok(())
}

fn walk(binary: &Path, place: &Path) -> Result<()> {
    let say = |args: &[&str]| {
        println!("\n$ multispace {}", args.join(" "));
        process::run(Command::new(binary).args(args).current_dir(place))
    };
    say(&["graph", EXAMPLE])?;
    say(&["apply", EXAMPLE, "--auto-approve"])?;
    println!("\nA second apply has nothing to change:");
    say(&["apply", EXAMPLE, "--auto-approve"])?;
    say(&["destroy", EXAMPLE, "--auto-approve"])
}

/// Builds `multispace` and returns where it is.
pub(crate) fn multispace() -> Result<std::path::PathBuf> {
    process::run(process::cargo().args(["build", "--quiet", "--package", "multispace"]))?;
    let binary = tree::target().join("debug/multispace");
    binary.is_file().then_some(binary).context("cargo built multispace, but target/debug/multispace is not there")
}
