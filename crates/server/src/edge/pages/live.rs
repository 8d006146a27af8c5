//! [`Live`]: a page that is sent again, part by part, as what it shows changes.
//!
//! A page marks its parts in its template: `<!--part:ID-->`, one element with that id, `<!--/part:ID-->`; parts may have parts. When
//! a browser asks for the page's own address as a stream of server-sent events, the page is drawn again whenever something
//! was committed, and the parts that came out otherwise than before are sent: a part whose own parts alone have changed is
//! not sent whole. So whatever can be drawn can be live, and what is sent is what a reload would show, for whoever looks and
//! may still see it.
//!
//! The id of an event is a digest of all parts: a browser that lost the stream, or let go of it while nobody looked, comes back with
//! the last one it had and is sent nothing if nothing has happened. Absent: logs, which grow (`resources/runs/page/live.rs`).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::time::Duration;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT;
use axum::http::request::Parts as Head;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use domain::Problem;
use futures::Stream;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;

use super::visit::{Viewer, Visit};
use super::{Watching, page};
use crate::app::App;
use crate::edge::{Failure, Reply};
use crate::resources::sessions;
use crate::storage::Change;

/// Between two events at least: much that happens at once is told together.
const PACE: Duration = Duration::from_millis(300);
/// The time until the next drawing is so many times what the last one took: a large page leaves the server to others.
const SHARE: u32 = 9;
/// So often it is looked whether whoever looks may still, though nothing happens.
const CHECK: Duration = Duration::from_secs(60);

/// How a browser asks for a page: for the page itself, or for what happens to it from now on.
pub struct Live(Option<Asked>);

struct Asked {
    /// What the browser has.
    last: String,
    changes: Receiver<Change>,
    watching: Watching,
}

impl FromRequestParts<App> for Live {
    type Rejection = Failure;

    async fn from_request_parts(head: &mut Head, app: &App) -> Result<Self, Failure> {
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !text(ACCEPT.as_str()).contains("text/event-stream") {
            return Ok(Self(None));
        }
        let of_query = head.uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("at="));
        let last = match text("last-event-id") {
            "" => of_query.unwrap_or_default().to_owned(),
            last => last.to_owned(),
        };
        // Listening begins before the first look, so that nothing falls between the two.
        let changes = app.changes.listen();
        Ok(Self(Some(Asked { last, changes, watching: Watching::from_request_parts(head, app).await? })))
    }
}

impl Live {
    /// The answer: the page that `draw` makes for a viewer, or the stream of what becomes of it.
    ///
    /// # Errors
    /// Those of `draw`.
    pub async fn show<T, D, F>(self, app: App, viewer: Viewer, draw: D) -> Reply
    where
        T: Template,
        D: Fn(App, Viewer) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let Some(asked) = self.0 else { return page(&draw(app, viewer).await?) };
        let visit = viewer.visit.clone();
        // Whoever may not see the page is told so as anybody is.
        draw(app.clone(), viewer).await?;
        let drawn = move |app, viewer| -> Drawn {
            let drawing = draw(app, viewer);
            Box::pin(async move { rendered(&drawing.await?) })
        };
        let watch = Watch {
            app,
            visit,
            draw: Box::new(drawn),
            last: asked.last,
            shown: Shown::default(),
            changes: asked.changes,
            next: Instant::now(),
            begun: false,
            _watching: asked.watching,
        };
        Ok(streamed(watch.stream()))
    }
}

/// The answer that is a stream of events.
pub fn streamed(stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> axum::response::Response {
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    // A proxy that gathers an answer before it passes it on would hold the stream back.
    ([("cache-control", "no-store"), ("x-accel-buffering", "no")], sse).into_response()
}

/// The text of a template.
///
/// # Errors
/// `access/answer`.
pub fn rendered(template: &impl Template) -> Result<String, Problem> {
    template.render().map_err(|error| Problem::ours("access/answer", "The event could not be made.", error))
}

type Drawn = Pin<Box<dyn Future<Output = Result<String, Problem>> + Send>>;

struct Watch {
    app: App,
    visit: Visit,
    draw: Box<dyn Fn(App, Viewer) -> Drawn + Send + Sync>,
    last: String,
    shown: Shown,
    changes: Receiver<Change>,
    /// When the page may be drawn again.
    next: Instant,
    begun: bool,
    _watching: Watching,
}

impl Watch {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures::stream::unfold(self, |mut watch| async move {
            // Whatever fails ends the stream; the browser comes again, and is told what is wrong.
            let event = watch.next().await.ok().flatten()?;
            Some((Ok(event), watch))
        })
    }

    async fn next(&mut self) -> Result<Option<Event>, Problem> {
        loop {
            let first = !std::mem::replace(&mut self.begun, true);
            if !first && !self.woken().await {
                return Ok(None);
            }
            tokio::time::sleep_until(self.next).await;
            while !matches!(self.changes.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
            let began = Instant::now();
            let text = self.drawn().await?;
            let event = self.shown.event(&text)?;
            self.next = Instant::now() + PACE.max(began.elapsed() * SHARE);
            let digest = self.shown.digest();
            let known = std::mem::replace(&mut self.last, digest) == self.last;
            if let Some(event) = event.filter(|_| !(first && known)) {
                return Ok(Some(event.id(self.last.clone())));
            }
        }
    }

    /// Returns when the page may have changed; `false` when nothing will happen any more.
    async fn woken(&mut self) -> bool {
        loop {
            match tokio::time::timeout(CHECK, self.changes.recv()).await {
                Ok(Ok(Change::Log { .. } | Change::Read { .. })) => {}
                Ok(Ok(_) | Err(RecvError::Lagged(_))) | Err(_) => return true,
                Ok(Err(RecvError::Closed)) => return false,
            }
        }
    }

    async fn drawn(&self) -> Result<String, Problem> {
        let tx = self.app.db.read().await?;
        let person = sessions::service::who(&self.app, &tx, &self.visit.secret).await?;
        drop(tx);
        let viewer = Viewer { actor: person.actor, name: person.name, visit: self.visit.clone() };
        (self.draw)(self.app.clone(), viewer).await
    }
}

/// An event with data.
///
/// # Errors
/// `access/answer`.
pub fn event(name: &str, data: &serde_json::Value) -> Result<Event, Problem> {
    let event = Event::default().event(name).json_data(data);
    event.map_err(|error| Problem::ours("access/answer", "The event could not be written.", error))
}

/// The parts that a browser has, by what they looked like.
#[derive(Default)]
pub struct Shown(BTreeMap<String, u64>);

impl Shown {
    /// The event that brings a browser from what it has to this text; `None` if there is nothing to bring.
    ///
    /// # Errors
    /// `access/answer`.
    pub fn event(&mut self, text: &str) -> Result<Option<Event>, Problem> {
        let parts: Vec<_> = self.take(text).into_iter().map(|(id, html)| json!({ "id": id, "html": html })).collect();
        if parts.is_empty() { Ok(None) } else { event("parts", &json!({ "parts": parts })).map(Some) }
    }

    /// The parts of a text that the browser does not have as they are, which it then has: their ids and texts.
    fn take<'a>(&mut self, text: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut found = Vec::new();
        hashed(text, &mut found);
        let mut changed: Vec<(&str, &str)> = Vec::new();
        let mut covered = 0;
        // Outer parts come before those that are in them, and have those with them.
        found.sort_by_key(|part| (part.at, std::cmp::Reverse(part.text.len())));
        let mut shown = BTreeMap::new();
        for part in found {
            let same = self.0.get(part.id) == Some(&part.own);
            shown.insert(part.id.to_owned(), part.own);
            if !same && part.at >= covered {
                covered = part.at + part.text.len();
                changed.push((part.id, part.text));
            }
        }
        self.0 = shown;
        changed
    }

    /// One word for all of them.
    fn digest(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// A part as it was found.
struct Found<'a> {
    id: &'a str,
    text: &'a str,
    /// Where it begins, in memory: parts of one text are compared with one another.
    at: usize,
    /// Digest of what is its own: its text without the parts in it, but for their ids.
    own: u64,
}

const BEGIN: &str = "<!--part:";

/// Finds the parts of a text; returns the digest of the rest. What cannot be a part is text.
fn hashed<'a>(text: &'a str, found: &mut Vec<Found<'a>>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once(BEGIN) {
        before.hash(&mut hasher);
        let part = from.split_once("-->").and_then(|(id, body)| {
            let end = body.find(&format!("<!--/part:{id}-->"))?;
            Some((id, &body[..end], &body[end..]))
        });
        let Some((id, body, after)) = part else {
            rest = from;
            continue;
        };
        id.hash(&mut hasher);
        let own = hashed(body, found);
        found.push(Found { id, text: body, at: body.as_ptr().addr(), own });
        rest = after;
    }
    rest.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(row: &str, other: &str) -> String {
        format!(
            "<h1><!--part:a--><p id=a>{other}</p><!--/part:a--></h1><!--part:t--><table><!--part:r1--><tr>1</tr><!--/part:r1-->\
             <!--part:r2--><tr>{row}</tr><!--/part:r2--></table><!--/part:t-->"
        )
    }

    #[test]
    fn only_what_came_out_otherwise_is_sent_and_the_inner_part_alone_where_that_is_all() {
        let mut shown = Shown::default();
        let first = page("2", "x");
        let ids = |parts: Vec<(&str, &str)>| parts.iter().map(|(id, _)| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(shown.take(&first)), ["a", "t"], "the whole of what is new, once");
        let before = shown.digest();
        assert!(shown.take(&first).is_empty());
        assert_eq!(shown.digest(), before);
        let second = page("3", "x");
        assert_eq!(shown.take(&second), [("r2", "<tr>3</tr>")]);
        assert_ne!(shown.digest(), before);
        let third = page("3", "x").replace("<table>", "<table class=b>");
        assert_eq!(ids(shown.take(&third)), ["t"]);
        let fourth = third.replace("<!--part:r1--><tr>1</tr><!--/part:r1-->", "");
        assert_eq!(ids(shown.take(&fourth)), ["t"], "a part that is gone changes what it was in");
        assert_eq!(ids(shown.take(&third)), ["t"]);
    }

    #[test]
    fn marks_that_do_not_end_are_text() {
        let mut shown = Shown::default();
        assert!(shown.take("<!--part:a--> <!--part:b <!--/part:c-->").is_empty());
        assert!(shown.take("").is_empty());
    }
}
