//! What happens to a run while its page is looked at: one stream of server-sent events.
//!
//! `parts` has the parts of the page that have changed (`edge::pages::Live` says what a part is), `log` has new lines of a log, `end` says that nothing will follow. The
//! id of an event is how far both logs have been read: a browser that lost the stream asks for it again with the last id it
//! had, and misses nothing.

use std::convert::Infallible;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event;
use domain::Problem;
use domain::id::{Id, RunId};
use futures::Stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::super::log;
use super::super::service::{self, Whole};
use super::logs::{Line, Position, Which};
use super::view::{self, View};
use crate::app::App;
use crate::edge::pages::{Shown, Viewer, Visit, Watching, event, rendered, streamed};
use crate::edge::{At3, Name, Query, Reply};
use crate::resources::sessions;
use crate::storage::Change;

/// Most bytes of a log in one event.
const PIECE: usize = 64 * 1024;
/// Between two events: much that happens at once is told together, and a line of a log is seen as it is written.
const PACE: Duration = Duration::from_millis(20);
/// The same for each who looks on, where there are many: what they are told takes no larger part of the server than what a few are told.
const PACE_OF_EACH: Duration = Duration::from_millis(2);
/// The same, however many they are.
const SLOWEST: Duration = Duration::from_millis(200);
/// So often it is looked whether the session is still there, though nothing happens.
const CHECK: Duration = Duration::from_secs(60);

#[derive(Deserialize, Default)]
pub(super) struct From {
    /// How far the page has shown the logs.
    #[serde(default)]
    at: String,
}

/// The stream of one run.
pub(super) async fn events(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, run): At3<Name, Name, RunId>,
    Query(from): Query<From>,
    headers: HeaderMap,
    watching: Watching,
) -> Reply {
    // Listening begins before the first look, so that nothing falls between the two.
    let changes = app.changes.listen();
    let whole = super::find(&app, &viewer, &organization, &workspace, &run).await?;
    let tx = app.db.read().await?;
    let address = view::address(&tx, &whole).await?;
    drop(tx);
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let [plan, apply] = positions(last.unwrap_or(&from.at));
    let log = |which: Which, position| Log { id: which.id(&whole).to_owned(), which, position, ended: false };
    let logs = [log(Which::Plan, plan), log(Which::Apply, apply)];
    let watch = Watch {
        app,
        visit: viewer.visit,
        run: run.as_str().to_owned(),
        workspace: whole.workspace.id.clone(),
        address,
        logs,
        changes,
        shown: Shown::default(),
        moved: true,
        ended: false,
        begun: false,
        watching,
    };
    Ok(streamed(watch.stream()))
}

struct Log {
    id: String,
    which: Which,
    position: Position,
    ended: bool,
}

struct Watch {
    app: App,
    visit: Visit,
    run: String,
    workspace: String,
    address: String,
    logs: [Log; 2],
    changes: Receiver<Change>,
    /// The parts that the browser has.
    shown: Shown,
    /// The run has moved since it was last told.
    moved: bool,
    ended: bool,
    begun: bool,
    watching: Watching,
}

#[derive(Template)]
#[template(path = "resources/runs/page/live.html")]
struct Parts<'a> {
    view: &'a View,
}

impl Watch {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures::stream::unfold(self, |mut watch| async move {
            // Whatever fails ends the stream; the browser comes again.
            let event = watch.next().await.ok().flatten()?;
            Some((Ok(event), watch))
        })
    }

    async fn next(&mut self) -> Result<Option<Event>, Problem> {
        if self.ended {
            return Ok(None);
        }
        if std::mem::replace(&mut self.begun, true) {
            tokio::time::sleep(pace(self.watching.count())).await;
        }
        loop {
            self.take_in();
            if std::mem::take(&mut self.moved)
                && let Some(event) = self.told().await?
            {
                return Ok(Some(event));
            }
            let over = self.over().await?;
            if let Some(event) = self.grown().await? {
                return Ok(Some(event));
            }
            if over && self.logs.iter().all(|log| log.ended) {
                self.ended = true;
                return Ok(Some(Event::default().event("end").data("over")));
            }
            self.wait().await?;
        }
    }

    /// What has happened since the last event.
    fn take_in(&mut self) {
        loop {
            match self.changes.try_recv() {
                Ok(change) => {
                    self.heed(&change);
                }
                Err(TryRecvError::Lagged(_)) => self.moved = true,
                Err(_) => return,
            }
        }
    }

    /// Notes a change; says whether it is one of this run.
    fn heed(&mut self, change: &Change) -> bool {
        match change {
            // What else happens in its workspace may be what it waits for.
            Change::Run { workspace, .. } | Change::Workspace { workspace } if *workspace == self.workspace => {
                self.moved = true;
            }
            Change::Log { phase } => return self.logs.iter().any(|log| log.id == *phase),
            _ => return false,
        }
        true
    }

    /// Returns when something has happened to the run.
    async fn wait(&mut self) -> Result<(), Problem> {
        loop {
            match tokio::time::timeout(CHECK, self.changes.recv()).await {
                Ok(Ok(change)) if self.heed(&change) => return Ok(()),
                Ok(Ok(_)) => {}
                Ok(Err(RecvError::Lagged(_))) => {
                    self.moved = true;
                    return Ok(());
                }
                Ok(Err(RecvError::Closed)) => {
                    self.ended = true;
                    return Ok(());
                }
                Err(_) => drop(self.whole().await?),
            }
        }
    }

    /// The run, if whoever began to look may still see it.
    async fn whole(&self) -> Result<(Whole, View), Problem> {
        let tx = self.app.db.read().await?;
        let person = sessions::service::who(&self.app, &tx, &self.visit.secret).await?;
        let whole = service::read(&tx, &person.actor, &self.run).await?;
        let form_token = self.visit.form_token(&self.app);
        let view = view::of(&self.app, &tx, &person.actor, &whole, form_token).await?;
        Ok((whole, view))
    }

    async fn over(&self) -> Result<bool, Problem> {
        let tx = self.app.db.read().await?;
        let person = sessions::service::who(&self.app, &tx, &self.visit.secret).await?;
        Ok(service::read(&tx, &person.actor, &self.run).await?.run.status().is_final())
    }

    async fn told(&mut self) -> Result<Option<Event>, Problem> {
        let (_, view) = self.whole().await?;
        self.shown.event(&rendered(&Parts { view: &view })?)
    }

    async fn grown(&mut self) -> Result<Option<Event>, Problem> {
        for at in 0..self.logs.len() {
            let log = &mut self.logs[at];
            let piece = log::lines(&self.app, &log.id, log.position.byte, PIECE).await?;
            log.ended = piece.last;
            if piece.lines.is_empty() {
                log.position.byte = piece.end;
                continue;
            }
            let first = log.position.lines + 1;
            log.position = Position { byte: piece.end, lines: log.position.lines + piece.lines.len() };
            let which = log.which;
            let lines = piece.lines.iter().enumerate().map(|(at, text)| Line::of(first + at, text)).collect();
            let html = rendered(&which.beside(&self.address, lines))?;
            let id = named(self.logs.each_ref().map(|log| log.position));
            return Ok(Some(event("log", &json!({ "phase": which.word(), "html": html }))?.id(id)));
        }
        Ok(None)
    }
}

fn pace(watching: usize) -> Duration {
    PACE_OF_EACH.saturating_mul(u32::try_from(watching).unwrap_or(u32::MAX)).clamp(PACE, SLOWEST)
}

/// How far the logs of the plan and of the apply have been read, as one word.
pub fn named(positions: [Position; 2]) -> String {
    positions.map(|it| format!("{}.{}", it.byte, it.lines)).join("-")
}

/// What [`named`] said; the beginning for anything else.
fn positions(text: &str) -> [Position; 2] {
    let read = |text: &str| {
        let (byte, lines) = text.split_once('.')?;
        Some(Position { byte: byte.parse().ok()?, lines: lines.parse().ok()? })
    };
    let (plan, apply) = text.split_once('-').unwrap_or_default();
    [plan, apply].map(|text| read(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_one_of_many_is_told_less_often() {
        assert_eq!([1, 10, 50, 4000].map(pace), [20, 20, 100, 200].map(Duration::from_millis));
    }

    #[test]
    fn a_position_is_read_as_it_was_named_and_nonsense_is_the_beginning() {
        let both = [Position { byte: 12, lines: 3 }, Position { byte: 0, lines: 0 }];
        assert_eq!(positions(&named(both)), both);
        for nonsense in ["", "x", "1-2", "-1.2-3.4", "1.2"] {
            assert_eq!(positions(nonsense)[0], Position::default(), "{nonsense}");
        }
    }
}
