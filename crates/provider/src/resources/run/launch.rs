//! Starts a run, or takes up the one that an interrupted apply left behind.
//!
//! A lost answer to the create and a killed Terraform look the same here: perhaps there is a run with our mark that
//! nobody looks after. So before each create the workspace's newest runs are searched for one, and a create whose
//! answer was lost is never simply sent again.

use std::time::Duration;

use client::runs::{self, Run, Wanted};
use client::{Client, random};
use domain::{Fault, Problem};

use super::Job;

/// What is said about a run whose result is in a state, so that no later apply takes it for abandoned.
const TAKEN: &str = "Taken into the state of Terraform.";
/// How often a create with a lost answer is tried.
const CREATES: u32 = 8;
/// The longest wait for a courtesy.
const COURTESY: Duration = Duration::from_secs(10);

/// A run for this job, new or taken up.
pub(super) async fn launch(job: &Job<'_>) -> Result<Run, Problem> {
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
            tokio::time::sleep(Duration::from_secs(1) * attempt).await;
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

/// The newest run with our mark, when nobody looks after it, it was not taken into a state, and it was not in vain.
async fn left_behind(job: &Job<'_>) -> Result<Option<Run>, Problem> {
    let mark = job.order.mark(&job.workspace.id);
    let newest = runs::newest(job.client, &job.workspace.id).await?;
    let bears_it = |run: &Run| run.attributes.message.as_deref().is_some_and(|message| message.contains(&mark));
    let Some(run) = newest.into_iter().find(bears_it) else { return Ok(None) };
    let is_looked_after =
        job.context.looked_after.lock().unwrap_or_else(std::sync::PoisonError::into_inner).contains(&run.id);
    let is_in_vain = run.attributes.is_final() && !run.attributes.is_success();
    if is_looked_after || is_in_vain || run.attributes.is_destroy != job.order.is_destroy {
        return Ok(None);
    }
    let is_taken = match runs::comments(job.client, &run.id).await {
        Ok(comments) => comments.iter().any(|comment| comment == TAKEN),
        // A server without comments cannot say; a run that is over is then taken for somebody's.
        Err(problem) if problem.fault == Fault::NotFound => run.attributes.is_final(),
        Err(problem) => return Err(problem),
    };
    Ok((!is_taken).then_some(run))
}

/// Says on the run that its result is in a state. Without it a later apply of the same wish could take it up.
pub(super) async fn mark_as_taken(client: &Client, run: &str) {
    match tokio::time::timeout(COURTESY, runs::comment(client, run, TAKEN)).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => tracing::info!("run {run} could not be marked as taken: {problem}"),
        Err(_) => tracing::info!("run {run} could not be marked as taken in time"),
    }
}
