//! The page that asks whether a terminal is given a token.

use askama::Template;
use axum::extract::State;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::service::{self, Asked, DAYS};
use crate::app::App;
use crate::edge::pages::{Filled, Frame, Nothing, Viewer, page, page_sending_to, see_other};
use crate::edge::{Query, Reply, Routes};
use crate::resources::users;

/// Where it is; terraform is told so by service discovery.
pub const PAGE: &str = "/app/settings/authorize";

/// Pages of this room.
pub fn pages() -> Routes {
    Routes::default()
        .get_at_root(PAGE, show)
        .post_at_root(&format!("{PAGE}/approve"), approve)
        .post_at_root(&format!("{PAGE}/decline"), decline)
}

/// What stands behind the `?`, and comes back with the form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    client_id: String,
    response_type: String,
    redirect_uri: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
}

impl Wanted {
    fn asked(&self) -> Asked<'_> {
        Asked {
            client: &self.client_id,
            response: &self.response_type,
            redirect: &self.redirect_uri,
            state: &self.state,
            challenge: &self.code_challenge,
            method: &self.code_challenge_method,
        }
    }
}

#[derive(Template)]
#[template(path = "resources/logins/ask.html")]
struct Ask {
    frame: Frame,
    name: String,
    port: u16,
    wanted: Wanted,
}

#[derive(Template)]
#[template(path = "resources/logins/declined.html")]
struct Declined {
    frame: Frame,
}

async fn show(State(app): State<App>, viewer: Viewer, Query(wanted): Query<Wanted>) -> Reply {
    let port = service::port(&wanted.asked())?;
    let user = users::account::own(&app.db.look(), &viewer.actor).await?;
    let ask = Ask { frame: viewer.frame(&app, "A terminal asks for a token"), name: user.username, port, wanted };
    // The browser follows the answer to the form there, which it would else refuse.
    page_sending_to(&ask, &format!("http://localhost:{port}"))
}

async fn approve(State(app): State<App>, viewer: Viewer, Filled(wanted): Filled<Wanted>) -> Reply {
    let tx = app.db.write().await?;
    let code = service::approve(&app, &tx, &viewer.actor, &wanted.asked()).await?;
    tx.commit().await?;
    let state = utf8_percent_encode(&wanted.state, NON_ALPHANUMERIC);
    Ok(see_other(&format!("{}?code={code}&state={state}", wanted.redirect_uri)))
}

async fn decline(State(app): State<App>, viewer: Viewer, Filled(Nothing {}): Filled<Nothing>) -> Reply {
    page(&Declined { frame: viewer.frame(&app, "Nothing was given") })
}
