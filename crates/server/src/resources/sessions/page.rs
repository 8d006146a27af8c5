//! Signing in and out.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::IntoResponse;
use serde::Deserialize;

use super::service::{self, HOURS};
use crate::app::App;
use crate::edge::pages::{Filled, Frame, Visit, page, page_with, see_other};
use crate::edge::{Query, Reply, Routes};
use crate::resources::users;
use domain::Problem;

/// Pages of this room.
pub fn pages() -> Routes {
    Routes::default()
        .get_at_root("/sign-in", show)
        .post_at_root("/sign-in", sign_in)
        .post_at_root("/sign-out", sign_out)
}

#[derive(Template)]
#[template(path = "resources/sessions/sign_in.html")]
struct SignIn {
    frame: Frame,
    /// Where to go afterwards.
    to: String,
    /// The name that was typed.
    username: String,
    /// The last try was one with a token.
    by_token: bool,
    /// What was wrong with the last try.
    wrong: Option<String>,
}

#[derive(Deserialize, Default)]
struct Wanted {
    #[serde(default)]
    to: String,
}

async fn show(State(app): State<App>, visit: Visit, Query(wanted): Query<Wanted>) -> Reply {
    let tx = app.db.read().await?;
    if service::who(&app, &tx, &visit.secret).await.is_ok() {
        return Ok(see_other(local(&wanted.to)));
    }
    let sign_in = |visit: &Visit| SignIn {
        frame: visit.frame(&app, "Sign in"),
        to: local(&wanted.to).to_owned(),
        username: String::new(),
        by_token: false,
        wrong: None,
    };
    if !visit.secret.is_empty() {
        return page(&sign_in(&visit));
    }
    let (visit, cookie) = visit.with_secret(service::new_secret(&app), None);
    Ok(([(SET_COOKIE, cookie)], page(&sign_in(&visit))?).into_response())
}

#[derive(Deserialize)]
struct Entered {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    to: String,
}

async fn sign_in(State(app): State<App>, visit: Visit, Filled(entered): Filled<Entered>) -> Reply {
    // What stands before the dot of a token names it; the rest is its secret.
    let account = match entered.username.trim() {
        "" => entered.token.split('.').next().unwrap_or_default(),
        name => name,
    };
    app.limits.sign_in(account)?;
    match begin(&app, &visit, &entered).await {
        Ok(secret) => {
            let (_, cookie) = visit.with_secret(secret, Some(HOURS * 3600));
            Ok(([(SET_COOKIE, cookie)], see_other(local(&entered.to))).into_response())
        }
        Err(problem) if problem.code == "access/sign-in" => {
            let page = SignIn {
                frame: visit.frame(&app, "Sign in"),
                to: local(&entered.to).to_owned(),
                by_token: entered.username.is_empty(),
                username: entered.username,
                wrong: Some(problem.to_string()),
            };
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(problem) => Err(problem.into()),
    }
}

/// Signs in with a name and a password, or else with a token; returns the browser's new secret.
async fn begin(app: &App, visit: &Visit, entered: &Entered) -> Result<String, Problem> {
    if entered.username.is_empty() {
        let tx = app.db.write().await?;
        let secret = service::sign_in(app, &tx, entered.token.trim(), &visit.secret).await?;
        tx.commit().await?;
        return Ok(secret);
    }
    let user = users::account::sign_in(app, entered.username.trim(), &entered.password).await?;
    let tx = app.db.write().await?;
    let secret = service::sign_in_as(app, &tx, &user, &visit.secret).await?;
    tx.commit().await?;
    Ok(secret)
}

#[derive(Deserialize)]
struct Nothing {}

async fn sign_out(State(app): State<App>, visit: Visit, Filled(Nothing {}): Filled<Nothing>) -> Reply {
    let tx = app.db.write().await?;
    service::sign_out(&app, &tx, &visit.secret).await?;
    tx.commit().await?;
    let (_, cookie) = visit.with_secret(String::new(), Some(0));
    Ok(([(SET_COOKIE, cookie)], see_other("/sign-in")).into_response())
}

/// Only a page of this server: an address that somebody was sent with the link leads nowhere else.
fn local(to: &str) -> &str {
    let plain = !to.contains(|c: char| c == '\\' || c.is_control() || !c.is_ascii());
    let path = to.split_once('?').map_or(to, |(path, _)| path);
    let is_page = path == "/app" || path.starts_with("/app/");
    if plain && is_page { to } else { "/app" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_after_the_sign_in_stays_on_this_server() {
        assert_eq!(local("/app/acme/net/runs/run-1?a=b"), "/app/acme/net/runs/run-1?a=b");
        for elsewhere in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/app\r\nx", "/apple", "/sign-out"]
        {
            assert_eq!(local(elsewhere), "/app", "{elsewhere}");
        }
    }
}
