//! The schema of `tfe_workspace_run`: that of `hashicorp/tfe`, and optional arguments of our own.

use std::time::Duration;

use crate::protocol::diagnostics::{At, at, error};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, Nesting, Type, attribute, flag, id, number, text};
use crate::protocol::value::{Map, Value};
use crate::resources::run::{Interrupt, Order, Retry, duration};

/// Phases of a resource's life that may have a timeout.
const TIMEOUTS: &[&str] = &["create", "update", "delete"];

/// The schema.
pub(super) fn block() -> Block {
    let run = || {
        Block::of([
            flag("manual_confirm", "Whether a person confirms the plan.").required(),
            text("message", "What stands on the run."),
            flag("retry", "Whether a run that errored is tried again.").or(true),
            number("retry_attempts", "How many further runs there may be.").or(3),
            number("retry_backoff_min", "Seconds before the first further run.").or(1),
            number("retry_backoff_max", "The most seconds before any further run.").or(30),
            flag("wait_for_run", "Whether to wait for the end of the run.").or(true),
        ])
    };
    let timeouts = TIMEOUTS.iter().map(|name| text(name, "How long to wait, such as 30m or 1h30m."));
    Block::of([
        id(),
        text("workspace_id", "The workspace in which to run.").required().replaces(),
        attribute("triggers", Type::text_map(), "Any values; a change of one runs again without destroying."),
        text(
            "on_removal",
            "\"destroy\" or \"forget\" what the workspace holds. Default: destroy where there is a destroy block.",
        ),
        text("on_interrupt", "\"leave\" or \"cancel\" the run when Terraform is interrupted. Default: leave."),
        attribute("outputs", Type::Dynamic, "The workspace's outputs after the run, but for sensitive ones.")
            .computed(),
        text("run_url", "Where people see the run.").computed(),
    ])
    .and("apply", Nesting::List(1), run())
    .and("destroy", Nesting::List(1), run())
    .and("timeouts", Nesting::Single, Block::of(timeouts))
}

/// What is wrong with a configuration.
pub(super) fn validate(config: &Map, told: &mut Vec<Diagnostic>) {
    let is_absent = |name: &str| matches!(config.get(name), Some(Value::List(list)) if list.is_empty());
    if is_absent("apply") && is_absent("destroy") {
        let missing = error("Missing required argument", "\"apply\": one of `apply,destroy` must be specified");
        told.push(at(missing, &[At::Name("apply")]));
    }
    for (name, allowed) in [("on_removal", ["destroy", "forget"]), ("on_interrupt", ["leave", "cancel"])] {
        if let Some(Value::Text(said)) = config.get(name)
            && !allowed.contains(&said.as_str())
        {
            let wrong = error(
                format!("\"{}\" is no way to go on", said.escape_debug()),
                format!("Say \"{}\" or \"{}\".", allowed[0], allowed[1]),
            );
            told.push(at(wrong, &[At::Name(name)]));
        }
    }
    for name in TIMEOUTS {
        if let Some(Value::Text(said)) = config.get("timeouts").and_then(Value::as_map).and_then(|map| map.get(*name))
            && duration(said).is_none()
        {
            let wrong = error(format!("\"{}\" is no duration", said.escape_debug()), "Write it as 90s, 15m or 1h30m.");
            told.push(at(wrong, &[At::Name("timeouts"), At::Name(name)]));
        }
    }
}

/// The block under this name, if the state has it.
pub(super) fn inner<'a>(state: &'a Map, name: &str) -> Option<&'a Map> {
    state.get(name)?.as_list()?.first()?.as_map()
}

/// The order that a block gives. `phase` names the timeout.
pub(super) fn order(state: &Map, block: &Map, is_destroy: bool, phase: &str) -> Order {
    let flag = |name: &str, default| block.get(name).and_then(Value::as_bool).unwrap_or(default);
    let number = |name: &str, default: i64| block.get(name).and_then(Value::as_int).unwrap_or(default).max(0);
    let retry = Retry {
        attempts: number("retry_attempts", 3).try_into().unwrap_or(u32::MAX),
        min: number("retry_backoff_min", 1).unsigned_abs(),
        max: number("retry_backoff_max", 30).unsigned_abs(),
    };
    let is_cancel = state.get("on_interrupt").and_then(Value::as_text) == Some("cancel");
    Order {
        is_destroy,
        manual_confirm: flag("manual_confirm", false),
        wait: flag("wait_for_run", true),
        message: block.get("message").and_then(Value::as_text).filter(|text| !text.is_empty()).map(str::to_owned),
        retry: (flag("retry", true) && retry.attempts > 0).then_some(retry),
        timeout: timeout(state, phase),
        on_interrupt: if is_cancel { Interrupt::Cancel } else { Interrupt::Leave },
        resumes: None,
    }
}

fn timeout(state: &Map, phase: &str) -> Option<Duration> {
    duration(state.get("timeouts")?.as_map()?.get(phase)?.as_text()?)
}

/// Whether removal destroys what the workspace holds.
pub(super) fn destroys(state: &Map) -> bool {
    match state.get("on_removal").and_then(Value::as_text) {
        Some("forget") => false,
        Some("destroy") => true,
        _ => inner(state, "destroy").is_some(),
    }
}
