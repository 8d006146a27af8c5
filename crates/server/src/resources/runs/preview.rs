//! Scratch plans: what their upstreams' outputs are expected to be goes in, what they would do and what their own outputs
//! would be comes out. Both are sealed, and forgotten when the preview is over.
//!
//! Absent: the order of a preview, which is the walk's; how terraform is made to plan with values it cannot know (the
//! executor).

use std::collections::BTreeMap;

use domain::Problem;
use domain::plan::Plan;
use domain::planned::PlannedOutputs;
use executor::planned::{from_json, to_json};
use serde_json::{Map, Value};

use crate::app::App;
use crate::resources::runs::Run;

/// Keeps what the outputs of a run's upstreams are expected to be, by id of the upstream.
pub(super) async fn give(app: &App, run: &str, outputs: &BTreeMap<String, PlannedOutputs>) -> Result<(), Problem> {
    let all: Map<String, Value> = outputs.iter().map(|(id, outputs)| (id.clone(), to_json(outputs))).collect();
    app.objects.put(&given_object(run), Value::Object(all).to_string().as_bytes()).await
}

/// What the outputs of a run's upstreams are expected to be; empty for a run that is no scratch plan.
pub async fn given(app: &App, run: &Run) -> Result<BTreeMap<String, PlannedOutputs>, Problem> {
    if !run.scratch {
        return Ok(BTreeMap::new());
    }
    let bytes = app.objects.must_get(&given_object(&run.id)).await?;
    let all: BTreeMap<String, Value> = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let read = |(id, json): (String, Value)| Ok((id, from_json(&json).ok_or_else(|| unreadable("no outputs"))?));
    all.into_iter().map(read).collect()
}

/// Keeps what the outputs would be after a scratch plan.
pub async fn planned(app: &App, plan: &str, outputs: &PlannedOutputs) -> Result<(), Problem> {
    app.objects.put(&outputs_object(plan), to_json(outputs).to_string().as_bytes()).await
}

/// What a plan would do, and the outputs after it; `None` when the run has no plan.
///
/// # Errors
/// `storage/…`; `run/plan` when the plan cannot be read.
pub async fn read(app: &App, run: &Run, plan: &str) -> Result<Option<Plan>, Problem> {
    let Some(json) = app.objects.get(&format!("plans/{plan}/json")).await? else { return Ok(None) };
    let outputs = match run.scratch {
        true => {
            let bytes = app.objects.must_get(&outputs_object(plan)).await?;
            let json: Value = serde_json::from_slice(&bytes).map_err(unreadable)?;
            from_json(&json).ok_or_else(|| unreadable("no outputs"))?
        }
        false => {
            let file = app.objects.must_get(&format!("plans/{plan}/file")).await?;
            executor::planned::outputs_of_plan(&file, &json).ok_or_else(|| unreadable("no outputs"))?
        }
    };
    executor::read_plan(&json, outputs).map(Some).map_err(unreadable)
}

/// Removes everything that a scratch plan left, but for its log. Plans of other runs stay.
///
/// # Errors
/// `storage/…`.
pub async fn forget(app: &App, run: &Run, plan: &str) -> Result<(), Problem> {
    if !run.scratch {
        return Ok(());
    }
    let parts = ["json", "redacted"].map(|part| format!("plans/{plan}/{part}"));
    for object in parts.into_iter().chain([given_object(&run.id), outputs_object(plan)]) {
        app.objects.delete(&object).await?;
    }
    Ok(())
}

fn given_object(run: &str) -> String {
    format!("previews/{run}/given")
}

fn outputs_object(plan: &str) -> String {
    format!("plans/{plan}/outputs")
}

fn unreadable(cause: impl std::fmt::Display) -> Problem {
    Problem::ours("run/plan", "The plan cannot be read.", cause).advice("Plan again.")
}
