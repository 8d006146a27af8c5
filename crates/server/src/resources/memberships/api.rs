//! `/organization-memberships`: the HTTP side of memberships.

use axum::extract::State;
use domain::id::MembershipId;
use wire::organization_memberships::{
    OrganizationMembership, OrganizationMembershipAttributes, OrganizationMembershipBody,
    OrganizationMembershipRelationships,
};
use wire::query::{AccessQuery, ReadQuery};
use wire::{Document, ToMany, ToOne, kind};

use super::service;
use crate::app::App;
use crate::edge::{At, Caller, Here, Name, Query, Reply, Routes, Sent, no_content, ok};
use crate::resources::{organizations, tokens};

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
    let mut users = service::list(&tx, &actor, &organization).await?;
    let part = query.q.anywhere.unwrap_or_default().to_lowercase();
    let emails = &query.filter.email;
    users.retain(|user| {
        (emails.is_empty() || emails.iter().any(|email| email == user.email))
            && query.filter.status.as_deref().is_none_or(|status| status == "active")
            && (user.username.to_lowercase().contains(&part) || user.email.to_lowercase().contains(&part))
    });
    let (chosen, pagination) = here.cut(users, &query.page);
    let of = |user: &tokens::User| document(&organization.name, &organization.id, user);
    let mut answer = here.paged(chosen.iter().map(of).collect(), pagination);
    if query.include.has("user") {
        chosen.iter().for_each(|user| answer.include(&tokens::document(&actor, user)));
    }
    ok(answer)
}

async fn invite(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Sent(_): Sent<OrganizationMembershipBody>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    service::invite(&actor, &organization).await?;
    no_content()
}

async fn own(State(app): State<App>, Caller(actor): Caller, here: Here, Query(query): Query<AccessQuery>) -> Reply {
    let tx = app.db.read().await?;
    let mut documents = Vec::new();
    for user in tokens::service::persons(&tx).await?.iter().filter(|user| actor.user() == Some(&user.id)) {
        for organization in organizations::service::list(&tx, &actor).await? {
            documents.push(document(&organization.name, &organization.id, user));
        }
    }
    ok(here.page(documents, &query.page))
}

async fn show(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<MembershipId>,
    Query(query): Query<ReadQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let (organization, user) = service::read(&tx, &actor, &id).await?;
    let mut answer = Document::new(document(&organization.name, &organization.id, &user));
    if query.include.has("user") {
        answer.include(&tokens::document(&actor, &user));
    }
    ok(answer)
}

async fn remove(State(app): State<App>, Caller(actor): Caller, At(id): At<MembershipId>) -> Reply {
    let tx = app.db.read().await?;
    service::remove(&tx, &actor, &id).await?;
    no_content()
}

/// A membership as the API shows it; the organization by its name and by its id.
pub fn document(organization: &str, organization_id: &str, user: &tokens::User) -> OrganizationMembership {
    let attributes = OrganizationMembershipAttributes {
        status: "active".into(),
        email: user.email.clone(),
        username: user.username.clone(),
        created_at: user.created_at.into(),
    };
    let id = service::id(organization_id, &user.id);
    let relationships = OrganizationMembershipRelationships {
        organization: ToOne::new(kind::ORGANIZATIONS, organization),
        user: ToOne::new(kind::USERS, &user.id),
        teams: ToMany::default(),
    };
    let path = format!("/api/v2/organization-memberships/{id}");
    OrganizationMembership::new(id, attributes).related(relationships).linked("self", path)
}
