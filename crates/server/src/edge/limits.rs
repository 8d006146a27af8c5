//! How many requests one token, or one address, may make in a second; what comes faster is answered with 429.
//!
//! Three buckets, each of which a request may have to pass: one for its token; one for its address when it has no token; and
//! one, ten times as large, for all of its address, so that nobody gets more by making tokens up. What keeps a state or ends
//! a lock is never held up by them, and neither is what a run asks with its own token: a flood must not lose a state.
//! Sign-ins have a bucket of their own.
//!
//! What is kept is bounded: buckets that are full again are forgotten, and when too many addresses come at once the new
//! ones share one. Absent: what a client may hold open, which is the listener's (`serve`).

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::{Fault, Problem};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::Failure;
use crate::actor::Actor;
use crate::app::App;
use crate::resources::tokens;

/// How many buckets of a kind there are before those that are full are forgotten.
const MANY: usize = 20_000;
/// Requests between two looks at how many buckets there are.
const LOOK: u32 = 1024;
/// How many tokens' worth of requests an address may make.
const SHARE: u32 = 10;
/// Sign-ins of an address, and of an account, in a minute, and at once.
const SIGN_INS: u32 = 10;
/// go-tfe takes a third of the limit that it is told as its own burst; of a smaller one nothing would be left, and it would stop.
const SMALLEST_TOLD: u32 = 4;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The buckets of one kind.
struct Buckets {
    limiter: RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    asked: AtomicU32,
    most: usize,
}

impl Buckets {
    fn new(quota: Quota, most: usize) -> Self {
        let clock = DefaultClock::default();
        let limiter = RateLimiter::dashmap_with_clock(quota, clock.clone()).with_middleware();
        Self { limiter, clock, asked: AtomicU32::new(0), most }
    }

    /// How many more there may be at once, or after which time there may be one.
    fn take(&self, key: u64) -> Result<u32, Duration> {
        // The first of all looks too, so that what is kept stays near its bound also under a flood of strangers.
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOK) && self.limiter.len() > self.most {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let key = if self.limiter.len() > self.most.saturating_mul(2) { 0 } else { key };
        match self.limiter.check_key(&key) {
            Ok(snapshot) => Ok(snapshot.remaining_burst_capacity()),
            Err(until) => Err(until.wait_time_from(self.clock.now())),
        }
    }
}

/// The limits of one server.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    /// Requests a second; none at all when there are no limits.
    rate: Option<Rate>,
    sign_ins: Buckets,
    accounts: Buckets,
    hasher: RandomState,
}

struct Rate {
    most: u32,
    tokens: Buckets,
    strangers: Buckets,
    addresses: Buckets,
}

impl Limits {
    /// So many requests a second of one token; twice as many at once. None at all with 0.
    pub fn new(per_second: u32) -> Self {
        let quota = |most: NonZeroU32| {
            Quota::per_second(most).allow_burst(most.saturating_mul(NonZeroU32::MIN.saturating_add(1)))
        };
        let rate = NonZeroU32::new(per_second).map(|most| Rate {
            most: per_second,
            tokens: Buckets::new(quota(most), MANY),
            strangers: Buckets::new(quota(most), MANY),
            addresses: Buckets::new(quota(most.saturating_mul(NonZeroU32::MIN.saturating_add(SHARE - 1))), MANY),
        });
        let minute = Quota::per_minute(NonZeroU32::MIN.saturating_add(SIGN_INS - 1));
        Self(Arc::new(Inner {
            rate,
            sign_ins: Buckets::new(minute, MANY),
            accounts: Buckets::new(minute, MANY),
            hasher: RandomState::new(),
        }))
    }

    /// Counts a sign-in that somebody tries with this account.
    ///
    /// # Errors
    /// `access/sign-ins` when there were too many.
    pub fn sign_in(&self, account: &str) -> Result<(), Problem> {
        if self.0.rate.is_none() {
            return Ok(());
        }
        self.0.accounts.take(self.key(account)).map(drop).map_err(too_many_sign_ins)
    }

    fn key(&self, text: impl std::hash::Hash) -> u64 {
        self.0.hasher.hash_one(text).max(1)
    }
}

/// Answers with 429 what comes too fast.
pub(super) async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    let limits = app.limits.clone();
    let Some(rate) = &limits.0.rate else { return next.run(request).await };
    if is_vital(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let address = address(&request).map(|address| limits.key(address));
    if *request.method() == Method::POST
        && request.uri().path() == "/sign-in"
        && let Some(address) = address
        && let Err(wait) = limits.0.sign_ins.take(address)
    {
        return Failure(too_many_sign_ins(wait)).into_response();
    }
    let secret = secret(request.headers());
    let taken = match (&secret, address) {
        (Some(secret), _) => rate.tokens.take(limits.key(secret)),
        (None, Some(address)) => rate.strangers.take(address),
        // In the process itself: there is no address.
        (None, None) => Ok(rate.most),
    };
    let all = address.map_or(Ok(rate.most), |address| rate.addresses.take(address));
    let left = match taken.and_then(|left| all.map(|of_all| left.min(of_all))) {
        Ok(left) => left,
        Err(_) if is_of_run(&app, secret.as_deref()).await => rate.most,
        Err(wait) => return told(refused(wait), rate.most, 0),
    };
    told(next.run(request).await, rate.most, left)
}

/// What keeps a state, or ends a lock: never held up.
pub(super) fn is_vital(method: &Method, path: &str) -> bool {
    let is_state = path.starts_with("/signed/") && (path.contains("/states/") || path.contains("/json-states/"));
    let ends = |ends: &[&str]| path.starts_with("/api/v2/workspaces/") && ends.iter().any(|end| path.ends_with(end));
    match *method {
        Method::PUT => is_state,
        Method::POST => ends(&["/state-versions", "/actions/unlock", "/actions/force-unlock"]),
        _ => false,
    }
}

/// Whether it is the token of a run. Looked at only when too much came with it.
async fn is_of_run(app: &App, secret: Option<&str>) -> bool {
    let Some(secret) = secret else { return false };
    let found = tokens::service::who(app, &app.db.look(), Some(secret)).await;
    matches!(found, Ok(Actor::Run { .. }))
}

/// The token, or what stands for one in a browser's cookie.
fn secret(headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION).and_then(|value| value.split_once(' ')).map(|(_, secret)| secret.trim());
    let cookie = || {
        let pairs = text(COOKIE)?.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(name, _)| name.trim_start_matches("__Host-") == "multispace").map(|(_, secret)| secret)
    };
    bearer.or_else(cookie).filter(|secret| !secret.is_empty()).map(str::to_owned)
}

/// Where a request comes from: what the proxy says that runs on this machine, or the other end of the connection. Whoever
/// has one address of IPv6 has a network of them, which counts as one.
fn address(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let said = forwarded.and_then(|value| value.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    let address = if peer.is_loopback() { said.unwrap_or(peer) } else { peer };
    Some(match address {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    })
}

fn refused(wait: Duration) -> Response {
    let problem = Problem::new(Fault::TooMany, "access/rate", "There were too many requests in too short a time.")
        .advice("Wait as long as Retry-After says, and go slower.");
    waits(Failure(problem).into_response(), wait)
}

fn too_many_sign_ins(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + 1;
    Problem::new(Fault::TooMany, "access/sign-ins", "There were too many sign-ins in too short a time.")
        .advice(format!("Wait {seconds} seconds, and try again."))
}

/// Says how long to wait: in whole seconds, and exactly as go-tfe reads it.
fn waits(mut response: Response, wait: Duration) -> Response {
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    if let Ok(exact) = HeaderValue::from_str(&format!("{:.3}", wait.as_secs_f64().max(0.001))) {
        headers.insert(RESET, exact);
    }
    response
}

fn told(mut response: Response, most: u32, left: u32) -> Response {
    if most >= SMALLEST_TOLD {
        response.headers_mut().insert(LIMIT, HeaderValue::from(most));
        response.headers_mut().insert(REMAINING, HeaderValue::from(left));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_state_is_vital_and_what_reads_one_is_not() {
        for path in ["/api/v2/workspaces/ws-1/state-versions", "/api/v2/workspaces/ws-1/actions/unlock"] {
            assert!(is_vital(&Method::POST, path) && !is_vital(&Method::GET, path), "{path}");
        }
        assert!(
            is_vital(&Method::PUT, "/signed/x.1/states/sv-1") && is_vital(&Method::PUT, "/signed/x.1/json-states/sv-1")
        );
        for path in ["/signed/x.1/configurations/cv-1", "/api/v2/workspaces/ws-1/vars", "/api/v2/runs"] {
            assert!(!is_vital(&Method::PUT, path) && !is_vital(&Method::POST, path), "{path}");
        }
    }

    #[test]
    fn a_bucket_is_emptied_by_its_own_key_alone() {
        let buckets = Buckets::new(Quota::per_second(NonZeroU32::MIN), MANY);
        assert_eq!(buckets.take(1), Ok(0));
        assert!(buckets.take(1).unwrap_err() > Duration::ZERO);
        assert_eq!(buckets.take(2), Ok(0));
    }

    #[test]
    fn strangers_without_number_leave_a_bounded_number_of_buckets() {
        let buckets = Buckets::new(Quota::per_hour(NonZeroU32::MIN), 1000);
        for key in 1..100_000 {
            let _ = buckets.take(key);
        }
        assert!(buckets.limiter.len() <= 2002, "{}", buckets.limiter.len());
        assert!(buckets.take(100_001).is_err(), "who comes last shares one bucket with the others");
    }

    #[test]
    fn an_address_is_the_other_end_s_unless_a_proxy_on_this_machine_says_otherwise() {
        let from = |peer: &str, forwarded: Option<&str>| {
            let mut request = Request::new(axum::body::Body::empty());
            request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
            if let Some(forwarded) = forwarded {
                request.headers_mut().insert("x-forwarded-for", HeaderValue::from_str(forwarded).unwrap());
            }
            address(&request).unwrap().to_string()
        };
        assert_eq!(from("10.0.0.1:5", Some("1.2.3.4")), "10.0.0.1");
        assert_eq!(from("127.0.0.1:5", Some("6.6.6.6, 1.2.3.4")), "1.2.3.4");
        assert_eq!(from("127.0.0.1:5", Some("nonsense")), "127.0.0.1");
        assert_eq!(from("[2001:db8:1:2:3:4:5:6]:5", None), "2001:db8:1:2::");
        assert_eq!(from("[::ffff:10.0.0.1]:5", None), "10.0.0.1");
    }
}
