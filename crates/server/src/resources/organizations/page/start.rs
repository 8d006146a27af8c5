//! The first steps: sign in, make a token, connect a terminal. What `multispace serve` says at its start leads here.

use askama::Template;
use axum::extract::State;

use super::super::service;
use crate::actor::Actor;
use crate::app::App;
use crate::edge::pages::{Connect, Frame, Viewer, Visit, page};
use crate::edge::{Failure, Here, Reply};
use crate::resources::users;

#[derive(Template)]
#[template(path = "resources/organizations/page/start.html")]
struct Page {
    frame: Frame,
    is_signed_in: bool,
    /// Only users have tokens of their own.
    is_user: bool,
    has_password: bool,
    /// For each organization its name and how a terminal is connected to it.
    organizations: Vec<(String, Connect)>,
}

pub(super) async fn show(State(app): State<App>, visit: Visit, viewer: Result<Viewer, Failure>, here: Here) -> Reply {
    let Ok(viewer) = viewer else {
        let frame = visit.frame(&app, "How to begin");
        let organizations = Vec::new();
        return page(&Page { frame, is_signed_in: false, is_user: false, has_password: false, organizations });
    };
    let tx = app.db.read().await?;
    let all = service::list(&tx, &viewer.actor).await?;
    page(&Page {
        frame: viewer.frame(&app, "How to begin"),
        is_signed_in: true,
        is_user: matches!(viewer.actor, Actor::User(_)),
        has_password: users::account::own(&tx, &viewer.actor).await.is_ok_and(|user| user.password.is_some()),
        organizations: all.into_iter().map(|it| (it.name.clone(), Connect::to(&here, &it.name))).collect(),
    })
}
