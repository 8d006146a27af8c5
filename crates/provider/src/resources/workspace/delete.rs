//! Deleting a workspace: safely, unless the configuration forces it.
//!
//! Source: what the original does by `permissions.can-force-delete`. An old server has no such permission and no safe
//! deletion; whoever lacks it may only delete safely. What is told apart from a conflict is told apart by its words.

use client::{Client, workspaces};
use domain::{Fault, Problem};
use serde_json::json;

use super::by_id;
use crate::protocol::value::{Map, Value};
use crate::resources::table::text_of;

/// How often and how long apart a deletion is tried while the server still reads the newest state.
const TRIES: u32 = 60;
const BETWEEN: std::time::Duration = std::time::Duration::from_secs(5);

/// Deletes it. That it is gone already is a success.
pub(super) async fn delete(client: &Client, state: &Map) -> Result<(), Problem> {
    let workspace = match workspaces::read(client, text_of(state, "id")).await {
        Err(problem) if problem.fault == Fault::NotFound => return Ok(()),
        answer => answer?,
    };
    let is_forced = state.get("force_delete").and_then(Value::as_bool) == Some(true);
    let may_force = workspace.get("permissions").get("can-force-delete").and_then(serde_json::Value::as_bool);
    let path = by_id("workspaces", state);
    if is_forced {
        if may_force == Some(false) {
            let message = "missing required permissions to set force delete";
            return Err(Problem::new(Fault::Forbidden, "provider/no-force", message)
                .advice("Use a token of an owner, or leave force_delete out."));
        }
        return client.delete(&path, None).await;
    }
    if may_force.is_none() {
        return Err(Problem::invalid("provider/no-safe-delete", "the server does not support workspace safe-delete")
            .advice("Apply force_delete = true, which deletes the workspace whatever it holds."));
    }
    if workspace.get("resource-count").as_u64().unwrap_or_default() > 0 {
        return Err(Problem::conflict(
            "provider/not-empty",
            "it has resources under management and must be force deleted",
        )
        .advice("Destroy what it holds first, or apply force_delete = true."));
    }
    safely(client, &path).await.map_err(|problem| match may_force {
        Some(true) if problem.fault == Fault::Conflict && problem.advice.is_empty() => {
            problem.advice("Apply force_delete = true to delete it all the same.")
        }
        _ => problem,
    })
}

async fn safely(client: &Client, path: &str) -> Result<(), Problem> {
    for attempt in 1.. {
        match client.act(&format!("{path}/actions/safe-delete"), &json!({})).await {
            Err(problem) if problem.fault == Fault::NotFound => return Ok(()),
            Err(problem) if problem.message.contains("being processed") && attempt < TRIES => {
                client.pause(BETWEEN).await?;
            }
            answer => return answer,
        }
    }
    unreachable!("the last attempt is never followed by another")
}
