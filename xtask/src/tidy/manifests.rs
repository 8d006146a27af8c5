//! Every crate inherits the lints of the workspace: a crate that forgets them is checked by nobody.

use anyhow::Result;

use super::Violation;
use crate::tree;

pub(super) fn check() -> Result<Vec<Violation>> {
    let mut folders = tree::crates()?;
    folders.push(tree::root().join("xtask"));
    let mut violations = Vec::new();
    for folder in folders {
        let manifest = folder.join("Cargo.toml");
        let text = tree::read(&manifest)?;
        let mut lints = text.lines().skip_while(|line| line.trim() != "[lints]");
        if lints.nth(1).is_none_or(|line| line.replace(' ', "") != "workspace=true") {
            violations.push(Violation::new(
                &manifest,
                0,
                "the crate does not inherit the lints",
                "add `[lints]` with `workspace = true`",
            ));
        }
    }
    Ok(violations)
}
