//! What can be told from a state file (version 4) without understanding its resources.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What a state must continue to be accepted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base {
    lineage: String,
    serial: u64,
    bytes: Option<Bytes>,
}

/// The head of a state file that parses to its end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Head {
    version: u64,
    /// Counts up with each saved change.
    pub(crate) serial: u64,
    /// Names the history that it belongs to.
    pub(crate) lineage: String,
}

impl Base {
    /// The state before the run.
    pub(crate) fn new(prior: Option<&Bytes>) -> Self {
        match prior.and_then(|bytes| head(bytes)) {
            Some(head) => Self { lineage: head.lineage, serial: head.serial, bytes: prior.cloned() },
            None => Self::default(),
        }
    }

    /// Whether `bytes` are a whole state file that continues this one, or are this one.
    pub(crate) fn continues(&self, bytes: &[u8]) -> bool {
        self.bytes.as_ref().is_some_and(|prior| prior == bytes) || self.accepts(bytes).is_some()
    }

    /// The head of `bytes` when they are a whole state file that continues this one and is not this one.
    pub(crate) fn accepts(&self, bytes: &[u8]) -> Option<Head> {
        if self.bytes.as_ref().is_some_and(|prior| prior == bytes) {
            return None;
        }
        let head = head(bytes)?;
        let same = self.lineage.is_empty() || self.lineage == head.lineage;
        (same && head.serial >= self.serial).then_some(head)
    }
}

/// Reads the whole file, because a torn one has a good head.
fn head(bytes: &[u8]) -> Option<Head> {
    serde_json::from_slice::<Head>(bytes).ok().filter(|head| head.version == 4 && !head.lineage.is_empty())
}

/// Whether a state has nothing but what terraform looks after by itself, without a provider that `init` installs.
pub(crate) fn is_of_terraform_itself(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct State {
        #[serde(default)]
        resources: Vec<Resource>,
    }
    #[derive(Deserialize)]
    struct Resource {
        provider: String,
    }
    let is_own = |resource: &Resource| resource.provider.contains("[\"terraform.io/builtin/terraform\"]");
    serde_json::from_slice::<State>(bytes).is_ok_and(|state| state.resources.iter().all(is_own))
}

/// The managed resource instances in a state, by address as terraform writes it in its messages.
#[derive(Default)]
pub(crate) struct Saved<'a>(BTreeMap<String, Vec<Instance<'a>>>);

#[derive(Deserialize)]
struct Instance<'a> {
    #[serde(default)]
    index_key: Value,
    #[serde(default)]
    deposed: String,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
}

impl<'a> Saved<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        #[derive(Deserialize)]
        struct State<'a> {
            #[serde(borrow, default)]
            resources: Vec<Resource<'a>>,
        }
        #[derive(Deserialize)]
        struct Resource<'a> {
            mode: String,
            #[serde(rename = "type")]
            kind: String,
            name: String,
            #[serde(default)]
            module: String,
            #[serde(borrow, default)]
            instances: Vec<Instance<'a>>,
        }
        let mut saved = Self::default();
        let Ok(state) = serde_json::from_slice::<State<'a>>(bytes) else { return saved };
        for resource in state.resources.into_iter().filter(|resource| resource.mode == "managed") {
            let dot = if resource.module.is_empty() { "" } else { "." };
            let address = format!("{}{dot}{}.{}", resource.module, resource.kind, resource.name);
            for instance in resource.instances {
                let address = match &instance.index_key {
                    Value::Null => address.clone(),
                    Value::String(key) => format!("{address}[{}]", crate::variables::quoted(key)),
                    key => format!("{address}[{key}]"),
                };
                saved.0.entry(address).or_default().push(instance);
            }
        }
        saved
    }

    /// How many instances the state has, deposed ones included.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Whether the state has this object: an instance of the address with this value of its identifying attribute, deposed
    /// ones included; any current instance where terraform named no such attribute.
    pub(crate) fn has(&self, address: &str, id_key: &str, id_value: &str) -> bool {
        let instances = self.0.get(address).map(Vec::as_slice).unwrap_or_default();
        if id_key.is_empty() {
            return instances.iter().any(|instance| instance.deposed.is_empty());
        }
        instances.iter().any(|instance| instance.attribute(id_key).is_some_and(|value| value == id_value))
    }
}

impl Instance<'_> {
    fn attribute(&self, key: &str) -> Option<String> {
        let attributes: BTreeMap<String, &RawValue> = serde_json::from_str(self.attributes?.get()).ok()?;
        let value = attributes.get(key)?.get();
        serde_json::from_str::<String>(value).ok().or_else(|| Some(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(lineage: &str, serial: u64, more: &str) -> Bytes {
        Bytes::from(format!(r#"{{"version":4,"serial":{serial},"lineage":"{lineage}","resources":[]{more}}}"#))
    }

    #[test]
    fn a_state_is_accepted_when_it_continues_the_one_before() {
        let base = Base::new(Some(&state("a", 3, "")));
        assert!(base.accepts(&state("a", 3, r#","x":1"#)).is_some());
        assert!(base.accepts(&state("a", 4, "")).is_some());
        assert!(base.accepts(&state("a", 2, "")).is_none(), "older");
        assert!(base.accepts(&state("b", 9, "")).is_none(), "another history");
        assert!(base.accepts(&state("a", 3, "")).is_none(), "the very same");
    }

    #[test]
    fn a_torn_or_empty_file_is_no_state() {
        let base = Base::new(None);
        let whole = state("a", 1, "");
        assert!(base.accepts(&whole).is_some());
        assert!(base.accepts(&whole[..whole.len() - 1]).is_none());
        assert!(base.accepts(b"").is_none());
        assert!(base.accepts(br#"{"version":3,"serial":1,"lineage":"a"}"#).is_none());
    }

    #[test]
    fn a_state_is_of_terraform_itself_when_no_other_provider_made_anything_in_it() {
        let state = |providers: &[&str]| {
            let resources: Vec<_> = providers.iter().map(|it| serde_json::json!({ "provider": it })).collect();
            serde_json::json!({ "version": 4, "resources": resources }).to_string()
        };
        let (own, other) =
            (r#"provider["terraform.io/builtin/terraform"]"#, r#"provider["registry.terraform.io/a/b"]"#);
        assert!(is_of_terraform_itself(state(&[]).as_bytes()));
        assert!(is_of_terraform_itself(state(&[own, own]).as_bytes()));
        assert!(!is_of_terraform_itself(state(&[own, other]).as_bytes()));
        assert!(!is_of_terraform_itself(b"{"), "nobody knows what is in it");
    }

    #[test]
    fn objects_are_found_by_address_and_id() {
        let state = br#"{"version":4,"resources":[
            {"mode":"managed","type":"t","name":"a","instances":[{"attributes":{"id":"1"}},{"deposed":"00ff","attributes":{"id":"0"}}]},
            {"mode":"managed","type":"t","name":"b","module":"module.m[\"x\"]","instances":[{"index_key":0},{"index_key":"k\"y"}]},
            {"mode":"managed","type":"t","name":"c","instances":[{"deposed":"00ff","attributes":{"number":7}}]},
            {"mode":"data","type":"d","name":"d","instances":[{}]}]}"#;
        let saved = Saved::of(state);
        assert!(saved.has("t.a", "id", "1") && saved.has("t.a", "id", "0") && !saved.has("t.a", "id", "2"));
        assert!(saved.has(r#"module.m["x"].t.b[0]"#, "", "") && saved.has(r#"module.m["x"].t.b["k\"y"]"#, "", ""));
        assert!(saved.has("t.c", "number", "7") && !saved.has("t.c", "", ""));
        assert!(!saved.has("d.d", "", ""));
    }
}
