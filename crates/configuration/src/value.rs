//! [`Value`]: what an HCL expression comes to, and its way back to HCL text.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A value that is known without running Terraform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written, so that no digit is lost.
    Number(String),
    /// A string.
    String(String),
    /// A list, set or tuple.
    List(Vec<Value>),
    /// A map or object.
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// The string, when it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value as Terraform puts it into a template; `None` for null, lists and objects.
    pub(crate) fn to_template_text(&self) -> Option<String> {
        match self {
            Value::String(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }

    /// What sort of value, for error messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a bool",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Object(_) => "a map",
        }
    }

    /// HCL text of this value, on one line; fit for a `.tfvars` file or a variable with `hcl = true`.
    #[must_use]
    pub fn to_hcl(&self) -> String {
        let mut out = String::new();
        self.write_hcl(&mut out);
        out
    }

    fn write_hcl(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Number(text) => out.push_str(text),
            Value::String(text) => write_quoted(text, out),
            Value::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    item.write_hcl(out);
                }
                out.push(']');
            }
            Value::Object(entries) if entries.is_empty() => out.push_str("{}"),
            Value::Object(entries) => {
                out.push_str("{ ");
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    write_quoted(key, out);
                    out.push_str(" = ");
                    value.write_hcl(out);
                }
                out.push_str(" }");
            }
        }
    }
}

/// Writes text as an HCL string that stands for exactly these characters.
pub(crate) fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // `${` and `%{` begin a template; doubled they are themselves.
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(character);
                out.push(character);
            }
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_hcl_that_terraform_reads_back_the_same() {
        let value = Value::Object(BTreeMap::from([
            ("a".to_owned(), Value::List(vec![Value::Number("1.50".into()), Value::Bool(true), Value::Null])),
            ("b c".to_owned(), Value::String("say \"${x}\" and $5\n%{y}\\".into())),
        ]));
        expect_test::expect![[r#"{ "a" = [1.50, true, null], "b c" = "say \"$${x}\" and $5\n%%{y}\\" }"#]]
            .assert_eq(&value.to_hcl());
    }
}
