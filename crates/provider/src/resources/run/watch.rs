//! Watches a run until it is final, and confirms it where that is wanted.

use std::time::Instant;

use client::runs::{self, Action, Run};
use domain::Fault;

use super::{Job, backoff, explain, seconds};
use crate::protocol::messages::Diagnostic;

/// How often a confirmation may be refused while the run still says that it can be confirmed.
const REFUSALS: u32 = 5;

/// The run when nothing can follow any more.
pub(super) async fn watch(job: &Job<'_>, mut run: Run) -> Result<Run, Diagnostic> {
    let begun = Instant::now();
    let mut refusals = 0;
    let mut look = 0;
    let mut shown = String::new();
    loop {
        let facts = &run.attributes;
        if facts.is_final() {
            return Ok(run);
        }
        if shown != facts.status {
            tracing::info!("run {} is {} after {} s", run.id, facts.status, seconds(begun));
            shown.clone_from(&facts.status);
            job.note_status(&shown);
            // Something happened, so something else may follow soon.
            look = 0;
        }
        if facts.actions.is_confirmable && !job.order.manual_confirm {
            let words = "Confirmed by Terraform.";
            match runs::act(job.client, &run.id, Action::Apply, words).await {
                Ok(()) => {}
                // Somebody else confirmed, or the answer was lost: the next look says.
                Err(problem)
                    if matches!(problem.fault, Fault::Conflict | Fault::Unavailable) && refusals < REFUSALS =>
                {
                    tracing::info!("run {} could not be confirmed: {problem}", run.id);
                    refusals += 1;
                }
                Err(problem) => return Err(explain::not_confirmed(job.workspace, &run, &shown, &problem)),
            }
        }
        tokio::time::sleep(backoff::between_looks(look)).await;
        look += 1;
        let answer = runs::read(job.client, &run.id).await;
        run = answer.map_err(|problem| explain::lost(job.workspace, &run.id, &problem))?;
    }
}
