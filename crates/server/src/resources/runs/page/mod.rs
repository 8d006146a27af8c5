//! The page of a run: what it would do, what its terraform says, and the decisions about it; and lists of runs,
//! the queue among them.

mod ansi;
mod diff;
mod list;
mod live;
mod logs;
mod plan;
mod queue;
pub mod start;
mod view;
mod words;

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::id::{Id, RunId};
use serde::Deserialize;

pub use self::diff::{Line, lines as change_lines};
pub use self::list::{Row, rows};
use self::logs::{Tail, Which};
pub use self::plan::Changes;
use self::view::View;
pub use self::words::{Moment, Tone, length, listed};
use super::service::{self, Whole};
use crate::app::App;
use crate::edge::pages::{Filled, Frame, Viewer, page, see_other};
use crate::edge::{At3, Name, Reply, Routes};
use crate::resources::{comments, organizations};

/// Pages of this room.
pub fn pages() -> Routes {
    const RUN: &str = "/app/{organization}/{workspace}/runs/{run}";
    let at = |rest: &str| format!("{RUN}{rest}");
    Routes::default()
        .get_at_root("/app/{organization}/runs", list::show)
        .get_at_root("/app/{organization}/queue", queue::show)
        .and(start::pages())
        .get_at_root(RUN, show)
        .get_at_root(&at("/events"), live::events)
        .get_at_root(&at("/log/plan"), |app, viewer, at, query| logs::show(app, viewer, at, query, Which::Plan))
        .get_at_root(&at("/log/apply"), |app, viewer, at, query| logs::show(app, viewer, at, query, Which::Apply))
        .get_at_root(&at("/log/plan/raw"), |app, viewer, at| logs::raw(app, viewer, at, Which::Plan))
        .get_at_root(&at("/log/apply/raw"), |app, viewer, at| logs::raw(app, viewer, at, Which::Apply))
        .post_at_root(&at("/confirm"), confirm)
        .post_at_root(&at("/discard"), discard)
        .post_at_root(&at("/cancel"), cancel)
        .post_at_root(&at("/force-cancel"), force_cancel)
        .post_at_root(&at("/comment"), comment)
}

#[derive(Template)]
#[template(path = "resources/runs/page/run.html")]
struct RunPage {
    frame: Frame,
    view: View,
    logs: [Tail; 2],
    /// How far the logs are shown.
    at: String,
}

async fn show(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, run): At3<Name, Name, RunId>,
) -> Reply {
    let whole = find(&app, &viewer, &organization, &workspace, &run).await?;
    let tx = app.db.read().await?;
    let view = view::of(&app, &tx, &viewer.actor, &whole, viewer.visit.form_token(&app)).await?;
    drop(tx);
    let logs = [
        logs::tail(&app, &whole, Which::Plan, &view.address).await?,
        logs::tail(&app, &whole, Which::Apply, &view.address).await?,
    ];
    let at = live::named([logs[0].position, logs[1].position]);
    let title = format!("{}: {}", whole.workspace.name, view.title);
    let workspace = format!("/app/{}/workspaces/{}", organization.0, workspace.0);
    let frame = viewer.frame(&app, &title).within(&organization.0, "runs").below(&whole.workspace.name, workspace);
    page(&RunPage { frame, view, logs, at })
}

/// The run at an address. One of another workspace is not there.
async fn find(
    app: &App,
    viewer: &Viewer,
    organization: &Name,
    workspace: &Name,
    run: &RunId,
) -> Result<Whole, Problem> {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &viewer.actor, run.as_str()).await?;
    let organization = organizations::service::read(&tx, &viewer.actor, &organization.0).await?;
    if whole.run.organization_id != organization.id || whole.workspace.name != workspace.0 {
        return Err(Problem::not_found("run/not-found", "There is no such run, or this token may not see it.")
            .advice("Check its id, and use a token that may see it."));
    }
    Ok(whole)
}

#[derive(Deserialize)]
struct Decision {
    #[serde(default)]
    comment: String,
}

macro_rules! decisions {
    ($($name:ident;)*) => {$(
        async fn $name(
            State(app): State<App>,
            viewer: Viewer,
            At3(organization, workspace, run): At3<Name, Name, RunId>,
            Filled(decision): Filled<Decision>,
        ) -> Reply {
            let whole = find(&app, &viewer, &organization, &workspace, &run).await?;
            let tx = app.db.write().await?;
            service::$name(&app, &tx, &viewer.actor, run.as_str()).await?;
            if !decision.comment.trim().is_empty() {
                comments::service::create(&app, &tx, &viewer.actor, run.as_str(), Some(decision.comment)).await?;
            }
            let address = view::address(&tx, &whole).await?;
            tx.commit().await?;
            Ok(see_other(&address))
        }
    )*};
}

decisions! { confirm; discard; cancel; force_cancel; }

async fn comment(
    State(app): State<App>,
    viewer: Viewer,
    At3(organization, workspace, run): At3<Name, Name, RunId>,
    Filled(said): Filled<Decision>,
) -> Reply {
    let whole = find(&app, &viewer, &organization, &workspace, &run).await?;
    let tx = app.db.write().await?;
    comments::service::create(&app, &tx, &viewer.actor, run.as_str(), Some(said.comment)).await?;
    let address = view::address(&tx, &whole).await?;
    tx.commit().await?;
    Ok(see_other(&address))
}
