//! `cargo xtask test`: every test, with what they need brought up first and taken down after.

use std::process::Command;

use anyhow::{Result, bail};

use crate::postgres::Cluster;
use crate::{chromium, process, pytfe, tree};

/// Runs the tests; the arguments go to nextest, but for `--kills N` and `--moments N`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    run_with(args, &[])
}

/// As [`run`], with more environment for the tests.
pub(crate) fn run_with(args: &[String], environment: &[(&str, &str)]) -> Result<()> {
    let (kills, args) = number("--kills", args)?;
    let (moments, args) = number("--moments", &args)?;
    terraform_is_there()?;
    git_is_there()?;
    let python = pytfe::ready()?;
    let chromium = chromium::ready()?;
    bubblewrap_is_there()?;
    let cluster = Cluster::start()?;

    let prepare = |mut command: Command| {
        command.env("MULTISPACE_TEST_POSTGRES", cluster.url()).env("MULTISPACE_TEST_PYTFE", &python);
        chromium.tell(&mut command);
        if let Some(kills) = &kills {
            command.env("MULTISPACE_TEST_KILLS", kills);
        }
        if let Some(moments) = &moments {
            command.env("MULTISPACE_TEST_MOMENTS", moments);
        }
        command.envs(environment.iter().copied());
        command
    };

    // A filter is for the tests that have names; whoever gave one does not want to wait for the others.
    if args.is_empty() && has_doc_tests()? {
        let mut doc = prepare(process::cargo());
        process::run(doc.args(["test", "--workspace", "--doc", "--quiet"]))?;
    }
    let mut tests = prepare(process::cargo());
    if process::output(process::cargo().args(["nextest", "--version"])).is_ok() {
        tests.args(["nextest", "run", "--no-fail-fast"]);
    } else {
        tests.args(["test", "--all-targets", "--no-fail-fast"]);
    }
    if !args.iter().any(|arg| arg == "-p" || arg.starts_with("--package")) {
        tests.arg("--workspace");
    }
    process::run(tests.args(&args))
}

/// Runs are tested behind the walls that a server puts up by itself where it can.
fn bubblewrap_is_there() -> Result<()> {
    match process::on_path("bwrap") {
        Some(_) => Ok(()),
        None => process::install_or_explain("bubblewrap", "bubblewrap, which contains the runs of a server,"),
    }
}

/// Takes a flag with its number out of the arguments.
fn number(flag: &str, args: &[String]) -> Result<(Option<String>, Vec<String>)> {
    let mut rest = args.to_vec();
    let Some(at) = rest.iter().position(|arg| arg == flag) else {
        return Ok((None, rest));
    };
    rest.remove(at);
    if at == rest.len() || rest[at].parse::<u32>().is_err() {
        bail!("{flag} wants a number, as in `cargo xtask test {flag} 20`");
    }
    let number = rest.remove(at);
    Ok((Some(number), rest))
}

fn terraform_is_there() -> Result<()> {
    match process::on_path("terraform") {
        Some(_) => Ok(()),
        None => bail!(
            "the end-to-end tests run the real `terraform`, and it is not on PATH: install Terraform 1.5 or newer \
             (https://developer.hashicorp.com/terraform/install)"
        ),
    }
}

fn git_is_there() -> Result<()> {
    match process::on_path("git") {
        Some(_) => Ok(()),
        None => process::install_or_explain("git", "git, with which the server reads code,"),
    }
}

/// Whether any library has an example in its documentation that would run; a run over none takes a build and says nothing.
fn has_doc_tests() -> Result<bool> {
    for folder in tree::crates()? {
        if !folder.join("src/lib.rs").is_file() {
            continue;
        }
        for file in tree::files(&folder.join("src"), ".rs")? {
            let text = tree::read(&file)?;
            let example = |line: &str| {
                let line = line.trim_start();
                let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
                doc.is_some_and(|doc| matches!(doc.trim(), "```" | "```rust" | "```no_run" | "```should_panic"))
            };
            // A closing fence looks like an opening one without a language, so a lone pair is what counts.
            let mut open = false;
            for line in text.lines().filter(|line| line.contains("```")) {
                if !open && example(line) {
                    return Ok(true);
                }
                open = !open;
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_number_of_kills_is_taken_out_of_the_arguments_for_nextest() {
        let (kills, rest) = number("--kills", &words("-p multispace --kills 20 crash")).unwrap();
        assert_eq!(kills.as_deref(), Some("20"));
        assert_eq!(rest, words("-p multispace crash"));
    }

    #[test]
    fn kills_without_a_number_is_refused() {
        assert!(number("--kills", &words("--kills")).is_err());
        assert!(number("--kills", &words("--kills many")).is_err());
    }
}
