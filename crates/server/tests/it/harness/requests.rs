//! Requests and answers.

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::Value;
use tower::ServiceExt;

use super::ORIGIN;

/// A request that is being put together.
pub(crate) struct Request<'a> {
    router: &'a axum::Router,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
}

impl<'a> Request<'a> {
    /// `path` is below `/api/v2`, or a whole address that the server gave out.
    pub(crate) fn new(router: &'a axum::Router, method: Method, path: &str) -> Self {
        let path = match path.strip_prefix(ORIGIN) {
            Some(path) => path.to_owned(),
            None if path.starts_with("/api/") || path.starts_with("/signed/") || path.starts_with("/.") => {
                path.to_owned()
            }
            None => format!("/api/v2{path}"),
        };
        Self { router, method, path, headers: Vec::new(), body: Body::empty() }
    }

    /// A path as it is.
    pub(crate) fn at_root(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.anonymous().header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "authorization");
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/vnd.api+json").bytes(body.to_string())
    }

    pub(crate) fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into().into();
        self
    }

    /// A body that comes piece by piece.
    pub(crate) fn streamed(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let shown = format!("{} {}", self.method, self.path);
        let (head, body) = self.begin().await.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { shown, status: head.status, headers: head.headers, body }
    }

    /// The answer as it comes: a stream of events that has been begun.
    pub(crate) async fn follow(self) -> Followed {
        let (head, body) = self.begin().await.into_parts();
        assert_eq!(head.status, StatusCode::OK);
        assert_eq!(head.headers["content-type"], "text/event-stream");
        Followed { body: body.into_data_stream(), text: String::new(), read: 0 }
    }

    async fn begin(self) -> axum::response::Response {
        let mut request = axum::http::Request::builder().method(self.method).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.body).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }
}

/// A stream of events that is being read.
pub(crate) struct Followed {
    body: BodyDataStream,
    /// Everything that came.
    pub(crate) text: String,
    /// So much of it was given out.
    read: usize,
}

impl Followed {
    /// The data of the next event; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some((event, _)) = self.text[self.read..].split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.read += event.len() + 2;
                if let Some(data) = data {
                    return Some(serde_json::from_str(&data).unwrap());
                }
            }
            let bytes = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    shown: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The answer, if its status is this one.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.shown, self.text());
        self
    }

    /// The answer, if it is a refusal with this status and this code.
    #[track_caller]
    pub(crate) fn refuses(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.at("/errors/0/code"), code, "{}: {}", answer.shown, answer.text());
        assert_eq!(answer.at("/errors/0/status"), status.to_string());
        answer
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {}", self.shown, self.text()))
    }

    /// What stands at a JSON pointer; null where nothing does.
    #[track_caller]
    pub(crate) fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    #[track_caller]
    pub(crate) fn text_at(&self, pointer: &str) -> &'static str {
        // Tests live shortly; a text that outlives the answer reads better.
        self.at(pointer).as_str().map_or("", |text| text.to_owned().leak())
    }

    #[track_caller]
    pub(crate) fn id(&self) -> String {
        let id = self.text_at("/data/id");
        assert!(!id.is_empty(), "{}: {}", self.shown, self.text());
        id.to_owned()
    }

    /// The ids of a list.
    #[track_caller]
    pub(crate) fn ids(&self) -> Vec<String> {
        let json = self.json();
        let data = json["data"].as_array().unwrap_or_else(|| panic!("{}: {}", self.shown, self.text()));
        data.iter().map(|it| it["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What a person is told.
    #[track_caller]
    pub(crate) fn detail(&self) -> &'static str {
        self.text_at("/errors/0/detail")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
