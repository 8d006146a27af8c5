//! What the outside supplies: the time and randomness. Everything else in the server asks these.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use domain::id::Id;

/// The time of day. Strictly later with every call and in whole microseconds (what PostgreSQL keeps), so that the order
/// of creation is the order of time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> DateTime<Utc>;
}

/// Where ids and secrets come from.
pub trait Randomness: Send + Sync {
    /// `length` random characters of the id alphabet.
    fn characters(&self, length: usize) -> String;
}

/// Both, as the server passes them around.
#[derive(Clone)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub randomness: Arc<dyn Randomness>,
}

impl Ports {
    /// The machine's own clock and randomness.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock::default()), randomness: Arc::new(SystemRandomness) }
    }

    /// The present moment.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new id.
    pub fn id<I: Id>(&self) -> I {
        I::from_suffix(&self.randomness.characters(domain::id::LENGTH))
    }
}

/// The machine's clock, never standing still and never going back within this process.
#[derive(Default)]
struct SystemClock {
    last: AtomicI64,
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the clock port")]
    fn now(&self) -> DateTime<Utc> {
        let wall = Utc::now().timestamp_micros();
        let previous = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(wall.max(last + 1)));
        let micros = previous.map_or(wall, |last| wall.max(last + 1));
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

struct SystemRandomness;

impl Randomness for SystemRandomness {
    #[allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "this is the randomness port")]
    fn characters(&self, length: usize) -> String {
        nanoid::nanoid!(length, &domain::id::ALPHABET)
    }
}
