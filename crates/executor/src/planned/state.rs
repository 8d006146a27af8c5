//! The outputs in a state file (version 4).

use std::collections::BTreeMap;

use domain::planned::{PlannedOutput, PlannedOutputs, PlannedValue, Type};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::type_from_json;

/// The outputs of a workspace that is not planned, from its state; all of them known. `None` when it is no state.
#[must_use]
pub fn outputs_of_state(bytes: &[u8]) -> Option<PlannedOutputs> {
    #[derive(Deserialize)]
    struct State<'a> {
        #[serde(borrow, default)]
        outputs: BTreeMap<String, Output<'a>>,
    }
    #[derive(Deserialize)]
    struct Output<'a> {
        #[serde(borrow)]
        value: &'a RawValue,
        #[serde(rename = "type", default)]
        ty: Value,
        #[serde(default)]
        sensitive: bool,
    }
    let state: State<'_> = serde_json::from_slice(bytes).ok()?;
    let outputs = state.outputs.into_iter().map(|(name, output)| {
        let ty = type_from_json(&output.ty);
        let value = typed(output.value, ty.as_ref().unwrap_or(&Type::Dynamic))?;
        Some((name, PlannedOutput { value, sensitive: output.sensitive, ty }))
    });
    outputs.collect()
}

/// A JSON value of this type; numbers keep all their digits.
pub(super) fn typed(raw: &RawValue, ty: &Type) -> Option<PlannedValue> {
    if raw.get() == "null" {
        return Some(PlannedValue::Null);
    }
    let items = || serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok();
    let all = |ty: &Type| items()?.into_iter().map(|item| typed(item, ty)).collect::<Option<Vec<_>>>();
    let entries = |ty: &dyn Fn(&str) -> Option<Type>| {
        let entries = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()).ok()?.into_iter();
        entries.map(|(key, value)| Some((key.clone(), typed(value, &ty(&key)?)?))).collect::<Option<BTreeMap<_, _>>>()
    };
    Some(match ty {
        Type::Dynamic => untyped(raw)?,
        Type::Bool => PlannedValue::Bool(serde_json::from_str(raw.get()).ok()?),
        Type::Number => PlannedValue::Number(raw.get().to_owned()),
        Type::String => PlannedValue::Text(serde_json::from_str(raw.get()).ok()?),
        Type::List(ty) => PlannedValue::List(all(ty)?),
        Type::Set(ty) => PlannedValue::Set(all(ty)?),
        Type::Tuple(types) => {
            let items = items().filter(|items| items.len() == types.len())?;
            PlannedValue::Tuple(items.into_iter().zip(types).map(|(item, ty)| typed(item, ty)).collect::<Option<_>>()?)
        }
        Type::Map(ty) => PlannedValue::Map(entries(&|_| Some((**ty).clone()))?),
        Type::Object(types) => PlannedValue::Object(entries(&|key| types.get(key).cloned())?),
    })
}

/// Lists and maps one in the other; `None` beyond, as where `serde_json` reads a value. Raw values are passed over without looking at their
/// depth, and a value that code made may be deeper than any stack.
const DEEPEST: usize = 128;

/// A JSON value with the type that it implies.
pub(super) fn untyped(raw: &RawValue) -> Option<PlannedValue> {
    untyped_within(raw, DEEPEST)
}

fn untyped_within(raw: &RawValue, deepest: usize) -> Option<PlannedValue> {
    let within = deepest.checked_sub(1)?;
    Some(match raw.get().as_bytes().first()? {
        b'n' => PlannedValue::Null,
        b't' => PlannedValue::Bool(true),
        b'f' => PlannedValue::Bool(false),
        b'"' => PlannedValue::Text(serde_json::from_str(raw.get()).ok()?),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
            PlannedValue::Tuple(items.into_iter().map(|item| untyped_within(item, within)).collect::<Option<_>>()?)
        }
        b'{' => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
            let entries = entries.into_iter().map(|(key, value)| Some((key, untyped_within(value, within)?)));
            PlannedValue::Object(entries.collect::<Option<_>>()?)
        }
        _ => PlannedValue::Number(raw.get().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_deeper_than_a_stack_is_not_read() {
        let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let state = |value: &str| format!(r#"{{"version":4,"outputs":{{"a":{{"value":{value}}}}}}}"#);
        assert!(outputs_of_state(state(&deep(DEEPEST - 1)).as_bytes()).is_some());
        for depth in [DEEPEST, 1000, 50_000] {
            assert_eq!(outputs_of_state(state(&deep(depth)).as_bytes()), None, "{depth}");
            let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
            assert_eq!(outputs_of_state(state(&objects).as_bytes()), None, "{depth}");
        }
        let typed = format!(r#"{{"outputs":{{"a":{{"value":{},"type":["list","dynamic"]}}}}}}"#, deep(10_000));
        assert_eq!(outputs_of_state(typed.as_bytes()), None);
    }

    #[test]
    fn outputs_of_a_state_have_the_types_that_it_says() {
        let state = br#"{"version":4,"outputs":{
            "n":{"value":12345678901234567890.10,"type":"number","sensitive":true},
            "s":{"value":["a"],"type":["set","string"]},
            "o":{"value":{"l":[],"x":null},"type":["object",{"l":["list","bool"],"x":"dynamic"}]}}}"#;
        let outputs = outputs_of_state(state).unwrap();
        assert_eq!(outputs["n"].value, PlannedValue::Number("12345678901234567890.10".to_owned()));
        assert!(outputs["n"].sensitive && !outputs["s"].sensitive);
        assert_eq!(outputs["s"].value, PlannedValue::Set(vec![PlannedValue::Text("a".to_owned())]));
        let entries = [("l".to_owned(), PlannedValue::List(vec![])), ("x".to_owned(), PlannedValue::Null)];
        assert_eq!(outputs["o"].value, PlannedValue::Object(BTreeMap::from(entries)));
        assert_eq!(outputs_of_state(b"{"), None);
    }
}
