//! `/organization-memberships`: the HTTP side of memberships.

use axum::extract::State;
use domain::id::MembershipId;
use wire::organization_memberships::{
    OrganizationMembership, OrganizationMembershipAttributes, OrganizationMembershipBody,
    OrganizationMembershipRelationships,
};
use wire::query::{AccessQuery, ReadQuery};
use wire::{Document, ToMany, ToOne, kind};

use super::service::{self, Member};
use crate::app::App;
use crate::edge::{At, Caller, Here, Name, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::{organizations, users};

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/organizations/{organization}/organization-memberships", list)
        .post("/organizations/{organization}/organization-memberships", invite)
        .get("/organization-memberships", own)
        .get("/organization-memberships/{id}", show)
        .delete("/organization-memberships/{id}", remove)
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<AccessQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let mut members = service::list(&tx, &actor, &organization).await?;
    let part = query.q.anywhere.unwrap_or_default().to_lowercase();
    let emails = &query.filter.email;
    members.retain(|Member { user, .. }| {
        (emails.is_empty() || emails.iter().any(|email| email == user.email))
            && query.filter.status.as_deref().is_none_or(|status| status == word(user))
            && (user.username.to_lowercase().contains(&part) || user.email.to_lowercase().contains(&part))
    });
    let (chosen, pagination) = here.cut(members, &query.page);
    let of = |member: &Member| document(&organization.name, member);
    let mut answer = here.paged(chosen.iter().map(of).collect(), pagination);
    if query.include.has("user") {
        chosen.iter().for_each(|member| answer.include(&users::document(&actor, &member.user)));
    }
    ok(answer)
}

/// The answer has the link, which is shown this once: no mail is sent.
async fn invite(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Sent(body): Sent<OrganizationMembershipBody>,
) -> Reply {
    let (wanted, related) = body.into_parts();
    let teams: Vec<_> = related.teams.data.into_iter().map(|team| team.id).collect();
    let tx = app.db.write().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let email = wanted.email.unwrap_or_default();
    let (member, secret) = service::invite(&app, &tx, &actor, &organization, email.trim(), &teams).await?;
    tx.commit().await?;
    let mut document = document(&organization.name, &member);
    document.attributes.invitation_link = Some(users::link(&here, &secret));
    created(Document::new(document))
}

async fn own(State(app): State<App>, Caller(actor): Caller, here: Here, Query(query): Query<AccessQuery>) -> Reply {
    let tx = app.db.read().await?;
    let all = service::own(&tx, &actor).await?;
    let documents = all.iter().map(|(organization, member)| document(&organization.name, member)).collect();
    ok(here.page(documents, &query.page))
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<MembershipId>,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let (organization, member) = service::read(&tx, &actor, &id).await?;
    let mut answer = Document::new(document(&organization.name, &member));
    if query.include.has("user") {
        answer.include(&users::document(&actor, &member.user));
    }
    ok(answer)
}

async fn remove(State(app): State<App>, Caller(actor): Caller, At(id): At<MembershipId>) -> Reply {
    let tx = app.db.write().await?;
    service::remove(&tx, &actor, &id).await?;
    tx.commit().await?;
    no_content()
}

/// A membership as the API shows it.
pub fn document(organization: &str, member: &Member) -> OrganizationMembership {
    let Member { membership, user, teams } = member;
    let attributes = OrganizationMembershipAttributes {
        status: word(user).into(),
        email: user.email.clone(),
        username: user.username.clone(),
        created_at: membership.created_at.into(),
        invitation_link: None,
    };
    let relationships = OrganizationMembershipRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, organization),
        user: ToOne::new(kind::USERS, &user.id),
        teams: ToMany::new(kind::TEAMS, teams.iter().map(|team| &team.id)),
    };
    let id = &membership.id;
    let path = format!("/api/v2/organization-memberships/{id}");
    OrganizationMembership::new(id, attributes).related(relationships).linked("self", path)
}

fn word(user: &users::User) -> &'static str {
    if user.is_invited() { "invited" } else { "active" }
}
