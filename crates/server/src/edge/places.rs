//! How many requests are worked on at once, and how many only wait for something to happen.
//!
//! A request that is held gives its place among the worked-on ones back, so that a thousand clients that wait for their
//! runs do not stand in the way of the one that confirms a run. Held requests have a limit of their own; beyond it a
//! request is answered at once, as if it had not asked to be held.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::{Fault, Problem};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::Instant;

use super::{Failure, limits};
use crate::app::App;
use crate::storage::Change;

/// Requests that are worked on at once; more wait.
const AT_ONCE: usize = 256;
/// Requests beside them that keep a state or end a lock: they wait for no other.
const VITAL: usize = 64;
/// Requests that are held at once.
const HELD: usize = 4096;
/// The longest that a request is held, whatever it asks for.
const LONGEST: Duration = Duration::from_secs(60);

/// The places of one server.
#[derive(Clone)]
pub(super) struct Places {
    at_once: Arc<Semaphore>,
    vital: Arc<Semaphore>,
    held: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { at_once: places(AT_ONCE), vital: places(VITAL), held: places(HELD) }
    }
}

/// The place of one request; it is given back when the request is answered, or held.
#[derive(Clone)]
struct Place {
    places: Places,
    permit: Arc<std::sync::Mutex<Option<OwnedSemaphorePermit>>>,
}

/// Waits for a place.
pub(super) async fn take(State(places): State<Places>, mut request: Request, next: Next) -> Response {
    let is_vital = limits::is_vital(request.method(), request.uri().path());
    let of = if is_vital { &places.vital } else { &places.at_once };
    let Ok(permit) = of.clone().acquire_owned().await else { return closed().into_response() };
    let place = Place { places, permit: Arc::new(std::sync::Mutex::new(Some(permit))) };
    request.extensions_mut().insert(place.clone());
    let response = next.run(request).await;
    drop(place);
    response
}

/// How long a client wants its answer held back, by the header `Prefer: wait=SECONDS` of RFC 7240; 60 at most.
pub struct Hold {
    until: Option<(Instant, OwnedSemaphorePermit)>,
    place: Option<Place>,
}

impl Hold {
    /// Until when to wait at most; `None` when the answer is wanted at once.
    pub fn until(&self) -> Option<Instant> {
        self.until.as_ref().map(|(until, _)| *until)
    }

    /// The answer, which says that it was, or might have been, held: whoever asks again at once is held again.
    pub fn applied(&self, mut answer: Response) -> Response {
        if self.until.is_some() {
            let applied = HeaderName::from_static("preference-applied");
            answer.headers_mut().insert(applied, HeaderValue::from_static("wait"));
        }
        answer
    }

    /// Gives back the place among the requests that are worked on. From now on this one only waits.
    pub fn begin(&self) {
        if let Some(place) = &self.place {
            place.permit.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        }
    }
}

impl FromRequestParts<App> for Hold {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        let place = parts.extensions.get::<Place>().cloned();
        let wanted = parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).find_map(wait);
        let until = wanted.zip(place.as_ref()).and_then(|(wanted, place)| {
            let permit = place.places.held.clone().try_acquire_owned().ok()?;
            Some((Instant::now() + wanted.min(LONGEST), permit))
        });
        Ok(Self { until, place })
    }
}

/// Returns when something has happened that `is_it` says is meant, or may have, and at `until` at the latest.
pub async fn changes_until(changes: &mut broadcast::Receiver<Change>, until: Instant, is_it: impl Fn(&Change) -> bool) {
    let happened = async {
        loop {
            match changes.recv().await {
                Ok(change) if is_it(&change) => return,
                Ok(_) => {}
                // So much has happened that some of it was missed.
                Err(_) => return,
            }
        }
    };
    // Whether it was the event or the time: the caller looks.
    let _ = tokio::time::timeout_at(until, happened).await;
}

/// A place among the requests that only wait for something to happen, for an answer that goes on as long as it is looked at. The
/// place among those that are worked on is given back when the answer has begun.
pub struct Watching {
    /// `None` where nobody counts them.
    held: Option<Arc<Semaphore>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Watching {
    /// How many only wait for something to happen, this one among them.
    pub fn count(&self) -> usize {
        self.held.as_ref().map_or(1, |held| HELD.saturating_sub(held.available_permits()))
    }
}

impl FromRequestParts<App> for Watching {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let Some(place) = parts.extensions.get::<Place>() else {
            return Ok(Self { held: None, _permit: None });
        };
        let permit = place.places.held.clone().try_acquire_owned().map_err(|_| {
            Problem::new(Fault::Unavailable, "access/timeout", "Too many look on at once.").advice("Try again later.")
        })?;
        Ok(Self { held: Some(place.places.held.clone()), _permit: Some(permit) })
    }
}

/// The seconds of the preference `wait` in a list of preferences.
fn wait(preferences: &str) -> Option<Duration> {
    preferences.split([',', ';']).find_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("wait").then(|| Duration::from_secs(seconds))
    })
}

fn closed() -> Failure {
    Problem::new(Fault::Unavailable, "access/timeout", "The server is stopping.").advice("Try again.").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preference_to_wait_is_found_among_others_and_anything_else_is_none() {
        assert_eq!(wait("respond-async, wait=10"), Some(Duration::from_secs(10)));
        assert_eq!(wait("Wait = \"5\"; foo"), Some(Duration::from_secs(5)));
        for other in ["", "wait", "wait=soon", "wait=-1", "handling=lenient"] {
            assert_eq!(wait(other), None, "{other}");
        }
    }
}
