//! What is different between two versions of a state. Use cases: what they need to know is fetched here too.

use std::collections::BTreeSet;

use domain::Problem;
use domain::plan::{Action, Change};
use domain::planned::PlannedValue;
use serde_json::Value;

use super::State;
use super::contents::{self, Contents, Instance, Output, Step};
use super::secrets::{self, Schemas, Texts};
use super::service;
use crate::actor::Actor;
use crate::app::App;
use crate::resources::runs;
use crate::storage::Tx;

/// What is different.
#[derive(Debug, Default, PartialEq)]
pub struct Comparison {
    /// Instances by address.
    pub instances: Vec<Entry>,
    /// Outputs by name.
    pub outputs: Vec<Entry>,
}

/// One instance or output that is different.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// Address, or name.
    pub address: String,
    /// How.
    pub what: What,
    /// In which values.
    pub values: Values,
}

/// How something is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It is in the newer one alone.
    Added,
    /// It is in both.
    Changed,
    /// It is in the older one alone.
    Removed,
}

/// The values of something that is different.
#[derive(Debug, PartialEq)]
pub enum Values {
    /// As a change, without a secret.
    Known(Box<Change>),
    /// The names of attributes that are different, since nobody knows which of the values are secret.
    Names(Vec<(String, What)>),
}

/// What is in a version.
///
/// # Errors
/// `state/not-found`, `state/unreadable`.
pub async fn contents(app: &App, state: &State) -> Result<Contents, Problem> {
    contents::read(&service::download(app, state).await?)
}

/// Compares two versions of one workspace.
///
/// # Errors
/// `state/not-found`, `state/unreadable`.
pub async fn compare(app: &App, tx: &Tx, actor: &Actor, older: &State, newer: &State) -> Result<Comparison, Problem> {
    let (before, after) = (contents(app, older).await?, contents(app, newer).await?);
    let kinds: BTreeSet<(&str, &str)> = before
        .instances
        .values()
        .chain(after.instances.values())
        .map(|it| (it.provider.as_str(), it.kind.as_str()))
        .collect();
    let mut schemas = Schemas::default();
    for run in [&older.run_id, &newer.run_id].into_iter().flatten() {
        // Whoever may not see the run sees no more than names.
        let Ok(whole) = runs::service::read(tx, actor, run).await else { continue };
        if let Some(plan) = runs::service::plan_json(app, &whole, true).await? {
            schemas.add(&plan, |source, kind| kinds.contains(&(source, kind)));
        }
    }
    Ok(between(&before, &after, &schemas))
}

fn between(before: &Contents, after: &Contents, schemas: &Schemas) -> Comparison {
    let mut texts = Texts::default();
    for contents in [before, after] {
        for instance in contents.instances.values() {
            if let Some(secret) = schemas.of(instance) {
                texts.add(&instance.attributes, &secret.iter().map(Vec::as_slice).collect::<Vec<_>>());
            }
        }
        for output in contents.outputs.values().filter(|output| output.sensitive) {
            texts.add(&output.value, &[&[]]);
        }
    }
    let addresses: BTreeSet<&String> = before.instances.keys().chain(after.instances.keys()).collect();
    let names: BTreeSet<&String> = before.outputs.keys().chain(after.outputs.keys()).collect();
    let instance = |address: &String| {
        let (was, is) = (before.instances.get(address), after.instances.get(address));
        let what = what(was.map(|it| &it.attributes), is.map(|it| &it.attributes))?;
        Some(Entry { address: address.clone(), what, values: of_instance(was, is, what, schemas, &texts) })
    };
    let output = |name: &String| {
        let (was, is) = (before.outputs.get(name), after.outputs.get(name));
        let what = what(was.map(|it| &it.value), is.map(|it| &it.value))?;
        Some(Entry { address: name.clone(), what, values: of_output(was, is, what, &texts) })
    };
    Comparison {
        instances: addresses.into_iter().filter_map(instance).collect(),
        outputs: names.into_iter().filter_map(output).collect(),
    }
}

fn what<T: PartialEq>(was: Option<&T>, is: Option<&T>) -> Option<What> {
    match (was, is) {
        (None, None) => None,
        (Some(was), Some(is)) => (was != is).then_some(What::Changed),
        (None, Some(_)) => Some(What::Added),
        (Some(_), None) => Some(What::Removed),
    }
}

fn of_instance(was: Option<&Instance>, is: Option<&Instance>, what: What, schemas: &Schemas, texts: &Texts) -> Values {
    let known = |instance: Option<&Instance>| instance.map_or(Some(Vec::new()), |it| schemas.of(it));
    let (before, after) = (was.map(|it| &it.attributes), is.map(|it| &it.attributes));
    match (known(was), known(is)) {
        // What was secret in either is secret in both.
        (Some(one), Some(other)) => values(before, after, what, &[one, other].concat(), texts),
        _ => Values::Names(names(before, after)),
    }
}

fn of_output(was: Option<&Output>, is: Option<&Output>, what: What, texts: &Texts) -> Values {
    let is_secret = [was, is].into_iter().flatten().any(|output| output.sensitive);
    let secret = if is_secret { vec![Vec::new()] } else { Vec::new() };
    values(was.map(|it| &it.value), is.map(|it| &it.value), what, &secret, texts)
}

fn values(before: Option<&Value>, after: Option<&Value>, what: What, secret: &[Vec<Step>], texts: &Texts) -> Values {
    let secret: Vec<&[Step]> = secret.iter().map(Vec::as_slice).collect();
    let hidden = |value: Option<&Value>, other: Option<&Value>| {
        value.map_or((PlannedValue::Null, Vec::new()), |value| secrets::hide(value, other, &secret, texts))
    };
    let ((was, paths), (is, more)) = (hidden(before, None), hidden(after, before));
    let action = match what {
        What::Added => Action::Create,
        What::Changed => Action::Update,
        What::Removed => Action::Delete,
    };
    let sensitive: BTreeSet<String> = paths.into_iter().chain(more).collect();
    Values::Known(Box::new(Change {
        action,
        moved_from: None,
        imported: false,
        before: was,
        after: is,
        sensitive: sensitive.into_iter().collect(),
        replaced_by: Vec::new(),
    }))
}

fn names(before: Option<&Value>, after: Option<&Value>) -> Vec<(String, What)> {
    let keys = |value: Option<&Value>| -> BTreeSet<String> {
        let entries = value.and_then(Value::as_object);
        entries.into_iter().flatten().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.clone()).collect()
    };
    let value = |of: Option<&Value>, key: &str| of.and_then(|it| it.get(key)).filter(|it| !it.is_null()).cloned();
    let all: BTreeSet<String> = keys(before).into_iter().chain(keys(after)).collect();
    let name = |key: String| {
        let what = what(value(before, &key).as_ref(), value(after, &key).as_ref())?;
        Some((key, what))
    };
    all.into_iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(resources: &Value, outputs: &Value) -> Contents {
        contents::read(json!({ "resources": resources, "outputs": outputs }).to_string().as_bytes()).unwrap()
    }

    fn resource(provider: &str, name: &str, attributes: &Value, marks: &Value) -> Value {
        json!({ "mode": "managed", "type": "terraform_data", "name": name, "provider": format!("provider[\"{provider}\"]"),
                "instances": [{ "attributes": attributes, "sensitive_attributes": marks }] })
    }

    const BUILT_IN: &str = "terraform.io/builtin/terraform";

    #[test]
    fn what_came_went_and_changed_is_told_without_a_secret() {
        let marks = json!([[{ "type": "get_attr", "value": "input" }]]);
        let before = state(
            &json!([
                resource(BUILT_IN, "gone", &json!({ "id": "1" }), &json!([])),
                resource(BUILT_IN, "same", &json!({ "id": "2" }), &json!([])),
                resource(BUILT_IN, "word", &json!({ "id": "3", "input": "s3cret-1" }), &json!([])),
            ]),
            &json!({ "key": { "value": "s3cret-1" }, "ip": { "value": "a" } }),
        );
        let after = state(
            &json!([
                resource(BUILT_IN, "same", &json!({ "id": "2" }), &json!([])),
                resource(BUILT_IN, "word", &json!({ "id": "4", "input": "s3cret-2" }), &marks),
                resource(BUILT_IN, "new", &json!({ "id": "5" }), &json!([])),
            ]),
            &json!({ "key": { "value": "s3cret-2", "sensitive": true }, "ip": { "value": "b" } }),
        );
        let comparison = between(&before, &after, &Schemas::default());
        let told: Vec<_> = comparison.instances.iter().map(|it| (it.address.as_str(), it.what)).collect();
        assert_eq!(
            told,
            [
                ("terraform_data.gone", What::Removed),
                ("terraform_data.new", What::Added),
                ("terraform_data.word", What::Changed)
            ]
        );
        let Values::Known(change) = &comparison.instances[2].values else { panic!("its secrets are known") };
        assert_eq!(change.sensitive, ["input"]);
        assert!(change.before != change.after);
        let told = format!("{comparison:?}");
        assert!(!told.contains("s3cret"), "{told}");
    }

    #[test]
    fn where_nobody_knows_what_is_secret_there_are_names_alone() {
        let before =
            state(&json!([resource("p", "a", &json!({ "x": "s3cret-1", "y": 1, "z": null }), &json!([]))]), &json!({}));
        let after =
            state(&json!([resource("p", "a", &json!({ "x": "s3cret-2", "y": 1, "z": 2 }), &json!([]))]), &json!({}));
        let comparison = between(&before, &after, &Schemas::default());
        let expected = vec![("x".to_owned(), What::Changed), ("z".to_owned(), What::Added)];
        assert_eq!(comparison.instances[0].values, Values::Names(expected));
    }
}
