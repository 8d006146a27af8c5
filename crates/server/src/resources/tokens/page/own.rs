//! The tokens of the user who looks. Clients send people here who have none, so it is there for all.

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::id::{Id, TokenId};

use super::super::own;
use super::{Made, Row, Wanted};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, Visit, form, see_other, wrong};
use crate::edge::{At, Failure, Reply};
use crate::storage::Tx;

const PAGE: &str = "/app/settings/tokens";

#[derive(Template)]
#[template(path = "resources/tokens/page/own.html")]
struct Own {
    frame: Frame,
    is_signed_in: bool,
    /// Nothing for a team or an organization.
    rows: Option<Vec<Row>>,
    typed: Wanted,
    wrong: Option<String>,
}

pub(super) async fn show(State(app): State<App>, visit: Visit, viewer: Result<Viewer, Failure>) -> Reply {
    match viewer {
        Ok(viewer) => {
            let tx = app.db.read().await?;
            list(&app, &tx, &viewer, Wanted::default(), None).await
        }
        Err(_) => {
            let frame = visit.frame(&app, "Tokens");
            let page = Own { frame, is_signed_in: false, rows: None, typed: Wanted::default(), wrong: None };
            form(&page, None)
        }
    }
}

pub(super) async fn make(State(app): State<App>, viewer: Viewer, Filled(typed): Filled<Wanted>) -> Reply {
    let tx = app.db.write().await?;
    let made = match typed.end(&app) {
        Ok(end) => own::make(&app, &tx, &viewer.actor, typed.description.trim(), end).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(issued) => {
            tx.commit().await?;
            let frame = viewer.frame(&app, "A new token");
            let whose = format!("It is {}'s, and may do what they may.", viewer.name);
            Made { frame, whose, secret: issued.secret, back: PAGE.to_owned() }.page()
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            let tx = app.db.read().await?;
            list(&app, &tx, &viewer, typed, Some(wrong)).await
        }
    }
}

pub(super) async fn ask_to_revoke(State(app): State<App>, viewer: Viewer, At(id): At<TokenId>) -> Reply {
    let tx = app.db.read().await?;
    confirm(&app, &tx, &viewer, &id, None).await
}

pub(super) async fn revoke(
    State(app): State<App>,
    viewer: Viewer,
    At(id): At<TokenId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    match own::revoke(&app, &tx, &viewer.actor, id.as_str()).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_other(PAGE))
        }
        Err(problem) => confirm(&app, &tx, &viewer, &id, Some(wrong(problem)?)).await,
    }
}

async fn list(app: &App, tx: &Tx, viewer: &Viewer, typed: Wanted, wrong: Option<String>) -> Reply {
    let rows = match viewer.actor {
        Actor::User(_) => {
            let all = own::list(tx, &viewer.actor).await?;
            Some(all.into_iter().rev().map(|token| Row::of(app, token, PAGE)).collect())
        }
        _ => None,
    };
    let page = Own { frame: viewer.frame(app, "Tokens"), is_signed_in: true, rows, typed, wrong };
    form(&page, page.wrong.as_ref())
}

async fn confirm(app: &App, tx: &Tx, viewer: &Viewer, id: &TokenId, wrong: Option<String>) -> Reply {
    let token = own::read(tx, &viewer.actor, id.as_str()).await.map_err(hidden)?;
    let confirm = Confirm {
        frame: viewer.frame(app, "Revoke a token").below("Tokens", PAGE),
        title: format!("Revoke the token \"{}\"?", token.description),
        says: vec![
            "Whoever uses it is refused from then on, and browsers that are signed in with it are signed out."
                .to_owned(),
            "The one that was made at the first start is what \"multispace env\" has.".to_owned(),
        ],
        action: format!("{PAGE}/{id}/revoke"),
        button: "Revoke the token",
        back: PAGE.to_owned(),
        wrong,
        ..Confirm::default()
    };
    confirm.page()
}

/// Whoever has no tokens of their own finds none.
fn hidden(problem: Problem) -> Problem {
    match problem.code {
        "token/own" => Problem::not_found("token/none", problem.message).advice(problem.advice),
        _ => problem,
    }
}
