//! A value of an output as terraform prints it: HCL that names the kinds of collections. Works on the JSON text itself, so
//! that a number keeps all its digits.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// `value` in the form of its type (terraform's JSON form of a type).
pub(super) fn render(value: &RawValue, kind: &Value) -> String {
    let mut text = String::new();
    write(value, kind, 0, &mut text);
    text
}

fn write(value: &RawValue, kind: &Value, depth: usize, text: &mut String) {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'[') => write_list(&serde_json::from_str::<Vec<&RawValue>>(json).unwrap_or_default(), kind, depth, text),
        Some(b'{') => write_map(&serde_json::from_str(json).unwrap_or_default(), kind, depth, text),
        Some(b'"') => write_string(&serde_json::from_str::<String>(json).unwrap_or_default(), depth, text),
        Some(b'n') => text.push_str(&match kind.as_str() {
            Some(kind @ ("string" | "number" | "bool")) => format!("to{kind}(null)"),
            _ => "null".to_owned(),
        }),
        _ => text.push_str(json),
    }
}

fn write_string(string: &str, depth: usize, text: &mut String) {
    if !string.contains('\n') {
        text.push_str(&quoted(string));
        return;
    }
    let mut end = "EOT".to_owned();
    while string.split('\n').any(|line| line.trim() == end) {
        end.push('_');
    }
    let indent = "  ".repeat(depth);
    text.push_str(if depth > 0 { "<<-" } else { "<<" });
    text.push_str(&end);
    for line in string.split('\n').chain([end.as_str()]) {
        text.push('\n');
        text.push_str(&indent);
        text.push_str(line);
    }
}

fn write_list(items: &[&RawValue], kind: &Value, depth: usize, text: &mut String) {
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

fn write_map(entries: &BTreeMap<String, &RawValue>, kind: &Value, depth: usize, text: &mut String) {
    let wrap = (kind[0].as_str() == Some("map")).then_some("tomap");
    open(wrap, '{', text);
    if !entries.is_empty() {
        text.push('\n');
        for (key, entry) in entries {
            text.push_str(&format!("{}{} = ", "  ".repeat(depth + 1), quoted(key)));
            let of = if wrap.is_some() { &kind[1] } else { &kind[1][key.as_str()] };
            write(entry, of, depth + 1, text);
            text.push('\n');
        }
        text.push_str(&"  ".repeat(depth));
    }
    close(wrap, '}', text);
}

/// As Go quotes, which is how terraform prints: without a word about templates.
fn quoted(string: &str) -> String {
    let mut text = String::from("\"");
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
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
