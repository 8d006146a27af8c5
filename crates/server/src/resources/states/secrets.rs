//! Which values of a state are secret: what terraform has marked, and what the provider's schema calls sensitive.
//!
//! A state file alone does not tell the second, so the schemas are taken from the plan of the run that wrote it. Where there
//! is none, nobody knows, and no value is shown. A provider may copy a secret to where nothing marks it, as `terraform_data` does
//! to its output: so the text of a secret is hidden wherever it stands.

use std::collections::{BTreeMap, BTreeSet};

use domain::plan::below;
use domain::planned::{PlannedValue, can_be_secret};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::contents::{Instance, Step};

/// The provider of `terraform_data`, which has no sensitive attribute.
const BUILT_IN: &str = "terraform.io/builtin/terraform";
const HIDDEN: &str = "(sensitive value)";
const HIDDEN_CHANGED: &str = "(sensitive value, changed)";

/// Which attributes of resources are sensitive by their provider's schema.
#[derive(Debug, Default)]
pub struct Schemas(BTreeMap<(String, String), Vec<Vec<Step>>>);

#[derive(Deserialize)]
struct Plan<'a> {
    #[serde(default, borrow)]
    provider_schemas: BTreeMap<String, Provider<'a>>,
}

#[derive(Deserialize)]
struct Provider<'a> {
    #[serde(default, borrow)]
    resource_schemas: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Resource {
    block: Block,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Block {
    attributes: BTreeMap<String, Attribute>,
    block_types: BTreeMap<String, Nested>,
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    nested_type: Option<Nested>,
}

/// Blocks have their content in `block`, attributes in `attributes`.
#[derive(Deserialize)]
struct Nested {
    #[serde(default)]
    nesting_mode: String,
    #[serde(default)]
    block: Block,
    #[serde(default)]
    attributes: BTreeMap<String, Attribute>,
}

impl Schemas {
    /// Takes in the schemas that a plan has, of the types that are asked for. A plan that cannot be read has none.
    pub fn add(&mut self, plan: &[u8], is_wanted: impl Fn(&str, &str) -> bool) {
        let Ok(plan) = serde_json::from_slice::<Plan<'_>>(plan) else { return };
        for (source, provider) in plan.provider_schemas {
            for (kind, schema) in provider.resource_schemas {
                if !is_wanted(&source, &kind) {
                    continue;
                }
                let Ok(Resource { block }) = serde_json::from_str(schema.get()) else { continue };
                let mut found = Vec::new();
                of_block(&block, &mut Vec::new(), &mut found);
                self.0.insert((source.clone(), kind), found);
            }
        }
    }

    /// Every path of an instance that is secret; `None` when that is not known.
    ///
    /// A data source may have read secrets of another workspace, which nothing marks.
    pub fn of(&self, instance: &Instance) -> Option<Vec<Vec<Step>>> {
        if !instance.is_managed {
            return None;
        }
        let by_schema = match self.0.get(&(instance.provider.clone(), instance.kind.clone())) {
            Some(known) => known.clone(),
            None if instance.provider == BUILT_IN => Vec::new(),
            None => return None,
        };
        Some([by_schema, instance.marks.clone()].concat())
    }
}

fn of_block(block: &Block, at: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    of_attributes(&block.attributes, at, found);
    for (name, nested) in &block.block_types {
        at.push(Step::Key(name.clone()));
        of_nested(nested, at, found);
        at.pop();
    }
}

fn of_attributes(attributes: &BTreeMap<String, Attribute>, at: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    for (name, attribute) in attributes {
        at.push(Step::Key(name.clone()));
        if attribute.sensitive {
            found.push(at.clone());
        } else if let Some(nested) = &attribute.nested_type {
            of_nested(nested, at, found);
        }
        at.pop();
    }
}

fn of_nested(nested: &Nested, at: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    let many = !matches!(nested.nesting_mode.as_str(), "single" | "group");
    if many {
        at.push(Step::Every);
    }
    of_block(&nested.block, at, found);
    of_attributes(&nested.attributes, at, found);
    if many {
        at.pop();
    }
}

/// Texts that are secret wherever they stand.
#[derive(Debug, Default)]
pub struct Texts(BTreeSet<String>);

impl Texts {
    /// Takes in the texts of what is secret in a value.
    pub fn add(&mut self, value: &Value, secret: &[&[Step]]) {
        if secret.iter().any(|steps| steps.is_empty()) {
            return self.add_all(value);
        }
        for (_, child, its) in children(value, secret) {
            self.add(child, &its);
        }
    }

    fn add_all(&mut self, value: &Value) {
        match value {
            Value::String(text) if can_be_secret(text) => _ = self.0.insert(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| self.add_all(item)),
            // The name of a type is no secret.
            Value::Object(entries) if is_wrapped(entries) => self.add_all(&entries["value"]),
            Value::Object(entries) => entries.values().for_each(|entry| self.add_all(entry)),
            _ => {}
        }
    }

    fn is_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| text.contains(secret))
    }
}

/// Where a value is in another one.
enum At<'a> {
    Index(usize),
    Key(&'a str),
}

/// What is in a value, each with the paths that lead on from there.
fn children<'a, 's>(value: &'a Value, secret: &[&'s [Step]]) -> Vec<(At<'a>, &'a Value, Vec<&'s [Step]>)> {
    let within = |is: &dyn Fn(&Step) -> bool| -> Vec<&'s [Step]> {
        let on = secret.iter().filter_map(|steps| steps.split_first().filter(|(first, _)| is(first)));
        on.map(|(_, rest)| rest).collect()
    };
    match value {
        Value::Array(items) => {
            let child = |(index, item): (usize, &'a Value)| {
                let its = within(&|step| match step {
                    Step::Every => true,
                    Step::Index(at) => *at == index as u64,
                    Step::Key(_) => false,
                });
                (At::Index(index), item, its)
            };
            items.iter().enumerate().map(child).collect()
        }
        Value::Object(entries) => {
            let is_wrapped = is_wrapped(entries);
            let child = |(key, entry): (&'a String, &'a Value)| {
                let mut its = within(&|step| match step {
                    Step::Every => true,
                    Step::Key(name) => name == key,
                    Step::Index(_) => false,
                });
                if is_wrapped && key == "value" {
                    its.extend_from_slice(secret);
                }
                (At::Key(key), entry, its)
            };
            entries.iter().map(child).collect()
        }
        _ => Vec::new(),
    }
}

/// A value of any type stands in a state with its type beside it; paths do not tell of that.
fn is_wrapped(entries: &Map<String, Value>) -> bool {
    entries.len() == 2 && entries.contains_key("type") && entries.contains_key("value")
}

/// A value without its secrets, and the paths where they were. A secret that is another one in `other` says so: nothing else
/// would tell that it has changed.
pub fn hide(value: &Value, other: Option<&Value>, secret: &[&[Step]], texts: &Texts) -> (PlannedValue, Vec<String>) {
    let mut paths = Vec::new();
    let hidden = hide_at("", value, other, secret, texts, &mut paths);
    (hidden, paths)
}

fn hide_at(
    path: &str,
    value: &Value,
    other: Option<&Value>,
    secret: &[&[Step]],
    texts: &Texts,
    paths: &mut Vec<String>,
) -> PlannedValue {
    if *value == Value::Null {
        return PlannedValue::Null;
    }
    let has_text = value.as_str().is_some_and(|text| texts.is_in(text));
    if has_text || secret.iter().any(|steps| steps.is_empty()) {
        paths.push(path.to_owned());
        let is_another = other.is_some_and(|other| other != value);
        return PlannedValue::Text(if is_another { HIDDEN_CHANGED } else { HIDDEN }.to_owned());
    }
    match value {
        Value::Null => PlannedValue::Null,
        Value::Bool(it) => PlannedValue::Bool(*it),
        Value::Number(it) => PlannedValue::Number(it.to_string()),
        Value::String(it) => PlannedValue::Text(it.clone()),
        Value::Array(_) | Value::Object(_) => {
            let (mut items, mut entries) = (Vec::new(), BTreeMap::new());
            for (at, child, its) in children(value, secret) {
                match at {
                    At::Index(index) => {
                        let (path, other) = (format!("{path}[{index}]"), other.and_then(|it| it.get(index)));
                        items.push(hide_at(&path, child, other, &its, texts, paths));
                    }
                    At::Key(key) => {
                        let (path, other) = (below(path, key), other.and_then(|it| it.get(key)));
                        entries.insert(key.to_owned(), hide_at(&path, child, other, &its, texts, paths));
                    }
                }
            }
            if value.is_array() { PlannedValue::Tuple(items) } else { PlannedValue::Object(entries) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schemas() -> Schemas {
        let sensitive = json!({ "type": "string", "sensitive": true });
        let plan = json!({ "provider_schemas": { "example.com/x/t": { "resource_schemas": { "t": { "version": 0, "block": {
            "attributes": {
                "password": sensitive, "plain": { "type": "string" },
                "users": { "nested_type": { "nesting_mode": "map", "attributes": { "key": sensitive } } },
                "login": { "nested_type": { "nesting_mode": "single", "attributes": { "key": sensitive } } },
            },
            "block_types": { "rule": { "nesting_mode": "list", "block": { "attributes": { "secret": sensitive } } } },
        } } } } } });
        let mut schemas = Schemas::default();
        schemas.add(plan.to_string().as_bytes(), |_, kind| kind == "t");
        schemas
    }

    fn instance(provider: &str, marks: Vec<Vec<Step>>) -> Instance {
        Instance { is_managed: true, kind: "t".into(), provider: provider.into(), attributes: Value::Null, marks }
    }

    #[test]
    fn what_a_schema_or_a_mark_calls_sensitive_is_hidden_wherever_it_stands() {
        let marks = vec![vec![Step::Key("tags".into()), Step::Key("owner".into())]];
        let secret = schemas().of(&instance("example.com/x/t", marks)).unwrap();
        let value = json!({
            "password": "s3cret", "plain": "seen", "login": { "key": "s3cret" }, "users": { "a": { "key": "s3cret" } },
            "rule": [{ "secret": "s3cret", "n": 1 }], "tags": { "owner": "s3cret", "b": "seen" },
        });
        let secret: Vec<&[Step]> = secret.iter().map(Vec::as_slice).collect();
        let (hidden, mut paths) = hide(&value, None, &secret, &Texts::default());
        paths.sort();
        assert_eq!(paths, ["login.key", "password", "rule[0].secret", "tags.owner", "users.a.key"]);
        let told = format!("{hidden:?}");
        assert!(!told.contains("s3cret") && told.matches("seen").count() == 2, "{told}");
    }

    #[test]
    fn a_secret_that_was_changed_says_so_and_no_more() {
        let secret: &[&[Step]] = &[&[]];
        let texts = Texts::default();
        let (hidden, _) = hide(&json!("new"), Some(&json!("old")), secret, &texts);
        assert_eq!(hidden, PlannedValue::Text(HIDDEN_CHANGED.into()));
        assert_eq!(hide(&json!("x"), Some(&json!("x")), secret, &texts).0, PlannedValue::Text(HIDDEN.into()));
    }

    #[test]
    fn the_text_of_a_secret_is_hidden_where_nothing_marks_it_too() {
        let key = |name: &str| Step::Key(name.to_owned());
        let paths = [vec![key("input"), key("password")]];
        let secret: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
        let wrapped =
            json!({ "value": { "password": "s3cret-1", "user": "seen" }, "type": ["object", { "user": "string" }] });
        let value = json!({ "input": wrapped, "output": wrapped, "url": "https://me:s3cret-1@example.com" });
        let mut texts = Texts::default();
        texts.add(&value, &secret);
        let (hidden, paths) = hide(&value, None, &secret, &texts);
        assert_eq!(paths, ["input.value.password", "output.value.password", "url"]);
        let whole: &[&[Step]] = &[&[]];
        let mut texts = Texts::default();
        texts.add(&json!({ "value": "s3cret-1", "type": "string" }), whole);
        assert!(texts.is_in("my s3cret-1") && !texts.is_in("string"));
        let told = format!("{hidden:?}");
        assert!(!told.contains("s3cret") && told.matches("seen").count() == 2, "{told}");
    }

    #[test]
    fn without_a_schema_nobody_knows_but_for_what_is_built_in() {
        assert_eq!(schemas().of(&instance("example.com/other/t", Vec::new())), None);
        assert_eq!(Schemas::default().of(&instance(BUILT_IN, Vec::new())), Some(Vec::new()));
        let data = Instance { is_managed: false, ..instance(BUILT_IN, Vec::new()) };
        assert_eq!(Schemas::default().of(&data), None);
    }
}
