//! Says yes to a planned run that is to be applied by itself while terraform's CLI looks on.
//!
//! The CLI shows a plan only while its run has not failed: an apply that failed before the CLI had read the plan would leave
//! the user with neither plan nor error. So such a run is confirmed once its plan's log has been read to the end, or when
//! nobody has done so for a while.

use std::time::Duration;

use domain::Problem;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::resources::runs::{Run, progress};
use crate::storage::Change;

/// How long a reader may take; the CLI looks at the log every two seconds at least.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for the reader of the plan `plan` and confirms the run. `changes` listens since before the log ended.
pub(super) async fn when_read(
    app: &App,
    run: &Run,
    plan: &str,
    mut changes: Receiver<Change>,
    closing: &CancellationToken,
) -> Result<(), Problem> {
    let read = async {
        loop {
            match changes.recv().await {
                Ok(Change::Read { phase }) if phase == plan => break,
                Ok(_) => {}
                Err(_) => break,
            }
        }
    };
    tokio::select! {
        _ = tokio::time::timeout(PATIENCE, read) => {}
        // It stays planned, and is confirmed when the server is back.
        () = closing.cancelled() => return Ok(()),
    }
    let tx = app.db.write().await?;
    progress::confirm_by_itself(app, &tx, &run.id).await?;
    tx.commit().await
}
