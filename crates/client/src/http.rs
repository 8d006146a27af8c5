//! [`Client`]: requests with a token, retries and pages.

use std::time::{Duration, Instant};

use domain::{Fault, Problem};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;
use wire::Document;

use crate::settings::{Settings, origin_of};
use crate::{problem, retry};

const JSON_API: &str = "application/vnd.api+json";
/// The longest time that one answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// The longest time that a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
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
            .timeout(ANSWER)
            .tls_danger_accept_invalid_certs(settings.ssl_skip_verify);
        let http = builder.build().map_err(|error| Problem::ours("client/tls", "TLS cannot be set up.", error))?;
        let origin = settings.origin.clone().map_or_else(OnceCell::new, |origin| OnceCell::new_with(Some(origin)));
        Ok(Self { http, settings, origin })
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
        parse(&self.send(Method::GET, path, None, &[]).await?, path)
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
        parse(&self.send(Method::POST, path, Some(body), &[]).await?, path)
    }

    /// [`Self::post`] with a key by which a server that knows it tells a repetition from a second wish.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn post_once<D: DeserializeOwned>(&self, path: &str, body: &Value, key: &str) -> Result<D, Problem> {
        parse(&self.send(Method::POST, path, Some(body), &[("idempotency-key", key)]).await?, path)
    }

    /// Does something whose answer has no body of interest.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn act(&self, path: &str, body: &Value) -> Result<(), Problem> {
        self.send(Method::POST, path, Some(body), &[]).await.map(drop)
    }

    /// Changes something and reads the answer.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn patch<D: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<D, Problem> {
        parse(&self.send(Method::PATCH, path, Some(body), &[]).await?, path)
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
        let origin = self.origin().await?;
        let url = if url.starts_with('/') { format!("{origin}{url}") } else { url.to_owned() };
        self.repeat(&Method::GET, "a log", || self.http.get(&url)).await
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
        let document: Value = parse(&answer, ".well-known/terraform.json")?;
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
    ) -> Result<Vec<u8>, Problem> {
        let url = format!("{}/api/v2/{path}", self.origin().await?);
        let body = body.map(Value::to_string);
        let request = || {
            let request = self.http.request(method.clone(), &url).bearer_auth(&self.settings.token);
            let request = request.header(ACCEPT, JSON_API).header(CONTENT_TYPE, JSON_API);
            let request = extra.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            body.iter().fold(request, |request, body| request.body(body.clone()))
        };
        self.repeat(&method, &format!("{method} {path}"), request).await
    }

    /// Sends until there is an answer that repeating would not change. A POST is repeated only when it did not arrive
    /// (no connection, 429), because nothing says whether it was carried out.
    async fn repeat(
        &self,
        method: &Method,
        what: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Vec<u8>, Problem> {
        let begun = Instant::now();
        for attempt in 1.. {
            let (problem, again, headers) = match request().send().await {
                Ok(answer) => {
                    let (status, headers) = (answer.status(), answer.headers().clone());
                    let body = if answer.content_length().is_some_and(|length| length > LARGEST) {
                        return Err(Problem::new(
                            Fault::TooLarge,
                            "client/too-large",
                            format!("the answer to {what} is too large"),
                        ));
                    } else {
                        answer.bytes().await
                    };
                    match body {
                        Ok(body) if status.is_success() => return Ok(body.to_vec()),
                        Ok(body) => {
                            let again =
                                status == 429 || (status.is_server_error() && status != 501 && *method != Method::POST);
                            (problem::of_answer(status.as_u16(), &body, what), again, Some(headers))
                        }
                        Err(error) => (problem::of_silence(&error, what), *method != Method::POST, None),
                    }
                }
                Err(error) => {
                    let again = error.is_connect() || (*method != Method::POST && !error.is_builder());
                    (problem::of_silence(&error, what), again, None)
                }
            };
            let pause = retry::pause(attempt, headers.as_ref());
            if !again || begun.elapsed() + pause > retry::PATIENCE {
                return Err(problem);
            }
            tracing::info!("{what}: {}; again in {:.1} s", problem.message, pause.as_secs_f64());
            tokio::time::sleep(pause).await;
        }
        unreachable!("the loop above ends by returning")
    }
}

fn parse<D: DeserializeOwned>(body: &[u8], path: &str) -> Result<D, Problem> {
    let read = serde_json::from_slice(if body.is_empty() { b"null" } else { body });
    read.map_err(|error| {
        Problem::ours("client/unreadable", format!("the answer to {path} cannot be read ({error})"), error)
    })
}
