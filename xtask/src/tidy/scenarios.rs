//! Every scenario of docs/scenarios.md names a test that exists, and none of the numbers is missing.
//!
//! A row is `| NUMBER | what | tests |`, with the tests' names in backticks.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Violation;
use crate::tree;

/// How many scenarios there are.
const SCENARIOS: usize = 62;

pub(super) fn check() -> Result<Vec<Violation>> {
    let file = tree::root().join("docs/scenarios.md");
    let page = tree::read(&file)?;
    let tests = tests()?;
    let mut violations = Vec::new();
    let mut numbers = BTreeSet::new();
    for (at, line) in page.lines().enumerate() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, number, _, named, _] = cells[..] else { continue };
        if matches!(number, "number" | "") || number.starts_with("--") {
            continue;
        }
        numbers.extend(number.parse::<usize>());
        let names: Vec<_> = named.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            violations.push(Violation::new(&file, at + 1, format!("scenario {number} names no test"), "name one"));
        }
        for name in names.into_iter().filter(|name| !tests.contains(*name)) {
            let what = format!("scenario {number} names the test `{name}`, which does not exist");
            violations.push(Violation::new(&file, at + 1, what, "name the test that shows it"));
        }
    }
    for number in (1..=SCENARIOS).filter(|number| !numbers.contains(number)) {
        let what = format!("scenario {number} is missing");
        violations.push(Violation::new(&file, 0, what, "add its row, with the test that shows it"));
    }
    Ok(violations)
}

/// Names of functions in files that have tests.
fn tests() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for folder in tree::crates()? {
        for file in tree::files(&folder, ".rs")? {
            let text = tree::read(&file)?;
            if !text.contains("#[test]") && !text.contains("on_both!") && !text.contains("#[tokio::test]") {
                continue;
            }
            for line in text.lines().map(str::trim_start) {
                let name = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn "));
                if let Some((name, _)) = name.and_then(|name| name.split_once('(')) {
                    names.insert(name.to_owned());
                }
            }
        }
    }
    Ok(names)
}
