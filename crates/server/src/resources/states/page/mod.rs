//! Pages of a workspace's states: all versions, one with what is in it, what is different between two, and the way back to an
//! older one.

mod diff;
mod version;

use askama::Template;
use axum::extract::State as Extract;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use domain::Problem;
use domain::id::{Id, StateId};
use serde::Deserialize;

use super::State;
use super::service;
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Pages, Part, Viewer, page, see_other, wrong};
use crate::edge::{At2, At3, Name, Query, Reply, Routes};
use crate::resources::runs::Moment;
use crate::resources::users;
use crate::resources::workspaces::{self, Head, Tab};
use crate::storage::Tx;

/// Versions on one page.
const SIZE: usize = 50;

/// Pages of this room.
pub fn pages() -> Routes {
    const LIST: &str = "/app/{organization}/workspaces/{workspace}/states";
    let at = |rest: &str| format!("{LIST}/{{state}}{rest}");
    Routes::default()
        .get_at_root(LIST, list)
        .get_at_root(&at(""), version::show)
        .get_at_root(&at("/download"), download)
        .get_at_root(&at("/diff"), diff::show)
        .get_at_root(&at("/roll-back"), ask_to_roll_back)
        .post_at_root(&at("/roll-back"), roll_back)
}

/// A version in a list.
struct Version {
    address: String,
    serial: i64,
    at: Moment,
    resources: i32,
    terraform: String,
    /// The run that wrote it, and its page.
    run: Option<(String, String)>,
    by: String,
    is_current: bool,
    /// Why it was not taken, where it was not.
    refusal: Option<String>,
}

#[derive(Template)]
#[template(path = "resources/states/page/list.html")]
struct List {
    frame: Frame,
    head: Head,
    versions: Vec<Version>,
    kept: Vec<Version>,
    kept_days: i64,
    pages: Pages,
}

#[derive(Deserialize, Default)]
struct Wanted {
    page: Option<usize>,
}

async fn list(
    Extract(app): Extract<App>,
    viewer: Viewer,
    At2(organization, workspace): At2<Name, Name>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let tx = app.db.read().await?;
    let head = Head::of(&tx, &viewer.actor, (&organization, &workspace), Tab::States).await?;
    let all = finished(&tx, &viewer.actor, &head).await?;
    let part = Part::of(wanted.page, SIZE);
    let pages = Pages::new(format!("{}/states", head.address()), part, all.len());
    let mut versions = Vec::new();
    for state in all.into_iter().skip(part.offset).take(part.size) {
        versions.push(version(&tx, &head, state).await?);
    }
    let mut kept = Vec::new();
    for state in super::kept::list(&app, &tx, &viewer.actor, &head.workspace.id).await? {
        kept.push(version(&tx, &head, state).await?);
    }
    page(&List {
        frame: head.frame(&app, &viewer, "States"),
        head,
        versions,
        kept,
        kept_days: super::kept::DAYS,
        pages,
    })
}

/// The versions of a workspace that are whole, newest first.
async fn finished(tx: &Tx, actor: &Actor, head: &Head) -> Result<Vec<State>, Problem> {
    let mut all = service::list(tx, actor, &head.workspace.id).await?;
    all.retain(State::is_finalized);
    Ok(all)
}

async fn version(tx: &Tx, head: &Head, state: State) -> Result<Version, Problem> {
    let by = match &state.created_by {
        Some(user) => users::service::user(tx, user).await.map(|it| it.username).unwrap_or_default(),
        None => String::new(),
    };
    let runs = format!("/app/{}/{}/runs", head.organization.name, head.workspace.name);
    Ok(Version {
        address: format!("{}/states/{}", head.address(), state.id),
        serial: state.serial,
        at: Moment(state.created_at),
        resources: state.resource_count,
        is_current: head.workspace.current_state_id.as_ref() == Some(&state.id),
        terraform: state.terraform_version,
        refusal: state.refusal,
        run: state.run_id.map(|run| (run.clone(), format!("{runs}/{run}"))),
        by,
    })
}

/// A version at an address. One of another workspace is not there, nor is one that is not whole.
async fn find(
    tx: &Tx,
    viewer: &Viewer,
    organization: &Name,
    workspace: &Name,
    id: &StateId,
) -> Result<(Head, State), Problem> {
    let head = Head::of(tx, &viewer.actor, (organization, workspace), Tab::States).await?;
    let state = service::read(tx, &viewer.actor, id.as_str()).await?;
    if state.workspace_id != head.workspace.id || !(state.is_finalized() || state.is_kept()) {
        return Err(service::not_found());
    }
    Ok((head, state))
}

async fn download(
    Extract(app): Extract<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, StateId>,
) -> Reply {
    let tx = app.db.read().await?;
    let (head, state) = find(&tx, &viewer, &organization, &workspace, &id).await?;
    drop(tx);
    let bytes = service::download(&app, &state).await?;
    let name = format!("attachment; filename=\"{}-{}.tfstate\"", head.workspace.name, state.serial);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"))),
    ];
    Ok((headers, bytes).into_response())
}

async fn ask_to_roll_back(
    Extract(app): Extract<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, StateId>,
) -> Reply {
    let tx = app.db.read().await?;
    let (head, state) = find(&tx, &viewer, &organization, &workspace, &id).await?;
    workspaces::service::for_action(&tx, &viewer.actor, &head.workspace.id, Action::WriteState).await?;
    roll_back_page(&app, &viewer, &head, &state, None)
}

async fn roll_back(
    Extract(app): Extract<App>,
    viewer: Viewer,
    At3(organization, workspace, id): At3<Name, Name, StateId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.read().await?;
    let (head, state) = find(&tx, &viewer, &organization, &workspace, &id).await?;
    workspaces::service::for_action(&tx, &viewer.actor, &head.workspace.id, Action::WriteState).await?;
    drop(tx);
    match service::roll_back(&app, &viewer.actor, &state.id).await {
        Ok(new) => Ok(see_other(&format!("{}/states/{}", head.address(), new.id))),
        Err(problem) => roll_back_page(&app, &viewer, &head, &state, Some(wrong(problem)?)),
    }
}

fn roll_back_page(app: &App, viewer: &Viewer, head: &Head, state: &State, wrong: Option<String>) -> Reply {
    let address = format!("{}/states/{}", head.address(), state.id);
    let mut says = vec![
        "A new version of the state is made with the content of this one, and becomes the current one. The versions between \
         stay."
            .to_owned(),
        "The objects themselves stay as they are: the next plan says in what they differ from the state.".to_owned(),
    ];
    let own =
        matches!(head.workspace.holder(), Some(workspaces::Holder::User(user)) if viewer.actor.user() == Some(&user));
    if !own {
        says.push("You have to hold the lock of the workspace: lock it first, under its settings.".to_owned());
    }
    let confirm = Confirm {
        frame: head.frame(app, viewer, "Roll back"),
        title: format!("Roll back to the state with serial {}?", state.serial),
        says,
        action: format!("{address}/roll-back"),
        button: "Roll back",
        back: address,
        wrong,
        ..Confirm::default()
    };
    confirm.page()
}
