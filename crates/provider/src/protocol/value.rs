//! [`Value`]: what Terraform's values are here, and their msgpack form.
//!
//! Lists, sets and tuples are all [`Value::List`]; objects and maps are both [`Value::Map`]; the schema says which is
//! meant. A value of type `dynamic` is a list of two, its type as JSON bytes and itself: [`Value::dynamic`].

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Values one in the other: less than the library would read, and than the stack of a thread holds.
const DEEPEST: usize = 256;

/// An object or a map.
pub type Map = BTreeMap<String, Value>;

/// A value of a configuration, a plan or a state.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// Not known until apply. Refinements are kept as they came: extension code and bytes.
    Unknown(i8, Vec<u8>),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text; also a number too large for the two above.
    Text(String),
    /// JSON of a type, in front of a dynamic value.
    Bytes(Vec<u8>),
    /// A list, a set or a tuple.
    List(Vec<Value>),
    /// An object or a map.
    Map(Map),
}

impl Value {
    /// Unknown without refinements.
    pub const UNKNOWN: Self = Self::Unknown(0, Vec::new());

    /// A value of type `dynamic`, from JSON, with the type that fits it.
    pub fn dynamic(json: &Json) -> Self {
        Self::List(vec![Self::Bytes(type_of(json).to_string().into_bytes()), json.into()])
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// Whether it is unknown as a whole.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(..))
    }

    /// The text, when it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The yes or no, when it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The whole number, when it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The elements, when it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The members, when it is an object or a map.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The value as JSON; unknown becomes null, and the type in front of a dynamic value is dropped.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null | Self::Unknown(..) | Self::Bytes(_) => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(list) => match list.as_slice() {
                [Self::Bytes(_), value] => value.to_json(),
                list => Json::Array(list.iter().map(Self::to_json).collect()),
            },
            Self::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), value.to_json())).collect()),
        }
    }

    /// Reads msgpack; no bytes are null.
    ///
    /// # Errors
    /// What is wrong with the bytes, in words for a developer.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Ok(Self::Null);
        }
        let value = rmpv::decode::read_value_with_max_depth(&mut &*bytes, DEEPEST)
            .map_err(|error| format!("not msgpack: {error}"))?;
        of_msgpack(value)
    }

    /// Writes msgpack.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory cannot fail.
        let _ = rmpv::encode::write_value(&mut bytes, &self.to_msgpack());
        bytes
    }

    fn to_msgpack(&self) -> rmpv::Value {
        match self {
            Self::Null => rmpv::Value::Nil,
            Self::Unknown(code, data) if data.is_empty() => rmpv::Value::Ext(*code, vec![0]),
            Self::Unknown(code, data) => rmpv::Value::Ext(*code, data.clone()),
            Self::Bool(value) => (*value).into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Bytes(bytes) => rmpv::Value::Binary(bytes.clone()),
            Self::List(list) => rmpv::Value::Array(list.iter().map(Self::to_msgpack).collect()),
            Self::Map(map) => {
                rmpv::Value::Map(map.iter().map(|(key, value)| (key.as_str().into(), value.to_msgpack())).collect())
            }
        }
    }
}

fn of_msgpack(value: rmpv::Value) -> Result<Value, String> {
    Ok(match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => Value::Bool(value),
        rmpv::Value::Integer(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Text(number.to_string()),
        },
        rmpv::Value::F32(number) => Value::Float(number.into()),
        rmpv::Value::F64(number) => Value::Float(number),
        rmpv::Value::String(text) => Value::Text(text.into_str().ok_or("a text is not UTF-8")?),
        rmpv::Value::Binary(bytes) => Value::Bytes(bytes),
        rmpv::Value::Array(list) => Value::List(list.into_iter().map(of_msgpack).collect::<Result<_, _>>()?),
        rmpv::Value::Map(members) => {
            let member = |(key, value): (rmpv::Value, rmpv::Value)| {
                let key = key.as_str().ok_or("a key is no text")?.to_owned();
                Ok::<_, String>((key, of_msgpack(value)?))
            };
            Value::Map(members.into_iter().map(member).collect::<Result<_, _>>()?)
        }
        rmpv::Value::Ext(0, _) => Value::UNKNOWN,
        rmpv::Value::Ext(code, data) => Value::Unknown(code, data),
    })
}

/// The type of a JSON value as Terraform writes types: equal elements make a list, others a tuple.
fn type_of(json: &Json) -> Json {
    match json {
        Json::Null => "string".into(),
        Json::Bool(_) => "bool".into(),
        Json::Number(_) => "number".into(),
        Json::String(_) => "string".into(),
        Json::Array(list) => {
            let types: Vec<Json> = list.iter().map(type_of).collect();
            match types.first() {
                None => serde_json::json!(["list", "dynamic"]),
                Some(first) if types.iter().all(|one| one == first) => serde_json::json!(["list", first]),
                Some(_) => serde_json::json!(["tuple", types]),
            }
        }
        Json::Object(members) => {
            let types: serde_json::Map<_, _> =
                members.iter().map(|(key, value)| (key.clone(), type_of(value))).collect();
            serde_json::json!(["object", types])
        }
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => Self::Int(number),
                (None, Some(float)) if !number.is_u64() => Self::Float(float),
                _ => Self::Text(number.to_string()),
            },
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(list) => Self::List(list.iter().map(Self::from).collect()),
            Json::Object(members) => {
                Self::Map(members.iter().map(|(key, value)| (key.clone(), value.into())).collect())
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_survives_the_way_out_and_in() {
        let value = Value::Map(Map::from([
            ("unknown".into(), Value::UNKNOWN),
            ("refined".into(), Value::Unknown(12, vec![0x81, 1, 0xc2])),
            ("number".into(), Value::Int(-3)),
            ("float".into(), Value::Float(1.5)),
            ("list".into(), Value::List(vec!["a".into(), Value::Null])),
            ("dynamic".into(), Value::dynamic(&json!({"a": [1, 2]}))),
        ]));
        assert_eq!(Value::decode(&value.encode()).unwrap(), value);
        assert_eq!(Value::decode(b"").unwrap(), Value::Null);
    }

    #[test]
    fn a_dynamic_value_carries_the_type_that_fits() {
        for (json, type_) in [
            (json!([]), json!(["list", "dynamic"])),
            (json!(["a", "b"]), json!(["list", "string"])),
            (json!(["a", 1]), json!(["tuple", ["string", "number"]])),
            (json!({"a": null, "b": true}), json!(["object", {"a": "string", "b": "bool"}])),
        ] {
            assert_eq!(type_of(&json), type_);
            assert_eq!(Value::dynamic(&json).to_json(), json);
        }
    }

    #[test]
    fn no_packed_value_panics_and_each_that_is_read_can_be_written() {
        let seeds: &[&[u8]] = &[
            b"\x82\xa1a\x93\x01\xc0\xcb\x3f\xf8\0\0\0\0\0\0\xa7unknown\xc7\x04\x0c\x82\x01\xc2\x02\xa1b",
            b"\x92\xc4\x08\"string\"\xa1x",
            b"\xd4\0\0",
        ];
        fuzz::survives("provider-values", seeds, &|bytes| {
            if let Ok(value) = Value::decode(bytes) {
                drop(value.to_json());
                Value::decode(&value.encode()).expect("what was written can be read");
            }
        });
    }
}
