//! A change as lines: what is added, removed and changed, and nothing that stays.

use std::collections::BTreeSet;

use domain::plan::{Change, below};
use domain::planned::PlannedValue::{self, List, Map, Object, Set, Tuple};

/// Most lines of one change.
const LINES: usize = 1000;
/// Most characters of one value.
const LONG: usize = 4000;
const SENSITIVE: &str = "(sensitive value)";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `+`, `-`, `~` or a space.
    pub sign: &'static str,
    /// The line without its sign, with its indentation.
    pub text: String,
}

impl Line {
    /// The class it is dressed by.
    pub fn class(&self) -> &'static str {
        match self.sign {
            "+" => "add",
            "-" => "remove",
            "~" => "change",
            _ => "same",
        }
    }
}

/// The lines of a change.
pub fn lines(change: &Change) -> Vec<Line> {
    let mut writer = Writer { change, lines: Vec::new(), same: 0 };
    writer.pair("", "", some(&change.before), some(&change.after), 0);
    if writer.same > 0 {
        let attributes = if writer.same == 1 { "value stays" } else { "values stay" };
        writer.line(" ", 0, &format!("({} {attributes})", writer.same));
    }
    writer.lines
}

fn some(value: &PlannedValue) -> Option<&PlannedValue> {
    (*value != PlannedValue::Null).then_some(value)
}

struct Writer<'a> {
    change: &'a Change,
    lines: Vec<Line>,
    /// How many values are the same before and after.
    same: usize,
}

impl Writer<'_> {
    fn line(&mut self, sign: &'static str, depth: usize, text: &str) {
        match self.lines.len() {
            0..LINES => self.lines.push(Line { sign, text: format!("{:1$}{text}", "", depth * 4) }),
            LINES => self.lines.push(Line { sign: " ", text: "(and more)".to_owned() }),
            _ => {}
        }
    }

    fn pair(
        &mut self,
        name: &str,
        path: &str,
        before: Option<&PlannedValue>,
        after: Option<&PlannedValue>,
        depth: usize,
    ) {
        match (before, after) {
            (None, None) => {}
            (Some(before), Some(after)) if before == after => self.same += 1,
            _ if self.is_sensitive(path) => {
                let sign = sign(before, after);
                self.line(sign, depth, &format!("{}{SENSITIVE}{}", head(name), self.note(path)));
            }
            (None, Some(after)) => self.one("+", name, path, after, depth),
            (Some(before), None) => self.one("-", name, path, before, depth),
            (Some(before), Some(after)) => self.changed(name, path, before, after, depth),
        }
    }

    fn changed(&mut self, name: &str, path: &str, before: &PlannedValue, after: &PlannedValue, depth: usize) {
        let note = self.note(path);
        match (before, after) {
            (Map(before) | Object(before), Map(after) | Object(after)) => {
                let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
                let inner = self.open("~", name, "{", &note, depth);
                for key in keys {
                    let (was, is) = (before.get(key).and_then(some), after.get(key).and_then(some));
                    self.pair(key, &below(path, key), was, is, inner);
                }
                self.close(name, "}", depth);
            }
            (List(before) | Set(before) | Tuple(before), List(after) | Set(after) | Tuple(after)) => {
                let inner = self.open("~", name, "[", &note, depth);
                self.items(path, before, after, inner);
                self.close(name, "]", depth);
            }
            (PlannedValue::Text(was), PlannedValue::Text(is)) => match (json(was), json(is)) {
                (Some(was), Some(is)) => {
                    self.line("~", depth, &format!("{}jsonencode({note}", head(name)));
                    self.pair("", &format!("{path}(json)"), Some(&was), Some(&is), depth + 1);
                    self.line(" ", depth, ")");
                }
                _ if was.contains('\n') || is.contains('\n') => {
                    self.line("~", depth, &format!("{}<<TEXT{note}", head(name)));
                    self.texts(was, is, depth + 1);
                    self.line(" ", depth, "TEXT");
                }
                _ => self.line("~", depth, &format!("{}{} -> {}{note}", head(name), quoted(was), quoted(is))),
            },
            _ => {
                let text = format!("{}{} -> {}{note}", head(name), short(before), short(after));
                self.line("~", depth, &text);
            }
        }
    }

    /// Elements: those that both begin and end with stay; of what is between, each with its partner if there are as many.
    fn items(&mut self, path: &str, before: &[PlannedValue], after: &[PlannedValue], depth: usize) {
        let (start, end) = common(before, after);
        self.same += start + end;
        let (was, is) = (&before[start..before.len() - end], &after[start..after.len() - end]);
        let at = |index: usize| format!("{path}[{}]", start + index);
        if was.len() == is.len() {
            for (index, (was, is)) in was.iter().zip(is).enumerate() {
                self.pair("", &at(index), Some(was), Some(is), depth);
            }
            return;
        }
        for (index, item) in was.iter().enumerate() {
            self.pair("", &at(index), Some(item), None, depth);
        }
        for (index, item) in is.iter().enumerate() {
            self.pair("", &at(index), None, Some(item), depth);
        }
    }

    fn texts(&mut self, was: &str, is: &str, depth: usize) {
        let (was, is): (Vec<_>, Vec<_>) = (was.lines().collect(), is.lines().collect());
        let (start, end) = common(&was, &is);
        if start > 0 {
            self.line(" ", depth, &same_lines(start));
        }
        for line in &was[start..was.len() - end] {
            self.line("-", depth, line);
        }
        for line in &is[start..is.len() - end] {
            self.line("+", depth, line);
        }
        if end > 0 {
            self.line(" ", depth, &same_lines(end));
        }
    }

    /// A whole value that comes or goes.
    fn one(&mut self, sign: &'static str, name: &str, path: &str, value: &PlannedValue, depth: usize) {
        let note = self.note(path);
        if self.is_sensitive(path) {
            self.line(sign, depth, &format!("{}{SENSITIVE}{note}", head(name)));
            return;
        }
        match value {
            Map(entries) | Object(entries) if entries.values().any(|entry| some(entry).is_some()) => {
                let inner = self.open(sign, name, "{", &note, depth);
                for (key, entry) in entries {
                    if let Some(entry) = some(entry) {
                        self.one(sign, key, &below(path, key), entry, inner);
                    }
                }
                self.close(name, "}", depth);
            }
            List(items) | Set(items) | Tuple(items) if !items.is_empty() => {
                let inner = self.open(sign, name, "[", &note, depth);
                for (index, item) in items.iter().enumerate() {
                    self.one(sign, "", &format!("{path}[{index}]"), item, inner);
                }
                self.close(name, "]", depth);
            }
            PlannedValue::Text(text) => match json(text) {
                Some(value) => {
                    self.line(sign, depth, &format!("{}jsonencode({note}", head(name)));
                    self.one(sign, "", &format!("{path}(json)"), &value, depth + 1);
                    self.line(" ", depth, ")");
                }
                None if text.contains('\n') => {
                    self.line(sign, depth, &format!("{}<<TEXT{note}", head(name)));
                    for line in text.lines() {
                        self.line(sign, depth + 1, line);
                    }
                    self.line(" ", depth, "TEXT");
                }
                None => self.line(sign, depth, &format!("{}{}{note}", head(name), quoted(text))),
            },
            value => self.line(sign, depth, &format!("{}{}{note}", head(name), short(value))),
        }
    }

    /// The attributes of a resource stand at the margin, without brackets around all of them.
    fn open(&mut self, sign: &'static str, name: &str, bracket: &str, note: &str, depth: usize) -> usize {
        if name.is_empty() && depth == 0 && bracket == "{" {
            return 0;
        }
        self.line(sign, depth, &format!("{}{bracket}{note}", head(name)));
        depth + 1
    }

    fn close(&mut self, name: &str, bracket: &str, depth: usize) {
        if !(name.is_empty() && depth == 0 && bracket == "}") {
            self.line(" ", depth, bracket);
        }
    }

    fn is_sensitive(&self, path: &str) -> bool {
        self.change.sensitive.iter().any(|its| its == path)
    }

    fn note(&self, path: &str) -> String {
        let forces = !path.is_empty() && self.change.replaced_by.iter().any(|its| its == path);
        if forces { "  # forces replacement".to_owned() } else { String::new() }
    }
}

fn sign(before: Option<&PlannedValue>, after: Option<&PlannedValue>) -> &'static str {
    match (before, after) {
        (None, _) => "+",
        (_, None) => "-",
        _ => "~",
    }
}

/// How many both begin with, and how many of the rest both end with.
fn common<T: PartialEq>(before: &[T], after: &[T]) -> (usize, usize) {
    let start = before.iter().zip(after).take_while(|(was, is)| was == is).count();
    let rest = before[start..].iter().rev().zip(after[start..].iter().rev());
    (start, rest.take_while(|(was, is)| was == is).count())
}

fn same_lines(count: usize) -> String {
    if count == 1 { "(1 line stays)".to_owned() } else { format!("({count} lines stay)") }
}

fn head(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("{name} = ") }
}

fn quoted(text: &str) -> String {
    cut(&format!("{text:?}"))
}

fn short(value: &PlannedValue) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text that is JSON with something in it, as `jsonencode` writes it.
fn json(text: &str) -> Option<PlannedValue> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[']) || text.len() > 256 * 1024 {
        return None;
    }
    fn value(json: serde_json::Value) -> PlannedValue {
        match json {
            serde_json::Value::Null => PlannedValue::Null,
            serde_json::Value::Bool(it) => PlannedValue::Bool(it),
            serde_json::Value::Number(it) => PlannedValue::Number(it.to_string()),
            serde_json::Value::String(it) => PlannedValue::Text(it),
            serde_json::Value::Array(items) => Tuple(items.into_iter().map(value).collect()),
            serde_json::Value::Object(entries) => {
                Object(entries.into_iter().map(|(key, entry)| (key, value(entry))).collect())
            }
        }
    }
    serde_json::from_str(text).ok().map(value)
}

#[cfg(test)]
mod tests {
    use domain::plan::Action;
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn check(change: serde_json::Value, expected: &Expect) {
        let plan = json!({ "resource_changes": [{ "address": "t.a", "mode": "managed", "change": change }] });
        let plan = executor::read_plan(plan.to_string().as_bytes(), Default::default()).unwrap();
        let change = &plan.changes["t.a"];
        assert!(change.action != Action::Keep);
        let lines: String = lines(change).iter().map(|line| format!("{} {}\n", line.sign, line.text)).collect();
        expected.assert_eq(&lines);
    }

    #[test]
    fn what_is_made_has_its_values_and_what_is_not_known_yet() {
        check(
            json!({
                "actions": ["create"], "before": null,
                "after": { "name": "a\"b", "none": null, "tags": { "owner": "me" }, "ports": [80, 443], "empty": [],
                           "word": "(sensitive value)", "text": "one\ntwo\n", "policy": "{\"a\": [1]}" },
                "after_unknown": { "id": true, "tags": { "made": true } }, "after_sensitive": { "word": true },
            }),
            &expect![[r#"
                + empty = []
                + id = (known after apply)
                + name = "a\"b"
                + policy = jsonencode(
                +     {
                +         a = [
                +             1
                          ]
                      }
                  )
                + ports = [
                +     80
                +     443
                  ]
                + tags = {
                +     made = (known after apply)
                +     owner = "me"
                  }
                + text = <<TEXT
                +     one
                +     two
                  TEXT
                + word = (sensitive value)
            "#]],
        );
    }

    #[test]
    fn of_what_is_changed_only_the_difference_is_there() {
        check(
            json!({
                "actions": ["delete", "create"], "replace_paths": [["size"]],
                "before": { "id": "1", "size": 1, "same": true, "tags": { "a": "x", "b": "y" }, "list": ["a", "b", "c"],
                            "text": "one\ntwo\nthree", "policy": "{\"a\":1,\"b\":2}", "word": "(sensitive value)" },
                "after": { "size": 2, "same": true, "tags": { "a": "z", "b": "y" }, "list": ["a", "c"],
                           "text": "one\n2\nthree", "policy": "{\"a\":1,\"b\":3}", "word": "(sensitive value, changed)" },
                "after_unknown": { "id": true }, "before_sensitive": { "word": true }, "after_sensitive": { "word": true },
            }),
            &expect![[r#"
                ~ id = "1" -> (known after apply)
                ~ list = [
                -     "b"
                  ]
                ~ policy = jsonencode(
                ~     {
                ~         b = 2 -> 3
                      }
                  )
                ~ size = 1 -> 2  # forces replacement
                ~ tags = {
                ~     a = "x" -> "z"
                  }
                ~ text = <<TEXT
                      (1 line stays)
                -     two
                +     2
                      (1 line stays)
                  TEXT
                ~ word = (sensitive value)
                  (5 values stay)
            "#]],
        );
    }

    #[test]
    fn an_output_is_its_value() {
        let marks = json!({ "actions": ["update"], "before": "a", "after": "b" });
        check(
            marks,
            &expect![[r#"
            ~ "a" -> "b"
        "#]],
        );
        let sensitive = json!({
            "actions": ["create"], "before": null, "after": "(sensitive value)", "after_sensitive": true,
        });
        check(
            sensitive,
            &expect![[r#"
            + (sensitive value)
        "#]],
        );
    }

    #[test]
    fn a_change_with_very_many_lines_is_cut() {
        let many: Vec<u32> = (0..5000).collect();
        let plan = json!({ "resource_changes": [{ "address": "t.a", "mode": "managed", "change": {
            "actions": ["create"], "before": null, "after": { "list": many },
        }}]});
        let plan = executor::read_plan(plan.to_string().as_bytes(), Default::default()).unwrap();
        let lines = lines(&plan.changes["t.a"]);
        assert_eq!(lines.len(), LINES + 1);
        assert!(lines[LINES].text.contains("more"));
    }
}
