//! Who watches the question of who may do what: a test, around the requests that it makes itself and in no other task. It hears
//! where in the source the question was asked and how it was answered, and gives the answer that counts.
//!
//! That is how a test shows that each question is one that something depends on. No client, setting or file reaches it: it is
//! a value in the task that handles the request, and nothing in the product puts it there.

use std::panic::Location;
use std::sync::Arc;

/// Hears where the question was asked and its answer, and says what counts.
pub type Witness = Arc<dyn Fn(&'static Location<'static>, bool) -> bool + Send + Sync>;

tokio::task_local! {
    static WITNESS: Witness;
}

/// Runs `future` with somebody watching.
pub async fn watched<F: Future>(witness: Witness, future: F) -> F::Output {
    WITNESS.scope(witness, future).await
}

/// The answer that counts: the one that was given, unless somebody watches.
pub(crate) fn said(at: &'static Location<'static>, answer: bool) -> bool {
    WITNESS.try_with(|witness| witness(at, answer)).unwrap_or(answer)
}
