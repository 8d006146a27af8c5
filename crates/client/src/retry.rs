//! When a request is sent again, and after how long.

use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::random;

/// For how long a call that may be repeated is repeated while the server is away or fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
/// The first wait; each further one doubles.
const FIRST: f64 = 0.25;
/// The longest wait that the server did not ask for.
const LONGEST: f64 = 10.0;
/// The longest wait that the server may ask for; a longer one is cut.
const LONGEST_ASKED: f64 = 120.0;

/// How long to wait before attempt `attempt` (1 for the first repetition), with jitter so that clients do not return in
/// step. `Retry-After` and `X-RateLimit-Reset`, both in seconds, are obeyed.
pub(crate) fn pause(attempt: u32, headers: Option<&HeaderMap>) -> Duration {
    let asked = headers.and_then(|headers| {
        let seconds = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
        seconds("retry-after").or_else(|| seconds("x-ratelimit-reset")).filter(|seconds| seconds.is_finite())
    });
    let jitter = random::fraction();
    let seconds = match asked {
        Some(asked) => asked.clamp(0.0, LONGEST_ASKED) + 0.1 * jitter,
        None => (FIRST * 2f64.powi(attempt.min(16).cast_signed() - 1)).min(LONGEST) * (0.5 + 0.5 * jitter),
    };
    Duration::from_secs_f64(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        assert!(pause(1, None).as_secs_f64() <= 0.25);
        assert!((5.0..=10.0).contains(&pause(30, None).as_secs_f64()));
    }

    #[test]
    fn the_server_decides_when_it_says_so() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "3".parse().unwrap());
        assert!((3.0..3.2).contains(&pause(1, Some(&headers)).as_secs_f64()));
        headers.insert("retry-after", "99999".parse().unwrap());
        assert!(pause(1, Some(&headers)).as_secs_f64() < 121.0);
    }
}
