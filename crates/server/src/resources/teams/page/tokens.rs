//! The tokens of a team.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, TeamId, TokenId};

use super::view::{self, Wrong};
use super::{Team, find};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Nothing, Viewer, see_other, wrong};
use crate::edge::{At2, At3, Name, Reply};
use crate::resources::organizations::Top;
use crate::resources::teams::service;
use crate::resources::tokens::group::{self, Group};
use crate::resources::tokens::{Made, Row, Token, Wanted};
use crate::storage::Tx;

/// The tokens of a team; nothing for whoever may not see them.
pub(super) async fn list(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    team: &Team,
    address: &str,
) -> Result<Option<Vec<Row>>, Problem> {
    if !actor.can(Action::ManageTeamTokens, service::on(team)) {
        return Ok(None);
    }
    let group = Group::team(tx, actor, &team.id).await?;
    let below = format!("{address}/tokens");
    Ok(Some(group::list(tx, &group).await?.into_iter().map(|token| Row::of(app, token, &below)).collect()))
}

pub(super) async fn make(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, TeamId>,
    Filled(typed): Filled<Wanted>,
) -> Reply {
    let tx = app.db.write().await?;
    let actor = &viewer.actor;
    let (top, team) = find(&tx, actor, &name, &id, Action::ManageTeamTokens).await?;
    let group = Group::team(&tx, actor, &team.id).await?;
    let made = match typed.end(&app) {
        Ok(end) => group::add(&app, &tx, actor, &group, typed.description.trim(), end).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(issued) => {
            tx.commit().await?;
            let frame = top.frame(&app, &viewer, "A new token");
            let whose = format!("It is the team {}'s, and may do what the team may.", team.name);
            Made { frame, whose, secret: issued.secret, back: format!("{}/teams/{id}", top.address()) }.page()
        }
        Err(problem) => {
            let wrong = Wrong { in_tokens: Some(wrong(problem)?), token: Some(typed), ..Wrong::default() };
            view::again(&app, tx, &viewer, top, &id, wrong).await
        }
    }
}

pub(super) async fn ask_to_revoke(
    State(app): State<App>,
    viewer: Viewer,
    At3(name, id, token): At3<Name, TeamId, TokenId>,
) -> Reply {
    let tx = app.db.read().await?;
    let (top, team, found) = one(&tx, &viewer, &name, &id, &token).await?;
    let back = format!("{}/teams/{id}", top.address());
    let described = if found.description.is_empty() { String::new() } else { format!(" \"{}\"", found.description) };
    let confirm = Confirm {
        frame: top.frame(&app, &viewer, "Revoke a token"),
        title: format!("Revoke the token{described} of the team {}?", team.name),
        says: vec!["Whoever uses it is refused from then on.".to_owned()],
        action: format!("{back}/tokens/{token}/revoke"),
        button: "Revoke the token",
        back,
        ..Confirm::default()
    };
    confirm.page()
}

pub(super) async fn revoke(
    State(app): State<App>,
    viewer: Viewer,
    At3(name, id, token): At3<Name, TeamId, TokenId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, _, found) = one(&tx, &viewer, &name, &id, &token).await?;
    group::delete(&tx, &viewer.actor, &found.id).await?;
    tx.commit().await?;
    Ok(see_other(&format!("{}/teams/{id}", top.address())))
}

/// A token of the team at the address.
async fn one(
    tx: &Tx,
    viewer: &Viewer,
    name: &Name,
    id: &TeamId,
    token: &TokenId,
) -> Result<(Top, Team, Token), Problem> {
    let (top, team) = find(tx, &viewer.actor, name, id, Action::ManageTeamTokens).await?;
    let token = group::read(tx, &viewer.actor, token.as_str()).await?;
    if token.subject_id != team.id {
        return Err(group::none());
    }
    Ok((top, team, token))
}
