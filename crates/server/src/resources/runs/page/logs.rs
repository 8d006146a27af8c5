//! The log of a plan or an apply in a page: its last lines beside the run, and all of it, a part at a time, on a page of its
//! own, where each line has an address.

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use domain::Problem;
use domain::id::RunId;
use futures::TryStreamExt;
use serde::Deserialize;

use super::super::marks::{Marks, parts};
use super::super::service::Whole;
use super::ansi::{self, Span};
use super::view;
use crate::app::App;
use crate::edge::pages::{Frame, Viewer, page};
use crate::edge::{At3, Name, Query, Reply};

pub use super::super::marks::Position;

/// How many lines stand beside a run.
pub const TAIL: usize = 500;
/// How many lines are on one page of a log.
const PAGE: usize = 1000;
/// Most lines that a search finds.
const FOUND: usize = 500;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place, from 1.
    pub number: usize,
    /// Its pieces.
    pub spans: Vec<Span>,
}

impl Line {
    /// The line `number` with that text.
    pub fn of(number: usize, text: &str) -> Self {
        Self { number, spans: ansi::spans(text) }
    }
}

/// Lines of one log.
#[derive(Template)]
#[template(path = "resources/runs/page/lines.html")]
pub struct Lines {
    /// Address of the page of the whole log.
    pub address: String,
    /// Said of the lines' own ids: nothing on the log's own page, where a line is `L12`.
    pub prefix: &'static str,
    /// The lines.
    pub lines: Vec<Line>,
}

/// The log of which half of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// That of its plan.
    Plan,
    /// That of its apply.
    Apply,
}

impl Which {
    /// Its word in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
        }
    }

    /// The id of the phase.
    pub fn id(self, whole: &Whole) -> &str {
        match self {
            Self::Plan => &whole.plan.id,
            Self::Apply => &whole.apply.id,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Plan => "Log of the plan",
            Self::Apply => "Log of the apply",
        }
    }

    /// These lines of it, as they stand beside the run at that address.
    pub fn beside(self, run: &str, lines: Vec<Line>) -> Lines {
        let prefix = match self {
            Self::Plan => "plan-",
            Self::Apply => "apply-",
        };
        Lines { address: format!("{run}/log/{}", self.word()), prefix, lines }
    }
}

/// The end of a log, as it stands beside its run.
pub struct Tail {
    /// `plan` or `apply`.
    pub phase: &'static str,
    /// Title of the log.
    pub title: &'static str,
    /// Its last lines.
    pub lines: Lines,
    /// How far they go.
    pub position: Position,
}

impl Tail {
    /// How many lines there are before those that are shown.
    pub fn before(&self) -> usize {
        self.position.lines - self.lines.lines.len()
    }
}

/// The last lines of a log of the run at that address.
///
/// # Errors
/// `storage/unavailable`.
pub async fn tail(app: &App, whole: &Whole, which: Which, run: &str) -> Result<Tail, Problem> {
    let id = which.id(whole);
    let marks = Marks::of(app, id).await?;
    let position = marks.end();
    let first = position.lines.saturating_sub(TAIL);
    let lines = numbered(app, id, &marks, first, position.lines - first).await?;
    Ok(Tail { phase: which.word(), title: which.title(), lines: which.beside(run, lines), position })
}

/// At most `most` lines of a log after its first `first`.
async fn numbered(app: &App, id: &str, marks: &Marks, first: usize, most: usize) -> Result<Vec<Line>, Problem> {
    let mut lines = Vec::new();
    let mut parts = std::pin::pin!(parts(app, id, marks.before(first)));
    while lines.len() < most {
        let Some(part) = parts.try_next().await? else { break };
        let all = part.lines.iter().enumerate().map(|(at, text)| (part.first + at + 1, text));
        let wanted = all.filter(|(number, _)| *number > first).take(most - lines.len());
        lines.extend(wanted.map(|(number, text)| Line::of(number, text)));
    }
    Ok(lines)
}

/// The first lines that have this text in them, in whatever case, and how many there are.
async fn fitting(app: &App, id: &str, find: &str) -> Result<(Vec<Line>, usize), Problem> {
    let (mut lines, mut found) = (Vec::new(), 0);
    let mut parts = std::pin::pin!(parts(app, id, Position::default()));
    while let Some(part) = parts.try_next().await? {
        for (at, text) in part.lines.iter().enumerate().filter(|(_, text)| text.to_lowercase().contains(find)) {
            found += 1;
            if found <= FOUND {
                lines.push(Line::of(part.first + at + 1, text));
            }
        }
    }
    Ok((lines, found))
}

#[derive(Deserialize, Default)]
pub(super) struct Wanted {
    /// A line that is to be among those that are shown.
    line: Option<usize>,
    /// A text that is looked for.
    #[serde(default)]
    find: String,
}

#[derive(Template)]
#[template(path = "resources/runs/page/log.html")]
struct LogPage {
    frame: Frame,
    title: &'static str,
    address: String,
    run: String,
    find: String,
    /// How many lines there are, and how many of them fit the search.
    count: usize,
    found: usize,
    shown: Lines,
    /// The first lines of the parts before and after this one.
    before: Option<usize>,
    after: Option<usize>,
}

pub(super) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, run): At3<Name, Name, RunId>,
    Query(wanted): Query<Wanted>,
    which: Which,
) -> Reply {
    let whole = super::find(&app, &viewer, &organization, &workspace, &run).await?;
    let tx = app.db.read().await?;
    let run = view::address(&tx, &whole).await?;
    drop(tx);
    let id = which.id(&whole);
    let title = which.title();
    let address = format!("{run}/log/{}", which.word());
    let find = wanted.find.trim().to_lowercase();
    let marks = Marks::of(&app, id).await?;
    let count = marks.end().lines;
    let first = wanted.line.unwrap_or(1).saturating_sub(1).min(count.saturating_sub(1)) / PAGE * PAGE;
    let (first, lines, found) = match find.is_empty() {
        true => (first, numbered(&app, id, &marks, first, PAGE).await?, count),
        false => {
            let (lines, found) = fitting(&app, id, &find).await?;
            (0, lines, found)
        }
    };
    let end = first + lines.len();
    page(&LogPage {
        frame: viewer.frame(&app, title).within(&organization.0, "runs").below(&whole.run.id, run.clone()),
        title,
        before: (first > 0).then(|| first + 1 - PAGE.min(first)),
        after: (find.is_empty() && end < count).then_some(end + 1),
        count,
        found,
        find: wanted.find.trim().to_owned(),
        shown: Lines { address: address.clone(), prefix: "", lines },
        address,
        run,
    })
}

/// A log as a file that the browser keeps and does not show.
pub(super) async fn raw(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, run): At3<Name, Name, RunId>,
    which: Which,
) -> Reply {
    let whole = super::find(&app, &viewer, &organization, &workspace, &run).await?;
    let name = format!("{}-{}.log", whole.run.id, which.word());
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let id = which.id(&whole).to_owned();
    let texts = parts(&app, &id, Position::default()).map_ok(|part| {
        let mut text = String::new();
        for line in &part.lines {
            text.push_str(line);
            text.push('\n');
        }
        Bytes::from(text)
    });
    Ok((headers, Body::from_stream(texts)).into_response())
}
