//! What is foreseen for a workspace, as JSON. Values of secrets are not in it.

use domain::plan::{Change, Plan, below};
use domain::planned::PlannedValue;
use serde_json::{Map, Value, json};

use super::super::preview::{Fate, Foreseen};

const HIDDEN: &str = "(sensitive value)";

/// The `plan` of a workspace in the report.
pub(super) fn document(foreseen: &Foreseen) -> Value {
    let mut document = json!({ "why": foreseen.why });
    match &foreseen.fate {
        Fate::Planned(plan) => {
            document["status"] = "planned".into();
            fill(&mut document, plan);
        }
        Fate::Counted { counts, changes } => {
            document["status"] = "counted".into();
            document["changes"] = json!(changes);
            document["counts"] = json!({
                "add": counts.additions, "change": counts.changes, "destroy": counts.destructions, "replace": 0,
                "import": counts.imports, "move": 0, "forget": 0,
            });
        }
        Fate::Deferred { until, reason, .. } => {
            document["status"] = "deferred".into();
            document["deferred_until"] = json!(until);
            document["reason"] = json!(reason);
        }
        Fate::Unchanged => document["status"] = "unchanged".into(),
        Fate::Failed => document["status"] = "failed".into(),
    }
    document
}

fn fill(document: &mut Value, plan: &Plan) {
    let tally = plan.tally();
    document["counts"] = json!({
        "add": tally.add, "change": tally.change, "destroy": tally.destroy, "replace": tally.replace,
        "import": tally.import, "move": tally.moved, "forget": tally.forget,
    });
    document["resources"] = plan.changes.iter().map(|(address, change)| resource(address, change)).collect();
    document["outputs"] = plan
        .outputs
        .iter()
        .map(|(name, output)| {
            let mut unknown = Vec::new();
            let value = shown(&output.value, "", &[], &mut unknown);
            json!({
                "name": name,
                "sensitive": plan.hides_output(name),
                "value": if plan.hides_output(name) { Value::Null } else { value },
                "unknown": unknown,
                "changed": plan.changed_outputs.contains(name),
            })
        })
        .collect();
    let removed = plan.changed_outputs.iter().filter(|name| !plan.outputs.contains_key(*name));
    document["removed_outputs"] = removed.map(String::as_str).collect();
}

fn resource(address: &str, change: &Change) -> Value {
    let mut unknown = Vec::new();
    json!({
        "address": address,
        "action": change.action.as_str(),
        "moved_from": change.moved_from,
        "imported": change.imported,
        "replaced_by": change.replaced_by,
        "before": shown(&change.before, "", &change.sensitive, &mut Vec::new()),
        "after": shown(&change.after, "", &change.sensitive, &mut unknown),
        "unknown": unknown,
    })
}

/// A value without its secrets; parts that are known after apply are null, and their paths are added to `unknown`.
fn shown(value: &PlannedValue, path: &str, secrets: &[String], unknown: &mut Vec<String>) -> Value {
    if secrets.iter().any(|secret| secret == path) {
        return Value::String(HIDDEN.to_owned());
    }
    match value {
        PlannedValue::Unknown(_) => {
            unknown.push(path.to_owned());
            Value::Null
        }
        PlannedValue::Null => Value::Null,
        PlannedValue::Bool(it) => Value::Bool(*it),
        PlannedValue::Number(it) => serde_json::from_str(it).unwrap_or_else(|_| Value::String(it.clone())),
        PlannedValue::Text(it) => Value::String(it.clone()),
        PlannedValue::List(items) | PlannedValue::Set(items) | PlannedValue::Tuple(items) => {
            let items = items.iter().enumerate();
            items.map(|(at, item)| shown(item, &format!("{path}[{at}]"), secrets, unknown)).collect()
        }
        PlannedValue::Map(entries) | PlannedValue::Object(entries) => {
            let shown = |(key, entry): (&String, &PlannedValue)| {
                (key.clone(), shown(entry, &below(path, key), secrets, unknown))
            };
            Value::Object(entries.iter().map(shown).collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use domain::plan::Action;
    use domain::planned::PlannedOutput;

    use super::*;

    #[test]
    fn unknown_parts_are_named_and_secrets_are_hidden() {
        let text = |it: &str| PlannedValue::Text(it.to_owned());
        let object = |entries: Vec<(&str, PlannedValue)>| {
            PlannedValue::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        };
        let after = object(vec![
            ("id", PlannedValue::unknown()),
            ("word", text("s3cret")),
            ("tags", object(vec![("a b", PlannedValue::unknown()), ("n", PlannedValue::Number("1.5".into()))])),
        ]);
        let change = Change {
            action: Action::Create,
            moved_from: None,
            imported: false,
            before: PlannedValue::Null,
            after,
            sensitive: vec!["word".into()],
            replaced_by: vec![],
        };
        let plan = Plan {
            changes: BTreeMap::from([("t.a".to_owned(), change)]),
            hidden_outputs: BTreeSet::new(),
            outputs: BTreeMap::from([(
                "key".to_owned(),
                PlannedOutput { value: text("s3cret"), sensitive: true, ty: None },
            )]),
            changed_outputs: vec!["key".into(), "old".into()],
        };
        let foreseen = Foreseen { fate: Fate::Planned(plan), why: vec!["never applied".into()], log: "s3cret".into() };
        let document = document(&foreseen);
        assert!(!document.to_string().contains("s3cret"));
        assert_eq!(
            document["resources"][0]["after"],
            json!({"id": null, "word": HIDDEN, "tags": {"a b": null, "n": 1.5}})
        );
        assert_eq!(document["resources"][0]["unknown"], json!(["id", "tags[\"a b\"]"]));
        assert_eq!(document["counts"]["add"], 1);
        assert_eq!(document["removed_outputs"], json!(["old"]));
    }
}
