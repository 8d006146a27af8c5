//! Has run triggers decided on: woken by runs that move, at the start by what an earlier process left undecided.
//!
//! The notes that decide are written with the end of a run (`run_triggers::firing`), so nothing is lost between the two,
//! and each decision takes its notes away in the transaction that starts the run, so nothing is started twice.

use std::time::Duration;

use domain::Problem;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::resources::run_triggers::firing;
use crate::storage::Change;

/// After a database that did not answer it is asked again so much later.
const PAUSE: Duration = Duration::from_secs(5);

/// Decides whenever something has moved, until `closing` is cancelled.
pub(super) async fn watch(app: App, closing: CancellationToken) {
    let mut changes = app.changes.listen();
    while !closing.is_cancelled() {
        let decided = decide(&app).await;
        if let Err(problem) = &decided {
            tracing::error!(code = problem.code, cause = problem.cause, "{}", problem.message);
        }
        tokio::select! {
            () = moved(&mut changes) => {}
            () = tokio::time::sleep(PAUSE), if decided.is_err() => {}
            () = closing.cancelled() => {}
        }
    }
}

/// Decides until nothing more follows.
async fn decide(app: &App) -> Result<(), Problem> {
    loop {
        // Most runs set nothing off: a look costs no turn of the one writer.
        let tx = app.db.look();
        if !firing::is_due(&tx).await? {
            return Ok(());
        }
        drop(tx);
        let tx = app.db.write().await?;
        if !firing::fire(app, &tx).await? {
            return Ok(());
        }
        tx.commit().await?;
    }
}

/// Returns when a run or a workspace has changed.
async fn moved(changes: &mut Receiver<Change>) {
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
