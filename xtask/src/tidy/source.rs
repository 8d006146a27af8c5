//! Reads a Rust file just far enough to know which paths it names on which line.
//!
//! A lexer, `use` trees, inline modules and renamed imports; no types, no macros expanded. A path is returned from the
//! crate's root (`crate::resources::runs::store`) or from the crate it comes from (`sea_orm::EntityTrait`).

use std::collections::HashMap;
use std::path::Path;

/// A word, a string or a sign, with the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

/// What a token is. Comments, numbers, characters and lifetimes are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or keyword.
    Word(String),
    /// What stands between the quotes of a string, escapes as written.
    Text(String),
    /// `::`
    Separator,
    /// Any other sign.
    Sign(char),
}

impl Token {
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(own) if own == word)
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// A path that the file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

/// Cuts Rust source into tokens.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut lexer = Lexer { chars: &chars, at: 0, line: 1, tokens: Vec::new() };
    while lexer.at < chars.len() {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn advance(&mut self, count: usize) {
        for _ in 0..count {
            if self.peek(0) == '\n' {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    fn push(&mut self, kind: Kind, line: usize) {
        self.tokens.push(Token { kind, line });
    }

    fn step(&mut self) {
        match self.peek(0) {
            '/' if self.peek(1) == '/' => self.line_comment(),
            '/' if self.peek(1) == '*' => self.block_comment(),
            '"' => self.text(),
            '\'' => self.quote(),
            ':' if self.peek(1) == ':' => {
                self.push(Kind::Separator, self.line);
                self.advance(2);
            }
            letter if letter == '_' || letter.is_alphabetic() => self.word(),
            digit if digit.is_ascii_digit() => {
                while self.peek(0) == '_' || self.peek(0).is_alphanumeric() {
                    self.advance(1);
                }
            }
            space if space.is_whitespace() => self.advance(1),
            sign => {
                self.push(Kind::Sign(sign), self.line);
                self.advance(1);
            }
        }
    }

    fn line_comment(&mut self) {
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            self.advance(1);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => {
                    depth += 1;
                    self.advance(2);
                }
                ('*', '/') => {
                    depth -= 1;
                    self.advance(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.advance(1),
            }
        }
    }

    fn text(&mut self) {
        let line = self.line;
        self.advance(1);
        let start = self.at;
        while self.at < self.chars.len() && self.peek(0) != '"' {
            self.advance(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        let end = self.at.min(self.chars.len());
        self.push(Kind::Text(self.chars[start..end].iter().collect()), line);
        self.advance(1);
    }

    /// `r"..."`, `r#"..."#` and so on, from the first `#` or `"`. False when this is no raw string.
    fn raw_text(&mut self) -> bool {
        let line = self.line;
        let mut hashes = 0;
        while self.peek(hashes) == '#' {
            hashes += 1;
        }
        if self.peek(hashes) != '"' {
            return false;
        }
        self.advance(hashes + 1);
        let start = self.at;
        while self.at < self.chars.len() {
            if self.peek(0) == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == '#') {
                break;
            }
            self.advance(1);
        }
        self.push(Kind::Text(self.chars[start..self.at].iter().collect()), line);
        self.advance(hashes + 1);
        true
    }

    /// A character, or the tick of a lifetime.
    fn quote(&mut self) {
        if self.peek(1) == '\\' {
            self.advance(3);
            while self.at < self.chars.len() && self.peek(0) != '\'' {
                self.advance(1);
            }
            self.advance(1);
        } else if self.peek(2) == '\'' {
            self.advance(3);
        } else {
            self.advance(1);
            while self.peek(0) == '_' || self.peek(0).is_alphanumeric() {
                self.advance(1);
            }
        }
    }

    fn word(&mut self) {
        let (start, line) = (self.at, self.line);
        while self.peek(0) == '_' || self.peek(0).is_alphanumeric() {
            self.advance(1);
        }
        let word: String = self.chars[start..self.at].iter().collect();
        let raw = matches!(word.as_str(), "r" | "br" | "cr") && matches!(self.peek(0), '#' | '"');
        if raw && self.raw_text() {
            return;
        }
        if matches!(word.as_str(), "b" | "c") && self.peek(0) == '"' {
            return;
        }
        self.push(Kind::Word(word), line);
    }
}

/// The module that a file of a crate is: `src/resources/runs/api.rs` is `crate::resources::runs::api`.
pub(super) fn module_of(source_folder: &Path, file: &Path) -> Vec<String> {
    let mut module = vec!["crate".to_owned()];
    let inside = file.strip_prefix(source_folder).unwrap_or(file).with_extension("");
    module.extend(inside.iter().map(|part| part.to_string_lossy().into_owned()));
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// Every path of two or more names, and every import, that the file of this module writes.
pub(super) fn references(module: &[String], text: &str) -> Vec<Reference> {
    let tokens = tokens(text);
    let mut walk =
        Walk { tokens: &tokens, at: 0, module: module.to_vec(), depth: 0, inline: Vec::new(), found: Vec::new() };
    let mut names = HashMap::new();
    walk.run(&mut names);
    walk.found
        .into_iter()
        .map(|mut reference| {
            if let Some(full) = reference.path.first().and_then(|first| names.get(first)) {
                reference.path.splice(..1, full.iter().cloned());
            }
            reference
        })
        .collect()
}

/// What a short name stands for: an import, a renamed import, or a module declared here.
type Names = HashMap<String, Vec<String>>;

struct Walk<'a> {
    tokens: &'a [Token],
    at: usize,
    module: Vec<String>,
    depth: usize,
    /// The brace depth at which each inline module opened.
    inline: Vec<usize>,
    found: Vec<Reference>,
}

impl Walk<'_> {
    fn word(&self, ahead: usize) -> Option<&str> {
        match &self.tokens.get(self.at + ahead)?.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    fn kind(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    fn run(&mut self, names: &mut Names) {
        while let Some(token) = self.tokens.get(self.at) {
            match &token.kind {
                Kind::Word(word) if word == "use" => {
                    self.at += 1;
                    self.import(&[], names);
                }
                Kind::Word(word) if word == "mod" && self.word(1).is_some() => self.module_item(names),
                Kind::Word(_) => self.path(),
                Kind::Sign('{') => {
                    self.depth += 1;
                    self.at += 1;
                }
                Kind::Sign('}') => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.inline.last() == Some(&self.depth) {
                        self.inline.pop();
                        self.module.pop();
                    }
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    fn module_item(&mut self, names: &mut Names) {
        let name = self.word(1).unwrap_or_default().to_owned();
        match self.kind(2) {
            Some(Kind::Sign('{')) => {
                self.inline.push(self.depth);
                self.module.push(name);
            }
            Some(Kind::Sign(';')) => {
                let mut full = self.module.clone();
                full.push(name.clone());
                names.insert(name, full);
            }
            _ => {}
        }
        self.at += 2;
    }

    /// One branch of a `use` tree, up to the `,`, `}` or `;` behind it.
    fn import(&mut self, prefix: &[String], names: &mut Names) {
        let mut path = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.kind(0) {
                Some(Kind::Word(word)) if word == "as" => {
                    let alias = self.word(1).unwrap_or_default().to_owned();
                    self.at += 2;
                    return self.import_ends(path, Some(alias), line, names);
                }
                Some(Kind::Word(word)) => {
                    path.push(word.clone());
                    self.at += 1;
                }
                Some(Kind::Separator) => self.at += 1,
                Some(Kind::Sign('*')) => {
                    self.at += 1;
                    path.push("*".to_owned());
                }
                Some(Kind::Sign('{')) => {
                    self.at += 1;
                    while !matches!(self.kind(0), None | Some(Kind::Sign('}'))) {
                        self.import(&path, names);
                        if matches!(self.kind(0), Some(Kind::Sign(','))) {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                _ => return self.import_ends(path, None, line, names),
            }
        }
    }

    fn import_ends(&mut self, mut path: Vec<String>, alias: Option<String>, line: usize, names: &mut Names) {
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let full = self.absolute(path);
        if let Some(name) = alias.or_else(|| full.last().cloned())
            && name != "*"
            && full.first() != Some(&name)
        {
            names.insert(name, full.clone());
        }
        self.found.push(Reference { path: full, line });
    }

    /// A path in code: `a::b::c`; a lone name says nothing that its import did not.
    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        let mut path = vec![self.word(0).unwrap_or_default().to_owned()];
        self.at += 1;
        while self.kind(0) == Some(&Kind::Separator) {
            let Some(next) = self.word(1) else { break };
            path.push(next.to_owned());
            self.at += 2;
        }
        if path.len() > 1 {
            let path = self.absolute(path);
            self.found.push(Reference { path, line });
        }
    }

    fn absolute(&self, path: Vec<String>) -> Vec<String> {
        let mut base = self.module.clone();
        let mut rest = path.as_slice();
        match rest.first().map(String::as_str) {
            Some("self") => rest = &rest[1..],
            Some("super") => {
                while rest.first().is_some_and(|first| first == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            _ => return path,
        }
        base.extend_from_slice(rest);
        base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let module: Vec<String> = ["crate", "resources", "runs", "api"].map(str::to_owned).into();
        references(&module, text).into_iter().map(|found| found.path.join("::")).collect()
    }

    #[test]
    fn use_trees_are_spread_out() {
        assert_eq!(
            paths("use crate::resources::{runs::{self, store}, workspaces as places};"),
            ["crate::resources::runs", "crate::resources::runs::store", "crate::resources::workspaces"]
        );
    }

    #[test]
    fn short_names_are_followed_to_what_they_stand_for() {
        assert_eq!(
            paths("use super::super::workspaces as places; fn f() { places::store::find(); }"),
            ["crate::resources::workspaces", "crate::resources::workspaces::store::find"]
        );
    }

    #[test]
    fn super_counts_from_an_inline_module() {
        assert_eq!(paths("mod tests { use super::super::store; }"), ["crate::resources::runs::store"]);
        assert_eq!(paths("mod tests { } use super::store;"), ["crate::resources::runs::store"]);
    }

    #[test]
    fn comments_and_strings_name_nothing() {
        assert_eq!(
            paths(
                r##"// a::b
            /* c::d /* e::f */ */ fn f<'a>(x: &'a str) { let _ = ("g::h \" i::j", r#"k::l"#, 'm', '\''); n::o(); }"##
            ),
            ["n::o"]
        );
    }

    #[test]
    fn a_file_knows_which_module_it_is() {
        let source = Path::new("/crate/src");
        let name = |file: &str| module_of(source, &source.join(file)).join("::");
        assert_eq!(name("lib.rs"), "crate");
        assert_eq!(name("resources/runs/mod.rs"), "crate::resources::runs");
        assert_eq!(name("resources/runs/api.rs"), "crate::resources::runs::api");
    }
}
