//! The page of a team.

use askama::Template;
use axum::extract::State;
use domain::id::{Id, TeamId};

use super::access::{self, Granted, Place};
use super::{Typed, find, tokens};
use crate::actor::{Action, On};
use crate::app::App;
use crate::edge::pages::{Frame, Viewer, form};
use crate::edge::{At2, Name, Reply};
use crate::resources::memberships;
use crate::resources::organizations::Top;
use crate::resources::teams::{Team, rights, service};
use crate::resources::tokens::{Row, Wanted};
use crate::resources::users::User;
use crate::storage::Tx;

/// What came back because something in it was wrong, and what it was.
#[derive(Default)]
pub(super) struct Wrong {
    pub(super) in_settings: Option<String>,
    pub(super) settings: Option<Typed>,
    pub(super) in_members: Option<String>,
    pub(super) in_access: Option<String>,
    pub(super) access: Option<access::Typed>,
    pub(super) in_tokens: Option<String>,
    pub(super) token: Option<Wanted>,
}

/// A right of the whole organization: its word, what it says, and whether the team has it.
struct Right {
    word: &'static str,
    says: &'static str,
    has: bool,
}

/// Somebody who belongs to a team or might: the name by which the form says who, and what they are called.
struct Member {
    name: String,
    shown: String,
}

impl Member {
    fn of(user: User) -> Self {
        let shown = if user.is_invited() { format!("{} (invited)", user.email) } else { user.username.clone() };
        Self { name: user.username, shown }
    }
}

#[derive(Template)]
#[template(path = "resources/teams/page/team.html")]
struct Page {
    frame: Frame,
    top: Top,
    team: Team,
    address: String,
    name: String,
    visibility: String,
    rights: Vec<Right>,
    sentence: String,
    may_manage: bool,
    may_give_rights: bool,
    members: Vec<Member>,
    others: Vec<Member>,
    granted: Vec<Granted>,
    places: Vec<Place>,
    place: String,
    role: String,
    /// Nothing for whoever may not see them.
    tokens: Option<Vec<Row>>,
    token: Wanted,
    wrong: Wrong,
}

impl Page {
    fn roles(&self) -> [(&'static str, &'static str); 5] {
        [
            ("read", "read"),
            ("plan", "plan (a workspace)"),
            ("write", "write"),
            ("maintain", "maintain (a project)"),
            ("admin", "admin"),
        ]
    }
}

pub(super) async fn show(State(app): State<App>, viewer: Viewer, At2(name, id): At2<Name, TeamId>) -> Reply {
    let tx = app.db.read().await?;
    let (top, _) = find(&tx, &viewer.actor, &name, &id, Action::ReadTeam).await?;
    page(&app, &tx, &viewer, top, &id, Wrong::default()).await
}

/// The page again, with what was typed; what had been written of it is forgotten.
pub(super) async fn again(app: &App, tx: Tx, viewer: &Viewer, top: Top, id: &TeamId, wrong: Wrong) -> Reply {
    drop(tx);
    let tx = app.db.read().await?;
    page(app, &tx, viewer, top, id, wrong).await
}

async fn page(app: &App, tx: &Tx, viewer: &Viewer, top: Top, id: &TeamId, mut wrong: Wrong) -> Reply {
    let actor = &viewer.actor;
    let service::Whole { team, users, .. } = service::read(tx, actor, id.as_str()).await?;
    let address = format!("{}/teams/{}", top.address(), team.id);
    let may_manage = actor.can(Action::ManageTeam, service::on(&team));
    let may_give_rights = may_manage
        && !team.is_owners
        && actor.can(Action::ManageOrganizationAccess, On::Organization(&team.organization_id));
    let typed = wrong.settings.take();
    let has = |word: &str| match &typed {
        Some(typed) => typed.rights.iter().any(|it| it == word),
        None => team.access().0.iter().any(|flag| flag.as_str() == word),
    };
    let right = |(flag, says): &(domain::roles::Flag, &'static str)| Right {
        word: flag.as_str(),
        says,
        has: has(flag.as_str()),
    };
    let others = match may_manage {
        true => memberships::service::users_in(tx, &team.organization_id).await?,
        false => Vec::new(),
    };
    let others = others.into_iter().filter(|user| users.iter().all(|it| it.id != user.id)).map(Member::of).collect();
    let members = users.into_iter().map(Member::of).collect();
    let access = wrong.access.take().unwrap_or_default();
    let what_is_wrong = [&wrong.in_settings, &wrong.in_members, &wrong.in_access, &wrong.in_tokens];
    let first = what_is_wrong.into_iter().flatten().next().cloned();
    let page = Page {
        frame: top.frame(app, viewer, &format!("Team {}", team.name)),
        name: typed.as_ref().map_or_else(|| team.name.clone(), |typed| typed.name.clone()),
        visibility: typed.as_ref().map_or_else(|| team.visibility.clone(), |typed| typed.visibility.clone()),
        rights: rights::SHOWN.iter().map(right).collect(),
        sentence: rights::sentence(&team),
        may_manage,
        may_give_rights,
        members,
        others,
        granted: access::granted(tx, actor, &top, &team).await?,
        places: access::places(tx, actor, &top).await?,
        place: access.place,
        role: access.role,
        tokens: tokens::list(app, tx, actor, &team, &address).await?,
        token: wrong.token.take().unwrap_or_default(),
        address,
        team,
        top,
        wrong,
    };
    form(&page, first.as_ref())
}
