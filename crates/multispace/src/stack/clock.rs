//! The time, for everything that is recorded. The one place of this crate that asks the clock.

use chrono::{DateTime, Utc};

/// The time now.
#[allow(
    clippy::disallowed_methods,
    reason = "the system clock's adapter of this crate; whoever decides is passed the time"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
