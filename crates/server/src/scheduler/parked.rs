//! Notices that a terraform which waited for other runs does not ask about them any more.
//!
//! That a run is parked, and that what it waits for is over, is written in the transactions in which it happens; this is
//! for waits that end without a word: an interrupted apply, a provider that gave up.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::resources::runs::waits;

/// Runs until `closing` is cancelled.
pub(super) async fn watch(app: App, closing: CancellationToken) {
    loop {
        let next = waits::lapse(&app).await.unwrap_or_else(|problem| {
            tracing::error!(code = problem.code, cause = problem.cause, "{}", problem.message);
            Some(TimeDelta::seconds(1))
        });
        let lapsed = async {
            match next {
                Some(next) => tokio::time::sleep(next.to_std().unwrap_or_default()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = lapsed => {}
            // Only the first one that asks no more has to be waited for: who asks later is looked at then.
            () = app.asking.changed(), if next.is_none() => {}
            () = closing.cancelled() => return,
        }
    }
}
