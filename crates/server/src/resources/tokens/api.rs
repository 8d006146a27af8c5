//! `/account` and `/users`: the HTTP side of users. Tokens are made on the server's own machine.

use axum::extract::State;
use domain::id::{Id, UserId};
use wire::users::{User as Document, UserAttributes, UserRelationships};
use wire::{ToOne, kind};

use super::{User, service};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::edge::{At, Caller, Reply, Routes, ok};

/// Routes of this room.
pub fn routes() -> Routes {
    Routes::default().get("/account/details", account).get("/users/{id}", show)
}

async fn account(State(app): State<App>, Caller(actor): Caller) -> Reply {
    // A run has no account.
    actor.may(Action::ReadOrganization, On::Server)?;
    let tx = app.db.read().await?;
    let user = service::user(&tx, actor.user().unwrap_or_default()).await?;
    ok(wire::Document::new(document(&actor, &user)))
}

async fn show(State(app): State<App>, Caller(actor): Caller, At(id): At<UserId>) -> Reply {
    actor.may(Action::ReadOrganization, On::Server)?;
    let tx = app.db.read().await?;
    let user = service::user(&tx, id.as_str()).await?;
    ok(wire::Document::new(document(&actor, &user)))
}

/// A user as the API shows it; the address is for users alone.
pub fn document(actor: &Actor, user: &User) -> Document {
    let attributes = UserAttributes {
        username: user.username.clone(),
        email: actor.user().map(|_| user.email.clone()),
        auth_method: "tfc".into(),
        v2_only: true,
        ..UserAttributes::default()
    };
    let relationships =
        UserRelationships { authenticated_resource: ToOne::new(kind::USERS, &user.id), ..UserRelationships::default() };
    Document::new(&user.id, attributes).related(relationships).linked("self", format!("/api/v2/users/{}", user.id))
}
