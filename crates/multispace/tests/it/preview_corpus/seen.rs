//! What a plan would do, read from our report or from `terraform show -json`, and in what two of them differ.

use std::collections::BTreeMap;

use serde_json::Value;

/// Changes by address (action, former address, values afterwards) and outputs by name (sensitive, value).
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) changes: BTreeMap<String, (String, Option<String>, Node)>,
    pub(super) outputs: BTreeMap<String, (bool, Node)>,
}

/// A value of which parts may not be known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Unknown,
    /// A secret, which the report does not show.
    Hidden,
    Leaf(Value),
    List(Vec<Node>),
    Object(BTreeMap<String, Node>),
}

/// The `plan` of a workspace in the report.
pub(super) fn of_report(plan: &Value) -> Seen {
    let mut seen = Seen::default();
    for it in list(&plan["resources"]) {
        let after = Node::of_report(&it["after"], "", &texts(&it["unknown"]));
        let moved = it["moved_from"].as_str().map(str::to_owned);
        seen.changes.insert(text(&it["address"]), (text(&it["action"]), moved, after));
    }
    for it in list(&plan["outputs"]) {
        let sensitive = it["sensitive"] == true;
        let value = if sensitive { Node::Hidden } else { Node::of_report(&it["value"], "", &texts(&it["unknown"])) };
        seen.outputs.insert(text(&it["name"]), (sensitive, value));
    }
    seen
}

/// What `terraform show -json` says of a plan file.
pub(super) fn of_show(plan: &Value) -> Seen {
    let mut seen = Seen::default();
    for it in list(&plan["resource_changes"]) {
        let change = &it["change"];
        let moved = it["previous_address"].as_str().map(str::to_owned);
        let action = match texts(&change["actions"]).as_slice() {
            ["no-op"] if moved.is_some() => "keep",
            ["no-op" | "read"] => continue,
            [_, _] => "replace",
            [one] => one,
            other => panic!("actions {other:?}"),
        };
        let after = Node::of_show(&change["after"], &change["after_unknown"]);
        seen.changes.insert(text(&it["address"]), (action.to_owned(), moved, after));
    }
    for (name, change) in plan["output_changes"].as_object().into_iter().flatten() {
        if texts(&change["actions"]) != ["delete"] {
            let sensitive = change["after_sensitive"] == true;
            seen.outputs.insert(name.clone(), (sensitive, Node::of_show(&change["after"], &change["after_unknown"])));
        }
    }
    seen
}

/// Every way in which what was foreseen is not what is. What was foreseen as unknown may be anything.
pub(super) fn differences(foreseen: &Seen, real: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    for address in foreseen.changes.keys().chain(real.changes.keys().filter(|it| !foreseen.changes.contains_key(*it))) {
        match (foreseen.changes.get(address), real.changes.get(address)) {
            (Some((action, moved, after)), Some((real_action, real_moved, real_after))) => {
                if (action, moved) != (real_action, real_moved) {
                    found.push(format!("{address}: {action} {moved:?}, in truth {real_action} {real_moved:?}"));
                }
                after.compare(real_after, address, &mut found);
            }
            (one, other) => found.push(format!("{address}: {one:?}, in truth {other:?}")),
        }
    }
    for name in foreseen.outputs.keys().chain(real.outputs.keys().filter(|it| !foreseen.outputs.contains_key(*it))) {
        match (foreseen.outputs.get(name), real.outputs.get(name)) {
            (Some((sensitive, value)), Some((real_sensitive, real_value))) if sensitive == real_sensitive => {
                value.compare(real_value, &format!("output {name}"), &mut found);
            }
            (one, other) => found.push(format!("output {name}: {one:?}, in truth {other:?}")),
        }
    }
    found
}

impl Node {
    fn of_report(value: &Value, path: &str, unknown: &[&str]) -> Self {
        if unknown.contains(&path) {
            return Self::Unknown;
        }
        let below = |key: &str| {
            let plain = key.chars().all(|it| it.is_alphanumeric() || it == '_' || it == '-')
                && key.starts_with(|it: char| it.is_alphabetic() || it == '_');
            match (plain, path.is_empty()) {
                (true, true) => key.to_owned(),
                (true, false) => format!("{path}.{key}"),
                (false, _) => format!("{path}[{}]", Value::from(key)),
            }
        };
        match value {
            Value::String(text) if text.contains("(sensitive value)") => Self::Hidden,
            Value::Array(items) => {
                let node = |(at, item)| Self::of_report(item, &format!("{path}[{at}]"), unknown);
                Self::List(items.iter().enumerate().map(node).collect())
            }
            Value::Object(entries) => {
                let node = |(key, item): (&String, &Value)| (key.clone(), Self::of_report(item, &below(key), unknown));
                Self::Object(entries.iter().map(node).collect())
            }
            leaf => Self::Leaf(leaf.clone()),
        }
    }

    fn of_show(value: &Value, unknown: &Value) -> Self {
        match (value, unknown) {
            (_, Value::Bool(true)) => Self::Unknown,
            (Value::Object(entries), unknown) => {
                let mut all: BTreeMap<String, Self> =
                    entries.iter().map(|(key, item)| (key.clone(), Self::of_show(item, &unknown[key]))).collect();
                for (key, unknown) in unknown.as_object().into_iter().flatten() {
                    all.entry(key.clone()).or_insert_with(|| Self::of_show(&Value::Null, unknown));
                }
                Self::Object(all)
            }
            (Value::Array(items), unknown) => {
                Self::List(items.iter().enumerate().map(|(at, item)| Self::of_show(item, &unknown[at])).collect())
            }
            (leaf, _) => Self::Leaf(leaf.clone()),
        }
    }

    fn compare(&self, real: &Self, path: &str, found: &mut Vec<String>) {
        match (self, real) {
            (Self::Unknown | Self::Hidden, _) => {}
            (Self::List(items), Self::List(real)) if items.len() == real.len() => {
                let pairs = items.iter().zip(real).enumerate();
                pairs.for_each(|(at, (item, real))| item.compare(real, &format!("{path}[{at}]"), found));
            }
            (Self::Object(items), Self::Object(real)) if items.keys().eq(real.keys()) => {
                items.iter().for_each(|(key, item)| item.compare(&real[key], &format!("{path}.{key}"), found));
            }
            (one, other) if one == other => {}
            (one, other) => found.push(format!("{path}: {one:?}, in truth {other:?}")),
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().filter_map(Value::as_str).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
