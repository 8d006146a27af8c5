//! `/teams`: the HTTP side of teams.

use axum::extract::State;
use domain::Problem;
use domain::id::{Id, MembershipId, TeamId};
use domain::roles::Flag;
use wire::query::{ListQuery, ReadQuery, TeamsQuery};
use wire::teams::{Team as Document, TeamAttributes, TeamBody, TeamPermissions, TeamRelationships, TeamRequest};
use wire::{Identifiers, Linked, ToMany, ToOne, kind};

use super::service::{self, Settings, Whole};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::edge::{At, Caller, Here, Name, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::{memberships, organizations, users};
use crate::storage::Tx;

const USERS: &str = "/teams/{id}/relationships/users";
const MEMBERSHIPS: &str = "/teams/{id}/relationships/organization-memberships";

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/organizations/{organization}/teams", list)
        .post("/organizations/{organization}/teams", create)
        .get("/teams/{id}", show)
        .patch("/teams/{id}", update)
        .delete("/teams/{id}", delete)
        .post(USERS, add_users)
        .delete(USERS, remove_users)
        .get(MEMBERSHIPS, memberships)
        .post(MEMBERSHIPS, add_memberships)
        .delete(MEMBERSHIPS, remove_memberships)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<TeamsQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let mut all = service::list(&tx, &actor, &organization).await?;
    let part = query.q.anywhere.or(query.q.name).unwrap_or_default().to_lowercase();
    let names = &query.filter.names;
    all.retain(|team| {
        (names.is_empty() || names.iter().any(|name| name == team.name)) && team.name.to_lowercase().contains(&part)
    });
    let (chosen, pagination) = here.cut(all, &query.page);
    let mut wholes = Vec::with_capacity(chosen.len());
    let mut documents = Vec::with_capacity(wholes.len());
    for team in chosen {
        let whole = service::whole(&tx, team).await?;
        documents.push(document(&actor, &organization.name, &whole));
        wholes.push(whole);
    }
    let mut answer = here.paged(documents, pagination);
    if query.include.has("users") {
        wholes.iter().flat_map(|whole| &whole.users).for_each(|user| answer.include(&users::document(&actor, user)));
    }
    ok(answer)
}

async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Sent(body): Sent<TeamBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let whole = service::create(&app, &tx, &actor, &organization, settings(body.into_parts().0)).await?;
    tx.commit().await?;
    created(wire::Document::new(document(&actor, &organization.name, &whole)))
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<TeamId>,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    let organization = name_of(&tx, &whole).await?;
    let mut answer = wire::Document::new(document(&actor, &organization, &whole));
    if query.include.has("users") {
        whole.users.iter().for_each(|user| answer.include(&users::document(&actor, user)));
    }
    if query.include.has("organization_memberships") {
        for member in memberships::service::of_users(&tx, &whole.team.organization_id, &whole.users).await? {
            answer.include(&memberships::document(&organization, &member));
        }
    }
    ok(answer)
}

async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<TeamId>,
    Sent(body): Sent<TeamBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let whole = service::update(&tx, &actor, id.as_str(), settings(body.into_parts().0)).await?;
    let organization = name_of(&tx, &whole).await?;
    tx.commit().await?;
    ok(wire::Document::new(document(&actor, &organization, &whole)))
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(id): At<TeamId>) -> Reply {
    let tx = app.db.write().await?;
    service::delete(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

async fn memberships(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<TeamId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let whole = service::read(&tx, &actor, id.as_str()).await?;
    let organization = name_of(&tx, &whole).await?;
    let all = memberships::service::of_users(&tx, &whole.team.organization_id, &whole.users).await?;
    ok(here.page(all.iter().map(|member| memberships::document(&organization, member)).collect(), &query.page))
}

macro_rules! edits {
    ($($name:ident = $find:ident, $edit:ident;)*) => {$(
        async fn $name(
            State(app): State<App>,
            Caller(actor): Caller,
            At(id): At<TeamId>,
            Sent(body): Sent<Identifiers>,
        ) -> Reply {
            let tx = app.db.write().await?;
            let team = service::for_action(&tx, &actor, id.as_str(), Action::ManageTeam).await?;
            let users = $find(&tx, &team.organization_id, &body).await?;
            service::$edit(&tx, &actor, &team.id, &users).await?;
            tx.commit().await?;
            no_content()
        }
    )*};
}

edits! {
    add_users = by_name, add_members;
    remove_users = by_name, remove_members;
    add_memberships = by_membership, add_members;
    remove_memberships = by_membership, remove_members;
}

/// Clients name users by their names here, not by their ids.
async fn by_name(tx: &Tx, organization: &str, body: &Identifiers) -> Result<Vec<String>, Problem> {
    let names: Vec<_> = body.data.iter().map(|it| it.id.as_str()).collect();
    service::users_named(tx, organization, &names).await
}

async fn by_membership(tx: &Tx, organization: &str, body: &Identifiers) -> Result<Vec<String>, Problem> {
    let mut users = Vec::with_capacity(body.data.len());
    for item in &body.data {
        let id = MembershipId::parse(&item.id)?;
        users.push(memberships::service::user_of(tx, organization, &id).await?);
    }
    Ok(users)
}

fn settings(wanted: TeamRequest) -> Settings {
    let rights = wanted.organization_access.unwrap_or_default();
    Settings {
        name: wanted.name,
        visibility: wanted.visibility.filter(|word| !word.is_empty()),
        sso_team_id: wanted.sso_team_id,
        allow_member_tokens: wanted.allow_member_token_management,
        rights: rights.into_iter().filter_map(|(word, has)| Some((word, has?))).collect(),
    }
}

async fn name_of(tx: &Tx, whole: &Whole) -> Result<String, Problem> {
    let organization = organizations::by_id(tx, &whole.team.organization_id).await?;
    Ok(organization.map(|it| it.name).unwrap_or_default())
}

fn document(actor: &Actor, organization: &str, whole: &Whole) -> Document {
    let team = &whole.team;
    let access = team.access();
    let may = |action| actor.can(action, service::on(team));
    let manage = may(Action::ManageTeam);
    let attributes = TeamAttributes {
        name: team.name.clone(),
        visibility: team.visibility.clone(),
        sso_team_id: team.sso_team_id.clone(),
        users_count: whole.users.len() as u64,
        allow_member_token_management: team.allow_member_tokens,
        is_unified: false,
        organization_access: Flag::ALL.iter().map(|flag| (flag.as_str().to_owned(), access.has(*flag))).collect(),
        permissions: TeamPermissions {
            can_destroy: manage && !team.is_owners,
            can_update_membership: manage,
            can_update_organization_access: !team.is_owners
                && actor.can(Action::ManageOrganizationAccess, On::Organization(&team.organization_id)),
            can_update_api_token: may(Action::ManageTeamTokens),
            can_update_visibility: manage,
            can_update_name: manage && !team.is_owners,
            can_update_sso_team_id: manage,
            can_update_member_token_management: manage,
            can_view_api_token: may(Action::ManageTeamTokens),
        },
    };
    let path = format!("/api/v2/teams/{}", team.id);
    let relationships = TeamRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, organization),
        users: ToMany::new(kind::USERS, whole.users.iter().map(|user| &user.id)),
        organization_memberships: ToMany::new(kind::ORGANIZATION_MEMBERSHIPS, &whole.memberships),
        authentication_token: Linked::related(format!("{path}/authentication-token")),
    };
    Document::new(&team.id, attributes).related(relationships).linked("self", path)
}
