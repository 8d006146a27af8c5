//! Starts a run, or takes up the one that an interrupted apply left behind.
//!
//! A lost answer to the create and a killed Terraform look the same here: perhaps there is a run with our mark that
//! nobody looks after. So before each create the workspace's newest runs are searched for one, and a create whose
//! answer was lost is never simply sent again.
//!
//! Whether a run is in a state is said by a comment on it. It is written when the run is next seen in a state, not when
//! the run ends: between the two, Terraform may be killed before it has stored anything.

use std::time::Duration;

use client::runs::{self, Run, Wanted};
use client::{Client, random};
use domain::{Fault, Problem};

use super::{Job, SEEN};

/// What is said about a run whose result is in a state, so that no later apply takes it for abandoned.
const IN_A_STATE: &str = "Taken into the state of Terraform.";
/// How often a create with a lost answer is tried.
const CREATES: u32 = 8;
/// The longest wait for a courtesy.
const COURTESY: Duration = Duration::from_secs(10);

/// A run for this job, new or taken up. `known` is the run that an interrupted apply noted in the state.
pub(super) async fn launch(job: &Job<'_>, known: Option<&str>) -> Result<Run, Problem> {
    if let Some(id) = known {
        match runs::read(job.client, id).await {
            Ok(run) if !is_in_vain(&run) => return Ok(run),
            Ok(_) => {}
            Err(problem) if problem.fault == Fault::NotFound => {}
            Err(problem) => return Err(problem),
        }
    }
    let id = job.workspace.id.as_str();
    let order = job.order;
    let wanted = Wanted {
        workspace_id: id,
        is_destroy: order.is_destroy,
        auto_apply: !order.wait && !order.manual_confirm,
        message: Some(order.words(id)),
    };
    // One wish, one key: a server that knows the header makes one run of all creates with it.
    let key = random::hex(16);
    let mut lost = None;
    for attempt in 0..CREATES {
        if attempt > 0 {
            job.client.pause(Duration::from_secs(1) * attempt).await?;
        }
        if let Some(run) = left_behind(job).await? {
            tracing::info!("run {} is taken up: it bears this resource's mark and nobody looks after it", run.id);
            return Ok(run);
        }
        match runs::create(job.client, &wanted, &key).await {
            Err(problem) if problem.fault == Fault::Unavailable => lost = Some(problem),
            answer => return answer,
        }
    }
    Err(lost
        .unwrap_or_else(|| Problem::ours("provider/run-lost", "the run could not be created", "no attempt was made")))
}

/// The newest run with our mark, when it is nobody's: no resource looks after it, and no state has it.
async fn left_behind(job: &Job<'_>) -> Result<Option<Run>, Problem> {
    let mark = job.order.mark(&job.workspace.id);
    let newest = runs::newest(job.client, &job.workspace.id).await?;
    let bears_it = |run: &Run| run.attributes.message.as_deref().is_some_and(|message| message.contains(&mark));
    let Some(at) = newest.iter().position(bears_it) else { return Ok(None) };
    let run = &newest[at];
    let is_looked_after =
        job.context.looked_after.lock().unwrap_or_else(std::sync::PoisonError::into_inner).contains(&run.id);
    let is_other = run.attributes.is_destroy != job.order.is_destroy;
    if is_looked_after || is_other || is_in_vain(run) || is_overtaken(job, run, &newest[..at]) {
        return Ok(None);
    }
    let is_in_a_state = match runs::comments(job.client, &run.id).await {
        Ok(comments) => comments.iter().any(|comment| comment == IN_A_STATE),
        // A server without comments cannot say; a run that is over is then taken for somebody's.
        Err(problem) if problem.fault == Fault::NotFound => run.attributes.is_final(),
        Err(problem) => return Err(problem),
    };
    Ok((!is_in_a_state).then(|| run.clone()))
}

fn is_in_vain(run: &Run) -> bool {
    run.attributes.is_final() && !run.attributes.is_success()
}

/// Whether what a finished run did is no longer what the workspace is: something came after it.
fn is_overtaken(job: &Job<'_>, run: &Run, newer: &[Run]) -> bool {
    let holds_something = job.workspace.get("resource-count").as_u64().is_some_and(|count| count > 0);
    run.attributes.is_final()
        && (newer.iter().any(|run| !is_in_vain(run)) || (run.attributes.is_destroy && holds_something))
}

/// Says on a run that a state has it, unless that was said before. `note` is the private note of that state.
pub(crate) async fn seen_in_a_state(client: &Client, run: &str, note: &mut Vec<u8>) {
    if !note.is_empty() || !run.starts_with("run-") {
        return;
    }
    let said = async {
        if runs::comments(client, run).await?.iter().any(|comment| comment == IN_A_STATE) {
            return Ok(());
        }
        runs::comment(client, run, IN_A_STATE).await
    };
    match tokio::time::timeout(COURTESY, said).await {
        Ok(Ok(())) => SEEN.clone_into(note),
        Ok(Err(problem)) => tracing::info!("run {run} could not be marked as being in a state: {problem}"),
        Err(_) => tracing::info!("run {run} could not be marked as being in a state in time"),
    }
}
