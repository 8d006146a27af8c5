//! `multispace_run`: the first resource of this pattern. Names a workspace by organization and name, always applies when
//! it is made, always destroys when it is removed, and always waits.

use std::time::Duration;

use async_trait::async_trait;
use client::workspaces;
use domain::Fault;

use super::run::{Ended, Interrupt, Order, PENDING, Retry, carry_out, duration, interrupted, seen_in_a_state};
use super::table::text_of;
use crate::protocol::diagnostics::{error, of_problem, warning};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, Nesting, flag, id, number, text};
use crate::protocol::value::{Map, Value};
use crate::provider::{Change, Context, Plan, Resource};

/// The resource type.
pub(super) struct MultispaceRun;

/// How long to wait when nobody says.
const USUAL_TIMEOUT: Duration = Duration::from_secs(15 * 60);

fn order(state: &Map, is_destroy: bool) -> Order {
    let phase = if is_destroy { "delete" } else { "create" };
    let said = state.get("timeouts").and_then(Value::as_map).and_then(|map| duration(map.get(phase)?.as_text()?));
    let number =
        |name: &str, usual: i64| state.get(name).and_then(Value::as_int).unwrap_or(usual).max(0).unsigned_abs();
    let flag = |name: &str, usual| state.get(name).and_then(Value::as_bool).unwrap_or(usual);
    // The original counts all attempts, the first among them.
    let attempts = u32::try_from(number("retry_attempts", 3)).unwrap_or(u32::MAX).saturating_sub(1);
    Order {
        is_destroy,
        manual_confirm: !is_destroy && flag("manual_confirm", false),
        wait: true,
        message: None,
        retry: (flag("retry", true) && attempts > 0).then(|| Retry {
            attempts,
            min: number("retry_backoff_min", 1),
            max: number("retry_backoff_max", 30),
        }),
        timeout: Some(said.unwrap_or(USUAL_TIMEOUT)),
        on_interrupt: Interrupt::Leave,
        resumes: None,
    }
}

/// Runs; nothing when the workspace is gone or was never configured.
async fn run(context: &Context, state: &Map, order: &Order) -> Result<Ended, Diagnostic> {
    let name = text_of(state, "workspace");
    let failed = |problem| of_problem(&format!("failed to retrieve workspace {name}"), &problem);
    let client = context.client().map_err(failed)?;
    match workspaces::find(&client, text_of(state, "organization"), name).await {
        Err(problem) if order.is_destroy && problem.fault == Fault::NotFound => Ok(Ended::Nothing),
        answer => carry_out(context, &client, &answer.map_err(failed)?, order).await,
    }
}

async fn apply(context: &Context, change: &mut Change, order: &Order) -> Result<(), Diagnostic> {
    let mut state = change.planned.clone();
    match run(context, &state, order).await? {
        Ended::Done { id, .. } => {
            state.insert("id".into(), id.into());
            change.private.clear();
        }
        Ended::Nothing => {
            let name = text_of(&state, "workspace");
            return Err(error(format!("workspace {name} has no configuration"), ""));
        }
        // As in `tfe_workspace_run`: an error would mark the resource as broken, and the next apply would destroy first.
        Ended::Interrupted { id: Some(id), url, .. } => {
            let told = interrupted(Some(&id), url.as_deref(), false);
            change.told.push(warning(told.summary, told.detail));
            state.insert("id".into(), id.into());
            change.private = PENDING.to_vec();
        }
        Ended::Interrupted { id: None, url, .. } => return Err(interrupted(None, url.as_deref(), false)),
    }
    change.state = Some(state);
    Ok(())
}

#[async_trait]
impl Resource for MultispaceRun {
    fn name(&self) -> &'static str {
        "multispace_run"
    }

    fn block(&self) -> Block {
        let timeouts = ["create", "delete"].map(|name| text(name, "How long to wait, such as 30m. Default: 15m."));
        Block::of([
            id(),
            text("organization", "Whose the workspace is.").required().replaces(),
            text("workspace", "Name of the workspace.").required().replaces(),
            flag("manual_confirm", "Whether a person confirms the plan.").or(false),
            flag("retry", "Whether a run that errored is tried again.").or(true),
            number("retry_attempts", "How many runs there may be.").or(3),
            number("retry_backoff_min", "Seconds before the second run.").or(1),
            number("retry_backoff_max", "The most seconds before any further run.").or(30),
        ])
        .and("timeouts", Nesting::Single, Block::of(timeouts))
    }

    async fn plan(&self, _context: &Context, plan: &mut Plan<'_>) {
        if let (true, Some(state)) = (plan.private == PENDING, &mut plan.state) {
            state.insert("id".into(), Value::UNKNOWN);
        }
    }

    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let order = order(&change.planned, false);
        apply(context, change, &order).await
    }

    async fn read(&self, context: &Context, state: Map, private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic> {
        let id = text_of(&state, "id");
        if !id.starts_with("run-") {
            return Ok(Some(state));
        }
        let client = context.client().map_err(|problem| of_problem("failed to retrieve run", &problem))?;
        match client::runs::read(&client, id).await {
            Ok(_) => {
                seen_in_a_state(&client, id, private).await;
                Ok(Some(state))
            }
            Err(problem) if problem.fault == Fault::NotFound => Ok(None),
            Err(problem) => Err(of_problem(&format!("failed to retrieve run {id}"), &problem)),
        }
    }

    async fn update(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        if change.private == PENDING {
            let resumes = change.prior.as_ref().map(|prior| text_of(prior, "id").to_owned());
            let order = Order { resumes, ..order(&change.planned, false) };
            return apply(context, change, &order).await;
        }
        change.state = Some(change.planned.clone());
        Ok(())
    }

    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let prior = change.prior.clone().unwrap_or_default();
        let client = context.client().map_err(|problem| of_problem("error reaching the server", &problem))?;
        seen_in_a_state(&client, text_of(&prior, "id"), &mut change.private).await;
        match run(context, &prior, &order(&prior, true)).await? {
            Ended::Done { .. } => {}
            Ended::Nothing => {
                let summary = format!("There was nothing to destroy in workspace {}", text_of(&prior, "workspace"));
                change.told.push(warning(summary, "It is gone, or it was never configured."));
            }
            Ended::Interrupted { id, url, is_cancelled } => {
                return Err(interrupted(id.as_deref(), url.as_deref(), is_cancelled));
            }
        }
        Ok(())
    }
}
