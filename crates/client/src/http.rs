//! [`Client`]: requests with a token, retries, pages, and an end to all waiting when somebody interrupts.

use std::time::{Duration, Instant};

use domain::{Fault, Problem};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use wire::Document;

use crate::settings::{Settings, origin_of};
use crate::{problem, retry};

const JSON_API: &str = "application/vnd.api+json";
/// The longest time that one answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// The longest time that an upload may take: code may be large, and lines slow.
const UPLOAD: Duration = Duration::from_secs(600);
/// A connection that was not used for so long is not used again: servers close idle ones, ours after ten seconds, and a change that is
/// sent at that moment is lost without an answer.
const IDLE: Duration = Duration::from_secs(5);
/// The longest time that a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a call that changes something may still take when somebody has interrupted: what it did is better known.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The most redirections that are followed.
const MOST_REDIRECTIONS: usize = 10;
/// The largest answer that is read.
const LARGEST: u64 = 64 << 20;
/// The most pages of one list; a server that never ends a list would otherwise keep us for ever.
const MOST_PAGES: u64 = 1000;

/// A connection to one host as one principal. Costs nothing until the first request, which asks the host where its API
/// is unless that is known.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    settings: Settings,
    origin: OnceCell<String>,
    stop: CancellationToken,
}

/// What came back: the body of a success, with its headers, or where it is.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// Whether the server knows how to hold an answer back.
    fn is_held(&self) -> bool {
        let applied = self.headers.get_all("preference-applied").iter();
        applied.filter_map(|value| value.to_str().ok()).any(|value| value.trim().starts_with("wait"))
    }

    /// Where what was asked for is, when it is not here.
    fn elsewhere(&self) -> Option<&str> {
        if self.status.is_redirection() { self.headers.get(LOCATION)?.to_str().ok() } else { None }
    }
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// `client/tls` when the certificates of the system cannot be read.
    pub fn new(settings: Settings) -> Result<Self, Problem> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("multispace/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .timeout(ANSWER)
            .redirect(Policy::custom(redirected))
            .tls_danger_accept_invalid_certs(settings.ssl_skip_verify);
        let http = builder.build().map_err(|error| Problem::ours("client/tls", "TLS cannot be set up.", error))?;
        let origin = settings.origin.clone().map_or_else(OnceCell::new, |origin| OnceCell::new_with(Some(origin)));
        Ok(Self { http, settings, origin, stop: CancellationToken::new() })
    }

    /// The same, which stops waiting as soon as this is cancelled: reads and pauses end at once, a change that is under
    /// way is given five seconds to answer. What is asked afterwards is asked once.
    #[must_use]
    pub fn stopped_by(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// Waits, unless somebody interrupts.
    ///
    /// # Errors
    /// `client/interrupted`.
    pub async fn pause(&self, pause: Duration) -> Result<(), Problem> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(interrupted("a pause")),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }

    /// What the client was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Reads a document. `path` stands behind `/api/v2/`.
    ///
    /// # Errors
    /// What the server says, or that it cannot be reached for five minutes.
    pub async fn get<D: DeserializeOwned>(&self, path: &str) -> Result<D, Problem> {
        parse(&self.send(Method::GET, path, None, &[]).await?.body, path)
    }

    /// Reads a document that the server may keep elsewhere: HCP Terraform redirects who reads the JSON of a plan to an address
    /// that carries its own secret, and is not sent the token.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_elsewhere<D: DeserializeOwned>(&self, path: &str) -> Result<D, Problem> {
        let answer = self.ask(Method::GET, path, Request { may_be_elsewhere: true, ..Request::default() }).await?;
        match answer.elsewhere() {
            Some(url) => parse(&self.fetch(url).await?, path),
            None => parse(&answer.body, path),
        }
    }

    /// [`Self::get`], which the server may hold back for up to `wait` (RFC 7240) when the path says until when. Also
    /// says whether the server knows how to do that; if so, asking again at once is no bother to it.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_held<D: DeserializeOwned>(&self, path: &str, wait: Duration) -> Result<(D, bool), Problem> {
        let prefer = format!("wait={}", wait.as_secs());
        let request = Request { extra: &[("prefer", &prefer)], longer: wait, ..Request::default() };
        let answer = self.ask(Method::GET, path, request).await?;
        Ok((parse(&answer.body, path)?, answer.is_held()))
    }

    /// Reads all pages of a list, at most 100 items each.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Problem> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let path = format!("{path}{joint}page%5Bnumber%5D={page}&page%5Bsize%5D=100");
            let document: Document<Vec<T>> = self.get(&path).await?;
            all.extend(document.data);
            let pagination = document.meta.and_then(|meta| meta.pagination);
            if pagination.is_none_or(|at| at.next_page.is_none() || at.total_pages.is_some_and(|last| page >= last)) {
                return Ok(all);
            }
        }
        Err(Problem::ours("client/endless", format!("the list {path} does not end"), MOST_PAGES))
    }

    /// Makes something and reads the answer. Sent again only when it cannot have arrived.
    ///
    /// # Errors
    /// What the server says. [`Fault::Unavailable`] leaves open whether the thing was made.
    pub async fn post<D: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<D, Problem> {
        parse(&self.send(Method::POST, path, Some(body), &[]).await?.body, path)
    }

    /// [`Self::post`] with a key by which a server that knows it tells a repetition from a second wish.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn post_once<D: DeserializeOwned>(&self, path: &str, body: &Value, key: &str) -> Result<D, Problem> {
        parse(&self.send(Method::POST, path, Some(body), &[("idempotency-key", key)]).await?.body, path)
    }

    /// Does something whose answer has no body of interest.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn act(&self, path: &str, body: &Value) -> Result<(), Problem> {
        self.send(Method::POST, path, Some(body), &[]).await.map(drop)
    }

    /// Adds to a relationship: doing it twice changes nothing, so it is sent again as a read is.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn add(&self, path: &str, body: &Value) -> Result<(), Problem> {
        let request = Request { body: Some(body), is_harmless: true, ..Request::default() };
        self.ask(Method::POST, path, request).await.map(drop)
    }

    /// Changes something and reads the answer.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn patch<D: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<D, Problem> {
        parse(&self.send(Method::PATCH, path, Some(body), &[]).await?.body, path)
    }

    /// Changes something whose answer has no body of interest.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn replace(&self, path: &str, body: &Value) -> Result<(), Problem> {
        self.send(Method::PATCH, path, Some(body), &[]).await.map(drop)
    }

    /// Deletes something, or takes the named from a relationship. That it is not there is no error.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn delete(&self, path: &str, body: Option<&Value>) -> Result<(), Problem> {
        match self.send(Method::DELETE, path, body, &[]).await {
            Err(problem) if problem.fault == Fault::NotFound => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Reads bytes at an absolute address that carries its own secret; the token is not sent.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn fetch(&self, url: &str) -> Result<Vec<u8>, Problem> {
        Ok(self.fetch_held(url, Duration::ZERO).await?.0)
    }

    /// [`Self::fetch`], which the server may hold back for up to `wait` until there is something to send. Also says whether
    /// the server knows how to do that.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn fetch_held(&self, url: &str, wait: Duration) -> Result<(Vec<u8>, bool), Problem> {
        let origin = self.origin().await?;
        let url = if url.starts_with('/') { format!("{origin}{url}") } else { url.to_owned() };
        let request = || {
            let request = self.http.get(&url).timeout(ANSWER + wait);
            if wait.is_zero() { request } else { request.header("prefer", format!("wait={}", wait.as_secs())) }
        };
        let answer = self.repeat(&Method::GET, "a log", request).await?;
        let is_held = answer.is_held();
        Ok((answer.body, is_held))
    }

    /// Puts bytes to an absolute address that carries its own secret; the token is not sent.
    ///
    /// # Errors
    /// As [`Self::get`]. A refusal may also mean that an earlier try arrived, whose answer was lost.
    pub async fn upload(&self, url: &str, content: bytes::Bytes) -> Result<(), Problem> {
        let origin = self.origin().await?;
        let url = if url.starts_with('/') { format!("{origin}{url}") } else { url.to_owned() };
        let request = || {
            let request = self.http.put(&url).header(CONTENT_TYPE, "application/octet-stream");
            request.timeout(UPLOAD).body(content.clone())
        };
        self.repeat(&Method::PUT, "an upload", request).await.map(drop)
    }

    /// Scheme, host and port where people and programs find the server.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn origin(&self) -> Result<&str, Problem> {
        self.origin.get_or_try_init(|| self.discover()).await.map(String::as_str)
    }

    async fn discover(&self) -> Result<String, Problem> {
        let here = format!("https://{}", self.settings.hostname);
        let url = format!("{here}/.well-known/terraform.json");
        let answer =
            self.repeat(&Method::GET, "discovery", || self.http.get(&url).header(ACCEPT, "application/json")).await?;
        let document: Value = parse(&answer.body, ".well-known/terraform.json")?;
        let service = ["tfe.v2.2", "tfe.v2.1", "tfe.v2"].iter().find_map(|name| document[*name].as_str());
        match service {
            Some(url) if url.starts_with('/') => Ok(here),
            Some(url) => origin_of(url),
            None => {
                Err(Problem::invalid("client/no-api", format!("{} does not offer the API.", self.settings.hostname))
                    .advice("Check the hostname."))
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        extra: &[(&str, &str)],
    ) -> Result<Answer, Problem> {
        self.ask(method, path, Request { body, extra, ..Request::default() }).await
    }

    async fn ask(&self, method: Method, path: &str, wanted: Request<'_>) -> Result<Answer, Problem> {
        let url = format!("{}/api/v2/{path}", self.origin().await?);
        let body = wanted.body.map(Value::to_string);
        let run = self.settings.run_token.iter().map(|token| ("x-multispace-run-token", token.as_str()));
        let extra: Vec<_> = wanted.extra.iter().copied().chain(run).collect();
        let request = || {
            let request = self.http.request(method.clone(), &url).bearer_auth(&self.settings.token);
            let request = request.header(ACCEPT, JSON_API).header(CONTENT_TYPE, JSON_API);
            let request = extra.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let request = body.iter().fold(request, |request, body| request.body(body.clone()));
            request.timeout(ANSWER + wanted.longer)
        };
        // How it is repeated, and not how it is sent.
        let manner = if wanted.is_harmless { Method::PUT } else { method.clone() };
        let what = format!("{method} {path}");
        match wanted.may_be_elsewhere {
            true => self.answer(&manner, &what, request).await,
            false => self.repeat(&manner, &what, request).await,
        }
    }

    /// As [`Self::answer`], and what was asked for must be in it.
    async fn repeat(
        &self,
        method: &Method,
        what: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer, Problem> {
        let answer = self.answer(method, what, request).await?;
        match answer.elsewhere() {
            Some(_) => Err(problem::of_answer(answer.status.as_u16(), &answer.body, what)),
            None => Ok(answer),
        }
    }

    /// Sends until there is an answer that repeating would not change. A POST is repeated only when it did not arrive
    /// (no connection, 429), because nothing says whether it was carried out.
    async fn answer(
        &self,
        method: &Method,
        what: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer, Problem> {
        let begun = Instant::now();
        let was_stopped = self.stop.is_cancelled();
        for attempt in 1.. {
            let tried = tokio::select! {
                biased;
                tried = once(request(), method, what) => tried,
                () = self.out_of_patience(method, was_stopped) => return Err(interrupted(what)),
            };
            let Failed { problem, again, headers } = match tried {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let pause = retry::pause(attempt, headers.as_ref());
            if !again || was_stopped || begun.elapsed() + pause > retry::PATIENCE {
                return Err(problem);
            }
            tracing::info!("{what}: {}; again in {:.1} s", problem.message, pause.as_secs_f64());
            if self.pause(pause).await.is_err() {
                return Err(problem);
            }
        }
        unreachable!("the loop above ends by returning")
    }

    /// Returns when a call that is under way is waited for no longer, because somebody interrupted.
    async fn out_of_patience(&self, method: &Method, was_stopped: bool) {
        self.stop.cancelled().await;
        if was_stopped || *method != Method::GET {
            tokio::time::sleep(LAST_WORDS).await;
        }
    }
}

/// What a request has besides its method and path.
#[derive(Default)]
struct Request<'a> {
    body: Option<&'a Value>,
    extra: &'a [(&'a str, &'a str)],
    /// How much longer than usual the answer may take.
    longer: Duration,
    /// It may be carried out twice.
    is_harmless: bool,
    /// The server may say that the answer is somewhere else.
    may_be_elsewhere: bool,
}

/// An attempt that gave no answer of use.
struct Failed {
    problem: Problem,
    again: bool,
    headers: Option<HeaderMap>,
}

async fn once(request: RequestBuilder, method: &Method, what: &str) -> Result<Answer, Failed> {
    let silence =
        |error: &reqwest::Error, again| Failed { problem: problem::of_silence(error, what), again, headers: None };
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            return Err(silence(&error, error.is_connect() || (*method != Method::POST && !error.is_builder())));
        }
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    if answer.content_length().is_some_and(|length| length > LARGEST) {
        let problem = Problem::new(Fault::TooLarge, "client/too-large", format!("the answer to {what} is too large"));
        return Err(Failed { problem, again: false, headers: None });
    }
    match answer.bytes().await {
        Ok(body) if status.is_success() || status.is_redirection() && headers.contains_key(LOCATION) => {
            Ok(Answer { status, headers, body: body.to_vec() })
        }
        Ok(body) => {
            let again = status == 429 || (status.is_server_error() && status != 501 && *method != Method::POST);
            let problem = problem::of_answer(status.as_u16(), &body, what);
            Err(Failed { problem, again, headers: Some(headers) })
        }
        Err(error) => Err(silence(&error, *method != Method::POST)),
    }
}

/// Follows a redirection, but one of the API only to where it came from: the headers of its requests are secrets, and
/// not all of them are known as such to the HTTP library.
fn redirected(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let first = attempt.previous().first();
    let leaves =
        first.is_some_and(|first| first.path().starts_with("/api/v2/") && first.origin() != attempt.url().origin());
    if leaves {
        attempt.stop()
    } else if attempt.previous().len() > MOST_REDIRECTIONS {
        attempt.error("too many redirections")
    } else {
        attempt.follow()
    }
}

fn interrupted(what: &str) -> Problem {
    Problem::new(Fault::Unavailable, "client/interrupted", "the wait was interrupted before the server answered")
        .because(what)
}

fn parse<D: DeserializeOwned>(body: &[u8], path: &str) -> Result<D, Problem> {
    let read = serde_json::from_slice(if body.is_empty() { b"null" } else { body });
    read.map_err(|error| {
        Problem::ours("client/unreadable", format!("the answer to {path} cannot be read ({error})"), error)
    })
}
