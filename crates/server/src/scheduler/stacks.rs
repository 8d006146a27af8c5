//! Has stacks reminded of and taken down: sleeps until the next moment of one, or until something has changed.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::resources::stacks::teardown;
use crate::storage::Change;

/// After a database that did not answer it is asked again so much later.
const PAUSE: TimeDelta = TimeDelta::seconds(5);

/// Runs until `closing` is cancelled. What became due while the server was away is carried out at once.
pub(super) async fn watch(app: App, closing: CancellationToken) {
    let mut changes = app.changes.listen();
    loop {
        let next = match teardown::carry_out(&app).await {
            Ok(next) => next,
            Err(problem) => {
                tracing::error!(code = problem.code, cause = problem.cause, "{}", problem.message);
                Some(app.ports.now() + PAUSE)
            }
        };
        let due = async {
            match next {
                // A negative span is no time at all.
                Some(next) => tokio::time::sleep((next - app.ports.now()).to_std().unwrap_or(Duration::ZERO)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = changed(&mut changes) => {}
            () = closing.cancelled() => return,
        }
    }
}

/// Returns when a run, a workspace or its state has changed.
async fn changed(changes: &mut Receiver<Change>) {
    loop {
        match changes.recv().await {
            Ok(Change::Run { .. } | Change::Workspace { .. }) | Err(RecvError::Lagged(_)) => break,
            Ok(_) => {}
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
    // What has come in the meantime is answered by the same look.
    while changes.try_recv().is_ok() {}
}
