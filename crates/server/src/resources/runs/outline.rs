//! What a plan would do as everybody may see it who may see its run: read from the JSON without secrets.

use std::collections::BTreeMap;

use domain::Problem;
use domain::plan::{Change, Plan};
use domain::planned::PlannedOutputs;
use serde::Deserialize;
use serde_json::{Value, json};

use super::service::{self, Whole};
use crate::app::App;

/// What a plan would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// Changes of resources.
    pub plan: Plan,
    /// Changes of outputs, by name.
    pub outputs: BTreeMap<String, Change>,
    /// What has changed outside of terraform since the last apply, by address.
    pub drift: BTreeMap<String, Change>,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    resource_drift: Vec<Value>,
    #[serde(default)]
    output_changes: BTreeMap<String, Value>,
}

/// What the plan of a run would do; `None` until there is a plan.
///
/// # Errors
/// `storage/…`; `run/plan` when the plan cannot be read.
pub async fn read(app: &App, whole: &Whole) -> Result<Option<Outline>, Problem> {
    of_plan(app, &whole.plan.id).await
}

/// The same, by the id of the plan; for rooms that know that its run may be seen.
///
/// # Errors
/// As [`read`].
pub async fn of_plan(app: &App, plan: &str) -> Result<Option<Outline>, Problem> {
    let Some(json) = service::json_of_plan(app, plan, true).await? else { return Ok(None) };
    of(&json).map(Some).map_err(|error| {
        Problem::ours("run/plan", "The plan cannot be read.", error).advice("Look at its log, or plan again.")
    })
}

fn of(json: &[u8]) -> Result<Outline, serde_json::Error> {
    let shown: Shown = serde_json::from_slice(json)?;
    // An output changes as a resource does; only its address is its name.
    let as_resource = |(name, change): (String, Value)| json!({ "address": name, "mode": "managed", "change": change });
    let outputs = shown.output_changes.into_iter().map(as_resource).collect();
    Ok(Outline { plan: read_plan(json)?, outputs: changes(outputs)?, drift: changes(shown.resource_drift)? })
}

fn changes(changes: Vec<Value>) -> Result<BTreeMap<String, Change>, serde_json::Error> {
    Ok(read_plan(json!({ "resource_changes": changes }).to_string().as_bytes())?.changes)
}

fn read_plan(json: &[u8]) -> Result<Plan, serde_json::Error> {
    executor::read_plan(json, PlannedOutputs::new())
}

#[cfg(test)]
mod tests {
    use domain::plan::Action;
    use domain::planned::PlannedValue;

    use super::*;

    #[test]
    fn outputs_and_drift_are_read_beside_the_resources() {
        let change = |actions: &[&str]| json!({ "actions": actions, "before": {"a": 1}, "after": {"a": 2} });
        let json = json!({
            "resource_changes": [{ "address": "t.a", "mode": "managed", "change": change(&["update"]) }],
            "resource_drift": [{ "address": "t.b", "mode": "managed", "change": change(&["delete"]) }],
            "output_changes": {
                "ip": { "actions": ["create"], "before": null, "after": null, "after_unknown": true },
                "same": { "actions": ["no-op"], "before": 1, "after": 1 },
            },
        });
        let outline = of(json.to_string().as_bytes()).unwrap();
        assert_eq!(outline.plan.changes["t.a"].action, Action::Update);
        assert_eq!(outline.drift["t.b"].action, Action::Delete);
        assert_eq!(outline.outputs.keys().collect::<Vec<_>>(), ["ip"]);
        assert_eq!(outline.outputs["ip"].after, PlannedValue::unknown());
    }
}
