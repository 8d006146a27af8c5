//! The audit log of an organization, for who owns it.

use askama::Template;
use axum::extract::State;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::service::{self, Chain, Wanted};
use crate::app::App;
use crate::edge::pages::{Frame, Pages, Part, Viewer, page};
use crate::edge::{At, Name, Query, Reply, Routes};
use crate::resources::organizations::{Part as Tab, Top};
use crate::resources::runs::Moment;
use crate::storage::audit;

/// Rows on one page.
const SIZE: usize = 50;

/// Pages of this room.
pub fn pages() -> Routes {
    Routes::default().get_at_root("/app/{organization}/settings/audit", list)
}

#[derive(Deserialize, Default)]
struct Asked {
    #[serde(default)]
    search: String,
    page: Option<usize>,
}

/// One row.
struct Row {
    at: Moment,
    who: String,
    /// What kind of actor it is.
    kind: String,
    action: String,
    /// The name of what it was done to, or its id.
    object: String,
    /// The id, where a name stands before it.
    id: Option<String>,
    denied: bool,
}

#[derive(Template)]
#[template(path = "resources/audit/page/list.html")]
struct List {
    frame: Frame,
    top: Top,
    search: String,
    total: u64,
    rows: Vec<Row>,
    pages: Pages,
}

async fn list(State(app): State<App>, viewer: Viewer, At(name): At<Name>, Query(asked): Query<Asked>) -> Reply {
    let tx = app.db.read().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Tab::Audit).await?;
    let part = Part::of(asked.page, SIZE);
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX).min(i64::MAX.unsigned_abs());
    let wanted = Wanted {
        since: None,
        search: asked.search.trim().to_owned(),
        newest_first: true,
        offset: number(part.offset),
        limit: number(part.size),
    };
    let chain = Chain::of(&viewer.actor, &top.organization)?;
    let (rows, total) = service::list(&tx, &chain, &wanted).await?;
    let search = utf8_percent_encode(&wanted.search, NON_ALPHANUMERIC);
    let list = List {
        frame: top.frame(&app, &viewer, "Audit log"),
        pages: Pages::new(
            format!("{}/audit?search={search}", top.address()),
            part,
            usize::try_from(total).unwrap_or(usize::MAX),
        ),
        rows: rows.into_iter().map(row).collect(),
        search: wanted.search,
        total,
        top,
    };
    page(&list)
}

fn row(row: audit::Row) -> Row {
    let who = [row.actor_name, row.actor_id, row.actor_kind.clone()].into_iter().find(|text| !text.is_empty());
    let (object, id) = match row.object_name.filter(|name| !name.is_empty()) {
        Some(name) => (name, Some(row.object_id)),
        None => (row.object_id, None),
    };
    Row {
        at: Moment(row.at),
        who: who.unwrap_or_default(),
        kind: row.actor_kind,
        action: row.action,
        object,
        id,
        denied: row.result == "denied",
    }
}
