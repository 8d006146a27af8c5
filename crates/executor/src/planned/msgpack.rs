//! Values as terraform packs them. Source: the msgpack form of go-cty, the library of Terraform's values.

use std::collections::BTreeMap;

use domain::planned::{PlannedValue, Type, Unknown};
use rmpv::Value;

use super::json::type_from_json;

/// Extension code of an unknown value with refinements; any other is one without.
const REFINED: i8 = 12;
/// Keys of the refinements that are read.
const NULLNESS: u64 = 1;
const PREFIX: u64 = 2;
/// Values one in the other. The library's own limit is more than the stack of a thread holds; every level of a value of unknown type
/// takes two, and no value of terraform is deeper than half of this.
const DEEPEST: usize = 256;

/// A value of unknown type, which is packed in front of it; and its type.
pub(super) fn decode(bytes: &[u8]) -> Option<(PlannedValue, Option<Type>)> {
    let value = rmpv::decode::read_value_with_max_depth(&mut &*bytes, DEEPEST).ok()?;
    match typed(&value) {
        Some((ty, inner)) => Some((value_of(inner, &ty)?, (ty != Type::Dynamic).then_some(ty))),
        None => Some((value_of(&value, &Type::Dynamic)?, None)),
    }
}

/// A type as JSON, and the value of that type.
fn typed(value: &Value) -> Option<(Type, &Value)> {
    let [ty, inner] = value.as_array()?.as_slice() else { return None };
    let ty = match ty {
        Value::Binary(json) => serde_json::from_slice(json).ok()?,
        Value::String(json) => serde_json::from_slice(json.as_bytes()).ok()?,
        _ => return None,
    };
    Some((type_from_json(&ty)?, inner))
}

fn value_of(value: &Value, ty: &Type) -> Option<PlannedValue> {
    match value {
        Value::Nil => return Some(PlannedValue::Null),
        Value::Ext(code, data) => return Some(PlannedValue::Unknown(unknown(*code, data, ty))),
        _ => {}
    }
    let items = |ty: &Type| value.as_array()?.iter().map(|item| value_of(item, ty)).collect::<Option<Vec<_>>>();
    let entries = |ty: &dyn Fn(&str) -> Option<Type>| {
        let entries = value.as_map()?.iter().map(|(key, value)| {
            let key = key.as_str()?;
            Some((key.to_owned(), value_of(value, &ty(key)?)?))
        });
        entries.collect::<Option<BTreeMap<_, _>>>()
    };
    Some(match ty {
        Type::Dynamic => {
            let (ty, inner) = typed(value)?;
            value_of(inner, &ty)?
        }
        Type::Bool => PlannedValue::Bool(value.as_bool()?),
        Type::Number => PlannedValue::Number(match value {
            Value::Integer(number) => number.to_string(),
            Value::F64(number) => number.to_string(),
            Value::F32(number) => number.to_string(),
            value => value.as_str()?.to_owned(),
        }),
        Type::String => PlannedValue::Text(value.as_str()?.to_owned()),
        Type::List(ty) => PlannedValue::List(items(ty)?),
        Type::Set(ty) => PlannedValue::Set(items(ty)?),
        Type::Tuple(types) => {
            let items = value.as_array().filter(|items| items.len() == types.len())?;
            PlannedValue::Tuple(items.iter().zip(types).map(|(item, ty)| value_of(item, ty)).collect::<Option<_>>()?)
        }
        Type::Map(ty) => PlannedValue::Map(entries(&|_| Some((**ty).clone()))?),
        Type::Object(types) => PlannedValue::Object(entries(&|key| types.get(key).cloned())?),
    })
}

fn unknown(code: i8, data: &[u8], ty: &Type) -> Unknown {
    let mut unknown = Unknown { ty: ty.clone(), ..Unknown::default() };
    let refinements =
        (code == REFINED).then(|| rmpv::decode::read_value_with_max_depth(&mut &*data, DEEPEST).ok()).flatten();
    for (key, value) in refinements.iter().filter_map(Value::as_map).flatten() {
        match key.as_u64() {
            Some(NULLNESS) => unknown.not_null = value.as_bool() == Some(false),
            Some(PREFIX) => unknown.prefix = value.as_str().unwrap_or_default().to_owned(),
            _ => {}
        }
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).unwrap();
        bytes
    }

    #[test]
    fn a_value_is_read_by_the_type_in_front_of_it() {
        let refinements = packed(&Value::Map(vec![
            (Value::from(1), Value::from(false)),
            (Value::from(2), Value::from("a-")),
            (Value::from(9), Value::from(1)),
        ]));
        let value = Value::Array(vec![
            Value::Binary(br#"["tuple",["dynamic",["list","number"],"string","string"]]"#.to_vec()),
            Value::Array(vec![
                Value::Array(vec![Value::Binary(b"\"bool\"".to_vec()), Value::from(true)]),
                Value::Array(vec![Value::from(1), Value::from(1.5), Value::from("123456789012345678901")]),
                Value::Ext(0, vec![0]),
                Value::Ext(12, refinements),
            ]),
        ]);
        let number = |text: &str| PlannedValue::Number(text.to_owned());
        let unknown = |not_null, prefix: &str| {
            PlannedValue::Unknown(Unknown { ty: Type::String, not_null, prefix: prefix.to_owned() })
        };
        let (value, ty) = decode(&packed(&value)).unwrap();
        assert_eq!(
            value,
            PlannedValue::Tuple(vec![
                PlannedValue::Bool(true),
                PlannedValue::List(vec![number("1"), number("1.5"), number("123456789012345678901")]),
                unknown(false, ""),
                unknown(true, "a-"),
            ]),
        );
        assert!(matches!(ty, Some(Type::Tuple(types)) if types.len() == 4));
        assert_eq!(decode(&packed(&Value::Ext(0, vec![0]))), Some((PlannedValue::unknown(), None)));
    }

    #[test]
    fn a_value_that_is_deeper_than_a_stack_is_not_read() {
        for depth in [DEEPEST, 1000, 1_000_000] {
            assert_eq!(decode(&[vec![0x91; depth], vec![0xc0]].concat()), None, "{depth}");
            assert_eq!(decode(&[[0x81, 0xa1, b'a'].repeat(depth), vec![0xc0]].concat()), None, "{depth}");
            let typed = [b"\x92\xc4\x09\"dynamic\"".repeat(depth), vec![0xc0]].concat();
            assert_eq!(decode(&typed), None, "{depth}");
        }
    }

    #[test]
    fn what_does_not_fit_its_type_is_not_read() {
        for (ty, value) in [("\"bool\"", Value::from(1)), ("[\"tuple\",[]]", Value::Array(vec![Value::Nil]))] {
            assert_eq!(decode(&packed(&Value::Array(vec![Value::Binary(ty.into()), value]))), None);
        }
        assert_eq!(decode(b""), None);
    }
}
