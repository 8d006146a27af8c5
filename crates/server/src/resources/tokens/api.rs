//! `/authentication-tokens`: the HTTP side of tokens. The audit trail has none of its own.

use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::Problem;
use domain::id::{Id, TeamId, TokenId, UserId};
use wire::authentication_tokens::{
    AuthenticationToken, AuthenticationTokenAttributes, AuthenticationTokenBody, AuthenticationTokenRelationships,
};
use wire::query::{ListQuery, TokenQuery};
use wire::{ToOne, kind};

use super::group::{self, Group};
use super::service::Issued;
use super::{Token, own};
use crate::actor::Actor;
use crate::app::App;
use crate::edge::{At, Caller, Here, Name, Query, Reply, Routes, Sent, created, no_content, ok};
use crate::resources::organizations;
use crate::storage::Tx;

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default()
        .get("/users/{id}/authentication-tokens", of_user)
        .post("/users/{id}/authentication-tokens", make_for_user)
        .get("/teams/{id}/authentication-token", of_team)
        .post("/teams/{id}/authentication-token", replace_of_team)
        .delete("/teams/{id}/authentication-token", revoke_of_team)
        .get("/teams/{id}/authentication-tokens", list)
        .post("/teams/{id}/authentication-tokens", add)
        .get("/organizations/{organization}/team-tokens", list_all)
        .get("/organizations/{organization}/authentication-token", of_organization)
        .post("/organizations/{organization}/authentication-token", replace_of_organization)
        .delete("/organizations/{organization}/authentication-token", revoke_of_organization)
        .get("/authentication-tokens/{id}", show_token)
        .delete("/authentication-tokens/{id}", delete)
}

async fn of_user(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<UserId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let all = own::of_user(&tx, &actor, id.as_str()).await?;
    ok(here.page(all.iter().map(|token| token_document(token, None)).collect(), &query.page))
}

async fn make_for_user(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<UserId>,
    Sent(body): Sent<AuthenticationTokenBody>,
) -> Reply {
    let tx = app.db.write().await?;
    own::of_user(&tx, &actor, id.as_str()).await?;
    let description = body.data.attributes.description.clone().unwrap_or_default();
    let issued = own::make(&app, &tx, &actor, description.trim(), end(&body)).await?;
    tx.commit().await?;
    made(&issued)
}

async fn of_team(State(app): State<App>, Caller(actor): Caller, At(id): At<TeamId>) -> Reply {
    let tx = app.db.read().await?;
    let group = Group::team(&tx, &actor, id.as_str()).await?;
    ok(wire::Document::new(token_document(&group::single(&tx, &group).await?, None)))
}

async fn replace_of_team(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<TeamId>,
    Sent(body): Sent<AuthenticationTokenBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let group = Group::team(&tx, &actor, id.as_str()).await?;
    let issued = group::replace(&app, &tx, &actor, &group, end(&body)).await?;
    tx.commit().await?;
    made(&issued)
}

async fn revoke_of_team(State(app): State<App>, Caller(actor): Caller, At(id): At<TeamId>) -> Reply {
    let tx = app.db.write().await?;
    let group = Group::team(&tx, &actor, id.as_str()).await?;
    group::revoke(&tx, &group).await?;
    tx.commit().await?;
    no_content()
}

async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<TeamId>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let group = Group::team(&tx, &actor, id.as_str()).await?;
    let all = group::list(&tx, &group).await?;
    ok(here.page(all.iter().map(|token| token_document(token, None)).collect(), &query.page))
}

async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    At(id): At<TeamId>,
    Sent(body): Sent<AuthenticationTokenBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let group = Group::team(&tx, &actor, id.as_str()).await?;
    let description = body.data.attributes.description.clone().unwrap_or_default();
    let issued = group::add(&app, &tx, &actor, &group, &description, end(&body)).await?;
    tx.commit().await?;
    made(&issued)
}

async fn list_all(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let organization = organizations::service::read(&tx, &actor, &name.0).await?;
    let mut all = group::of_teams(&tx, &actor, &organization).await?;
    let part = query.q.anywhere.unwrap_or_default().to_lowercase();
    all.retain(|token| token.description.to_lowercase().contains(&part));
    ok(here.page(all.iter().map(|token| token_document(token, None)).collect(), &query.page))
}

async fn of_organization(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Query(query): Query<TokenQuery>,
) -> Reply {
    let tx = app.db.read().await?;
    let group = organization(&tx, &actor, &name, &query).await?;
    ok(wire::Document::new(token_document(&group::single(&tx, &group).await?, None)))
}

async fn replace_of_organization(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Query(query): Query<TokenQuery>,
    Sent(body): Sent<AuthenticationTokenBody>,
) -> Reply {
    let tx = app.db.write().await?;
    let group = organization(&tx, &actor, &name, &query).await?;
    let issued = group::replace(&app, &tx, &actor, &group, end(&body)).await?;
    tx.commit().await?;
    made(&issued)
}

async fn revoke_of_organization(
    State(app): State<App>,
    Caller(actor): Caller,
    At(name): At<Name>,
    Query(query): Query<TokenQuery>,
) -> Reply {
    let tx = app.db.write().await?;
    let group = organization(&tx, &actor, &name, &query).await?;
    group::revoke(&tx, &group).await?;
    tx.commit().await?;
    no_content()
}

async fn show_token(State(app): State<App>, Caller(actor): Caller, At(id): At<TokenId>) -> Reply {
    let tx = app.db.read().await?;
    ok(wire::Document::new(token_document(&group::read(&tx, &actor, id.as_str()).await?, None)))
}

async fn delete(State(app): State<App>, Caller(actor): Caller, At(id): At<TokenId>) -> Reply {
    let tx = app.db.write().await?;
    group::delete(&tx, &actor, id.as_str()).await?;
    tx.commit().await?;
    no_content()
}

async fn organization(tx: &Tx, actor: &Actor, name: &Name, query: &TokenQuery) -> Result<Group, Problem> {
    let organization = organizations::service::read(tx, actor, &name.0).await?;
    if query.token.as_deref() == Some("audit-trails") {
        return Err(Problem::not_found(
            "token/audit",
            "This server keeps no audit trail, so there is no token for it.",
        )
        .advice("Leave the parameter \"token\" out for the organization's own token."));
    }
    Group::organization(actor, &organization)
}

fn end(body: &AuthenticationTokenBody) -> Option<DateTime<Utc>> {
    body.data.attributes.expired_at.map(|end| end.0)
}

/// The one answer that has the secret.
fn made(issued: &Issued) -> Reply {
    created(wire::Document::new(token_document(&issued.token, Some(issued.secret.clone()))))
}

fn token_document(token: &Token, secret: Option<String>) -> AuthenticationToken {
    let attributes = AuthenticationTokenAttributes {
        description: Some(token.description.clone()).filter(|text| !text.is_empty()),
        created_at: token.created_at.into(),
        last_used_at: token.last_used_at.map(Into::into),
        expired_at: token.expires_at.map(Into::into),
        token: secret,
    };
    let relationships = AuthenticationTokenRelationships {
        created_by: ToOne::maybe(kind::USERS, token.created_by.as_ref()),
        team: (token.kind == "team").then(|| ToOne::new(kind::TEAMS, &token.subject_id)),
    };
    let path = format!("/api/v2/authentication-tokens/{}", token.id);
    AuthenticationToken::new(&token.id, attributes).related(relationships).linked("self", path)
}
