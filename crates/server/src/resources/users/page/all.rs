//! All users of the site, for who administers it.

use askama::Template;
use axum::extract::State;
use domain::id::{Id, UserId};
use serde::Deserialize;

use super::super::{User, invitations, service};
use super::{Link, link};
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, form, see_other, wrong};
use crate::edge::{At, Here, Reply};
use crate::storage::Tx;

const PAGE: &str = "/app/settings/users";

#[derive(Template)]
#[template(path = "resources/users/page/all.html")]
struct All {
    frame: Frame,
    rows: Vec<User>,
    typed: String,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "resources/users/page/one.html")]
struct One {
    frame: Frame,
    user: User,
    is_own: bool,
    wrong: Option<String>,
}

impl One {
    fn page(&self) -> String {
        address(&self.user.id)
    }
}

pub(super) async fn show(State(app): State<App>, viewer: Viewer) -> Reply {
    let tx = app.db.read().await?;
    list(&app, &tx, &viewer, String::new(), None).await
}

#[derive(Deserialize)]
pub(super) struct New {
    #[serde(default)]
    email: String,
}

pub(super) async fn invite(State(app): State<App>, viewer: Viewer, here: Here, Filled(typed): Filled<New>) -> Reply {
    let tx = app.db.write().await?;
    match invitations::to_site(&app, &tx, &viewer.actor, typed.email.trim()).await {
        Ok(invited) => {
            tx.commit().await?;
            let says = format!("It lets {} make an account on this site.", invited.user.email);
            let (frame, link) = (frame(&app, &viewer, "A link"), link(&here, &invited.secret));
            Link { frame, says, link, back: PAGE.to_owned() }.page()
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            list(&app, &app.db.read().await?, &viewer, typed.email, Some(wrong)).await
        }
    }
}

pub(super) async fn edit(State(app): State<App>, viewer: Viewer, At(id): At<UserId>) -> Reply {
    let tx = app.db.read().await?;
    one(&app, &tx, &viewer, &id, None).await
}

pub(super) async fn renew(
    State(app): State<App>,
    viewer: Viewer,
    At(id): At<UserId>,
    here: Here,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    match invitations::renew(&app, &tx, &viewer.actor, id.as_str()).await {
        Ok(invited) => {
            tx.commit().await?;
            let says = match invited.user.is_invited() {
                true => format!("It lets {} make an account on this site.", invited.user.email),
                false => format!("It lets {} set a new password.", invited.user.username),
            };
            let (frame, link) = (frame(&app, &viewer, "A link"), link(&here, &invited.secret));
            Link { frame, says, link, back: address(id.as_str()) }.page()
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            one(&app, &app.db.read().await?, &viewer, &id, Some(wrong)).await
        }
    }
}

macro_rules! actions {
    ($($name:ident = |$tx:ident, $actor:ident, $id:ident| $act:expr;)*) => {$(
        pub(super) async fn $name(
            State(app): State<App>,
            viewer: Viewer,
            At(id): At<UserId>,
            Filled(Nothing {}): Filled<Nothing>,
        ) -> Reply {
            let tx = app.db.write().await?;
            let done = {
                let ($tx, $actor, $id) = (&tx, &viewer.actor, id.as_str());
                $act.await
            };
            match done {
                Ok(_) => {
                    tx.commit().await?;
                    Ok(see_other(&address(id.as_str())))
                }
                Err(problem) => {
                    let wrong = wrong(problem)?;
                    drop(tx);
                    one(&app, &app.db.read().await?, &viewer, &id, Some(wrong)).await
                }
            }
        }
    )*};
}

actions! {
    suspend = |tx, actor, id| service::suspend(tx, actor, id);
    unsuspend = |tx, actor, id| service::unsuspend(tx, actor, id);
    grant_admin = |tx, actor, id| service::set_admin(tx, actor, id, true);
    revoke_admin = |tx, actor, id| service::set_admin(tx, actor, id, false);
}

pub(super) async fn ask_to_delete(State(app): State<App>, viewer: Viewer, At(id): At<UserId>) -> Reply {
    let tx = app.db.read().await?;
    let user = service::for_admin(&tx, &viewer.actor, id.as_str()).await?;
    confirm(&app, &viewer, &user, None)
}

pub(super) async fn delete(
    State(app): State<App>,
    viewer: Viewer,
    At(id): At<UserId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let user = service::for_admin(&tx, &viewer.actor, id.as_str()).await?;
    match service::delete(&tx, &viewer.actor, id.as_str()).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_other(PAGE))
        }
        Err(problem) => confirm(&app, &viewer, &user, Some(wrong(problem)?)),
    }
}

fn confirm(app: &App, viewer: &Viewer, user: &User, wrong: Option<String>) -> Reply {
    let confirm = Confirm {
        frame: frame(app, viewer, "Delete a user"),
        title: format!("Delete the user {}?", user.shown()),
        says: vec![
            "They are signed out, their tokens are worthless, and they leave every organization and team.".to_owned(),
            "What they did keeps their name.".to_owned(),
        ],
        action: format!("{PAGE}/{}/delete", user.id),
        button: "Delete the user",
        back: address(&user.id),
        wrong,
        ..Confirm::default()
    };
    confirm.page()
}

async fn list(app: &App, tx: &Tx, viewer: &Viewer, typed: String, wrong: Option<String>) -> Reply {
    let rows = service::list(tx, &viewer.actor).await?;
    let page = All { frame: viewer.frame(app, "Users of this site"), rows, typed, wrong };
    form(&page, page.wrong.as_ref())
}

async fn one(app: &App, tx: &Tx, viewer: &Viewer, id: &UserId, wrong: Option<String>) -> Reply {
    let user = service::for_admin(tx, &viewer.actor, id.as_str()).await?;
    let frame = frame(app, viewer, user.shown());
    let page = One { frame, is_own: viewer.actor.user() == Some(id.as_str()), user, wrong };
    form(&page, page.wrong.as_ref())
}

fn frame(app: &App, viewer: &Viewer, title: &str) -> Frame {
    viewer.frame(app, title).below("Users", PAGE)
}

fn address(id: &str) -> String {
    format!("{PAGE}/{id}/edit")
}

/// How a user stands, in a word; nothing for one of many.
fn word(user: &User) -> &'static str {
    match user.status.as_str() {
        "invited" => "invited",
        "suspended" => "suspended",
        _ if user.is_admin => "administrator",
        _ => "",
    }
}
