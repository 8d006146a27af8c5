//! [`Item`]: a resource whose attributes stay JSON, and bodies of requests of that kind.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Any resource of the API.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Item {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Its `type`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What it says of itself, with the names of the API (`working-directory`).
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// What it points to, with the names of the API.
    #[serde(default)]
    pub relationships: Map<String, Value>,
    /// Its links.
    #[serde(default)]
    pub links: Map<String, Value>,
}

impl Item {
    /// An attribute; null when it is not there.
    pub fn get(&self, name: &str) -> &Value {
        self.attributes.get(name).unwrap_or(&Value::Null)
    }

    /// A text attribute; empty when it is null or not there.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).as_str().unwrap_or_default()
    }

    /// A yes-or-no attribute; false when it is null or not there.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).as_bool().unwrap_or_default()
    }

    /// The id at the other end of a relationship to one.
    pub fn related(&self, name: &str) -> Option<&str> {
        self.relationships.get(name)?.get("data")?.get("id")?.as_str().filter(|id| !id.is_empty())
    }

    /// The ids at the other ends of a relationship to many.
    pub fn related_all(&self, name: &str) -> Vec<String> {
        let data = self.relationships.get(name).and_then(|relation| relation["data"].as_array());
        data.into_iter().flatten().filter_map(|one| Some(one["id"].as_str()?.to_owned())).collect()
    }
}

/// Body of a create or an update: `{"data": {"type", "attributes", "relationships"}}`.
pub fn body(kind: &str, attributes: Map<String, Value>, relationships: Map<String, Value>) -> Value {
    let mut data = json!({ "type": kind, "attributes": attributes });
    if !relationships.is_empty() {
        data["relationships"] = Value::Object(relationships);
    }
    json!({ "data": data })
}

/// Body that adds to, replaces or takes from a relationship: `{"data": [{"type", "id"}]}`.
pub fn identifiers<'a>(kind: &str, ids: impl IntoIterator<Item = &'a str>) -> Value {
    let data: Vec<_> = ids.into_iter().map(|id| json!({ "type": kind, "id": id })).collect();
    json!({ "data": data })
}

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A name or an id as a segment of a path or a value of a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
