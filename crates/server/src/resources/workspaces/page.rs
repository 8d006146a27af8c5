//! Pages of workspaces: all of an organization, and of one how it stands ([`overview`]) and how it is set up ([`settings`]).
//! Other rooms add theirs beneath the same [`Head`].

mod destroys;
mod head;
mod overview;
mod settings;
mod tags;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Problem;
use serde::Deserialize;

use self::head::lock;
pub use self::head::{Head, Tab};
use super::service;
use crate::app::App;
use crate::edge::pages::{Connect, Frame, Live, Pages, Part, Viewer, see_other};
use crate::edge::{At, Here, Name, Query, Reply, Routes};
use crate::resources::organizations;
use crate::resources::runs::{self, Row};

/// Workspaces on one page.
const SIZE: usize = 100;

/// Pages of this room.
pub fn pages() -> Routes {
    const ONE: &str = "/app/{organization}/workspaces/{workspace}";
    let at = |rest: &str| format!("{ONE}{rest}");
    Routes::default()
        .get_at_root("/app/{organization}", first)
        .get_at_root("/app/{organization}/workspaces", list)
        .get_at_root(ONE, overview::show)
        .get_at_root(&at("/settings"), settings::show)
        .post_at_root(&at("/settings/save"), settings::save)
        .post_at_root(&at("/settings/lock"), settings::lock)
        .post_at_root(&at("/settings/unlock"), settings::unlock)
        .get_at_root(&at("/settings/force-unlock"), settings::ask_to_force_unlock)
        .post_at_root(&at("/settings/force-unlock"), settings::force_unlock)
        .get_at_root(&at("/settings/delete"), settings::ask_to_delete)
        .post_at_root(&at("/settings/delete"), settings::delete)
}

async fn first(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Result<Response, crate::edge::Failure> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &name.0).await?;
    Ok(see_other(&format!("/app/{}/workspaces", organization.name)))
}

/// One workspace in a list.
struct Listed {
    id: String,
    name: String,
    address: String,
    resources: i32,
    lock: Option<String>,
    run: Option<Row>,
}

#[derive(Template)]
#[template(path = "resources/workspaces/page/list.html")]
struct List {
    frame: Frame,
    organization: String,
    search: String,
    total: usize,
    workspaces: Vec<Listed>,
    pages: Pages,
    /// How to begin, where there is none yet.
    connect: Option<Connect>,
}

#[derive(Deserialize, Default, Clone)]
struct Wanted {
    #[serde(default)]
    search: String,
    page: Option<usize>,
}

async fn list(
    State(app): State<App>,
    viewer: Viewer,
    At(name): At<Name>,
    here: Here,
    Query(wanted): Query<Wanted>,
    live: Live,
) -> Reply {
    let of = (name.0, here, wanted);
    live.show(app, viewer, move |app, viewer| draw_list(app, viewer, of.clone())).await
}

async fn draw_list(app: App, viewer: Viewer, (name, here, wanted): (String, Here, Wanted)) -> Result<List, Problem> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &name).await?;
    let search = wanted.search.trim().to_owned();
    let mut all = service::list(&tx, &viewer.actor, &organization).await?;
    all.retain(|it| it.name.to_lowercase().contains(&search.to_lowercase()));
    let total = all.len();
    let part = Part::of(wanted.page, SIZE);
    let chosen: Vec<_> = all.into_iter().skip(part.offset).take(part.size).collect();
    let current = runs::listing::current(&tx, &viewer.actor, &chosen).await?;
    let with: Vec<_> = chosen.iter().filter_map(|it| Some((current.get(&it.id)?.clone(), it.clone()))).collect();
    let rows = runs::rows(&tx, &organization.name, with).await?;
    let mut rows: BTreeMap<String, Row> = rows.into_iter().map(|row| (row.workspace.clone(), row)).collect();
    let mut workspaces = Vec::with_capacity(chosen.len());
    for workspace in chosen {
        workspaces.push(Listed {
            address: format!("/app/{}/workspaces/{}", organization.name, workspace.name),
            resources: workspace.resource_count,
            lock: lock(&tx, &workspace).await?.map(|(words, _)| words),
            run: rows.remove(&workspace.name),
            id: workspace.id,
            name: workspace.name,
        });
    }
    // What is searched for stands in an address: only what a name can have is taken over.
    let plain: String = search.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    Ok(List {
        frame: viewer.frame(&app, "Workspaces").within(&organization.name, "workspaces"),
        pages: Pages::new(format!("/app/{}/workspaces?search={plain}", organization.name), part, total),
        connect: (total == 0 && search.is_empty()).then(|| Connect::to(&here, &organization.name)),
        organization: organization.name,
        search,
        total,
        workspaces,
    })
}
