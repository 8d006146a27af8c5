//! Every problem code that the code can say has an entry in docs/problems, and every entry is of a code that is said.
//!
//! The page of a room is `docs/problems/ROOM.md`; an entry is a heading `## ROOM/WHAT`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use super::Violation;
use super::source::{self, Kind, Token};
use crate::tree;

/// A code, and the first place that says it.
type Places = BTreeMap<String, (PathBuf, usize)>;

pub(super) fn check() -> Result<Vec<Violation>> {
    let entries = entries()?;
    let said = said(&entries)?;
    let mut violations = Vec::new();
    for (code, (file, line)) in &said {
        if !entries.contains_key(code) {
            let room = code.split('/').next().unwrap_or_default();
            violations.push(Violation::new(
                file,
                *line,
                format!("the problem `{code}` has no entry"),
                format!("add `## {code}` to docs/problems/{room}.md: what happened, why, what to do"),
            ));
        }
    }
    for (code, (file, line)) in &entries {
        if !said.contains_key(code) {
            violations.push(Violation::new(
                file,
                *line,
                format!("no code says the problem `{code}`"),
                "remove the entry, or rename it to what the code says now",
            ));
        }
    }
    Ok(violations)
}

fn entries() -> Result<Places> {
    let mut entries = Places::new();
    for file in tree::files(&tree::root().join("docs/problems"), ".md")? {
        for (at, line) in tree::read(&file)?.lines().enumerate() {
            if let Some(code) = line.strip_prefix("## ").map(|code| code.trim_matches('`')).filter(|code| is_code(code))
            {
                entries.insert(code.to_owned(), (file.clone(), at + 1));
            }
        }
    }
    Ok(entries)
}

/// Codes given to a constructor of `Problem`, and codes that have an entry and stand in the code in another way.
fn said(entries: &Places) -> Result<Places> {
    let mut said = Places::new();
    for folder in tree::crates()? {
        for file in tree::files(&folder.join("src"), ".rs")? {
            if file.ends_with("tests.rs")
                || tree::shown(&file).contains("/tests/")
                || tree::shown(&file).ends_with("_tests.rs")
            {
                continue;
            }
            let tokens = source::tokens(&tree::read(&file)?);
            let tests = tokens
                .windows(3)
                .position(|three| three[0].is_word("cfg") && three[1].is_sign('(') && three[2].is_word("test"));
            let tokens = &tokens[..tests.unwrap_or(tokens.len())];
            for (code, line) in constructed(tokens).into_iter().chain(passed(tokens)).chain(literals(tokens, entries)) {
                said.entry(code).or_insert_with(|| (file.clone(), line));
            }
        }
    }
    Ok(said)
}

/// The codes in calls such as `Problem::conflict("workspace/locked", ...)`.
fn constructed(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let call = token.is_word("Problem")
            && tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Separator)
            && tokens.get(at + 3).is_some_and(|next| next.is_sign('('));
        if !call {
            continue;
        }
        let mut depth = 0_usize;
        for token in &tokens[at + 3..] {
            match &token.kind {
                Kind::Sign('(') => depth += 1,
                Kind::Sign(')') => depth -= 1,
                Kind::Text(text) if is_code(text) => {
                    found.push((text.clone(), token.line));
                    break;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// The codes handed to a function that makes the problem: `self.error("configuration/path", message, span)`.
fn passed(tokens: &[Token]) -> Vec<(String, usize)> {
    let text = |three: &[Token]| match &three[1].kind {
        Kind::Text(text) if three[0].is_sign('(') && three[2].is_sign(',') && is_code(text) && !is_media_type(text) => {
            Some((text.clone(), three[1].line))
        }
        _ => None,
    };
    tokens.windows(3).filter_map(text).collect()
}

fn is_media_type(text: &str) -> bool {
    ["application/", "multipart/", "text/"].iter().any(|kind| text.starts_with(kind))
}

fn literals(tokens: &[Token], entries: &Places) -> Vec<(String, usize)> {
    let text = |token: &Token| match &token.kind {
        Kind::Text(text) if entries.contains_key(text) => Some((text.clone(), token.line)),
        _ => None,
    };
    tokens.iter().filter_map(text).collect()
}

fn is_code(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
    };
    text.split_once('/').is_some_and(|(room, what)| part(room) && part(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_problem_is_found_where_it_is_made() {
        let tokens = source::tokens(
            r#"return Err(Problem::new(Fault::Conflict, "workspace/locked", format!("{} by a/b", name)));
               Problem::conflict(code, "no code here");"#,
        );
        assert_eq!(constructed(&tokens), [("workspace/locked".to_owned(), 1)]);
    }

    #[test]
    fn a_code_handed_to_a_function_counts_and_a_media_type_does_not() {
        let tokens = source::tokens(r#"self.error("configuration/path", m, s); header("text/html", x); read("a/b");"#);
        assert_eq!(passed(&tokens), [("configuration/path".to_owned(), 1)]);
    }

    #[test]
    fn a_code_is_a_room_and_a_word() {
        assert!(is_code("workspace/not-found"));
        assert!(!is_code("Text/Plain"));
        assert!(!is_code("/api/v2"));
        assert!(!is_code("a/b/c"));
    }
}
