//! Scratch plans: what their upstreams' outputs are expected to be goes in, what they would do and what their own outputs
//! would be comes out. Both are sealed, and forgotten when the preview is over.
//!
//! Absent: the order of a preview, which is the walk's; how terraform is made to plan with values it cannot know (the
//! executor).

use std::collections::{BTreeMap, BTreeSet};

use domain::Problem;
use domain::plan::Plan;
use domain::planned::{PlannedOutputs, secret_texts};
use executor::planned::{from_json, outputs_of_state, to_json};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::resources::runs::{Reader, Run};
use crate::resources::{states, workspaces};

/// What a scratch plan stands on.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// What the outputs of upstreams are expected to be, by id of the upstream; those of others are read from their states.
    pub outputs: BTreeMap<String, PlannedOutputs>,
    /// Variables of the root whose values are such outputs, or parts of them.
    pub variables: PlannedOutputs,
}

/// Keeps what a run stands on.
pub(super) async fn give(app: &App, run: &str, scratch: &Scratch) -> Result<(), Problem> {
    let outputs: Map<String, Value> =
        scratch.outputs.iter().map(|(id, outputs)| (id.clone(), to_json(outputs))).collect();
    let document = json!({ "outputs": outputs, "variables": to_json(&scratch.variables) });
    app.objects.put(&given_object(run), document.to_string().as_bytes()).await
}

/// What a run stands on; nothing for a run that is no scratch plan.
pub async fn given(app: &App, run: &Run) -> Result<Scratch, Problem> {
    if !run.scratch {
        return Ok(Scratch::default());
    }
    let bytes = app.objects.must_get(&given_object(&run.id)).await?;
    let document: Value = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let read = |json: &Value| from_json(json).ok_or_else(|| unreadable("no outputs"));
    let outputs = document["outputs"].as_object().ok_or_else(|| unreadable("no outputs"))?;
    let outputs = outputs.iter().map(|(id, json)| Ok((id.clone(), read(json)?))).collect::<Result<_, Problem>>()?;
    Ok(Scratch { outputs, variables: read(&document["variables"])? })
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
    let json = app.objects.get(&format!("plans/{plan}/json")).await?;
    let outputs = match (run.scratch, &json) {
        (true, _) => {
            let Some(bytes) = app.objects.get(&outputs_object(plan)).await? else { return Ok(None) };
            let json: Value = serde_json::from_slice(&bytes).map_err(unreadable)?;
            from_json(&json).ok_or_else(|| unreadable("no outputs"))?
        }
        (false, None) => return Ok(None),
        (false, Some(json)) => {
            let file = app.objects.must_get(&format!("plans/{plan}/file")).await?;
            executor::planned::outputs_of_plan(&file, json).ok_or_else(|| unreadable("no outputs"))?
        }
    };
    let mut plan = match json {
        Some(json) => executor::read_plan(&json, outputs).map_err(unreadable)?,
        // A scratch plan that changes nothing is not described.
        None => Plan { outputs, ..Plan::default() },
    };
    plan.hide(&secrets(app, run).await?);
    Ok(Some(plan))
}

/// Texts of the sensitive outputs that a run reads.
async fn secrets(app: &App, run: &Run) -> Result<BTreeSet<String>, Problem> {
    let given = given(app, run).await?;
    let mut secrets = secret_texts(&given.variables);
    let readers: Vec<Reader> = serde_json::from_value(run.readers.clone()).unwrap_or_default();
    let tx = app.db.read().await?;
    for reader in readers {
        if let Some(outputs) = given.outputs.get(&reader.workspace) {
            secrets.extend(secret_texts(outputs));
            continue;
        }
        let Some(workspace) = workspaces::by_id(&tx, &reader.workspace).await? else { continue };
        if let Some(state) = states::service::outputs_file(app, &tx, &workspace, run.is_destroy).await? {
            secrets.extend(secret_texts(&outputs_of_state(&state).unwrap_or_default()));
        }
    }
    Ok(secrets)
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
