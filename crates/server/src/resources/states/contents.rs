//! What is in a state file, instance by instance and output by output, for whoever looks at it or compares two.
//!
//! Source: the state format of Terraform 0.12 and later, version 4. Absent: which values are secret (`secrets`).

use std::collections::BTreeMap;

use domain::Problem;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What is in a state file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// Instances of resources and of data sources by address. One that is deposed has its key behind its address.
    pub instances: BTreeMap<String, Instance>,
    /// Outputs by name.
    pub outputs: BTreeMap<String, Output>,
}

/// One instance of a resource or data source.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// It is a resource, and no data source.
    pub is_managed: bool,
    /// Type of the resource.
    pub kind: String,
    /// Where its provider is from: `registry.terraform.io/hashicorp/aws`.
    pub provider: String,
    /// Its attributes; null where they are kept in an older form.
    pub attributes: Value,
    /// Attributes that terraform has marked sensitive.
    pub marks: Vec<Vec<Step>>,
}

/// One output.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its value.
    pub value: Value,
    /// It is sensitive.
    pub sensitive: bool,
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The attribute of an object, or the element of a map.
    Key(String),
    /// The element of a list.
    Index(u64),
    /// Every element.
    Every,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    outputs: BTreeMap<String, FileOutput>,
    #[serde(default)]
    resources: Vec<FileResource>,
}

#[derive(Deserialize)]
struct FileOutput {
    #[serde(default)]
    value: Value,
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
    instances: Vec<FileInstance>,
}

#[derive(Deserialize)]
struct FileInstance {
    #[serde(default)]
    index_key: Value,
    #[serde(default)]
    deposed: Option<String>,
    #[serde(default)]
    attributes: Value,
    #[serde(default)]
    sensitive_attributes: Value,
}

/// Reads a state file that was stored.
///
/// # Errors
/// `state/unreadable`.
pub fn read(bytes: &[u8]) -> Result<Contents, Problem> {
    let file: File = serde_json::from_slice(bytes).map_err(unreadable)?;
    let mut contents = Contents::default();
    for (name, FileOutput { value, sensitive }) in file.outputs {
        contents.outputs.insert(name, Output { value, sensitive });
    }
    for resource in file.resources {
        let is_managed = resource.mode == "managed";
        let module = resource.module.as_ref().map(|module| format!("{module}.")).unwrap_or_default();
        let mode = if is_managed { "" } else { "data." };
        let address = format!("{module}{mode}{}.{}", resource.kind, resource.name);
        let provider = source(&resource.provider).to_owned();
        for instance in resource.instances {
            let key = match &instance.index_key {
                Value::Null => String::new(),
                key => format!("[{key}]"),
            };
            let deposed = instance.deposed.map(|key| format!(" (deposed {key})")).unwrap_or_default();
            let marks = instance.sensitive_attributes.as_array().map(Vec::as_slice).unwrap_or_default();
            let instance = Instance {
                is_managed,
                kind: resource.kind.clone(),
                provider: provider.clone(),
                attributes: instance.attributes,
                marks: marks.iter().map(steps).collect(),
            };
            contents.instances.insert(format!("{address}{key}{deposed}"), instance);
        }
    }
    Ok(contents)
}

/// The same file with another serial; every other byte stays.
///
/// # Errors
/// `state/unreadable`.
pub fn with_serial(bytes: &[u8], serial: i64) -> Result<Vec<u8>, Problem> {
    #[derive(Deserialize)]
    struct Serial<'a> {
        #[serde(borrow)]
        serial: &'a RawValue,
    }
    let text = std::str::from_utf8(bytes).map_err(unreadable)?;
    let old = serde_json::from_str::<Serial<'_>>(text).map_err(unreadable)?.serial.get();
    // It is borrowed from the text, so where it stands is known.
    let start = old.as_ptr() as usize - text.as_ptr() as usize;
    Ok([&text[..start], &serial.to_string(), &text[start + old.len()..]].concat().into_bytes())
}

/// Of `module.a.provider["registry.terraform.io/hashicorp/aws"].west` what stands in the quotes.
fn source(provider: &str) -> &str {
    provider.split_once("[\"").and_then(|(_, rest)| rest.split_once("\"]")).map_or(provider, |(source, _)| source)
}

/// A path as terraform writes it. What cannot be understood ends it: then all that is below is marked.
fn steps(path: &Value) -> Vec<Step> {
    let mut steps = Vec::new();
    for step in path.as_array().map(Vec::as_slice).unwrap_or_default() {
        let value = &step["value"];
        let inner = value.get("value").unwrap_or(value);
        match (step["type"].as_str(), inner) {
            (Some("get_attr" | "index"), Value::String(key)) => steps.push(Step::Key(key.clone())),
            (Some("index"), Value::Number(index)) if index.is_u64() => {
                steps.push(Step::Index(index.as_u64().unwrap_or_default()));
            }
            _ => break,
        }
    }
    steps
}

fn unreadable(error: impl std::fmt::Display) -> Problem {
    Problem::ours("state/unreadable", "A stored state is not readable.", error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instances_have_their_addresses_and_marks() {
        let state = json!({
            "version": 4, "outputs": { "ip": { "value": "x", "type": "string", "sensitive": true } },
            "resources": [
                { "module": "module.m[\"a\"]", "mode": "managed", "type": "t", "name": "n",
                  "provider": "module.m.provider[\"example.com/x/t\"].west",
                  "instances": [
                    { "index_key": 0, "attributes": { "a": 1 }, "sensitive_attributes": [
                        [{ "type": "get_attr", "value": "list" }, { "type": "index", "value": { "value": 1, "type": "number" } }],
                        [{ "type": "get_attr", "value": "map" }, { "type": "index", "value": { "value": "k", "type": "string" } }],
                        [{ "type": "get_attr", "value": "set" }, { "type": "new", "value": 1 }] ] },
                    { "index_key": "b\"c", "deposed": "1a2b" } ] },
                { "mode": "data", "type": "t", "name": "d", "provider": "p", "instances": [{}] },
            ],
        });
        let contents = read(state.to_string().as_bytes()).unwrap();
        let addresses: Vec<_> = contents.instances.keys().map(String::as_str).collect();
        assert_eq!(addresses, ["data.t.d", "module.m[\"a\"].t.n[\"b\\\"c\"] (deposed 1a2b)", "module.m[\"a\"].t.n[0]"]);
        let instance = &contents.instances["module.m[\"a\"].t.n[0]"];
        assert_eq!(instance.provider, "example.com/x/t");
        let key = |key: &str| Step::Key(key.to_owned());
        assert_eq!(instance.marks, [vec![key("list"), Step::Index(1)], vec![key("map"), key("k")], vec![key("set")]]);
        assert!(contents.outputs["ip"].sensitive && !contents.instances["data.t.d"].is_managed);
    }

    #[test]
    fn only_the_serial_of_the_file_itself_is_another() {
        let file = "{ \"resources\": [{\"serial\": 3}], \"serial\":  3,\n \"n\": 1.10, \"lineage\": \"l\" }";
        let after = String::from_utf8(with_serial(file.as_bytes(), 12).unwrap()).unwrap();
        assert_eq!(after, "{ \"resources\": [{\"serial\": 3}], \"serial\":  12,\n \"n\": 1.10, \"lineage\": \"l\" }");
        assert_eq!(with_serial(b"{}", 1).unwrap_err().code, "state/unreadable");
    }
}
