//! `multispace_run`: the first resource of this pattern. Names a workspace by organization and name, always applies when
//! it is made, always destroys when it is removed, and always waits.

use std::time::Duration;

use async_trait::async_trait;
use client::workspaces;
use domain::Fault;

use super::run::{Ended, Interrupt, Order, Retry, carry_out, duration};
use super::table::text_of;
use crate::protocol::diagnostics::{error, of_problem, warning};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, Nesting, flag, id, number, text};
use crate::protocol::value::{Map, Value};
use crate::provider::{Change, Context, Resource};

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
    }
}

/// Runs; `None` when the workspace is gone or was never configured.
async fn run(context: &Context, state: &Map, is_destroy: bool) -> Result<Option<String>, Diagnostic> {
    let name = text_of(state, "workspace");
    let failed = |problem| of_problem(&format!("failed to retrieve workspace {name}"), &problem);
    let client = context.client().map_err(failed)?;
    let workspace = match workspaces::find(&client, text_of(state, "organization"), name).await {
        Err(problem) if is_destroy && problem.fault == Fault::NotFound => return Ok(None),
        answer => answer.map_err(failed)?,
    };
    match carry_out(context, &client, &workspace, &order(state, is_destroy)).await? {
        Ended::Done { id, .. } => Ok(Some(id)),
        Ended::Nothing => Ok(None),
        Ended::Interrupted { id, .. } => {
            let which = id.map(|id| format!("Run {id} goes on, and the next apply takes it up.")).unwrap_or_default();
            Err(error("Run canceled", format!("Terraform was interrupted. {which}")))
        }
    }
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

    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let mut state = change.planned.clone();
        if let Some(id) = run(context, &state, false).await? {
            state.insert("id".into(), id.into());
        }
        change.state = Some(state);
        Ok(())
    }

    async fn read(&self, context: &Context, state: Map, _private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic> {
        let id = text_of(&state, "id");
        if !id.starts_with("run-") {
            return Ok(Some(state));
        }
        let client = context.client().map_err(|problem| of_problem("failed to retrieve run", &problem))?;
        match client::runs::read(&client, id).await {
            Ok(_) => Ok(Some(state)),
            Err(problem) if problem.fault == Fault::NotFound => Ok(None),
            Err(problem) => Err(of_problem(&format!("failed to retrieve run {id}"), &problem)),
        }
    }

    async fn update(&self, _context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        change.state = Some(change.planned.clone());
        Ok(())
    }

    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let prior = change.prior.clone().unwrap_or_default();
        if run(context, &prior, true).await?.is_none() {
            let summary = format!("There was nothing to destroy in workspace {}", text_of(&prior, "workspace"));
            change.told.push(warning(summary, "It is gone, or it was never configured."));
        }
        Ok(())
    }
}
