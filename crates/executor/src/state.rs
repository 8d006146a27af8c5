//! What can be told from a state file (version 4) without understanding its resources.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Deserialize;

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

/// Addresses of the managed resource instances in a state, as terraform writes them in its messages.
pub(crate) fn addresses(bytes: &[u8]) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct State {
        #[serde(default)]
        resources: Vec<Resource>,
    }
    #[derive(Deserialize)]
    struct Resource {
        mode: String,
        #[serde(rename = "type")]
        kind: String,
        name: String,
        #[serde(default)]
        module: String,
        #[serde(default)]
        instances: Vec<Instance>,
    }
    #[derive(Deserialize)]
    struct Instance {
        #[serde(default)]
        index_key: serde_json::Value,
        #[serde(default)]
        deposed: String,
    }
    let Ok(state) = serde_json::from_slice::<State>(bytes) else { return BTreeSet::new() };
    let mut addresses = BTreeSet::new();
    for resource in state.resources.iter().filter(|resource| resource.mode == "managed") {
        for instance in resource.instances.iter().filter(|instance| instance.deposed.is_empty()) {
            let mut address = String::new();
            if !resource.module.is_empty() {
                address.push_str(&resource.module);
                address.push('.');
            }
            address.push_str(&format!("{}.{}", resource.kind, resource.name));
            match &instance.index_key {
                serde_json::Value::Null => {}
                serde_json::Value::String(key) => {
                    address.push('[');
                    address.push_str(&crate::variables::quoted(key));
                    address.push(']');
                }
                key => address.push_str(&format!("[{key}]")),
            }
            addresses.insert(address);
        }
    }
    addresses
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
    fn addresses_are_written_as_terraform_writes_them() {
        let state = br#"{"version":4,"resources":[
            {"mode":"managed","type":"t","name":"a","instances":[{}]},
            {"mode":"managed","type":"t","name":"b","module":"module.m[\"x\"]","instances":[{"index_key":0},{"index_key":"k\"y"}]},
            {"mode":"managed","type":"t","name":"c","instances":[{"deposed":"00ff"}]},
            {"mode":"data","type":"d","name":"d","instances":[{}]}]}"#;
        let found: Vec<String> = addresses(state).into_iter().collect();
        assert_eq!(found, [r#"module.m["x"].t.b["k\"y"]"#, r#"module.m["x"].t.b[0]"#, "t.a"]);
    }
}
