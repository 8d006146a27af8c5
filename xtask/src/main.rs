//! `cargo xtask COMMAND`: everything a person does to this repository besides writing it.
//!
//! Few dependencies, so that it builds in seconds. Nothing here is part of the product: `demo` and `bench` run the
//! `multispace` binary as a user would.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to the person who typed it")]

mod bench;
mod bless;
mod chromium;
mod ci;
mod demo;
mod faults;
mod postgres;
mod process;
mod pytfe;
mod screenshots;
mod stopwatch;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  test [FLAGS] [ARGS]      every test, with the PostgreSQL server, the pytfe, the Chromium and the terraform they need;
                           ARGS go to nextest (a filter, --no-capture, ...); --kills N sets how often the crash
                           test kills `multispace apply` (5 unless told), --moments N at how many random moments
                           of the provider's work each fault happens (3 unless told)
  ci                       formatting, clippy, documentation, tidy, then every test
  faults [--long] [FAMILY] the tests that kill, cut off, lie and break in, with their figures; --times N for N times
                           the cases, --long for forty times
  tidy                     the rules that rustc does not know: layers, sizes, words, problem pages, golden edges
  bless [ARGS]             rewrites the golden files from what the code does now; ARGS go to nextest, where only the
                           goldens of some tests are to change
  screenshots              a picture of every page, from real runs, in docs/pictures
  demo                     brings examples/kubernetes up and down again, in a copy
  bench [FLAGS] [CASE]     multispace against plain terraform, as a ratio, measured in turns; all cases when none is
                           named; --quick for small sizes and the debug build (--release for the other), --json FILE
                           for programs; a full run writes docs/benchmarks.md (--quick only with --write)
  bench queue [--quick]    10,000 runs wait on 2,000 workspaces
  bench pages [--quick]    pages with very much on them, in a browser
  bench handshake          the provider's start, and how large it is
";

fn main() -> ExitCode {
    if let Some(folder) = bench::stub::folder() {
        return bench::stub::run(&folder);
    }
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.is_empty() {
        print!("{USAGE}");
        return ExitCode::from(2);
    }
    let command = args.remove(0);
    let outcome = match command.as_str() {
        "test" => test::run(&args),
        "ci" => no_arguments(&args).and_then(|()| ci::run()),
        "tidy" => no_arguments(&args).and_then(|()| tidy::run()),
        "bless" => bless::run(&args),
        "faults" => faults::run(&args),
        "demo" => no_arguments(&args).and_then(|()| demo::run()),
        "bench" => bench::run(&args),
        "screenshots" => no_arguments(&args).and_then(|()| screenshots::run()),
        "help" | "-h" | "--help" => {
            print!("{USAGE}");
            Ok(())
        }
        other => Err(anyhow::anyhow!("there is no command `{other}`\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn no_arguments(args: &[String]) -> anyhow::Result<()> {
    match args.first() {
        None => Ok(()),
        Some(extra) => Err(anyhow::anyhow!("this command takes no arguments, and got `{extra}`")),
    }
}
