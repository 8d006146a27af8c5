//! What tests that inject faults report, so that `cargo xtask faults` can print it: one JSON line for each family and test, in the
//! file that `MULTISPACE_FIGURES` names. Without it nothing is written.
//!
//! For tests alone; no part of the product.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

/// Names of figures that have to be zero.
pub const ZERO: [&str; 7] = ["lost", "doubled", "secrets", "unexpected", "unexplained", "stuck", "panics"];

/// The figures of one test.
#[derive(Debug, Clone)]
#[must_use = "figures count once they are reported"]
pub struct Figures {
    family: &'static str,
    counts: BTreeMap<&'static str, u64>,
}

impl Figures {
    /// Figures of a family of faults (`images`, `storm`, `jailbreak`): so many were injected, and so many runs, cases or requests
    /// came out of it right.
    pub fn of(family: &'static str, injected: usize, survived: usize) -> Self {
        Self { family, counts: BTreeMap::new() }.with("injected", injected).with("survived", survived)
    }

    /// One more figure. Those of [`ZERO`] have to be zero, and should be given where they were looked for.
    pub fn with(mut self, name: &'static str, count: usize) -> Self {
        self.counts.insert(name, count as u64);
        self
    }

    /// Writes them down.
    pub fn report(self) {
        let mut line = json!({ "family": self.family });
        for (name, count) in &self.counts {
            line[*name] = Value::from(*count);
        }
        append(&line);
    }
}

/// Writes down that with its protection taken away a family's damage was seen: a control that does not is a test that failed.
pub fn control(family: &'static str) {
    append(&json!({ "family": family, "control": true }));
}

/// By how much the number of cases is to be multiplied: `MULTISPACE_FAULTS`, 1 unless told.
pub fn scale() -> usize {
    std::env::var("MULTISPACE_FAULTS").ok().and_then(|it| it.parse().ok()).unwrap_or(1).max(1)
}

/// Where randomness begins: `MULTISPACE_TEST_SEED`, or what `otherwise` says. Whoever uses it prints it.
pub fn seed(otherwise: u64) -> u64 {
    std::env::var("MULTISPACE_TEST_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(otherwise)
}

fn append(line: &Value) {
    let Some(path) = std::env::var_os("MULTISPACE_FIGURES") else { return };
    // One write of less than a page: lines of tests that run at once do not mix.
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    if let Err(error) = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes())) {
        panic!("the figures cannot be written to {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_a_line_of_json() {
        let figures = Figures::of("images", 12, 12).with("lost", 0);
        assert_eq!(figures.counts, BTreeMap::from([("injected", 12), ("lost", 0), ("survived", 12)]));
    }
}
