//! Nothing unfinished is left in the tree: it is done, or it is an issue.

use anyhow::Result;

use super::Violation;
use crate::tree;

/// Put together here, so that this file does not trip over itself.
const WORDS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ig", "nore"),
];

pub(super) fn check() -> Result<Vec<Violation>> {
    let root = tree::root();
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "examples", ".ci"] {
        for ending in [".rs", ".sh", ".py", ".tf", ".hcl", ".html", ".css", ".js", "run"] {
            files.extend(tree::files(&root.join(folder), ending)?);
        }
    }
    let mut violations = Vec::new();
    for file in files {
        for (at, line) in tree::read(&file)?.lines().enumerate() {
            if let Some(word) = WORDS.iter().find(|word| has(line, word)) {
                violations.push(Violation::new(
                    &file,
                    at + 1,
                    format!("`{word}` in the tree"),
                    "finish it, or take it out and open an issue",
                ));
            }
        }
    }
    Ok(violations)
}

/// Whether the word stands there by itself, not inside a longer one.
fn has(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let part_of_word = |c: char| c == '_' || c.is_alphanumeric();
        let before = line[..at].chars().next_back().is_some_and(part_of_word);
        let after = line[at + word.len()..].chars().next().is_some_and(part_of_word) && word.ends_with(part_of_word);
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_counts_only_as_a_word_of_its_own() {
        assert!(has(concat!("// TO", "DO: more"), WORDS[0]));
        assert!(!has(concat!("MASTODO", "N"), WORDS[0]));
        assert!(has(concat!("    todo", "!()"), WORDS[2]));
    }
}
