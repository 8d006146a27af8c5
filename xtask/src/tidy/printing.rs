//! Only the console of the executable prints: everything else returns what it has to say.

use anyhow::Result;

use super::Violation;
use super::source::{self, Kind, Token};

use crate::tree;

/// The console of the executable, and the two places where the provider talks to Terraform: the line on stdout that says
/// where to connect, and the log on stderr.
const CONSOLES: &[&str] =
    &["crates/multispace/src/console/", "crates/provider/src/log.rs", "crates/provider/src/plugin/handshake.rs"];
const MACROS: &[&str] = &["println", "print", "eprintln", "eprint", "dbg"];
const LINTS: &[&str] = &["print_stdout", "print_stderr", "dbg_macro"];

pub(super) fn check() -> Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for folder in tree::crates()? {
        // Tests talk to whoever runs them.
        for file in tree::files(&folder.join("src"), ".rs")? {
            if CONSOLES.iter().any(|console| tree::shown(&file).starts_with(console)) {
                continue;
            }
            let tokens = source::tokens(&tree::read(&file)?);
            for (at, token) in tokens.iter().enumerate() {
                if let Some(what) = prints(token, tokens.get(at + 1), tokens.get(at + 2)) {
                    let advice = "return it, or give it to crates/multispace/src/console, the one place that prints";
                    violations.push(Violation::new(&file, token.line, what, advice));
                }
            }
        }
    }
    Ok(violations)
}

fn prints(token: &Token, next: Option<&Token>, after: Option<&Token>) -> Option<String> {
    let Kind::Word(word) = &token.kind else { return None };
    let is = |token: Option<&Token>, sign| token.is_some_and(|token| token.is_sign(sign));
    if MACROS.contains(&word.as_str()) && is(next, '!') {
        return Some(format!("`{word}!` outside the console"));
    }
    if LINTS.contains(&word.as_str()) {
        return Some(format!("the lint `{word}` is named outside the console"));
    }
    // `stdout()` takes the stream; `.stdout(Stdio::piped())` says where a child's goes.
    let takes_stream = matches!(word.as_str(), "stdout" | "stderr") && is(next, '(') && is(after, ')');
    takes_stream.then(|| format!("`{word}()` outside the console"))
}
