//! Watches a run until it is final, and confirms it where that is wanted.
//!
//! A server that can is asked to hold its answer back until the status changes, so that nothing is asked in vain and
//! nothing is learnt late. Others are looked at now and then, one call each time.

use std::time::{Duration, Instant};

use client::runs::{self, Action, Run};
use domain::Fault;

use super::{Job, backoff, explain, seconds};
use crate::protocol::messages::Diagnostic;

/// How often a confirmation may be refused while the run still says that it can be confirmed.
const REFUSALS: u32 = 5;

/// A server that held an answer back without anything having happened took at least this long.
const HELD_AT_LEAST: Duration = Duration::from_secs(1);

/// The run when nothing can follow any more.
pub(super) async fn watch(job: &Job<'_>, mut run: Run) -> Result<Run, Diagnostic> {
    let begun = Instant::now();
    let mut refusals = 0;
    let mut look = 0;
    let mut shown = String::new();
    // Whether the server holds its answers back until something happens; it tells with the first.
    let mut is_held = true;
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
                    is_held = false;
                }
                Err(problem) => return Err(explain::not_confirmed(job.workspace, &run, &shown, &problem)),
            }
        }
        if !is_held {
            tokio::time::sleep(backoff::between_looks(look)).await;
            look += 1;
        }
        let asked = Instant::now();
        let answer = runs::read_when_not(job.client, &run.id, &shown).await;
        let (now, was_held) = answer.map_err(|problem| explain::lost(job.workspace, &run.id, &problem))?;
        // Whoever says that it holds back and does not would be asked without end.
        let is_idle = now.attributes.status == shown && asked.elapsed() < HELD_AT_LEAST;
        is_held = was_held && !is_idle;
        run = now;
    }
}
