//! The token of an organization, and those of its teams.

use askama::Template;
use axum::extract::State;
use domain::Problem;
use domain::id::{Id, TokenId};

use super::super::Token;
use super::super::group::{self, Group};
use super::{Made, Row, Wanted};
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, form, see_other, wrong};
use crate::edge::{At, At2, Name, Reply};
use crate::resources::organizations::{Part, Top};
use crate::resources::teams;
use crate::storage::Tx;

/// The tokens of one team.
struct OfTeam {
    name: String,
    address: String,
    count: usize,
}

#[derive(Template)]
#[template(path = "resources/tokens/page/organization.html")]
struct Page {
    frame: Frame,
    top: Top,
    rows: Vec<Row>,
    teams: Vec<OfTeam>,
    typed: Wanted,
    wrong: Option<String>,
}

pub(super) async fn show(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::Tokens).await?;
    page(&app, &tx, &viewer, top, Wanted::default(), None).await
}

pub(super) async fn make(
    State(app): State<App>,
    viewer: Viewer,
    At(name): At<Name>,
    Filled(typed): Filled<Wanted>,
) -> Reply {
    let tx = app.db.write().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::Tokens).await?;
    let group = Group::organization(&viewer.actor, &top.organization)?;
    let made = match typed.end(&app) {
        Ok(end) => group::replace(&app, &tx, &viewer.actor, &group, end).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(issued) => {
            tx.commit().await?;
            let whose = "It is the organization's: it may set up everything in it, and starts no runs.".to_owned();
            let back = format!("{}/tokens", top.address());
            Made { frame: top.frame(&app, &viewer, "A new token"), whose, secret: issued.secret, back }.page()
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            let tx = app.db.read().await?;
            page(&app, &tx, &viewer, top, typed, Some(wrong)).await
        }
    }
}

pub(super) async fn ask_to_revoke(State(app): State<App>, viewer: Viewer, At2(name, id): At2<Name, TokenId>) -> Reply {
    let tx = app.db.read().await?;
    let (top, _) = find(&tx, &viewer, &name, &id).await?;
    let list = format!("{}/tokens", top.address());
    let confirm = Confirm {
        frame: top.frame(&app, &viewer, "Revoke a token"),
        title: format!("Revoke the token of {}?", top.organization.name),
        says: vec!["Whoever uses it is refused from then on.".to_owned()],
        action: format!("{list}/{id}/revoke"),
        button: "Revoke the token",
        back: list,
        ..Confirm::default()
    };
    confirm.page()
}

pub(super) async fn revoke(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, TokenId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, token) = find(&tx, &viewer, &name, &id).await?;
    group::delete(&tx, &viewer.actor, &token.id).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/tokens", top.address())))
}

/// A token of the organization at the address.
async fn find(tx: &Tx, viewer: &Viewer, name: &Name, id: &TokenId) -> Result<(Top, Token), Problem> {
    let top = Top::of(tx, &viewer.actor, name, Part::Tokens).await?;
    let token = group::read(tx, &viewer.actor, id.as_str()).await?;
    if token.subject_id != top.organization.id {
        return Err(group::none());
    }
    Ok((top, token))
}

async fn page(app: &App, tx: &Tx, viewer: &Viewer, top: Top, typed: Wanted, wrong: Option<String>) -> Reply {
    let list = format!("{}/tokens", top.address());
    let group = Group::organization(&viewer.actor, &top.organization)?;
    let own = group::list(tx, &group).await?;
    let of_teams = group::of_teams(tx, &viewer.actor, &top.organization).await?;
    let team = |team: teams::Team| OfTeam {
        address: format!("{}/teams/{}", top.address(), team.id),
        count: of_teams.iter().filter(|token| token.subject_id == team.id).count(),
        name: team.name,
    };
    let teams = teams::service::list(tx, &viewer.actor, &top.organization).await?.into_iter().map(team).collect();
    let page = Page {
        frame: top.frame(app, viewer, "Tokens"),
        rows: own.into_iter().map(|token| Row::of(app, token, &list)).collect(),
        teams,
        typed,
        wrong,
        top,
    };
    form(&page, page.wrong.as_ref())
}
