//! Terraform variables as a file for `-var-file`, so that no value is ever on a command line.
//!
//! `-var-file` stands above the archive's own `terraform.tfvars` and `*.auto.tfvars`. Values whose variable the root module
//! does not declare are left out, because terraform warns about each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use crate::work::{Variable, VariableCategory};

/// Text of the file: HCL.
pub(crate) fn render(variables: &[Variable], declared: &BTreeSet<String>) -> String {
    let mut newest: BTreeMap<&str, &Variable> = BTreeMap::new();
    for variable in variables.iter().filter(|variable| variable.category == VariableCategory::Terraform) {
        newest.insert(&variable.key, variable);
    }
    let mut text = String::new();
    for (key, variable) in newest.into_iter().filter(|(key, _)| declared.contains(*key)) {
        text.push_str(key);
        if variable.hcl {
            // Parentheses keep an expression of several lines, or one that ends in a comment, one value.
            text.push_str(" = (\n");
            text.push_str(&variable.value);
            text.push_str("\n)\n");
        } else {
            text.push_str(" = ");
            text.push_str(&quoted(&variable.value));
            text.push('\n');
        }
    }
    text
}

/// An HCL string that stands for exactly these characters: no escape, no template.
pub(crate) fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                text.push(c);
                text.push(c);
            }
            c if c.is_control() => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Names of the variables that the root module in `folder` may declare. Reads words, not grammar: a name in a comment
/// counts, which costs a warning; a declared name is not missed, which would cost its value.
pub(crate) fn declared(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else { continue };
        if name.ends_with(".tf") || name.ends_with(".tofu") {
            native(&String::from_utf8_lossy(&fs::read(&file)?), &mut names);
        } else if name.ends_with(".tf.json") || name.ends_with(".tofu.json") {
            json(&fs::read(&file)?, &mut names);
        }
    }
    Ok(names)
}

fn native(text: &str, names: &mut BTreeSet<String>) {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    for (at, word) in text.match_indices("variable") {
        // In the middle of another word it is none; and of a file of nothing else the rest would be kept a million times.
        if text[..at].ends_with(is_part) {
            continue;
        }
        let rest = text[at + word.len()..].trim_start_matches([' ', '\t']);
        let label = rest.strip_prefix('"').unwrap_or(rest);
        let end = label.find(|c: char| !is_part(c)).unwrap_or(label.len());
        if end > 0 {
            names.insert(label[..end].to_owned());
        }
    }
}

fn json(bytes: &[u8], names: &mut BTreeSet<String>) {
    let Ok(serde_json::Value::Object(top)) = serde_json::from_slice(bytes) else { return };
    let blocks = match top.get("variable") {
        Some(serde_json::Value::Array(blocks)) => blocks.clone(),
        Some(block) => vec![block.clone()],
        None => return,
    };
    for block in blocks {
        if let serde_json::Value::Object(block) = block {
            names.extend(block.into_iter().map(|(name, _)| name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(key: &str, value: &str, hcl: bool) -> Variable {
        Variable { key: key.into(), value: value.into(), category: VariableCategory::Terraform, hcl, sensitive: false }
    }

    #[test]
    fn a_file_of_nothing_but_the_word_is_read_once() {
        let mut names = BTreeSet::new();
        native(&"variable".repeat(500_000), &mut names);
        assert!(names.len() <= 1, "{} names", names.len());
        native("variable \"a-b\" {}\nvariable c {}", &mut names);
        assert!(names.contains("a-b") && names.contains("c"));
    }

    #[test]
    fn a_later_value_wins_and_an_undeclared_one_is_left_out() {
        let declared = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let values = [
            variable("a", "1", false),
            variable("z", "9", false),
            variable("b", "[1]", true),
            variable("a", "2", false),
        ];
        assert_eq!(render(&values, &declared), "a = \"2\"\nb = (\n[1]\n)\n");
    }

    #[test]
    fn a_text_never_becomes_a_template() {
        assert_eq!(quoted("a\"b\\c\n${x} %{if} $x %"), r#""a\"b\\c\n$${x} %%{if} $x %""#);
        assert_eq!(quoted("\u{1b}[0m"), "\"\\u001b[0m\"");
    }

    #[test]
    fn declared_names_are_found_in_both_syntaxes() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.tf"), "variable \"one\" {}\nvariable two {\n}\n  variable\t\"thr-ee\"{}\n")
            .unwrap();
        fs::write(folder.path().join("b.tf.json"), r#"{"variable":{"four":{}}}"#).unwrap();
        fs::write(folder.path().join("c.txt"), "variable \"five\" {}").unwrap();
        let names: Vec<String> = declared(folder.path()).unwrap().into_iter().collect();
        assert_eq!(names, ["four", "one", "thr-ee", "two"]);
    }
}
