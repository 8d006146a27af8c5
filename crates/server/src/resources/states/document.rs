//! Reads a state file (version 4): what of it the API shows, and whether it is one at all.
//! Source: the state format of Terraform 0.12 and later.

use std::collections::BTreeMap;
use std::fmt;

use domain::Problem;
use md5::{Digest, Md5};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

/// What the server reads from a state file.
pub struct Document {
    /// Its serial.
    pub serial: i64,
    /// Its lineage.
    pub lineage: String,
    /// Version of the terraform that wrote it.
    pub terraform_version: String,
    /// Root outputs.
    pub outputs: Vec<OutputValue>,
    /// Managed resource instances.
    pub resource_count: i32,
    /// One entry per resource, as the API has them.
    pub resources: Value,
    /// MD5 of the bytes as hex, as clients compare it.
    pub md5: String,
}

/// One root output.
pub struct OutputValue {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Its type, as Terraform writes types in JSON (`"string"`, `["list","string"]`).
    pub detailed_type: Value,
    /// Whether it is sensitive.
    pub sensitive: bool,
}

#[derive(Deserialize)]
struct File {
    version: u64,
    #[serde(default)]
    terraform_version: String,
    serial: i64,
    lineage: String,
    #[serde(default)]
    outputs: BTreeMap<String, FileOutput>,
    #[serde(default)]
    resources: Vec<FileResource>,
}

#[derive(Deserialize)]
struct FileOutput {
    value: Value,
    #[serde(rename = "type")]
    detailed_type: Value,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Deserialize)]
struct FileResource {
    #[serde(default)]
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    instances: Vec<Passed>,
}

/// Whatever stands there: seen to be JSON that is not too deep, and not kept. A state may be much larger than what is read of it.
struct Passed;

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Passed {
    type Value = Self;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<IgnoredAny, Self>()?.is_some() {}
        Ok(self)
    }
}

/// Reads a state file.
///
/// # Errors
/// `state/unreadable` when it is empty, no JSON, or of another version than 4.
pub fn read(bytes: &[u8]) -> Result<Document, Problem> {
    let unreadable = |cause: String| {
        Problem::invalid("state/unreadable", format!("This is not a Terraform state file of version 4: {cause}."))
            .advice("Send the file as terraform wrote it.")
    };
    // Derived code would read an array as well, field by field.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
        return Err(unreadable("it is an array".to_owned()));
    }
    let file: File = serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
    if file.version != 4 || file.lineage.is_empty() || file.serial < 0 {
        return Err(unreadable(format!("version {}, serial {}", file.version, file.serial)));
    }
    let managed = file.resources.iter().filter(|resource| resource.mode == "managed");
    let count: usize = managed.map(|resource| resource.instances.len()).sum();
    Ok(Document {
        serial: file.serial,
        lineage: file.lineage,
        terraform_version: file.terraform_version,
        outputs: file.outputs.into_iter().map(|(name, output)| OutputValue::new(name, output)).collect(),
        resource_count: i32::try_from(count).unwrap_or(i32::MAX),
        resources: file.resources.iter().map(FileResource::summary).collect(),
        md5: hex::encode(Md5::digest(bytes)),
    })
}

/// A state file with these outputs and nothing else: what a downstream may see of an upstream.
pub fn outputs_only(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut file: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::ours("state/unreadable", "A stored state is not readable.", error))?;
    file["resources"] = json!([]);
    file["check_results"] = Value::Null;
    Ok(file.to_string().into_bytes())
}

impl OutputValue {
    fn new(name: String, output: FileOutput) -> Self {
        Self { name, value: output.value, detailed_type: output.detailed_type, sensitive: output.sensitive }
    }
}

impl FileResource {
    fn summary(&self) -> Value {
        json!({
            "name": self.name,
            "type": self.kind,
            "mode": self.mode,
            "module": self.module.as_deref().unwrap_or("root"),
            "provider": self.provider,
            "count": self.instances.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":3,"lineage":"l-1",
        "outputs":{"ip":{"value":"10.0.0.1","type":"string"},"key":{"value":"s3cret","type":"string","sensitive":true}},
        "resources":[{"mode":"managed","type":"terraform_data","name":"a","provider":"p","instances":[{},{}]},
                     {"mode":"data","type":"terraform_remote_state","name":"b","provider":"p","instances":[{}]}]}"#;

    #[test]
    fn managed_instances_are_counted_and_outputs_are_read() {
        let document = read(STATE.as_bytes()).unwrap();
        assert_eq!((document.serial, document.resource_count), (3, 2));
        assert_eq!(
            document.outputs.iter().map(|it| (&*it.name, it.sensitive)).collect::<Vec<_>>(),
            [("ip", false), ("key", true)]
        );
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for bytes in ["", "{", "[]", "{\"version\":3,\"serial\":1,\"lineage\":\"x\"}", "{\"version\":4,\"serial\":1}"] {
            assert_eq!(read(bytes.as_bytes()).err().unwrap().code, "state/unreadable", "{bytes}");
        }
    }

    #[test]
    fn a_downstream_sees_outputs_and_no_resources() {
        let seen = read(&outputs_only(STATE.as_bytes()).unwrap()).unwrap();
        assert_eq!((seen.outputs.len(), seen.resource_count), (2, 0));
    }

    #[test]
    fn no_state_panics_however_it_is_read() {
        use super::super::{contents, secrets};
        let marked = STATE.replace("\"resources\"", "\"check_results\":null,\"resources\"");
        let whole: &[u8] = br#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","outputs":{"a":{"value":[1,{"b":"c"}],"type":"dynamic","sensitive":true}},"resources":[{"module":"module.m[\"a\"]","mode":"managed","type":"t","name":"n","provider":"provider[\"registry.terraform.io/a/b\"].x","instances":[{"index_key":"k","deposed":"0a","schema_version":1,"attributes":{"a":{"b":["secret"]}},"sensitive_attributes":[[{"type":"get_attr","value":"a"},{"type":"index","value":{"value":0,"type":"number"}}]]}]}]}"#;
        let plan: &[u8] = br#"{"provider_schemas":{"registry.terraform.io/a/b":{"resource_schemas":{"t":{"block":{"attributes":{"a":{"sensitive":true,"nested_type":{"nesting_mode":"list","attributes":{"b":{}}}}},"block_types":{"x":{"nesting_mode":"set","block":{}}}}}}}}}"#;
        fuzz::survives("state-documents", &[STATE.as_bytes(), marked.as_bytes(), whole, plan], &|bytes| {
            let document = read(bytes);
            if let Ok(document) = &document {
                assert!(document.serial >= 0 && !document.lineage.is_empty());
            }
            drop(outputs_only(bytes));
            drop(contents::with_serial(bytes, 9));
            let mut schemas = secrets::Schemas::default();
            schemas.add(bytes, |_, _| true);
            for instance in contents::read(bytes).into_iter().flat_map(|contents| contents.instances.into_values()) {
                drop(schemas.of(&instance));
            }
        });
    }
}
