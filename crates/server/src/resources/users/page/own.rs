//! The account of who looks.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::super::{User, account};
use crate::app::App;
use crate::edge::pages::{Filled, Frame, Viewer, form, see_other, wrong};
use crate::edge::{Failure, Reply};
use domain::Problem;

const PAGE: &str = "/app/settings/account";

#[derive(Template)]
#[template(path = "resources/users/page/own.html")]
struct Page {
    frame: Frame,
    has_password: bool,
    is_admin: bool,
    typed: Typed,
    in_account: Option<String>,
    in_password: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    username: String,
    #[serde(default)]
    email: String,
}

pub(super) async fn show(State(app): State<App>, viewer: Viewer) -> Reply {
    let user = account::own(&app.db.look(), &viewer.actor).await?;
    page(&app, &viewer, &user, None, None, None)
}

pub(super) async fn save(State(app): State<App>, viewer: Viewer, Filled(typed): Filled<Typed>) -> Reply {
    let tx = app.db.write().await?;
    let user = account::own(&tx, &viewer.actor).await?;
    match account::update(&tx, &viewer.actor, Some(typed.username.trim()), Some(typed.email.trim())).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(PAGE))
        }
        Err(problem) => page(&app, &viewer, &user, Some(typed), Some(wrong(problem)?), None),
    }
}

#[derive(Deserialize)]
pub(super) struct Passwords {
    #[serde(default)]
    current: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

pub(super) async fn set_password(State(app): State<App>, viewer: Viewer, Filled(typed): Filled<Passwords>) -> Reply {
    match set(&app, &viewer, &typed).await {
        Ok(()) => Ok(see_other(PAGE)),
        Err(Failure(problem)) => {
            let user = account::own(&app.db.look(), &viewer.actor).await?;
            page(&app, &viewer, &user, None, None, Some(wrong(problem)?))
        }
    }
}

async fn set(app: &App, viewer: &Viewer, typed: &Passwords) -> Result<(), Failure> {
    same(&typed.password, &typed.again)?;
    let password = account::new_password(app, &viewer.actor, &typed.current, &typed.password).await?;
    let tx = app.db.write().await?;
    account::set_password(app, &tx, &viewer.actor, password, Some(&viewer.visit.secret)).await?;
    Ok(tx.commit().await?)
}

/// Refuses a password that was typed in two ways.
pub(super) fn same(password: &str, again: &str) -> Result<(), Problem> {
    if password == again {
        return Ok(());
    }
    Err(Problem::invalid("user/password-again", "The new password was typed in two ways.").advice("Type it again."))
}

fn page(
    app: &App,
    viewer: &Viewer,
    user: &User,
    typed: Option<Typed>,
    in_account: Option<String>,
    in_password: Option<String>,
) -> Reply {
    let typed = typed.unwrap_or_else(|| Typed { username: user.username.clone(), email: user.email.clone() });
    let frame = viewer.frame(app, "Your account");
    let (has_password, is_admin) = (user.password.is_some(), user.is_admin);
    let page = Page { frame, has_password, is_admin, typed, in_account, in_password };
    form(&page, page.in_account.as_ref().or(page.in_password.as_ref()))
}
