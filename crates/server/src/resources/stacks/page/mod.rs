//! Pages of stacks: all of an organization, and one of them, as a picture with a table as its twin; and the same of all
//! workspaces that one may see.

mod life;
mod picture;
mod scene;
mod state;

use askama::Template;
use axum::extract::State;
use domain::Problem;
use serde::Deserialize;

use self::life::Life;
use self::scene::Scene;
use super::service::{self, Whole};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::pages::{Frame, Live, Viewer};
use crate::edge::{At, At2, Name, Query, Reply, Routes};
use crate::resources::organizations::{self, Organization};
use crate::resources::runs::{self, Start};
use crate::resources::workspaces::{self, Workspace};
use crate::storage::Tx;

/// Pages of this room.
pub fn pages() -> Routes {
    Routes::default()
        .get_at_root("/app/{organization}/graph", graph)
        .get_at_root("/app/{organization}/stacks", list)
        .get_at_root("/app/{organization}/stacks/{stack}", show)
        .and(life::pages())
}

/// One stack in a list.
struct Listed {
    name: String,
    address: String,
    status: &'static str,
    tone: &'static str,
    workspaces: usize,
    life: Life,
}

#[derive(Template)]
#[template(path = "resources/stacks/page/list.html")]
struct List {
    frame: Frame,
    graph: String,
    /// How many workspaces one may see.
    total: usize,
    stacks: Vec<Listed>,
}

async fn list(State(app): State<App>, viewer: Viewer, At(name): At<Name>, live: Live) -> Reply {
    live.show(app, viewer, move |app, viewer| draw_list(app, viewer, name.0.clone())).await
}

async fn draw_list(app: App, viewer: Viewer, name: String) -> Result<List, Problem> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &name).await?;
    let seen = workspaces::service::list(&tx, &viewer.actor, &organization).await?;
    let ids: std::collections::BTreeSet<&str> = seen.iter().map(|it| it.id.as_str()).collect();
    let now = app.ports.now();
    let mut stacks = Vec::new();
    for Whole { stack, members } in service::list(&tx, &viewer.actor, &organization).await? {
        let (status, tone) = life::status(&stack);
        stacks.push(Listed {
            address: format!("/app/{}/stacks/{}", organization.name, stack.name),
            status,
            tone,
            workspaces: members.list().iter().filter(|it| ids.contains(it.id.as_str())).count(),
            life: Life::of(&stack, now),
            name: stack.name,
        });
    }
    Ok(List {
        frame: viewer.frame(&app, "Stacks").within(&organization.name, "stacks"),
        graph: format!("/app/{}/graph", organization.name),
        total: seen.len(),
        stacks,
    })
}

/// What of a graph is asked for.
#[derive(Deserialize, Default, Clone)]
struct Wanted {
    /// A workspace, or part of the names of some.
    #[serde(default)]
    focus: String,
    /// `1` for the neighbours of the workspace alone; else all that is upstream and downstream of it.
    #[serde(default)]
    depth: String,
}

#[derive(Template)]
#[template(path = "resources/stacks/page/stack.html")]
struct Page {
    frame: Frame,
    /// Name of the stack; `None` on the page of all workspaces.
    stack: Option<Stack>,
    scene: Scene,
    /// What may be started of the workspace that is looked at.
    start: Option<Start>,
}

/// What a page says of a stack beside its graph.
struct Stack {
    name: String,
    address: String,
    status: &'static str,
    tone: &'static str,
    message: Option<String>,
    life: Life,
    manages: bool,
    /// Whether it is being destroyed.
    going: bool,
    events: Vec<life::Told>,
}

async fn show(
    State(app): State<App>,
    viewer: Viewer,
    At2(organization, stack): At2<Name, Name>,
    Query(wanted): Query<Wanted>,
    live: Live,
) -> Reply {
    let of = (organization.0, stack.0);
    live.show(app, viewer, move |app, viewer| draw(app, viewer, of.clone(), wanted.clone())).await
}

async fn draw(app: App, viewer: Viewer, of: (String, String), wanted: Wanted) -> Result<Page, Problem> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &of.0).await?;
    let Whole { stack, members } = service::named(&tx, &viewer.actor, &organization, &of.1).await?;
    let seen = seen(&tx, &viewer.actor, members.list()).await?;
    let address = format!("/app/{}/stacks/{}", organization.name, stack.name);
    let (status, tone) = life::status(&stack);
    let told = Stack {
        address: address.clone(),
        status,
        tone,
        message: stack.message.clone(),
        life: Life::of(&stack, app.ports.now()),
        manages: service::manages(&tx, &viewer.actor, &stack).await,
        going: stack.session.is_some(),
        events: life::told(&stack),
        name: stack.name,
    };
    let frame = viewer.frame(&app, &told.name).within(&organization.name, "stacks");
    let (scene, start) = scene(&app, &tx, &viewer, &organization, &seen, address, &wanted).await?;
    Ok(Page { frame, stack: Some(told), scene, start })
}

async fn graph(
    State(app): State<App>,
    viewer: Viewer,
    At(organization): At<Name>,
    Query(wanted): Query<Wanted>,
    live: Live,
) -> Reply {
    live.show(app, viewer, move |app, viewer| draw_all(app, viewer, organization.0.clone(), wanted.clone())).await
}

async fn draw_all(app: App, viewer: Viewer, organization: String, wanted: Wanted) -> Result<Page, Problem> {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &organization).await?;
    let seen = workspaces::service::list(&tx, &viewer.actor, &organization).await?;
    let address = format!("/app/{}/graph", organization.name);
    let (scene, start) = scene(&app, &tx, &viewer, &organization, &seen, address, &wanted).await?;
    let frame = viewer.frame(&app, "All workspaces").within(&organization.name, "stacks");
    Ok(Page { frame, stack: None, scene, start })
}

async fn scene(
    app: &App,
    tx: &Tx,
    viewer: &Viewer,
    organization: &Organization,
    seen: &[Workspace],
    address: String,
    wanted: &Wanted,
) -> Result<(Scene, Option<Start>), Problem> {
    let scene = scene::of(tx, &viewer.actor, &organization.name, seen, address, wanted).await?;
    let chosen = scene.focus.as_ref().and_then(|focus| seen.iter().find(|it| it.name == focus.name));
    let start = match chosen {
        Some(workspace) => {
            let address = format!("/app/{}/workspaces/{}", organization.name, workspace.name);
            runs::start(tx, &viewer.actor, workspace, address, viewer.visit.form_token(app)).await?
        }
        None => None,
    };
    Ok((scene, start))
}

/// Those of a stack's workspaces that the actor may see: a stack may have more than whoever looks at it knows.
async fn seen(tx: &Tx, actor: &Actor, members: &[Workspace]) -> Result<Vec<Workspace>, Problem> {
    let mut seen = Vec::with_capacity(members.len());
    for member in members {
        if workspaces::service::sees(tx, actor, member).await? {
            seen.push(member.clone());
        }
    }
    Ok(seen)
}
