//! Runs and logs of another host in the words of every host. A word that this build does not know is read as "under way".

use chrono::{DateTime, Utc};
use client::Item;
use domain::plan::Plan;
use domain::planned::PlannedOutput;
use domain::run::{PhaseStatus, RunStatus};
use serde_json::Value;
use server::local::RunView;
use wire::{Document, kind};

/// A run that was read with its plan and its apply. `failure` is why it errored, where that is known.
pub(super) fn run(document: &Document<Item>, failure: Option<String>) -> RunView {
    let run = &document.data;
    let included = |wanted: &str| {
        let items = document.included.iter().filter_map(|it| serde_json::from_value::<Item>(it.clone()).ok());
        items.into_iter().find(|item| item.kind == wanted).unwrap_or_default()
    };
    let (plan, apply) = (included(kind::PLANS), included(kind::APPLIES));
    let moments: Vec<DateTime<Utc>> =
        run.get("status-timestamps").as_object().map_or_else(Vec::new, |all| all.values().filter_map(moment).collect());
    let created_at = moment(run.get("created-at")).unwrap_or_default();
    let status = RunStatus::parse(run.text("status")).unwrap_or(RunStatus::Queuing);
    RunView {
        id: run.id.clone(),
        workspace: run.related("workspace").unwrap_or_default().to_owned(),
        status,
        may_change: status.is_applied(),
        has_changes: run.flag("has-changes"),
        is_confirmable: run.get("actions")["is-confirmable"].as_bool().unwrap_or_default(),
        auto_apply: run.flag("auto-apply"),
        failure,
        deferred: None,
        plan: run.related("plan").unwrap_or_default().to_owned(),
        apply: run.related("apply").unwrap_or_default().to_owned(),
        apply_status: PhaseStatus::parse(apply.text("status")).unwrap_or(PhaseStatus::Pending),
        planned: counts(&plan),
        applied: counts(&apply),
        // Another host does not tell: what its runs lost is its own to say.
        unsaved: Vec::new(),
        in_doubt: Vec::new(),
        created_at,
        planning_at: moment(&run.get("status-timestamps")["planning-at"]),
        updated_at: moments.into_iter().max().unwrap_or(created_at),
    }
}

/// The plan that terraform shows as JSON; `None` when this is not it.
pub(super) fn plan(json: &[u8]) -> Option<Plan> {
    executor::read_plan(json, executor::planned::outputs_of_shown_plan(json)?).ok()
}

/// The value of an output that is no secret.
pub(super) fn output(value: &Value) -> Option<PlannedOutput> {
    let value = executor::planned::value_of_json(&value.to_string())?;
    Some(PlannedOutput { value, sensitive: false, ty: None })
}

fn moment(text: &Value) -> Option<DateTime<Utc>> {
    time(text.as_str()?)
}

/// A moment as the API writes it.
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

fn counts(phase: &Item) -> executor::Counts {
    let count = |name: &str| phase.get(name).as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
    executor::Counts {
        additions: count("resource-additions"),
        changes: count("resource-changes"),
        destructions: count("resource-destructions"),
        imports: count("resource-imports"),
    }
}

/// A log as text. Workspaces with structured output have logs of JSON lines, of which what terraform says is shown.
pub(super) fn log(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    for line in raw.lines() {
        match serde_json::from_str::<Value>(line) {
            Ok(said) if said["@message"].is_string() => {
                text += said["@message"].as_str().unwrap_or_default();
                if let Some(detail) = said["diagnostic"]["detail"].as_str().filter(|detail| !detail.is_empty()) {
                    text += &format!("\n\n{detail}");
                }
            }
            _ => text += line,
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> RunView {
        run(&serde_json::from_value(value).unwrap(), None)
    }

    #[test]
    fn a_run_is_read_with_its_plan_and_its_apply() {
        let view = read(json!({
            "data": { "id": "run-1", "type": "runs",
                "attributes": {
                    "status": "applied", "has-changes": true, "auto-apply": true, "created-at": "2026-01-02T03:04:05Z",
                    "actions": { "is-confirmable": false },
                    "status-timestamps": { "planning-at": "2026-01-02T03:04:06Z", "applied-at": "2026-01-02T03:04:09Z" },
                },
                "relationships": {
                    "workspace": { "data": { "id": "ws-1", "type": "workspaces" } },
                    "plan": { "data": { "id": "plan-1", "type": "plans" } },
                    "apply": { "data": { "id": "apply-1", "type": "applies" } },
                } },
            "included": [
                { "id": "apply-1", "type": "applies", "attributes": { "status": "finished", "resource-additions": 2 } },
                { "id": "plan-1", "type": "plans", "attributes": { "status": "finished", "resource-additions": 3 } },
            ],
        }));
        assert_eq!((view.status, view.apply_status), (RunStatus::Applied, PhaseStatus::Finished));
        assert_eq!((view.planned.additions, view.applied.additions), (3, 2));
        assert_eq!((view.plan.as_str(), view.apply.as_str(), view.workspace.as_str()), ("plan-1", "apply-1", "ws-1"));
        assert_eq!((view.updated_at - view.created_at).num_seconds(), 4);
        assert_eq!((view.planning_at.unwrap() - view.created_at).num_seconds(), 1);
        assert!(view.auto_apply && view.has_changes && !view.is_confirmable);
    }

    #[test]
    fn a_status_that_is_not_known_is_one_that_is_under_way() {
        let view = read(json!({ "data": { "id": "run-1", "type": "runs", "attributes": { "status": "dreaming" } } }));
        assert!(!view.status.is_final());
    }

    #[test]
    fn a_log_of_json_lines_is_shown_as_what_terraform_says() {
        let raw = "Terraform v1.11.4\n{\"@message\":\"x: Plan to create\"}\n\
                   {\"@message\":\"Error: Boom\",\"diagnostic\":{\"detail\":\"It broke.\"}}\n";
        assert_eq!(log(raw), "Terraform v1.11.4\nx: Plan to create\nError: Boom\n\nIt broke.\n");
        assert_eq!(log("plain\n"), "plain\n");
    }
}
