//! `cargo xtask bench`: what multispace costs, as a ratio to plain terraform measured in the same run.
//!
//! Absolute times say little about another machine; the ratios do. Each case stands in `cases/`, what it is compared with in `floor.rs`.
//! The command says what it measured, whether a target is met or not; only what could not be measured is an error.

mod browser;
mod cases;
mod count;
mod floor;
pub(crate) mod gate;
mod graph;
mod handshake;
mod host;
mod measure;
mod pages;
mod place;
mod queue;
mod rounds;
mod server;
pub(crate) mod stub;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{process, stopwatch, tree};
use cases::{CASES, Case};
use host::Host;
use place::Bench;
use table::Row;

/// The page that a full run writes.
const PAGE: &str = "docs/benchmarks.md";

/// `[--quick] [--release | --binary FILE] [--write] [--json FILE] [CASE...]`; the debug build and small sizes for `--quick`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let asked = Asked::read(args)?;
    match asked.alone.as_deref() {
        Some("queue") => return queue::run(asked.is_quick),
        Some("pages") => return pages::run(asked.is_quick),
        Some("gate") => return gate::run(),
        Some("handshake") => return handshake::measure(asked.is_quick),
        _ => {}
    }
    let terraform = process::on_path("terraform")
        .context("there is no `terraform` on PATH to compare with: install Terraform 1.5 or newer")?;
    let is_release = !asked.is_quick || asked.is_release;
    if asked.binary.is_none() {
        eprintln!("building multispace ({})", if is_release { "release" } else { "debug" });
    }
    let host = Host::look(is_release)?;
    let multispace = match asked.binary.clone() {
        Some(binary) => binary,
        None => built(is_release)?,
    };
    let mut bench = Bench::new(asked.is_quick, multispace, terraform)?;
    eprintln!("{}\n{}", host.text(), host.pressure);
    let (outcome, took) = stopwatch::time(|| measure(&mut bench, &asked.cases));
    let (rows, failed) = outcome?;

    println!("\n{}\n\n{}in {}", host.text(), table::text(&rows), stopwatch::human(took));
    if !is_release {
        println!(
            "the debug build is several times slower than what people use: of this, only the starts say something"
        );
    }
    if let Some(file) = &asked.json {
        std::fs::write(file, format!("{:#}\n", table::json(&host, asked.is_quick, &rows)))
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if !failed.is_empty() {
        bail!("{} could not be measured", failed.join(", "));
    }
    if asked.writes() {
        table::write(&tree::root().join(PAGE), &table::page(&host, asked.is_quick, &rows))?;
        println!("written to {PAGE}");
    }
    Ok(())
}

/// What stands on the command line.
#[derive(Default)]
struct Asked {
    is_quick: bool,
    is_release: bool,
    writes: bool,
    json: Option<PathBuf>,
    /// The release build to measure, built elsewhere: none is built.
    binary: Option<PathBuf>,
    cases: Vec<&'static Case>,
    /// Something that is no case of the table.
    alone: Option<String>,
}

impl Asked {
    fn read(args: &[String]) -> Result<Self> {
        let mut asked = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--quick" => asked.is_quick = true,
                "--release" => asked.is_release = true,
                "--write" => asked.writes = true,
                "--json" => asked.json = Some(args.next().context("--json wants a file to write to")?.into()),
                "--binary" => {
                    let file = args.next().context("--binary wants the multispace to measure")?;
                    asked.binary = Some(std::path::absolute(file)?);
                    asked.is_release = true;
                }
                "queue" | "pages" | "handshake" | "gate" => asked.alone = Some(arg.clone()),
                name => match CASES.iter().find(|case| case.name == name) {
                    Some(case) => asked.cases.push(case),
                    None => {
                        let known: Vec<_> = CASES.iter().map(|case| case.name).collect();
                        bail!(
                            "there is no case `{name}`: there are {}, and by themselves queue, pages, handshake and gate",
                            known.join(", ")
                        );
                    }
                },
            }
        }
        if asked.alone.is_some() && (!asked.cases.is_empty() || asked.json.is_some() || asked.writes) {
            bail!("queue, pages, handshake and gate take nothing but --quick, and no case beside them");
        }
        if asked.writes && !asked.cases.is_empty() {
            bail!("--write writes the whole table: leave the names of cases away");
        }
        Ok(asked)
    }

    /// A full run is what the page is made of.
    fn writes(&self) -> bool {
        self.writes || (!self.is_quick && self.cases.is_empty())
    }
}

/// Runs the cases, all when none is named. What failed is a row that says so, and the others go on.
fn measure(bench: &mut Bench, asked: &[&'static Case]) -> Result<(Vec<Row>, Vec<&'static str>)> {
    let all: Vec<&Case> = CASES.iter().collect();
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    bench.calibrate()?;
    for case in if asked.is_empty() { &all } else { asked } {
        eprintln!("\n{}: {}", case.name, case.what);
        // One that failed may have left its own.
        bench.cli_config = None;
        match (case.run)(bench) {
            Ok(found) => rows.extend(found),
            Err(error) => {
                eprintln!("  failed: {error:#}");
                failed.push(case.name);
                let first = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
                rows.push(Row::new(case.name, case.what, table::Unit::Ratio, table::Target::None).noted(first));
            }
        }
    }
    Ok((rows, failed))
}

fn built(is_release: bool) -> Result<PathBuf> {
    let mut build = process::cargo();
    build.args(["build", "--quiet", "--package", "multispace", "--package", "provider"]);
    if is_release {
        build.arg("--release");
    }
    process::run(&mut build)?;
    let binary = tree::target().join(if is_release { "release" } else { "debug" }).join("multispace");
    binary.is_file().then_some(binary).context("cargo built multispace, but it is not in the build folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Asked> {
        Asked::read(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_case_is_found_by_its_name_and_another_is_refused() {
        let asked = read(&["chain30", "--quick"]).unwrap();
        assert!(asked.is_quick && asked.cases.len() == 1 && !asked.writes());
        assert!(read(&["chain31"]).is_err_and(|error| error.to_string().contains("chain30")));
    }

    #[test]
    fn only_the_whole_table_is_written() {
        assert!(read(&[]).unwrap().writes());
        assert!(!read(&["--quick"]).unwrap().writes());
        assert!(read(&["--quick", "--write"]).unwrap().writes());
        assert!(read(&["--write", "chain3"]).is_err());
        assert!(read(&["--json"]).is_err());
    }

    #[test]
    fn names_of_cases_are_unlike() {
        let names: std::collections::BTreeSet<_> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
    }
}
