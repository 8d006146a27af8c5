//! `tfe_workspace_run`: a run of a workspace as a resource. Creating it applies, removing it destroys.
//!
//! Differences from `hashicorp/tfe` on the same schema, all on the side of what people asked for: the id is stored as
//! soon as there is a run, an interrupted apply is taken up instead of repeated, an update runs when `triggers` change or
//! an `apply` block is new, and a workspace that is gone at destroy is a success. Absent: import, which the original does
//! not have either.

mod schema;

use async_trait::async_trait;
use client::{Client, Item, outputs, workspaces};
use domain::Fault;
use serde_json::json;

use super::run::{Ended, PENDING, carry_out, interrupted, seen_in_a_state};
use super::table::text_of;
use crate::protocol::diagnostics::{error, of_problem, warning};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::Block;
use crate::protocol::value::{Map, Value};
use crate::provider::{Change, Context, Plan, Resource};

/// The resource type.
pub struct WorkspaceRun;

#[async_trait]
impl Resource for WorkspaceRun {
    fn name(&self) -> &'static str {
        "tfe_workspace_run"
    }

    fn version(&self) -> i64 {
        1
    }

    fn block(&self) -> Block {
        schema::block()
    }

    fn validate(&self, config: &Map, told: &mut Vec<Diagnostic>) {
        schema::validate(config, told);
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) {
        let Some(prior) = plan.prior else { return };
        match &mut plan.state {
            None => plan.told.extend(destruction(context, prior).await),
            Some(state) if runs_again(prior, state, &plan.private) => {
                for name in ["id", "run_url", "outputs"] {
                    state.insert(name.into(), Value::UNKNOWN);
                }
            }
            Some(_) => {}
        }
    }

    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        if schema::inner(&change.planned, "apply").is_some() {
            return apply(context, change, "create").await;
        }
        let mut state = change.planned.clone();
        state.insert("id".into(), format!("none-{}", client::random::hex(8)).into());
        change.state = Some(state);
        Ok(())
    }

    async fn read(&self, context: &Context, state: Map, private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic> {
        let id = state.get("id").and_then(Value::as_text).unwrap_or_default();
        if schema::inner(&state, "apply").is_none() || !id.starts_with("run-") {
            return Ok(Some(state));
        }
        let client = context.client().map_err(|problem| of_problem("error reading run", &problem))?;
        match client::runs::read(&client, id).await {
            Ok(_) => {
                seen_in_a_state(&client, id, private).await;
                Ok(Some(state))
            }
            Err(problem) if problem.fault == Fault::NotFound => Ok(None),
            Err(problem) => Err(of_problem(&format!("error reading run {id}"), &problem)),
        }
    }

    async fn update(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let prior = change.prior.clone().unwrap_or_default();
        if runs_again(&prior, &change.planned, &change.private) {
            seen_in_a_state(&*connect(context)?, text_of(&prior, "id"), &mut change.private).await;
            return apply(context, change, "update").await;
        }
        change.state = Some(change.planned.clone());
        Ok(())
    }

    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let prior = change.prior.clone().unwrap_or_default();
        if schema::inner(&prior, "apply").is_some() {
            seen_in_a_state(&*connect(context)?, text_of(&prior, "id"), &mut change.private).await;
        }
        if !schema::destroys(&prior) {
            return Ok(());
        }
        let client = connect(context)?;
        let id = workspace_id(&prior);
        let workspace = match workspaces::read(&client, id).await {
            Err(problem) if problem.fault == Fault::NotFound => {
                change.told.push(warning(
                    format!("Workspace {id} is gone"),
                    "There is nothing left to destroy, so the resource is forgotten.",
                ));
                return Ok(());
            }
            answer => answer.map_err(|problem| of_problem(&format!("error reading workspace {id}"), &problem))?,
        };
        let usual = Map::new();
        let order = schema::order(&prior, schema::inner(&prior, "destroy").unwrap_or(&usual), true, "delete");
        match carry_out(context, &client, &workspace, &order).await? {
            Ended::Done { .. } => Ok(()),
            Ended::Nothing => {
                change.told.push(warning(
                    format!("Workspace {id} has no configuration"),
                    "It was never applied, so there is nothing to destroy.",
                ));
                Ok(())
            }
            Ended::Interrupted { id, url, is_cancelled } => {
                Err(interrupted(id.as_deref(), url.as_deref(), is_cancelled))
            }
        }
    }
}

/// Whether an update starts a run: a trigger changed, there was no `apply` block before, or the last run was not over.
fn runs_again(prior: &Map, planned: &Map, private: &[u8]) -> bool {
    if schema::inner(planned, "apply").is_none() {
        return false;
    }
    private == PENDING || schema::inner(prior, "apply").is_none() || prior.get("triggers") != planned.get("triggers")
}

async fn apply(context: &Context, change: &mut Change, phase: &str) -> Result<(), Diagnostic> {
    let client = connect(context)?;
    let id = workspace_id(&change.planned).to_owned();
    let workspace = workspaces::read(&client, &id).await;
    let workspace = workspace.map_err(|problem| of_problem(&format!("error reading workspace {id}"), &problem))?;
    let Some(block) = schema::inner(&change.planned, "apply") else { return Ok(()) };
    let mut order = schema::order(&change.planned, block, false, phase);
    if change.private == PENDING {
        order.resumes = change.prior.as_ref().map(|prior| text_of(prior, "id").to_owned());
    }
    let mut state = change.planned.clone();
    match carry_out(context, &client, &workspace, &order).await? {
        Ended::Done { id, url } => {
            state.insert("id".into(), id.into());
            state.insert("run_url".into(), url.into());
            let outputs =
                if order.wait { outputs_of(&client, &workspace, &mut change.told).await } else { Value::Null };
            state.insert("outputs".into(), outputs);
            change.private.clear();
        }
        Ended::Nothing => return Err(error(format!("workspace {id} has no configuration"), "")),
        Ended::Interrupted { id: Some(id), url, is_cancelled: false } => {
            // A success for Terraform, which stops anyway: an error would mark the resource as broken, and the next
            // apply would destroy before it applies.
            let told = interrupted(Some(&id), url.as_deref(), false);
            change.told.push(warning(told.summary, told.detail));
            state.insert("id".into(), id.into());
            state.insert("run_url".into(), url.map_or(Value::Null, Value::Text));
            state.insert("outputs".into(), Value::Null);
            change.private = PENDING.to_vec();
        }
        Ended::Interrupted { id, url, is_cancelled } => {
            return Err(interrupted(id.as_deref(), url.as_deref(), is_cancelled));
        }
    }
    change.state = Some(state);
    Ok(())
}

fn connect(context: &Context) -> Result<std::sync::Arc<Client>, Diagnostic> {
    context.client().map_err(|problem| of_problem("error reaching the server", &problem))
}

fn workspace_id(state: &Map) -> &str {
    state.get("workspace_id").and_then(Value::as_text).unwrap_or_default()
}

async fn outputs_of(client: &Client, workspace: &Item, told: &mut Vec<Diagnostic>) -> Value {
    let organization = workspace.related("organization").unwrap_or_default();
    match outputs::read(client, organization, workspace.text("name"), false).await {
        Ok((_, outputs)) => {
            let members: serde_json::Map<_, _> = outputs.into_iter().map(|one| (one.name, one.value)).collect();
            Value::dynamic(&json!(members))
        }
        Err(problem) => {
            let tried = format!("The outputs of workspace {} could not be read", workspace.id);
            told.push(warning(tried, problem.to_string()));
            Value::Null
        }
    }
}

/// What a plan says when a removal will destroy resources.
async fn destruction(context: &Context, prior: &Map) -> Option<Diagnostic> {
    if !schema::destroys(prior) {
        return None;
    }
    let client = context.client().ok()?;
    let workspace = workspaces::read(&client, workspace_id(prior)).await.ok()?;
    let count = workspace.get("resource-count").as_u64().filter(|count| *count > 0)?;
    let things = if count == 1 { "1 resource".to_owned() } else { format!("{count} resources") };
    let holder = workspaces::holder(&client, &workspace, "").await;
    let waits = holder.map(|holder| format!(" The run will have to wait: {holder}.")).unwrap_or_default();
    Some(warning(
        format!("Workspace {} will be destroyed: {things}", workspace.text("name")),
        format!(
            "Removing this resource starts a destroy run. Apply on_removal = \"forget\" first to keep them.{waits}"
        ),
    ))
}
