//! Planned outputs as JSON.
//!
//! `{"NAME": {"sensitive": false, "type": TYPE, "value": VALUE}}`. A bool, a text and null are themselves; every other
//! value is an object of one key that says what it is: `number` (text), `list`, `set`, `tuple`, `map`, `object`, `unknown`
//! (`{"type": TYPE, "not_null": true, "prefix": "..."}`). Types are as in Terraform's state file: `"string"`,
//! `["list", "string"]`, `["object", {"a": "number"}]`, `["tuple", ["bool"]]`, `"dynamic"`.

use std::collections::BTreeMap;

use domain::planned::{PlannedOutput, PlannedOutputs, PlannedValue, Type, Unknown};
use serde_json::{Map, Value, json};

/// Deepest value or type that is read.
const DEEPEST: usize = 128;

/// The outputs of a workspace as JSON, sensitive values included.
#[must_use]
pub fn to_json(outputs: &PlannedOutputs) -> Value {
    Value::Object(
        outputs
            .iter()
            .map(|(name, output)| {
                let ty = output.ty.as_ref().map_or(Value::Null, type_to_json);
                let value = value_to_json(&output.value);
                (name.clone(), json!({ "sensitive": output.sensitive, "type": ty, "value": value }))
            })
            .collect(),
    )
}

/// Reads what [`to_json`] wrote; `None` when it is anything else.
#[must_use]
pub fn from_json(json: &Value) -> Option<PlannedOutputs> {
    json.as_object()?
        .iter()
        .map(|(name, output)| {
            let ty = match output.get("type")? {
                Value::Null => None,
                ty => Some(type_from_json(ty)?),
            };
            let sensitive = output.get("sensitive")?.as_bool()?;
            let value = value_from_json(output.get("value")?, DEEPEST)?;
            Some((name.clone(), PlannedOutput { value, sensitive, ty }))
        })
        .collect()
}

fn value_to_json(value: &PlannedValue) -> Value {
    let items = |items: &[PlannedValue]| Value::Array(items.iter().map(value_to_json).collect());
    let entries = |entries: &BTreeMap<String, PlannedValue>| {
        Value::Object(entries.iter().map(|(key, value)| (key.clone(), value_to_json(value))).collect())
    };
    match value {
        PlannedValue::Null => Value::Null,
        PlannedValue::Bool(value) => Value::Bool(*value),
        PlannedValue::Text(text) => Value::String(text.clone()),
        PlannedValue::Number(text) => json!({ "number": text }),
        PlannedValue::List(list) => json!({ "list": items(list) }),
        PlannedValue::Set(set) => json!({ "set": items(set) }),
        PlannedValue::Tuple(tuple) => json!({ "tuple": items(tuple) }),
        PlannedValue::Map(map) => json!({ "map": entries(map) }),
        PlannedValue::Object(object) => json!({ "object": entries(object) }),
        PlannedValue::Unknown(unknown) => {
            let mut told = Map::from_iter([("type".to_owned(), type_to_json(&unknown.ty))]);
            if unknown.not_null {
                told.insert("not_null".to_owned(), Value::Bool(true));
            }
            if !unknown.prefix.is_empty() {
                told.insert("prefix".to_owned(), Value::String(unknown.prefix.clone()));
            }
            json!({ "unknown": told })
        }
    }
}

fn value_from_json(json: &Value, depth: usize) -> Option<PlannedValue> {
    let depth = depth.checked_sub(1)?;
    let items =
        |json: &Value| json.as_array()?.iter().map(|item| value_from_json(item, depth)).collect::<Option<Vec<_>>>();
    let entries = |json: &Value| {
        let entries = json.as_object()?.iter();
        entries
            .map(|(key, value)| Some((key.clone(), value_from_json(value, depth)?)))
            .collect::<Option<BTreeMap<_, _>>>()
    };
    let object = match json {
        Value::Null => return Some(PlannedValue::Null),
        Value::Bool(value) => return Some(PlannedValue::Bool(*value)),
        Value::String(text) => return Some(PlannedValue::Text(text.clone())),
        Value::Object(object) if object.len() == 1 => object,
        _ => return None,
    };
    let (word, json) = object.iter().next()?;
    Some(match word.as_str() {
        "number" => PlannedValue::Number(json.as_str()?.to_owned()),
        "list" => PlannedValue::List(items(json)?),
        "set" => PlannedValue::Set(items(json)?),
        "tuple" => PlannedValue::Tuple(items(json)?),
        "map" => PlannedValue::Map(entries(json)?),
        "object" => PlannedValue::Object(entries(json)?),
        "unknown" => PlannedValue::Unknown(Unknown {
            ty: type_from_json(json.get("type")?)?,
            not_null: json.get("not_null").and_then(Value::as_bool).unwrap_or(false),
            prefix: json.get("prefix").and_then(Value::as_str).unwrap_or_default().to_owned(),
        }),
        _ => return None,
    })
}

/// A type as Terraform's state file has it.
#[must_use]
pub fn type_to_json(ty: &Type) -> Value {
    match ty {
        Type::Dynamic => json!("dynamic"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(item) => json!(["list", type_to_json(item)]),
        Type::Set(item) => json!(["set", type_to_json(item)]),
        Type::Map(item) => json!(["map", type_to_json(item)]),
        Type::Tuple(items) => json!(["tuple", items.iter().map(type_to_json).collect::<Vec<_>>()]),
        Type::Object(attributes) => {
            let attributes: Map<String, Value> =
                attributes.iter().map(|(name, ty)| (name.clone(), type_to_json(ty))).collect();
            json!(["object", attributes])
        }
    }
}

/// Reads a type as Terraform's state file has it; `None` when it is anything else.
#[must_use]
pub fn type_from_json(json: &Value) -> Option<Type> {
    type_at(json, DEEPEST)
}

fn type_at(json: &Value, depth: usize) -> Option<Type> {
    let depth = depth.checked_sub(1)?;
    if let Some(word) = json.as_str() {
        return Some(match word {
            "dynamic" => Type::Dynamic,
            "bool" => Type::Bool,
            "number" => Type::Number,
            "string" => Type::String,
            _ => return None,
        });
    }
    let [word, of, ..] = json.as_array()?.as_slice() else { return None };
    let inner = || type_at(of, depth).map(Box::new);
    Some(match word.as_str()? {
        "list" => Type::List(inner()?),
        "set" => Type::Set(inner()?),
        "map" => Type::Map(inner()?),
        "tuple" => Type::Tuple(of.as_array()?.iter().map(|ty| type_at(ty, depth)).collect::<Option<_>>()?),
        "object" => {
            let attributes = of.as_object()?.iter();
            Type::Object(attributes.map(|(name, ty)| Some((name.clone(), type_at(ty, depth)?))).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_the_same() {
        use PlannedValue as V;
        let entries = |entries: &[(&str, V)]| {
            entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<BTreeMap<_, _>>()
        };
        let unknown = V::Unknown(Unknown { ty: Type::String, not_null: true, prefix: "arn:".to_owned() });
        let attributes = BTreeMap::from([("a".to_owned(), Type::Set(Box::new(Type::Number)))]);
        let outputs = PlannedOutputs::from([
            (
                "all".to_owned(),
                PlannedOutput {
                    value: V::Object(entries(&[
                        ("n", V::Null),
                        ("b", V::Bool(false)),
                        ("i", V::Number("123456789012345678901234567890.5".to_owned())),
                        ("l", V::List(vec![V::Text("number".to_owned())])),
                        ("s", V::Set(vec![])),
                        ("t", V::Tuple(vec![V::unknown(), unknown])),
                        ("m", V::Map(entries(&[("number", V::Bool(true))]))),
                    ])),
                    sensitive: true,
                    ty: Some(Type::Tuple(vec![
                        Type::Dynamic,
                        Type::Object(attributes),
                        Type::Map(Box::new(Type::List(Box::new(Type::Bool)))),
                    ])),
                },
            ),
            ("none".to_owned(), PlannedOutput { value: V::unknown(), sensitive: false, ty: None }),
        ]);
        assert_eq!(from_json(&to_json(&outputs)), Some(outputs));
    }

    #[test]
    fn what_is_not_ours_is_not_read() {
        for value in [json!(1), json!({}), json!({"list": {}}), json!({"list": [], "set": []}), json!({"float": "1"})] {
            assert_eq!(from_json(&json!({"x": {"sensitive": false, "type": null, "value": value}})), None);
        }
        let mut deep = json!(null);
        for _ in 0..1000 {
            deep = json!({ "list": [deep] });
        }
        assert_eq!(from_json(&json!({"x": {"sensitive": false, "type": null, "value": deep}})), None);
        assert_eq!(type_from_json(&json!(["list"])), None);
    }
}
