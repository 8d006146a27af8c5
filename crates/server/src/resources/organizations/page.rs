//! The first page: the organizations, and how a terminal is connected.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Organization, service};
use crate::app::App;
use crate::edge::pages::{Frame, Viewer, page, see_other};
use crate::edge::{Reply, Routes};

/// Pages of this room.
pub fn pages() -> Routes {
    Routes::default().get_at_root("/", root).get_at_root("/app", list)
}

async fn root() -> Response {
    see_other("/app")
}

#[derive(Template)]
#[template(path = "resources/organizations/list.html")]
struct List {
    frame: Frame,
    organizations: Vec<Organization>,
}

async fn list(State(app): State<App>, viewer: Viewer) -> Reply {
    let tx = app.db.read().await?;
    let organizations = service::list(&tx, &viewer.actor).await?;
    page(&List { frame: viewer.frame(&app, "Organizations"), organizations })
}
