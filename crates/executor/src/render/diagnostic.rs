//! A diagnostic in terraform's box: what is wrong, where, with the line of code, and why.

use serde_json::Value;

/// Columns of text inside the box.
const WIDTH: usize = 76;
const RESET: &str = "\u{1b}[0m";
const BOLD: &str = "\u{1b}[1m";
const UNDERLINE: &str = "\u{1b}[4m";

/// The box, with its line ends.
pub(super) fn render(diagnostic: &Value) -> String {
    let (colour, word) = match diagnostic["severity"].as_str() {
        Some("warning") => ("\u{1b}[33m", "Warning"),
        _ => ("\u{1b}[31m", "Error"),
    };
    let mut lines = vec![format!("{BOLD}{colour}{word}: {RESET}{BOLD}{}{RESET}", text(&diagnostic["summary"]))];
    place(diagnostic, &mut lines);
    let detail = text(&diagnostic["detail"]);
    if !detail.is_empty() {
        lines.push(String::new());
        detail.split('\n').for_each(|line| wrap(line, &mut lines));
    }
    let mut shown = format!("{colour}╷{RESET}\n");
    for line in lines {
        shown.push_str(&format!("{colour}│{RESET} {line}\n"));
    }
    shown.push_str(&format!("{colour}╵{RESET}\n"));
    shown
}

fn place(diagnostic: &Value, lines: &mut Vec<String>) {
    let (address, range) = (text(&diagnostic["address"]), &diagnostic["range"]);
    let has_range = range.is_object();
    if address.is_empty() && !has_range {
        return;
    }
    lines.push(String::new());
    if !address.is_empty() {
        lines.push(format!("  with {address}{}", if has_range { "," } else { "." }));
    }
    if !has_range {
        return;
    }
    let snippet = &diagnostic["snippet"];
    let context = text(&snippet["context"]);
    let inside = if context.is_empty() { String::new() } else { format!(", in {context}") };
    lines.push(format!("  on {} line {}{inside}:", text(&range["filename"]), range["start"]["line"]));
    if snippet.is_object() {
        code(snippet, lines);
    }
}

fn code(snippet: &Value, lines: &mut Vec<String>) {
    let code = text(&snippet["code"]);
    let at = |name: &str| snippet[name].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
    let (start, end) = (at("highlight_start_offset"), at("highlight_end_offset"));
    let marked = match (code.get(..start), code.get(start..end), code.get(end..)) {
        // Only within one line: a mark that spans lines would colour the box's edge.
        (Some(before), Some(inside), Some(after)) if !inside.is_empty() && !inside.contains('\n') => {
            format!("{before}{UNDERLINE}{inside}{RESET}{after}")
        }
        _ => code.to_owned(),
    };
    let first = snippet["start_line"].as_u64().unwrap_or_default();
    for (number, line) in (first..).zip(marked.lines()) {
        lines.push(format!("{number:>4}: {line}"));
    }
    let values = snippet["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    let call = &snippet["function_call"];
    if !values.is_empty() || call.is_object() {
        lines.push("    ├────────────────".to_owned());
        if call.is_object() {
            lines.push(format!("    │ while calling {BOLD}{}{RESET}({})", text(&call["called_as"]), parameters(call)));
        }
        for value in values {
            lines.push(format!("    │ {BOLD}{}{RESET} {}", text(&value["traversal"]), text(&value["statement"])));
        }
    }
}

fn parameters(call: &Value) -> String {
    let signature = &call["signature"];
    let mut names: Vec<String> = signature["params"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| text(&parameter["name"]).to_owned())
        .collect();
    if signature["variadic_param"].is_object() {
        names.push(format!("{}...", text(&signature["variadic_param"]["name"])));
    }
    names.join(", ")
}

/// Breaks a line between words where it gets too wide; one that is indented is code or a list, and stays.
fn wrap(line: &str, lines: &mut Vec<String>) {
    if line.starts_with(' ') || line.chars().count() <= WIDTH {
        lines.push(line.to_owned());
        return;
    }
    let (mut wrapped, mut width) = (String::new(), 0);
    for word in line.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            lines.push(std::mem::take(&mut wrapped));
            width = 0;
        } else if width > 0 {
            wrapped.push(' ');
            width += 1;
        }
        wrapped.push_str(word);
        width += length;
    }
    lines.push(wrapped);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
