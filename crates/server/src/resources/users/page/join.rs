//! Where a link leads: to a new account, to one that somebody has, or to a new password.

use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::IntoResponse;
use serde::Deserialize;

use super::super::invitations::{self, Account};
use super::super::{User, account};
use super::own::same;
use crate::app::App;
use crate::edge::pages::{Filled, Frame, Viewer, Visit, form, page, see_other, wrong};
use crate::edge::{Failure, Query, Reply};
use crate::resources::{organizations, sessions};
use domain::Problem;

#[derive(Template)]
#[template(path = "resources/users/page/join.html")]
struct Page {
    frame: Frame,
    key: String,
    /// The organization that invites; nothing for the site.
    organization: Option<String>,
    /// They are in already, and set a new password.
    resets: Option<String>,
    /// Who is signed in, and so could take the invitation with their account.
    own: Option<String>,
    typed: Typed,
    wrong: Option<String>,
}

impl Page {
    /// The way back here after a sign-in.
    fn after_sign_in(&self) -> String {
        format!("/sign-in?to=%2Fapp%2Fsettings%2Fjoin%3Fkey%3D{}", self.key)
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    key: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    key: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    viewer: Result<Viewer, Failure>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let (visit, cookie) = match visit.secret.is_empty() {
        false => (visit, None),
        true => {
            let (visit, cookie) = visit.with_secret(sessions::service::new_secret(&app), None);
            (visit, Some(cookie))
        }
    };
    let shown = draw(&app, &visit, viewer.ok().as_ref(), Typed { key: wanted.key, ..Typed::default() }, None).await?;
    Ok(match cookie {
        Some(cookie) => ([(SET_COOKIE, cookie)], page(&shown)?).into_response(),
        None => page(&shown)?,
    })
}

pub(super) async fn accept(
    State(app): State<App>,
    visit: Visit,
    viewer: Result<Viewer, Failure>,
    Filled(typed): Filled<Typed>,
) -> Reply {
    match come_in(&app, &typed, &visit.secret).await {
        Ok(secret) => {
            let (_, cookie) = visit.with_secret(secret, Some(sessions::service::HOURS * 3600));
            Ok(([(SET_COOKIE, cookie)], see_other("/app")).into_response())
        }
        Err(Failure(problem)) => {
            let wrong = wrong(problem)?;
            let shown = draw(&app, &visit, viewer.ok().as_ref(), typed, Some(wrong)).await?;
            form(&shown, shown.wrong.as_ref())
        }
    }
}

pub(super) async fn accept_as(State(app): State<App>, viewer: Viewer, Filled(wanted): Filled<Wanted>) -> Reply {
    let tx = app.db.write().await?;
    invitations::accept_as(&app, &tx, &wanted.key, &viewer.actor).await?;
    tx.commit().await?;
    Ok(see_other("/app"))
}

/// Makes the account, or sets the password, and signs in; returns the browser's new secret.
async fn come_in(app: &App, typed: &Typed, before: &str) -> Result<String, Failure> {
    // Whoever has no link makes nobody hash anything.
    let (known, _) = invitations::of_secret(app, &app.db.look(), &typed.key).await?;
    same(&typed.password, &typed.again)?;
    let hash = app.passwords.hash(&typed.password).await?;
    let tx = app.db.write().await?;
    let user = match known.is_invited() {
        true => {
            let wanted = Account { name: typed.username.trim(), email: typed.email.trim(), hash };
            invitations::accept(app, &tx, &typed.key, wanted).await?
        }
        false => invitations::reset(app, &tx, &typed.key, hash).await?,
    };
    let secret = sessions::service::sign_in_as(app, &tx, &user, before).await?;
    tx.commit().await?;
    Ok(secret)
}

async fn draw(
    app: &App,
    visit: &Visit,
    viewer: Option<&Viewer>,
    mut typed: Typed,
    wrong: Option<String>,
) -> Result<Page, Problem> {
    let tx = app.db.read().await?;
    let (user, invitation) = invitations::of_secret(app, &tx, &typed.key).await?;
    let organization = match &invitation.organization_id {
        Some(id) => organizations::by_id(&tx, id).await?.map(|it| it.name),
        None => None,
    };
    let own = match viewer {
        Some(viewer) if user.is_invited() => account::own(&tx, &viewer.actor).await.ok().map(|it| it.username),
        _ => None,
    };
    if typed.email.is_empty() {
        typed.email.clone_from(&user.email);
    }
    let resets = Some(user).filter(User::is_active).map(|user| user.username);
    let frame = match viewer {
        Some(viewer) => viewer.frame(app, "Come in"),
        None => visit.frame(app, "Come in"),
    };
    Ok(Page { frame, key: typed.key.clone(), organization, resets, own, typed, wrong })
}
