//! The queue of an organization: who has a slot, who waits and for what, and how many slots there are.

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::id::Id;
use domain::queue::Scope;
use serde::Deserialize;

use super::super::queue::{self, Occupancy};
use super::super::service;
use super::list::{Row, rows};
use super::view::{self, Other};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::pages::{Frame, Live, Pages, Part, Viewer};
use crate::edge::{At, Name, Query, Reply};
use crate::resources::organizations::{self, Organization};
use crate::resources::{limits, projects};
use crate::storage::Tx;

/// Runs on one page.
const SIZE: usize = 50;

/// A run in the queue.
struct Queued {
    place: usize,
    row: Row,
    /// What it waits for, each with the run that it is.
    waits: Vec<(String, Option<Other>)>,
}

/// Slots that runs share.
struct Slots {
    whose: String,
    used: usize,
    limit: usize,
}

#[derive(Template)]
#[template(path = "resources/runs/page/queue.html")]
struct QueuePage {
    frame: Frame,
    occupancy: Occupancy,
    slots: Vec<Slots>,
    queued: Vec<Queued>,
    pages: Pages,
}

#[derive(Deserialize, Default, Clone)]
pub(super) struct Wanted {
    page: Option<usize>,
}

pub(super) async fn show(
    State(app): State<App>,
    viewer: Viewer,
    At(name): At<Name>,
    Query(wanted): Query<Wanted>,
    live: Live,
) -> Reply {
    live.show(app, viewer, move |app, viewer| draw(app, viewer, name.0.clone(), wanted.clone())).await
}

async fn draw(app: App, viewer: Viewer, name: String, wanted: Wanted) -> Result<QueuePage, Problem> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &name).await?;
    let occupancy = service::occupancy(&tx, &viewer.actor, &organization).await?;
    let part = Part::of(wanted.page, SIZE);
    let ids = service::queue(&tx, &viewer.actor, &organization, part.offset as u64, part.size as u64).await?;
    let mut queued = Vec::with_capacity(ids.len());
    for (place, id) in (part.offset + 1..).zip(ids) {
        // The queue tells its place also of runs that one may not see: they are left out.
        let Ok(whole) = service::read(&tx, &viewer.actor, &id).await else { continue };
        let waits = view::because(&tx, &viewer.actor, &whole).await?;
        let row = rows(&tx, &organization.name, vec![(whole.run, whole.workspace)]).await?;
        queued.extend(row.into_iter().next().map(|row| Queued { place, row, waits }));
    }
    let total = usize::try_from(occupancy.total()).unwrap_or(usize::MAX);
    Ok(QueuePage {
        frame: viewer.frame(&app, "Queue").within(&organization.name, "queue"),
        occupancy,
        slots: slots(&tx, &viewer.actor, &organization).await?,
        queued,
        pages: Pages::new(format!("/app/{}/queue?all=", organization.name), part, total),
    })
}

async fn slots(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<Slots>, Problem> {
    let limits = limits::service::of(tx, actor, organization).await?;
    let used = queue::used(tx, &limits).await?;
    let mut slots = Vec::with_capacity(limits.len());
    for (limit, used) in limits.into_iter().zip(used) {
        let whose = match &limit.scope {
            Scope::Executor(_) => "This machine".to_owned(),
            Scope::Organization(_) => format!("Organization {}", organization.name),
            Scope::Project(id) => {
                let project = projects::by_id(tx, id.as_str()).await?;
                format!("Project {}", project.map(|it| it.name).unwrap_or_default())
            }
            Scope::Tag(_, tag) => format!("Tag {tag}"),
        };
        slots.push(Slots { whose, used, limit: limit.limit });
    }
    Ok(slots)
}
