//! The members of an organization: who is in it, who is invited, and a link for somebody new.

use askama::Template;
use axum::extract::State;
use domain::id::MembershipId;
use serde::Deserialize;

use super::service::{self, Member};
use crate::app::App;
use crate::edge::pages::{Confirm, Filled, Frame, Nothing, Viewer, form, see_other, wrong};
use crate::edge::{At, At2, Here, Name, Reply, Routes};
use crate::resources::organizations::{Part, Top};
use crate::resources::teams::Team;
use crate::resources::users::{Link, link};
use crate::resources::{runs, teams};
use crate::storage::Tx;
use domain::Problem;

/// Pages of this room.
pub fn pages() -> Routes {
    const LIST: &str = "/app/{organization}/settings/members";
    let one = |rest: &str| format!("{LIST}/{{membership}}/{rest}");
    Routes::default()
        .get_at_root(LIST, show)
        .post_at_root(&format!("{LIST}/invite"), invite)
        .post_at_root(&one("link"), renew)
        .get_at_root(&one("remove"), ask_to_remove)
        .post_at_root(&one("remove"), remove)
}

/// A member in the list.
struct Row {
    id: String,
    name: String,
    email: String,
    is_invited: bool,
    teams: Vec<(String, String)>,
    since: runs::Moment,
}

#[derive(Template)]
#[template(path = "resources/memberships/page/list.html")]
struct List {
    frame: Frame,
    top: Top,
    rows: Vec<Row>,
    teams: Vec<Team>,
    typed: New,
    wrong: Option<String>,
}

#[derive(Default, Deserialize)]
struct New {
    #[serde(default)]
    email: String,
    #[serde(default)]
    team: String,
}

async fn show(State(app): State<App>, viewer: Viewer, At(name): At<Name>) -> Reply {
    let tx = app.db.read().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::Members).await?;
    list(&app, &tx, &viewer, top, New::default(), None).await
}

async fn invite(
    State(app): State<App>,
    viewer: Viewer,
    At(name): At<Name>,
    here: Here,
    Filled(typed): Filled<New>,
) -> Reply {
    let tx = app.db.write().await?;
    let top = Top::of(&tx, &viewer.actor, &name, Part::Members).await?;
    let teams: Vec<_> = Some(typed.team.clone()).filter(|team| !team.is_empty()).into_iter().collect();
    match service::invite(&app, &tx, &viewer.actor, &top.organization, typed.email.trim(), &teams).await {
        Ok((member, secret)) => {
            tx.commit().await?;
            made(&app, &viewer, &top, &here, &member, &secret)
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            list(&app, &app.db.read().await?, &viewer, top, typed, Some(wrong)).await
        }
    }
}

async fn renew(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, MembershipId>,
    here: Here,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, _) = find(&tx, &viewer, &name, &id).await?;
    match service::renew(&app, &tx, &viewer.actor, &id).await {
        Ok((member, secret)) => {
            tx.commit().await?;
            made(&app, &viewer, &top, &here, &member, &secret)
        }
        Err(problem) => {
            let wrong = wrong(problem)?;
            drop(tx);
            list(&app, &app.db.read().await?, &viewer, top, New::default(), Some(wrong)).await
        }
    }
}

async fn ask_to_remove(State(app): State<App>, viewer: Viewer, At2(name, id): At2<Name, MembershipId>) -> Reply {
    let tx = app.db.read().await?;
    let (top, member) = find(&tx, &viewer, &name, &id).await?;
    confirm(&app, &viewer, &top, &member, None)
}

async fn remove(
    State(app): State<App>,
    viewer: Viewer,
    At2(name, id): At2<Name, MembershipId>,
    Filled(Nothing {}): Filled<Nothing>,
) -> Reply {
    let tx = app.db.write().await?;
    let (top, member) = find(&tx, &viewer, &name, &id).await?;
    match service::remove(&tx, &viewer.actor, &id).await {
        Ok(()) => {
            tx.commit().await?;
            let is_own = viewer.actor.user() == Some(&member.user.id);
            Ok(see_other(&if is_own { "/app".to_owned() } else { format!("{}/members", top.address()) }))
        }
        Err(problem) => confirm(&app, &viewer, &top, &member, Some(wrong(problem)?)),
    }
}

/// A membership of the organization at the address.
async fn find(tx: &Tx, viewer: &Viewer, name: &Name, id: &MembershipId) -> Result<(Top, Member), Problem> {
    let top = Top::of(tx, &viewer.actor, name, Part::Members).await?;
    let (organization, member) = service::read(tx, &viewer.actor, id).await?;
    if organization.id != top.organization.id {
        return Err(service::not_found());
    }
    Ok((top, member))
}

fn made(app: &App, viewer: &Viewer, top: &Top, here: &Here, member: &Member, secret: &str) -> Reply {
    let says = format!("It lets {} come into the organization {}.", member.user.email, top.organization.name);
    let back = format!("{}/members", top.address());
    Link { frame: top.frame(app, viewer, "A link"), says, link: link(here, secret), back }.page()
}

fn confirm(app: &App, viewer: &Viewer, top: &Top, member: &Member, wrong: Option<String>) -> Reply {
    let list = format!("{}/members", top.address());
    let confirm = Confirm {
        frame: top.frame(app, viewer, "Remove a member"),
        title: format!("Remove {} from {}?", member.user.shown(), top.organization.name),
        says: vec![match member.user.is_invited() {
            true => "The link that they have is worthless from then on.".to_owned(),
            false => "They leave every team of the organization, and see nothing of it from then on.".to_owned(),
        }],
        action: format!("{list}/{}/remove", member.membership.id),
        button: "Remove",
        back: list,
        wrong,
        ..Confirm::default()
    };
    confirm.page()
}

async fn list(app: &App, tx: &Tx, viewer: &Viewer, top: Top, typed: New, wrong: Option<String>) -> Reply {
    let team = |team: &Team| (team.name.clone(), format!("{}/teams/{}", top.address(), team.id));
    let row = |member: Member| Row {
        id: member.membership.id,
        name: member.user.shown().to_owned(),
        is_invited: member.user.is_invited(),
        email: member.user.email,
        teams: member.teams.iter().map(team).collect(),
        since: runs::Moment(member.membership.created_at),
    };
    let rows = service::list(tx, &viewer.actor, &top.organization).await?.into_iter().map(row).collect();
    let mut teams = teams::service::list(tx, &viewer.actor, &top.organization).await?;
    teams.retain(|team| viewer.actor.can(crate::actor::Action::ManageTeam, teams::service::on(team)));
    let page = List { frame: top.frame(app, viewer, "Members"), top, rows, teams, typed, wrong };
    form(&page, page.wrong.as_ref())
}
