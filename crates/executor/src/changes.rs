//! Reads what a plan would do from `terraform show -json`.
//!
//! Source: the JSON output format of terraform, `resource_changes` and `output_changes`. Values of secrets are in the answer in
//! clear, with their paths. Numbers beyond 64 bits are read as terraform's own readers in other languages do, as floats.

use domain::plan::{Action, Change, Plan};
use domain::planned::{PlannedOutputs, PlannedValue};
use serde::Deserialize;
use serde_json::Value;

use crate::plan_json::has_mark;

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
    #[serde(default)]
    output_changes: std::collections::BTreeMap<String, Changed>,
}

#[derive(Deserialize)]
struct ResourceChange {
    address: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    previous_address: Option<String>,
    #[serde(default)]
    deposed: Option<String>,
    change: Changed,
}

#[derive(Deserialize)]
struct Changed {
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default)]
    after_unknown: Value,
    #[serde(default)]
    before_sensitive: Value,
    #[serde(default)]
    after_sensitive: Value,
    #[serde(default)]
    replace_paths: Vec<Vec<Value>>,
    #[serde(default)]
    importing: Option<Value>,
}

/// What a plan would do, from its JSON; `outputs` as they are after its apply, read elsewhere because JSON lacks their types.
///
/// # Errors
/// It is not the JSON of a plan.
pub fn read_plan(json: &[u8], outputs: PlannedOutputs) -> Result<Plan, serde_json::Error> {
    let shown: Shown = serde_json::from_slice(json)?;
    let mut plan = Plan { outputs, ..Plan::default() };
    for resource in shown.resource_changes {
        if resource.mode != "managed" {
            continue;
        }
        let Some(action) = action(&resource) else { continue };
        let address = match &resource.deposed {
            Some(key) => format!("{} (deposed {key})", resource.address),
            None => resource.address,
        };
        plan.changes.insert(address, change(action, resource.previous_address, resource.change));
    }
    let is_changed = |(name, change): (String, Changed)| (change.actions != ["no-op"]).then_some(name);
    plan.changed_outputs = shown.output_changes.into_iter().filter_map(is_changed).collect();
    Ok(plan)
}

fn action(resource: &ResourceChange) -> Option<Action> {
    let actions: Vec<&str> = resource.change.actions.iter().map(String::as_str).collect();
    match actions.as_slice() {
        ["create"] => Some(Action::Create),
        ["update"] => Some(Action::Update),
        ["delete"] => Some(Action::Delete),
        ["forget"] => Some(Action::Forget),
        ["delete", "create"] | ["create", "delete"] | ["create", "forget"] => Some(Action::Replace),
        _ if resource.previous_address.is_some() || resource.change.importing.is_some() => Some(Action::Keep),
        _ => None,
    }
}

fn change(action: Action, moved_from: Option<String>, change: Changed) -> Change {
    let mut sensitive = Vec::new();
    marked(&change.before_sensitive, "", &mut sensitive);
    marked(&change.after_sensitive, "", &mut sensitive);
    sensitive.sort();
    sensitive.dedup();
    Change {
        action,
        moved_from,
        imported: change.importing.is_some(),
        before: value(change.before, &Value::Null),
        after: value(change.after, &change.after_unknown),
        sensitive,
        replaced_by: change.replace_paths.iter().map(|steps| path(steps)).collect(),
    }
}

/// A value with its unknown parts. Where a part is unknown the value lacks it: an attribute is left out, an element is null.
fn value(value: Value, unknown: &Value) -> PlannedValue {
    match (value, unknown) {
        (_, Value::Bool(true)) => PlannedValue::unknown(),
        (Value::Object(mut entries), unknown) => {
            if let Value::Object(unknown) = unknown {
                for (key, mark) in unknown {
                    if has_mark(mark) && !entries.contains_key(key) {
                        entries.insert(key.clone(), Value::Null);
                    }
                }
            }
            let entry = |(key, entry): (String, Value)| {
                let entry = self::value(entry, &unknown[key.as_str()]);
                (key, entry)
            };
            PlannedValue::Object(entries.into_iter().map(entry).collect())
        }
        (Value::Array(items), unknown) => list(items, unknown),
        (Value::Null, unknown) if has_mark(unknown) => match unknown {
            Value::Object(_) => self::value(Value::Object(serde_json::Map::new()), unknown),
            _ => list(Vec::new(), unknown),
        },
        (Value::Null, _) => PlannedValue::Null,
        (Value::Bool(it), _) => PlannedValue::Bool(it),
        (Value::Number(it), _) => PlannedValue::Number(it.to_string()),
        (Value::String(it), _) => PlannedValue::Text(it),
    }
}

fn list(mut items: Vec<Value>, unknown: &Value) -> PlannedValue {
    let marks = unknown.as_array().map_or(0, Vec::len);
    if items.len() < marks {
        items.resize(marks, Value::Null);
    }
    PlannedValue::List(items.into_iter().enumerate().map(|(at, item)| value(item, &unknown[at])).collect())
}

/// Notes the paths that are marked.
fn marked(mark: &Value, path: &str, paths: &mut Vec<String>) {
    match mark {
        Value::Bool(true) => paths.push(path.to_owned()),
        Value::Array(marks) => {
            for (at, mark) in marks.iter().enumerate() {
                marked(mark, &format!("{path}[{at}]"), paths);
            }
        }
        Value::Object(marks) => {
            for (key, mark) in marks {
                marked(mark, &domain::plan::below(path, key), paths);
            }
        }
        _ => {}
    }
}

fn path(steps: &[Value]) -> String {
    steps.iter().fold(String::new(), |path, step| match step {
        Value::String(key) => domain::plan::below(&path, key),
        other => format!("{path}[{other}]"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &Value) -> Plan {
        read_plan(json.to_string().as_bytes(), PlannedOutputs::new()).unwrap()
    }

    #[test]
    fn unknown_parts_stand_where_the_json_has_nothing() {
        let plan = read(&serde_json::json!({"resource_changes": [{"address": "t.a", "mode": "managed", "change": {
            "actions": ["create"], "before": null,
            "after": {"name": "x", "rules": [{"port": 1}, null], "empty": []},
            "after_unknown": {"id": true, "rules": [{"id": true}, true], "tags": {"owner": true}, "empty": []},
        }}]}));
        let entry = |key: &str, value: PlannedValue| (key.to_owned(), value);
        let object = |entries: Vec<(String, PlannedValue)>| PlannedValue::Object(entries.into_iter().collect());
        let unknown = PlannedValue::unknown;
        let rule = object(vec![entry("id", unknown()), entry("port", PlannedValue::Number("1".into()))]);
        let expected = object(vec![
            entry("id", unknown()),
            entry("name", PlannedValue::Text("x".into())),
            entry("rules", PlannedValue::List(vec![rule, unknown()])),
            entry("tags", object(vec![entry("owner", unknown())])),
            entry("empty", PlannedValue::List(Vec::new())),
        ]);
        assert_eq!(plan.changes["t.a"].after, expected);
    }

    #[test]
    fn what_is_not_changed_or_only_read_is_left_out_and_moves_are_kept() {
        let change = |actions: &[&str]| serde_json::json!({"actions": actions, "before": {}, "after": {}});
        let plan = read(&serde_json::json!({"resource_changes": [
            {"address": "t.same", "mode": "managed", "change": change(&["no-op"])},
            {"address": "data.t.read", "mode": "data", "change": change(&["read"])},
            {"address": "t.moved", "previous_address": "t.old", "mode": "managed", "change": change(&["no-op"])},
            {"address": "t.anew", "mode": "managed", "change": change(&["create", "delete"])},
            {"address": "t.anew", "deposed": "1a2b", "mode": "managed", "change": change(&["delete"])},
        ], "output_changes": {"a": {"actions": ["no-op"]}, "b": {"actions": ["create"]}}}));
        let all: Vec<_> = plan.changes.iter().map(|(it, change)| format!("{it}: {}", change.action.as_str())).collect();
        assert_eq!(all, ["t.anew: replace", "t.anew (deposed 1a2b): delete", "t.moved: keep"]);
        assert_eq!(plan.changes["t.moved"].moved_from.as_deref(), Some("t.old"));
        assert_eq!(plan.changed_outputs, ["b"]);
    }

    #[test]
    fn secrets_and_what_makes_it_be_replaced_are_named_by_path() {
        let plan = read(&serde_json::json!({"resource_changes": [{"address": "t.a", "mode": "managed", "change": {
            "actions": ["delete", "create"], "before": {"word": "a"}, "after": {"word": "b"},
            "before_sensitive": {"word": true}, "after_sensitive": {"word": true, "rules": [{}, {"k e y": true}]},
            "replace_paths": [["triggers", "a"], ["rules", 0]],
        }}]}));
        assert_eq!(plan.changes["t.a"].sensitive, ["rules[1][\"k e y\"]", "word"]);
        assert_eq!(plan.changes["t.a"].replaced_by, ["triggers.a", "rules[0]"]);
    }
}
