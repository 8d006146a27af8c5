//! What the tests of pages need: a Chromium, and axe-core in the build folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, tree};

/// Names under which it is known, the one of Debian first.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Where both are.
pub(crate) struct Ready {
    program: PathBuf,
    axe: PathBuf,
}

impl Ready {
    /// Tells a process that runs tests.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env("MULTISPACE_TEST_CHROMIUM", &self.program).env("MULTISPACE_TEST_AXE", &self.axe);
    }
}

/// Finds Chromium and fetches axe-core, unless it is there already.
pub(crate) fn ready() -> Result<Ready> {
    Ok(Ready { program: program()?, axe: axe()? })
}

fn program() -> Result<PathBuf> {
    let find = || NAMES.iter().find_map(|name| process::on_path(name));
    if let Some(program) = find() {
        return Ok(program);
    }
    process::install_or_explain("chromium", "Chromium, in which the pages are tested,")?;
    find().context("chromium is installed, but no such program is on PATH")
}

/// The script, of the version whose digest the lock file has.
fn axe() -> Result<PathBuf> {
    let wanted = tree::root().join("xtask/axe");
    let folder = tree::target().join("axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    let lock = "package-lock.json";
    if script.is_file() && fs::read(folder.join(lock)).ok() == fs::read(wanted.join(lock)).ok() {
        return Ok(script);
    }
    eprintln!("fetching axe-core into {}", tree::shown(&folder));
    if process::on_path("npm").is_none() {
        process::install_or_explain("npm", "npm, which fetches axe-core,")?;
    }
    // What another version has left would pass for this one.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for name in ["package.json", lock] {
        fs::copy(wanted.join(name), folder.join(name))?;
    }
    let mut npm = Command::new("npm");
    npm.current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    process::output(&mut npm).context("axe-core could not be fetched with npm")?;
    Ok(script)
}
