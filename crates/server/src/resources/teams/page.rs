//! Pages of teams: all of an organization, and one with its rights, its members, what it may do where, and its tokens.

mod access;
mod members;
mod tokens;
mod view;

use askama::Template;
use axum::extract::State;
use domain::id::{Id, TeamId};
use serde::Deserialize;

use self::view::Wrong;
use super::service::{self, Settings};
use super::{Team, rights};
use crate::actor::{Action, Actor};
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, form, see_other, wrong};
use crate::edge::{At, At2, Name, Reply, Routes};
use crate::resources::organizations::{Part, Top};
use crate::storage::Tx;
use domain::Problem;

/// Pages of this room.
pub fn pages() -> Routes {
    const LIST: &str = "/app/{organization}/settings/teams";
    let at = |rest: &str| format!("{LIST}/{{team}}{rest}");
    Routes::default()
        .get_at_root(LIST, list)
        .post_at_root(&format!("{LIST}/add"), add)
        .get_at_root(&at(""), view::show)
        .post_at_root(&at("/save"), save)
        .get_at_root(&at("/delete"), ask_to_delete)
        .post_at_root(&at("/delete"), delete)
        .post_at_root(&at("/add-member"), members::add)
        .post_at_root(&at("/remove-member"), members::remove)
        .post_at_root(&at("/grant"), access::grant)
        .post_at_root(&at("/withdraw"), access::withdraw)
        .post_at_root(&at("/make-token"), tokens::make)
        .get_at_root(&at("/tokens/{token}/revoke"), tokens::ask_to_revoke)
        .post_at_root(&at("/tokens/{token}/revoke"), tokens::revoke)
}

/// A team in the list.
struct Row {
    name: String,
    address: String,
    is_secret: bool,
    members: usize,
    rights: String,
}

#[derive(Template)]
#[template(path = "resources/teams/page/list.html")]
struct List {
    frame: Frame,
    top: Top,
    may_create: bool,
    rows: Vec<Row>,
    typed: String,
    wrong: Option<String>,
}

async fn list(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::Teams).await?;
    list_page(&app, &tx, &viewer, top, String::new(), None).await
}

#[derive(Deserialize)]
struct New {
    #[serde(default)]
    name: String,
}

async fn add(State(app): State<App>, viewer: Viewer, At(name): At<Name>, Filled(typed): Filled<New>) -> Reply {
    let tx = app.db.write().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::Teams).await?;
    let settings = Settings { name: Some(typed.name.trim().to_owned()), ..Settings::default() };
    match service::create(&app, &tx, &viewer.actor, &top.organization, settings).await {
        Ok(whole) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/teams/{}", top.address(), whole.team.id)))
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            let tx = app.db.read().await?;
            list_page(&app, &tx, &viewer, top, typed.name, Some(wrong)).await
        }
    }
}

async fn list_page(app: &App, tx: &Tx, viewer: &Viewer, top: Top, typed: String, wrong: Option<String>) -> Reply {
    let mut rows = Vec::new();
    for team in service::list(tx, &viewer.actor, &top.organization).await? {
        let whole = service::whole(tx, team).await?;
        rows.push(Row {
            address: format!("{}/teams/{}", top.address(), whole.team.id),
            is_secret: whole.team.visibility == "secret",
            members: whole.users.len(),
            rights: rights::sentence(&whole.team),
            name: whole.team.name,
        });
    }
    let may_create = top.can(viewer, Action::CreateTeam);
    let page = List { frame: top.frame(app, viewer, "Teams"), top, may_create, rows, typed, wrong };
    form(&page, page.wrong.as_ref())
}

/// What is typed of a team. A box that is not ticked is not sent.
#[derive(Debug, Clone, Default, Deserialize)]
struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    visibility: String,
    #[serde(default)]
    rights: Vec<String>,
}

async fn save(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, TeamId>,
    Filled(typed): Filled<Typed>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, team) = find(&tx, &viewer.actor, &name, &id, Action::ManageTeam).await?;
    let settings = Settings {
        name: Some(typed.name.trim().to_owned()).filter(|_| !team.is_owners),
        visibility: Some(typed.visibility.clone()),
        rights: rights::SHOWN
            .iter()
            .map(|(flag, _)| (flag.as_str().to_owned(), typed.rights.iter().any(|word| word == flag.as_str())))
            .collect(),
        ..Settings::default()
    };
    match service::update(&tx, &viewer.actor, id.as_str(), settings).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/teams/{id}", top.address())))
        }
        Err(problem) => {
            let wrong = Wrong { in_settings: Some(wrong(problem)?), settings: Some(typed), ..Wrong::default() };
            view::again(&app, tx, &viewer, top, &id, wrong).await
        }
    }
}

async fn ask_to_delete(State(app): State<App>, viewer: Viewer, At2(name, id): At2<Name, TeamId>) -> Reply {
    let tx = app.db.read().await?;
    let (top, team) = find(&tx, &viewer.actor, &name, &id, Action::ManageTeam).await?;
    delete_page(&app, &viewer, &top, &team, None)
}

async fn delete(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, TeamId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, team) = find(&tx, &viewer.actor, &name, &id, Action::ManageTeam).await?;
    match service::delete(&tx, &viewer.actor, id.as_str()).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_other(&format!("{}/teams", top.address())))
        }
        Err(problem) => delete_page(&app, &viewer, &top, &team, Some(wrong(problem)?)),
    }
}

fn delete_page(app: &App, viewer: &Viewer, top: &Top, team: &Team, wrong: Option<String>) -> Reply {
    let back = format!("{}/teams/{}", top.address(), team.id);
    let confirm = Confirm {
        frame: top.frame(app, viewer, "Delete a team"),
        title: format!("Delete the team {}?", team.name),
        says: vec!["Its tokens are worthless from then on, and everything that it was granted is gone.".to_owned()],
        action: format!("{back}/delete"),
        button: "Delete the team",
        back,
        wrong,
        ..Confirm::default()
    };
    confirm.page()
}

/// The team at an address, for `action` on it.
async fn find(tx: &Tx, actor: &Actor, name: &Name, id: &TeamId, action: Action) -> Result<(Top, Team), Problem> {
    let top = Top::of(tx, actor, name, Part::Teams).await?;
    let team = service::for_action(tx, actor, id.as_str(), action).await?;
    if team.organization_id != top.organization.id {
        return Err(service::not_found());
    }
    Ok((top, team))
}
