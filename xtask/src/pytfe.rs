//! A Python with `pytfe` in it, in a virtual environment in the build folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, tree};

/// The version the tests were written against.
const VERSION: &str = "1.5.0";

/// Makes the environment unless it is there already, and returns its python.
pub(crate) fn ready() -> Result<PathBuf> {
    let folder = tree::target().join("pytfe");
    let python = folder.join("bin/python");
    if has_pytfe(&python) {
        return Ok(python);
    }
    eprintln!("making a Python environment with pytfe {VERSION} in {}", tree::shown(&folder));
    if process::on_path("python3").is_none() {
        process::install_or_explain("python3", "python3, which runs the pytfe test,")?;
    }
    let make = || process::output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    if make().is_err() {
        // Debian's python3 comes without ensurepip; the package beside it has it.
        process::install_or_explain("python3-venv", "Python's venv module")?;
        make()?;
    }
    process::output(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        &format!("pytfe=={VERSION}"),
    ]))
    .context("pytfe could not be installed from the Python package index")?;
    Ok(python)
}

fn has_pytfe(python: &Path) -> bool {
    let question = "import importlib.metadata, pytfe; print(importlib.metadata.version('pytfe'))";
    python.is_file()
        && process::output(Command::new(python).args(["-c", question])).is_ok_and(|found| found.trim() == VERSION)
}
