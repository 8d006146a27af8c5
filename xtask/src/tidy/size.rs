//! No source file grows beyond what one reads in one sitting.

use anyhow::Result;

use super::Violation;
use crate::tree;

const LINES: usize = 600;

pub(super) fn check() -> Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for folder in ["crates", "xtask"] {
        for file in tree::files(&tree::root().join(folder), ".rs")? {
            let text = tree::read(&file)?;
            let exempt = tree::shown(&file).contains("/golden/")
                || text.lines().next().is_some_and(|line| line.contains("@generated"));
            let count = text.lines().count();
            if count > LINES && !exempt {
                violations.push(Violation::new(
                    &file,
                    LINES + 1,
                    format!("the file has {count} lines, and {LINES} is the limit"),
                    "it has more than one job by now: give each a file",
                ));
            }
        }
    }
    Ok(violations)
}
