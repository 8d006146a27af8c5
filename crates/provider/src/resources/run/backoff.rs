//! How long to wait between two looks at a run, and between two attempts.

use std::time::Duration;

use super::Retry;

/// The first wait between two looks, and the longest. One call each stays far below any server's rate limit.
const FIRST_LOOK: f64 = 0.5;
const LONGEST_LOOK: f64 = 3.0;

/// Before look number `look`, from 0.
pub(super) fn between_looks(look: u32) -> Duration {
    Duration::from_secs_f64((FIRST_LOOK * 1.2f64.powi(look.min(32).cast_signed())).min(LONGEST_LOOK))
}

/// Before attempt number `attempt` (1 for the first repetition): doubles from the least to the most, in seconds.
pub(super) fn before(attempt: u32, retry: Retry) -> Duration {
    let doubled = retry.min.saturating_mul(1 << (attempt.saturating_sub(1)).min(32));
    Duration::from_secs(doubled.min(retry.max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_back_off_in_seconds_between_the_limits() {
        let retry = Retry { attempts: 9, min: 1, max: 30 };
        let waits: Vec<_> = (1..=7).map(|attempt| before(attempt, retry).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn looks_begin_soon_and_settle_at_three_seconds() {
        assert_eq!(between_looks(0), Duration::from_millis(500));
        assert_eq!(between_looks(1000), Duration::from_secs(3));
    }
}
