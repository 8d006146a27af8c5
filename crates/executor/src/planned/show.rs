//! The outputs in `show -json` of a plan. What is unknown has no type there, and of a value with an unknown part nothing
//! says whether an array is a list, a set or a tuple: it is taken for a tuple, and an object for an object.

use std::collections::BTreeMap;

use domain::planned::{PlannedOutput, PlannedOutputs, PlannedValue, Type};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::type_from_json;
use super::state::{typed, untyped};

#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow, default)]
    output_changes: BTreeMap<String, Change<'a>>,
    #[serde(borrow, default)]
    planned_values: Values<'a>,
    #[serde(borrow, default)]
    prior_state: Prior<'a>,
}

#[derive(Deserialize)]
struct Change<'a> {
    actions: Vec<String>,
    #[serde(borrow, default)]
    after: Option<&'a RawValue>,
    #[serde(default)]
    after_unknown: Value,
    #[serde(default)]
    after_sensitive: Value,
}

#[derive(Deserialize, Default)]
struct Prior<'a> {
    #[serde(borrow, default)]
    values: Values<'a>,
}

#[derive(Deserialize, Default)]
struct Values<'a> {
    #[serde(borrow, default)]
    outputs: BTreeMap<String, Known<'a>>,
}

#[derive(Deserialize)]
struct Known<'a> {
    #[serde(default)]
    sensitive: bool,
    #[serde(rename = "type", default)]
    ty: Value,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// The outputs after the plan was applied; `None` when this is not such a description.
pub(super) fn outputs(json: &[u8]) -> Option<PlannedOutputs> {
    let shown: Shown<'_> = serde_json::from_slice(json).ok()?;
    let mut outputs = PlannedOutputs::new();
    for (name, known) in &shown.prior_state.values.outputs {
        let ty = type_from_json(&known.ty);
        let value = typed(known.value?, ty.as_ref().unwrap_or(&Type::Dynamic))?;
        outputs.insert(name.clone(), PlannedOutput { value, sensitive: known.sensitive, ty });
    }
    for (name, change) in shown.output_changes {
        if change.actions == ["delete"] {
            outputs.remove(&name);
            continue;
        }
        let planned = shown.planned_values.outputs.get(&name);
        let ty = planned.and_then(|known| type_from_json(&known.ty));
        let value = match (change.after, &ty) {
            (Some(after), Some(ty)) => typed(after, ty)?,
            (after, _) => with_unknown(after, &change.after_unknown)?,
        };
        outputs.insert(name, PlannedOutput { value, sensitive: change.after_sensitive == Value::Bool(true), ty });
    }
    Some(outputs)
}

/// A value and the marks of what is unknown in it; the value leaves out attributes that are.
fn with_unknown(after: Option<&RawValue>, unknown: &Value) -> Option<PlannedValue> {
    match unknown {
        Value::Bool(true) => Some(PlannedValue::unknown()),
        Value::Array(marks) => {
            let items: Vec<&RawValue> = after.and_then(|it| serde_json::from_str(it.get()).ok()).unwrap_or_default();
            let count = items.len().max(marks.len());
            let none = Value::Null;
            let both = (0..count).map(|at| with_unknown(items.get(at).copied(), marks.get(at).unwrap_or(&none)));
            Some(PlannedValue::Tuple(both.collect::<Option<_>>()?))
        }
        Value::Object(marks) => {
            let entries: BTreeMap<String, &RawValue> =
                after.and_then(|it| serde_json::from_str(it.get()).ok()).unwrap_or_default();
            let mut object = BTreeMap::new();
            for (key, value) in &entries {
                object.insert(key.clone(), with_unknown(Some(value), marks.get(key).unwrap_or(&Value::Null))?);
            }
            for (key, mark) in
                marks.iter().filter(|(key, mark)| **mark != Value::Bool(false) && !entries.contains_key(*key))
            {
                object.insert(key.clone(), with_unknown(None, mark)?);
            }
            Some(PlannedValue::Object(object))
        }
        _ => after.map_or(Some(PlannedValue::Null), untyped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown_parts_are_put_together() {
        let json = br#"{"output_changes":{
            "gone":{"actions":["delete"],"before":1,"after":null,"after_unknown":false},
            "id":{"actions":["create"],"after_unknown":true,"after_sensitive":true},
            "part":{"actions":["update"],"after":{"a":1,"l":["x",null]},"after_unknown":{"a":false,"b":true,"l":[false,true]}},
            "set":{"actions":["no-op"],"after":["x"],"after_unknown":false}},
            "planned_values":{"outputs":{"set":{"type":["set","string"],"value":["x"]},"id":{"sensitive":true}}},
            "prior_state":{"values":{"outputs":{"gone":{"type":"number","value":1},"stays":{"type":"bool","value":true}}}}}"#;
        let outputs = outputs(json).unwrap();
        assert_eq!(outputs.keys().collect::<Vec<_>>(), ["id", "part", "set", "stays"]);
        assert!(outputs["id"].sensitive && outputs["id"].value == PlannedValue::unknown());
        let text = || PlannedValue::Text("x".to_owned());
        assert_eq!(
            outputs["part"].value,
            PlannedValue::Object(BTreeMap::from([
                ("a".to_owned(), PlannedValue::Number("1".to_owned())),
                ("b".to_owned(), PlannedValue::unknown()),
                ("l".to_owned(), PlannedValue::Tuple(vec![text(), PlannedValue::unknown()])),
            ])),
        );
        assert_eq!(outputs["set"].value, PlannedValue::Set(vec![text()]));
        assert_eq!(outputs["stays"].value, PlannedValue::Bool(true));
    }
}
