//! `/runs/{id}/run-events`: what has happened to a run, told from the moments at which it got to its statuses.

use axum::extract::State;
use domain::id::{Id, RunId};
use wire::run_events::{RunEvent, RunEventAttributes, RunEventRelationships};
use wire::{Document, Timestamp, ToOne, kind};

use super::super::Run;
use super::super::service;
use super::shown::timestamps;
use crate::app::App;
use crate::edge::{At, Caller, Reply, ok};

/// Events of a run, oldest first.
pub(super) async fn list(State(app): State<App>, Caller(actor): Caller, At(id): At<RunId>) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    ok(Document::new(of(&whole.run)))
}

/// The first event is that somebody queued the run; each status it had is another. Ids are stable and of this run alone.
fn of(run: &Run) -> Vec<RunEvent> {
    let mut moments: Vec<(Timestamp, String)> = timestamps(&run.status_timestamps)
        .0
        .into_iter()
        .filter(|(name, _)| name != "plan-queueable-at")
        .map(|(name, at)| (at, name.trim_end_matches("-at").replace('-', "_")))
        .collect();
    moments.sort();
    moments.insert(0, (run.created_at.into(), "queued".into()));
    let id = run.id.trim_start_matches(RunId::PREFIX);
    moments
        .into_iter()
        .enumerate()
        .map(|(place, (created_at, action))| {
            let is_first = place == 0;
            let event = RunEventAttributes { action, description: None, created_at };
            let actor = ToOne::maybe(kind::USERS, run.created_by.as_ref().filter(|_| is_first));
            RunEvent::new(format!("re{id}-{place}"), event)
                .related(RunEventRelationships { actor, ..RunEventRelationships::default() })
        })
        .collect()
}
