//! Pages of organizations: all of them, how to begin ([`start`]), and how one is set up ([`settings`]). Other rooms add
//! theirs beneath the same [`Top`].

mod settings;
mod start;
mod top;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

pub use self::top::{Part, Top};
use super::{Organization, service};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::pages::{Frame, Viewer, page, see_other};
use crate::edge::{Reply, Routes};

/// Pages of this room.
pub fn pages() -> Routes {
    const SETTINGS: &str = "/app/{organization}/settings";
    let at = |rest: &str| format!("{SETTINGS}{rest}");
    Routes::default()
        .get_at_root("/", root)
        .get_at_root("/app", list)
        .get_at_root("/app/start", start::show)
        .get_at_root(SETTINGS, settings::show)
        .post_at_root(&at("/save"), settings::save)
        .get_at_root(&at("/delete"), settings::ask_to_delete)
        .post_at_root(&at("/delete"), settings::delete)
}

async fn root() -> Response {
    see_other("/app")
}

#[derive(Template)]
#[template(path = "resources/organizations/page/list.html")]
struct List {
    frame: Frame,
    organizations: Vec<Organization>,
    /// Only users have tokens of their own.
    is_user: bool,
    is_admin: bool,
}

async fn list(State(app): State<App>, viewer: Viewer) -> Reply {
    let tx = app.db.read().await?;
    let organizations = service::list(&tx, &viewer.actor).await?;
    let is_user = matches!(viewer.actor, Actor::User(_));
    page(&List {
        frame: viewer.frame(&app, "Organizations"),
        organizations,
        is_user,
        is_admin: viewer.actor.is_admin(),
    })
}
