//! A value of an output as terraform prints it: HCL that names the kinds of collections.

use serde_json::Value;

use crate::variables::quoted;

/// `value` in the form of its type (terraform's JSON form of a type).
pub(super) fn render(value: &Value, kind: &Value) -> String {
    let mut text = String::new();
    write(value, kind, 0, &mut text);
    text
}

fn write(value: &Value, kind: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Null => text.push_str(&match kind.as_str() {
            Some(kind @ ("string" | "number" | "bool")) => format!("to{kind}(null)"),
            _ => "null".to_owned(),
        }),
        Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
        Value::String(string) => write_string(string, depth, text),
        Value::Array(items) => write_list(items, kind, depth, text),
        Value::Object(entries) => write_map(entries, kind, depth, text),
    }
}

fn write_string(string: &str, depth: usize, text: &mut String) {
    if !string.trim_end_matches('\n').contains('\n') {
        text.push_str(&quoted(string));
        return;
    }
    let indent = "  ".repeat(depth);
    text.push_str("<<-EOT\n");
    for line in string.lines() {
        text.push_str(&format!("{indent}{line}\n"));
    }
    text.push_str(&format!("{indent}EOT"));
}

fn write_list(items: &[Value], kind: &Value, depth: usize, text: &mut String) {
    let wrap = match kind[0].as_str() {
        Some("list") => Some("tolist"),
        Some("set") => Some("toset"),
        _ => None,
    };
    let of = |at: usize| if wrap.is_some() { &kind[1] } else { &kind[1][at] };
    open(wrap, '[', text);
    if !items.is_empty() {
        text.push('\n');
        for (at, item) in items.iter().enumerate() {
            text.push_str(&"  ".repeat(depth + 1));
            write(item, of(at), depth + 1, text);
            text.push_str(",\n");
        }
        text.push_str(&"  ".repeat(depth));
    }
    close(wrap, ']', text);
}

fn write_map(entries: &serde_json::Map<String, Value>, kind: &Value, depth: usize, text: &mut String) {
    let wrap = (kind[0].as_str() == Some("map")).then_some("tomap");
    open(wrap, '{', text);
    if !entries.is_empty() {
        text.push('\n');
        let mut sorted: Vec<_> = entries.iter().collect();
        sorted.sort_by_key(|(key, _)| key.as_str());
        for (key, entry) in sorted {
            text.push_str(&format!("{}{} = ", "  ".repeat(depth + 1), quoted(key)));
            let of = if wrap.is_some() { &kind[1] } else { &kind[1][key.as_str()] };
            write(entry, of, depth + 1, text);
            text.push('\n');
        }
        text.push_str(&"  ".repeat(depth));
    }
    close(wrap, '}', text);
}

fn open(wrap: Option<&str>, bracket: char, text: &mut String) {
    if let Some(wrap) = wrap {
        text.push_str(wrap);
        text.push('(');
    }
    text.push(bracket);
}

fn close(wrap: Option<&str>, bracket: char, text: &mut String) {
    text.push(bracket);
    if wrap.is_some() {
        text.push(')');
    }
}
