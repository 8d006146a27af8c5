//! The language of the CLI configuration, an older one than that of Terraform code: a key may be quoted
//! (`dev_overrides { "hashicorp/tfe" = "…" }`), a block may stand on one line, items may be parted by commas.
//!
//! Read into the JSON that the CLI accepts in its place. Absent: heredocs and expressions, which the file never needs.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};

/// How deep blocks may nest.
const DEEPEST: usize = 32;

/// The file as JSON: `host "x" { a = "b" }` is `{"host": {"x": {"a": "b"}}}`. `None` when it cannot be read.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.chars().peekable() };
    let body = reader.body(None, DEEPEST)?;
    Some(Value::Object(body))
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

#[derive(Debug, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Sign(char),
}

impl Reader<'_> {
    /// Items up to the closing sign, or to the end where there is none.
    fn body(&mut self, close: Option<char>, left: usize) -> Option<Map<String, Value>> {
        let mut body = Map::new();
        loop {
            match self.token()? {
                None => return close.is_none().then_some(body),
                Some(Token::Sign(',')) => {}
                Some(Token::Sign(sign)) if Some(sign) == close => return Some(body),
                Some(Token::Sign(_)) => return None,
                Some(Token::Text(key) | Token::Word(key)) => {
                    let (path, value) = self.item(key, left)?;
                    insert(&mut body, &path, value);
                }
            }
        }
    }

    /// What stands behind a key: labels and a block, or a value. Answers the key with its labels.
    fn item(&mut self, key: String, left: usize) -> Option<(Vec<String>, Value)> {
        let mut path = vec![key];
        loop {
            match self.token()?? {
                Token::Sign('=' | ':') => {
                    let first = self.token()??;
                    return Some((path, self.value(first, left)?));
                }
                Token::Sign('{') => return Some((path, Value::Object(self.body(Some('}'), left.checked_sub(1)?)?))),
                Token::Text(label) if path.len() < DEEPEST => path.push(label),
                Token::Text(_) | Token::Word(_) | Token::Sign(_) => return None,
            }
        }
    }

    fn value(&mut self, first: Token, left: usize) -> Option<Value> {
        match first {
            Token::Text(text) => Some(text.into()),
            Token::Word(word) => Some(serde_json::from_str(&word).unwrap_or(Value::String(word))),
            Token::Sign('{') => Some(Value::Object(self.body(Some('}'), left.checked_sub(1)?)?)),
            Token::Sign('[') => {
                let mut list = Vec::new();
                loop {
                    match self.token()?? {
                        Token::Sign(']') => return Some(Value::Array(list)),
                        Token::Sign(',') => {}
                        token => list.push(self.value(token, left.checked_sub(1)?)?),
                    }
                }
            }
            Token::Sign(_) => None,
        }
    }

    /// The next token; `Some(None)` at the end, `None` for a text that does not end.
    fn token(&mut self) -> Option<Option<Token>> {
        loop {
            let Some(next) = self.rest.next() else { return Some(None) };
            return Some(Some(match next {
                space if space.is_whitespace() => continue,
                '#' => {
                    self.rest.by_ref().find(|c| *c == '\n');
                    continue;
                }
                '/' if self.rest.peek() == Some(&'/') => {
                    self.rest.by_ref().find(|c| *c == '\n');
                    continue;
                }
                '/' if self.rest.peek() == Some(&'*') => {
                    let mut before = ' ';
                    self.rest.by_ref().skip(1).find(|c| std::mem::replace(&mut before, *c) == '*' && *c == '/')?;
                    continue;
                }
                '"' => Token::Text(self.text()?),
                sign @ ('{' | '}' | '[' | ']' | '=' | ',' | ':') => Token::Sign(sign),
                first => {
                    let mut word = String::from(first);
                    let is_part = |c: &char| !c.is_whitespace() && !"{}[]=,:\"#".contains(*c);
                    while let Some(part) = self.rest.next_if(is_part) {
                        word.push(part);
                    }
                    Token::Word(word)
                }
            }));
        }
    }

    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                '"' => return Some(text),
                '\\' => text.push(match self.rest.next()? {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                }),
                other => text.push(other),
            }
        }
    }
}

/// Puts a value at the end of a path; blocks of one name and label come together.
fn insert(body: &mut Map<String, Value>, path: &[String], value: Value) {
    let [key, rest @ ..] = path else { return };
    if !rest.is_empty() {
        let inner = body.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            insert(inner, rest, value);
        }
    } else if let (Some(Value::Object(there)), Value::Object(more)) = (body.get_mut(key), &value) {
        there.extend(more.clone());
    } else {
        body.insert(key.clone(), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_on_one_line_quoted_keys_and_comments_are_read() {
        let text = "# a\nprovider_installation { dev_overrides { \"hashicorp/tfe\" = \"/p\" } direct {} } // b\n\
                    host \"h\" { services = { \"tfe.v2\" = \"http://x/\", ports = [1, 2] } }\n/* c * */ plain = true\n";
        let expected = json!({
            "provider_installation": { "dev_overrides": { "hashicorp/tfe": "/p" }, "direct": {} },
            "host": { "h": { "services": { "tfe.v2": "http://x/", "ports": [1, 2] } } },
            "plain": true,
        });
        assert_eq!(parse(text), Some(expected));
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        let labels = format!("a {}{{}}", "\"b\" ".repeat(100_000));
        for text in [labels.as_str(), "a {", "a = ", "= b", "\"open", "}", "a b"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_configuration_of_the_cli_makes_it_panic() {
        let seeds: &[&[u8]] = &[
            b"provider_installation { dev_overrides { \"hashicorp/tfe\" = \"/p\" } direct {} } // b\n",
            b"host \"h\" { services = { \"tfe.v2\" = \"http://x/\", ports = [1, 2.5, true] } }\n/* c * */ plain = true\n",
            b"credentials \"h\" {\n  token = \"a\\\"b\\n${x}\"\n}\n# end",
        ];
        fuzz::survives("cli-files", seeds, &|bytes| drop(parse(&String::from_utf8_lossy(bytes))));
    }
}
