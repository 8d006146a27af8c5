//! Failures of runs in words: the workspace, the phase, the address, terraform's own errors, and whether it was tried
//! again.

use client::Item;
use client::logs::LogError;
use client::runs::{Failure, Phase, Run};
use domain::{Fault, Problem};

use super::{Order, Progress};
use crate::protocol::diagnostics::{error, of_problem};
use crate::protocol::messages::Diagnostic;

/// The most lines of terraform's errors that are shown.
const LINES: usize = 30;

/// Headlines of errors that terraform finds in the code itself, before it asks any provider. Trying again gives the
/// same.
const IN_THE_CODE: &[&str] = &[
    "Argument or block definition required",
    "Call to unknown function",
    "Conflicting configuration arguments",
    "Cycle",
    "Duplicate ",
    "Error in function call",
    "Extraneous label",
    "Incorrect attribute value type",
    "Inconsistent conditional result types",
    "Insufficient ",
    "Invalid ",
    "Missing ",
    "Module not installed",
    "No declaration found for",
    "No value for required variable",
    "Reference to undeclared ",
    "Resource precondition failed",
    "Self-referential block",
    "Unclosed configuration block",
    "Unreadable module directory",
    "Unsupported ",
    "Value for undeclared variable",
    "Variables not allowed",
];

/// Whether a failed run is tried again, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether there is another attempt.
    pub(super) again: bool,
    why: String,
}

/// Judges a failure after `attempt` repetitions of at most `most`.
pub(super) fn verdict(failure: &Failure, attempt: u32, most: u32) -> Verdict {
    let is_in_the_code = |error: &LogError| IN_THE_CODE.iter().any(|headline| error.summary.starts_with(headline));
    let hopeless = failure.phase == Phase::Plan && failure.errors.iter().any(is_in_the_code);
    let why = if hopeless && most > 0 {
        "It was not tried again, because the error is in the configuration.".to_owned()
    } else if attempt > 0 {
        format!("It was tried {} times.", attempt + 1)
    } else {
        String::new()
    };
    Verdict { again: !hopeless && attempt < most, why }
}

/// A workspace as people know it, with its id.
pub(super) fn name(workspace: &Item) -> String {
    match workspace.text("name") {
        "" => workspace.id.clone(),
        name => format!("{name} ({})", workspace.id),
    }
}

/// The run failed, and that is final.
pub(super) fn failed(
    workspace: &Item,
    run: &Run,
    failure: &Failure,
    url: Option<&str>,
    verdict: &Verdict,
) -> Diagnostic {
    let soft = if run.attributes.status == "policy_soft_failed" { " by a policy" } else { "" };
    let mut detail = format!("Run {} of workspace {} failed{soft} in its {}.", run.id, name(workspace), failure.phase);
    push(&mut detail, "\nSee ", url.unwrap_or_default());
    push(&mut detail, "\n\n", &errors(&failure.errors));
    push(&mut detail, "\n\n", &verdict.why);
    error(format!("run errored during {}, use {} to debug", failure.phase, run.id), detail)
}

/// Somebody stopped the run.
pub(super) fn stopped(workspace: &Item, run: &Run, url: Option<&str>) -> Diagnostic {
    let what = if run.attributes.status == "discarded" { "discarded" } else { "canceled" };
    let mut detail = format!(
        "Somebody stopped the run in workspace {}, so it was not tried again. Apply once more to start another.",
        name(workspace)
    );
    push(&mut detail, "\nSee ", url.unwrap_or_default());
    error(format!("run {} has been {what}, status {}", run.id, run.attributes.status), detail)
}

/// The run could not be read any more.
pub(super) fn lost(workspace: &Item, run: &str, problem: &Problem) -> Diagnostic {
    let tried = format!("error reading run {run} of workspace {}", name(workspace));
    let mut told = of_problem(&tried, problem);
    push(
        &mut told.detail,
        " ",
        match problem.fault {
            Fault::Unavailable => "The run goes on without Terraform; the next apply takes it up.",
            Fault::NotFound => "The run or its workspace was deleted while Terraform waited.",
            _ => "",
        },
    );
    told
}

/// The run could not be confirmed.
pub(super) fn not_confirmed(workspace: &Item, run: &Run, waited_for: &str, problem: &Problem) -> Diagnostic {
    let now = &run.attributes.status;
    let tried = format!(
        "run errored while applying run {} of workspace {} (waited til status {waited_for}, currently status {now})",
        run.id,
        name(workspace)
    );
    of_problem(&tried, problem)
}

/// The time is up.
pub(super) fn timed_out(workspace: &Item, order: &Order, progress: &Progress, holder: Option<&str>) -> Diagnostic {
    let timeout = order.timeout.unwrap_or_default().as_secs();
    let mut detail = match &progress.id {
        Some(id) => {
            format!("Run {id} is {} and goes on without Terraform; the next apply takes it up.", progress.status)
        }
        None => "There is no run yet.".to_owned(),
    };
    push(&mut detail, " It waits because ", holder.unwrap_or_default());
    if holder.is_some() {
        detail.push('.');
    }
    if holder.is_none() && order.manual_confirm {
        push(&mut detail, " ", "A person has to confirm it.");
    }
    push(&mut detail, "\nSee ", progress.url.as_deref().unwrap_or_default());
    error(format!("the run in workspace {} did not end within {timeout} s", name(workspace)), detail)
}

/// The person interrupted; the run, if there is one, goes on or was told to stop.
pub(crate) fn interrupted(id: Option<&str>, url: Option<&str>, is_cancelled: bool) -> Diagnostic {
    let see = url.map(|url| format!("\nSee {url}")).unwrap_or_default();
    let detail = match (id, is_cancelled) {
        (None, _) => {
            "Terraform was interrupted before it knew of a run. If one was started, the next apply takes it up."
                .to_owned()
        }
        (Some(id), true) => format!("Terraform was interrupted, and run {id} was told to stop.{see}"),
        (Some(id), false) => {
            format!("Terraform was interrupted. Run {id} goes on, and the next apply takes it up.{see}")
        }
    };
    error("Run canceled", detail)
}

fn push(text: &mut String, joint: &str, more: &str) {
    if !more.is_empty() {
        text.push_str(joint);
        text.push_str(more);
    }
}

/// The last lines of the errors.
fn errors(errors: &[LogError]) -> String {
    let text = |error: &LogError| {
        let detail = error.detail.lines().map(|line| format!("\n  {line}")).collect::<String>();
        format!("Error: {}{detail}", error.summary)
    };
    let all = errors.iter().map(text).collect::<Vec<_>>().join("\n");
    let lines: Vec<_> = all.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(phase: Phase, summary: &str) -> Failure {
        Failure { phase, errors: vec![LogError { summary: summary.into(), detail: "line".into() }] }
    }

    #[test]
    fn an_error_in_the_code_is_not_tried_again_and_the_person_is_told() {
        let verdict = verdict(&failure(Phase::Plan, "Reference to undeclared input variable"), 0, 3);
        assert!(!verdict.again);
        assert!(verdict.why.contains("in the configuration"));
    }

    #[test]
    fn an_error_of_a_provider_is_tried_as_often_as_wanted() {
        let failed = failure(Phase::Apply, "Invalid response from the cloud");
        assert!(verdict(&failed, 0, 3).again && verdict(&failed, 2, 3).again);
        assert_eq!(verdict(&failed, 3, 3), Verdict { again: false, why: "It was tried 4 times.".into() });
    }

    #[test]
    fn only_the_last_lines_of_many_errors_are_shown() {
        let many: Vec<_> = (0..50).map(|n| LogError { summary: n.to_string(), detail: String::new() }).collect();
        let shown = errors(&many);
        assert_eq!(shown.lines().count(), LINES);
        assert!(shown.ends_with("Error: 49"));
    }
}
