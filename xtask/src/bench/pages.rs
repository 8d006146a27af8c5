//! `cargo xtask bench pages`: how long pages with very much on them take in a browser.
//!
//! The measuring is a test of the server, which is run here at full size and with optimization; it fails when a bound is
//! passed.

use anyhow::Result;

use crate::tree::{self, TemporaryFolder};
use crate::{chromium, process};

/// The quick form has a tenth of everything, in the debug build.
pub(super) fn run(quick: bool) -> Result<()> {
    let chromium = chromium::ready()?;
    let place = TemporaryFolder::new("pages")?;
    let report = place.path().join("report");
    let (megabytes, workspaces) = if quick { ("5", "30") } else { ("50", "200") };
    let mut command = process::cargo();
    command.args([
        "nextest",
        "run",
        "--package",
        "server",
        "--status-level",
        "none",
        "-E",
        "test(in_chromium::weight)",
    ]);
    if !quick {
        command.arg("--release");
    }
    command.env("MULTISPACE_PAGES_LOG_MB", megabytes).env("MULTISPACE_PAGES_WORKSPACES", workspaces);
    command.env("MULTISPACE_PAGES_REPORT", &report);
    chromium.tell(&mut command);
    process::run(&mut command)?;
    println!(
        "\na log of {megabytes} MB, a stack of {workspaces} workspaces; from the request until all is drawn, the one in the middle of 5"
    );
    print!("{}", tree::read(&report)?);
    Ok(())
}
