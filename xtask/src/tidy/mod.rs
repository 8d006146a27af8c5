//! `cargo xtask tidy`: the rules of this repository that rustc and clippy do not know.
//!
//! One file a rule. A rule looks at the tree and returns what breaks it; nothing here changes a file, but for
//! [`bless`], which rewrites the golden list of room-to-room edges.

mod dependencies;
mod edges;
mod layers;
mod manifests;
mod printing;
mod problems;
mod rooms;
mod scenarios;
mod size;
mod source;
mod words;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::tree;

/// One place where a rule is broken.
pub(crate) struct Violation {
    file: PathBuf,
    line: usize,
    what: String,
    advice: String,
}

impl Violation {
    /// `line` counts from 1; 0 is the file as a whole.
    fn new(file: &Path, line: usize, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into(), advice: advice.into() }
    }
}

/// Looks at the tree and returns what breaks it.
type Rule = fn() -> Result<Vec<Violation>>;

/// Checks every rule and prints each violation with what to do about it.
pub(crate) fn run() -> Result<()> {
    let rules: [(&str, Rule); 10] = [
        ("other people's code", dependencies::check),
        ("layers of crates", layers::check),
        ("layers in the server", rooms::check),
        ("golden room-to-room edges", edges::check),
        ("inherited lints", manifests::check),
        ("printing", printing::check),
        ("problem pages", problems::check),
        ("scenarios", scenarios::check),
        ("size of files", size::check),
        ("unfinished work", words::check),
    ];
    let mut count = 0;
    for (name, check) in rules {
        let violations = check()?;
        for violation in &violations {
            eprintln!("{}:{}: {}", tree::shown(&violation.file), violation.line.max(1), violation.what);
            eprintln!("    {}", violation.advice);
        }
        if !violations.is_empty() {
            eprintln!("{name}: {} to mend\n", violations.len());
        }
        count += violations.len();
    }
    match count {
        0 => Ok(()),
        1 => bail!("tidy found 1 thing to mend"),
        more => bail!("tidy found {more} things to mend"),
    }
}

/// Rewrites the golden list of room-to-room edges.
pub(crate) fn bless() -> Result<()> {
    edges::bless()
}
