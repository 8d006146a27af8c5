//! What is read from `show -json` of a plan, and the form of it that clients render: the same changes without a secret.
//!
//! A value that terraform marks sensitive is replaced so that renderers, which look at kinds before they look at marks,
//! still find the kind they expect: a scalar by a text, a list by an empty list, an object by an empty object. Where
//! before and after differed they still differ. An output has no schema, so there every value is a text. Changes without a mark
//! pass byte for byte.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use crate::work::Counts;

const HIDDEN: &str = "(sensitive value)";
const HIDDEN_CHANGED: &str = "(sensitive value, changed)";

/// What a plan amounts to.
pub(crate) struct Facts {
    pub(crate) counts: Counts,
    /// Whether terraform would apply it.
    pub(crate) applyable: bool,
}

/// Counts what a plan would do.
pub(crate) fn facts(json: &[u8]) -> Result<Facts, serde_json::Error> {
    #[derive(Deserialize)]
    struct Plan {
        #[serde(default)]
        resource_changes: Vec<ResourceChange>,
        #[serde(default)]
        applyable: bool,
    }
    #[derive(Deserialize)]
    struct ResourceChange {
        #[serde(default)]
        mode: String,
        change: Change,
    }
    #[derive(Deserialize)]
    struct Change {
        #[serde(default)]
        actions: Vec<String>,
        #[serde(default)]
        importing: Option<serde::de::IgnoredAny>,
    }
    let plan: Plan = serde_json::from_slice(json)?;
    let mut counts = Counts::default();
    for resource in plan.resource_changes.iter().filter(|resource| resource.mode == "managed") {
        for action in &resource.change.actions {
            match action.as_str() {
                "create" => counts.additions += 1,
                "update" => counts.changes += 1,
                "delete" => counts.destructions += 1,
                _ => {}
            }
        }
        counts.imports += u32::from(resource.change.importing.is_some());
    }
    Ok(Facts { counts, applyable: plan.applyable })
}

#[derive(Deserialize)]
struct Shown<'a> {
    format_version: &'a str,
    #[serde(borrow, default)]
    resource_drift: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    resource_changes: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    relevant_attributes: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    output_changes: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    deferred_changes: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
struct Schemas<'a> {
    #[serde(borrow)]
    format_version: Option<&'a str>,
    #[serde(borrow)]
    provider_schemas: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Redacted<'a> {
    plan_format_version: &'a str,
    resource_drift: Vec<Box<RawValue>>,
    resource_changes: Vec<Box<RawValue>>,
    relevant_attributes: Vec<&'a RawValue>,
    output_changes: BTreeMap<String, Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deferred_changes: Option<Vec<Box<RawValue>>>,
    provider_format_version: &'a str,
    provider_schemas: Option<&'a RawValue>,
}

/// The redacted form. Without `schemas` (`providers schema -json`) its `provider_schemas` is empty, which is enough to
/// read the changes and not enough for the CLI to render them.
pub(crate) fn redacted(json: &[u8], schemas: Option<&[u8]>) -> Result<Bytes, serde_json::Error> {
    let shown: Shown<'_> = serde_json::from_slice(json)?;
    let schemas: Schemas<'_> = schemas.map(serde_json::from_slice).transpose()?.unwrap_or_default();
    let all = |changes: Vec<&RawValue>| {
        changes.into_iter().map(|change| without_secrets(change, redact_pair)).collect::<Result<Vec<_>, _>>()
    };
    let none: &RawValue = serde_json::from_str("{}")?;
    let redacted = Redacted {
        plan_format_version: shown.format_version,
        resource_drift: all(shown.resource_drift)?,
        resource_changes: all(shown.resource_changes)?,
        relevant_attributes: shown.relevant_attributes,
        output_changes: shown
            .output_changes
            .into_iter()
            .map(|(name, change)| Ok((name, without_secrets(change, redact_output)?)))
            .collect::<Result<_, serde_json::Error>>()?,
        deferred_changes: shown.deferred_changes.map(all).transpose()?,
        provider_format_version: schemas.format_version.unwrap_or("1.0"),
        provider_schemas: Some(schemas.provider_schemas.unwrap_or(none)),
    };
    serde_json::to_vec(&redacted).map(Bytes::from)
}

/// How before and after, with their marks, are redacted.
type Hide = fn(Value, Value, &Value, &Value) -> (Value, Value);

/// One resource change, drift, deferred change or output change.
fn without_secrets(raw: &RawValue, hide: Hide) -> Result<Box<RawValue>, serde_json::Error> {
    if !raw.get().contains("_sensitive\":") {
        return Ok(raw.to_owned());
    }
    let mut value: Value = serde_json::from_str(raw.get())?;
    let marked = match change_of(&mut value) {
        Some(change) if change.is_object() => redact(change, hide),
        _ => false,
    };
    if marked { serde_json::value::to_raw_value(&value) } else { Ok(raw.to_owned()) }
}

fn change_of(value: &mut Value) -> Option<&mut Value> {
    if value.get("resource_change").is_some() {
        return change_of(value.get_mut("resource_change")?);
    }
    if value.get("change").is_some() { value.get_mut("change") } else { Some(value) }
}

/// Replaces what is marked in `before` and `after`; says whether there was anything.
fn redact(change: &mut Value, hide: Hide) -> bool {
    let marks = [change["before_sensitive"].clone(), change["after_sensitive"].clone()];
    if !marks.iter().any(has_mark) {
        return false;
    }
    let (before, after) = (change["before"].take(), change["after"].take());
    let (before, after) = hide(before, after, &marks[0], &marks[1]);
    change["before"] = before;
    change["after"] = after;
    // Configuration that terraform generated repeats the values.
    if let Some(change) = change.as_object_mut() {
        change.remove("generated_config");
    }
    true
}

/// Whether anything is marked, in `after_unknown` or `before_sensitive` or `after_sensitive`.
pub(crate) fn has_mark(mark: &Value) -> bool {
    match mark {
        Value::Bool(marked) => *marked,
        Value::Array(marks) => marks.iter().any(has_mark),
        Value::Object(marks) => marks.values().any(has_mark),
        _ => false,
    }
}

fn redact_output(before: Value, after: Value, before_mark: &Value, after_mark: &Value) -> (Value, Value) {
    if before_mark != &Value::Bool(true) && after_mark != &Value::Bool(true) {
        return redact_pair(before, after, before_mark, after_mark);
    }
    let differ = before != after;
    let text = |value: Value, text: &str| if value.is_null() { value } else { Value::String(text.to_owned()) };
    let changed = if differ && !before.is_null() { HIDDEN_CHANGED } else { HIDDEN };
    (text(before, HIDDEN), text(after, changed))
}

fn redact_pair(before: Value, after: Value, before_mark: &Value, after_mark: &Value) -> (Value, Value) {
    let (hide_before, hide_after) = (before_mark == &Value::Bool(true), after_mark == &Value::Bool(true));
    if hide_before || hide_after {
        // A renderer masks both sides when one is marked, and so do we: an unmarked old value may be the same secret.
        let differ = before != after;
        let (was, is) = (hidden(&before), hidden(&after));
        return match (&was, &is) {
            (Value::String(_), Value::String(_)) if differ => (was, Value::String(HIDDEN_CHANGED.to_owned())),
            // Two empty collections would look alike; one that came new does not.
            _ if differ && was == is => (Value::Null, is),
            _ => (was, is),
        };
    }
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let (before, after) = redact_objects(before, after, before_mark, after_mark);
            (Value::Object(before), Value::Object(after))
        }
        (Value::Array(before), Value::Array(after)) => {
            let (before, after) = redact_arrays(before, after, before_mark, after_mark);
            (Value::Array(before), Value::Array(after))
        }
        (before, after) => (redact_one(before, before_mark), redact_one(after, after_mark)),
    }
}

type Object = serde_json::Map<String, Value>;

fn redact_objects(before: Object, mut after: Object, before_mark: &Value, after_mark: &Value) -> (Object, Object) {
    let (mut was, mut is) = (Object::new(), Object::new());
    for (key, old) in before {
        match after.remove(&key) {
            Some(new) => {
                let (old, new) = redact_pair(old, new, &before_mark[&key], &after_mark[&key]);
                was.insert(key.clone(), old);
                is.insert(key, new);
            }
            None => {
                let old = redact_one(old, &before_mark[&key]);
                was.insert(key, old);
            }
        }
    }
    for (key, new) in after {
        let new = redact_one(new, &after_mark[&key]);
        is.insert(key, new);
    }
    (was, is)
}

fn redact_arrays(
    before: Vec<Value>,
    after: Vec<Value>,
    before_mark: &Value,
    after_mark: &Value,
) -> (Vec<Value>, Vec<Value>) {
    let one = |items: &[Value], mark: &Value| -> Vec<Value> {
        items.iter().enumerate().map(|(at, item)| redact_one(item.clone(), &mark[at])).collect()
    };
    if before.len() != after.len() {
        // Elements may have moved: a position says nothing about which is which.
        return (one(&before, before_mark), one(&after, after_mark));
    }
    let pairs = before.into_iter().zip(after).enumerate();
    pairs.map(|(at, (old, new))| redact_pair(old, new, &before_mark[at], &after_mark[at])).unzip()
}

fn redact_one(value: Value, mark: &Value) -> Value {
    match (value, mark) {
        (value, Value::Bool(true)) => hidden(&value),
        (Value::Object(entries), Value::Object(marks)) => Value::Object(
            entries
                .into_iter()
                .map(|(key, entry)| {
                    let mark = marks.get(&key).unwrap_or(&Value::Null);
                    let entry = redact_one(entry, mark);
                    (key, entry)
                })
                .collect(),
        ),
        (Value::Array(items), Value::Array(marks)) => Value::Array(
            items
                .into_iter()
                .enumerate()
                .map(|(at, item)| redact_one(item, marks.get(at).unwrap_or(&Value::Null)))
                .collect(),
        ),
        (value, _) => value,
    }
}

fn hidden(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::String(HIDDEN.to_owned()),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Object::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_marked_value_is_left_and_a_change_stays_a_change() {
        let plan = serde_json::json!({
            "format_version": "1.2",
            "planned_values": {"outputs": {"s": {"value": "s3cret-1"}}},
            "variables": {"v": {"value": "s3cret-2"}},
            "resource_changes": [{"address": "t.a", "change": {
                "actions": ["update"],
                "before": {"open": 1, "word": "s3cret-3", "map": {"k": "s3cret-4"}, "list": [{"x": "s3cret-5", "y": 2}]},
                "after": {"open": 2, "word": "s3cret-6", "map": {"k": "s3cret-7"}, "list": [{"x": "s3cret-5", "y": 3}]},
                "before_sensitive": {"word": true, "map": true, "list": [{"x": true}]},
                "after_sensitive": {"word": true, "map": true, "list": [{"x": true}]},
            }}],
            "output_changes": {"l": {"actions": ["update"], "before": ["s3cret-9"], "after": ["s3cret-0"],
                "before_sensitive": true, "after_sensitive": true}, "s": {"actions": ["create"], "before": null, "after": "s3cret-8",
                "before_sensitive": true, "after_sensitive": true}},
        });
        let bytes = redacted(plan.to_string().as_bytes(), None).unwrap();
        assert!(!std::str::from_utf8(&bytes).unwrap().contains("s3cret"));
        let redacted: Value = serde_json::from_slice(&bytes).unwrap();
        let change = &redacted["resource_changes"][0]["change"];
        assert_eq!(change["after"]["open"], 2);
        assert_eq!(change["after"]["list"], serde_json::json!([{"x": HIDDEN, "y": 3}]));
        assert_eq!(change["before"]["list"], serde_json::json!([{"x": HIDDEN, "y": 2}]));
        assert_ne!(change["before"]["word"], change["after"]["word"]);
        assert_ne!(change["before"]["map"], change["after"]["map"]);
        assert_eq!(redacted["output_changes"]["s"]["after"], HIDDEN);
        assert_eq!(redacted["output_changes"]["l"]["after"], HIDDEN_CHANGED);
    }

    #[test]
    fn a_change_without_a_secret_passes_byte_for_byte() {
        let text = r#"{"address":"t.a","change":{"actions":["create"],"before":null,"after":{"n":123456789012345678901234567890.10},"before_sensitive":false,"after_sensitive":{"x":{}}}}"#;
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        assert_eq!(without_secrets(raw, redact_pair).unwrap().get(), text);
    }

    #[test]
    fn a_replacement_counts_twice_and_a_read_not_at_all() {
        let plan = br#"{"applyable":true,"resource_changes":[
            {"mode":"managed","change":{"actions":["delete","create"]}},
            {"mode":"managed","change":{"actions":["update"],"importing":{"id":"x"}}},
            {"mode":"managed","change":{"actions":["no-op"]}},
            {"mode":"data","change":{"actions":["read"]}}]}"#;
        let facts = facts(plan).unwrap();
        assert_eq!(facts.counts, Counts { additions: 1, changes: 1, destructions: 1, imports: 1 });
        assert!(facts.applyable);
    }
}
