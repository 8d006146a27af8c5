//! `GET /runs/{id}`, also held back until something has happened to the run.
//!
//! A client that knows the run in some status sends `Prefer: wait=SECONDS` (RFC 7240) and `?unless-status=STATUS`, and is
//! answered when the run has another status, or is over, or the time has passed. `Preference-Applied: wait` tells it that
//! it may ask again at once. Servers that do not know either answer at once, so that a client can always send both.

use axum::extract::State;
use domain::id::{Id, RunId};
use tokio::time::Instant;
use wire::query::RunQuery;

use super::super::service::{self, Whole};
use super::super::waits;
use super::included;
use crate::app::App;
use crate::edge::{At, Caller, Here, Hold, InRun, Query, Reply, changes_until, ok};
use crate::storage::Change;

/// A run.
pub(super) async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    InRun(asker): InRun,
    At(id): At<RunId>,
    here: Here,
    hold: Hold,
    Query(query): Query<RunQuery>,
) -> Reply {
    let until = query.unless_status.as_ref().and(hold.until());
    // While this is held, the run that asks waits.
    let _asking = waits::asked(&app, &actor, asker.as_deref(), id.as_str()).await?;
    // Listening begins before the first look, so that nothing falls between the two.
    let mut changes = app.changes.listen();
    loop {
        let tx = app.db.read().await?;
        let whole = service::read(&tx, &actor, id.as_str()).await?;
        match until {
            Some(until) if is_as_known(&whole, &query) && Instant::now() < until => {
                drop(tx);
                hold.begin();
                let moved = |change: &Change| matches!(change, Change::Run { run, .. } if *run == id.as_str());
                changes_until(&mut changes, until, moved).await;
            }
            _ => {
                let answer = ok(included(&app, &tx, &actor, &here, &query.include, &whole).await?)?;
                return Ok(if until.is_some() { hold.applied(answer) } else { answer });
            }
        }
    }
}

fn is_as_known(whole: &Whole, query: &RunQuery) -> bool {
    let status = whole.run.status();
    !status.is_final() && query.unless_status.as_deref() == Some(status.visible().as_str())
}
