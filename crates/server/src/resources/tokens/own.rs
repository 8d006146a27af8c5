//! The tokens of a user, made and taken back by themselves.

use chrono::{DateTime, Utc};
use domain::Problem;

use super::service::{self, Issued};
use super::store::{self, Model as Token};
use crate::actor::Actor;
use crate::app::App;
use crate::resources::users;
use crate::storage::Tx;

/// Most tokens of one user.
const MANY: usize = 100;

/// The tokens of the user who asks, oldest first; nobody else has any.
pub async fn list(tx: &Tx, actor: &Actor) -> Result<Vec<Token>, Problem> {
    store::of(tx, "user", user(actor)?).await
}

/// The tokens of a user, oldest first, for that user alone.
///
/// # Errors
/// `user/not-found` for anybody else.
pub async fn of_user(tx: &Tx, actor: &Actor, id: &str) -> Result<Vec<Token>, Problem> {
    match actor {
        Actor::User(user) if user.id == id => list(tx, actor).await,
        _ => Err(users::service::not_found()),
    }
}

/// Makes a token for the user who asks.
///
/// # Errors
/// `token/own`, `token/description`, `token/many`, `token/expired`.
pub async fn make(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    description: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Issued, Problem> {
    let user = user(actor)?;
    if description.is_empty() || description.len() > 255 {
        return Err(Problem::invalid("token/description", "Description must be 1 to 255 characters.")
            .advice("Say what the token is for.")
            .attribute("description"));
    }
    if store::of(tx, "user", user).await?.len() >= MANY {
        return Err(Problem::invalid("token/many", "You have 100 tokens already.").advice("Revoke unused ones."));
    }
    service::ends_in_future(app, expires_at)?;
    service::issue(app, tx, "user", user, description, expires_at, Some(user)).await
}

/// The token of that id, if it is one of the user who asks.
///
/// # Errors
/// `token/own`, `token/none`.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Token, Problem> {
    list(tx, actor).await?.into_iter().find(|token| token.id == id).ok_or_else(|| {
        Problem::not_found("token/none", "There is no such token, or it is not one of yours.").advice("Check the id.")
    })
}

/// Takes a token of the user who asks back.
///
/// # Errors
/// `token/own`, `token/none`; `token/last` for the only way in of a user without a password.
pub async fn revoke(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let token = read(tx, actor, id).await?;
    let now = app.ports.now();
    let is_good = |token: &Token| token.expires_at.is_none_or(|end| now < end);
    let stays = list(tx, actor).await?.iter().any(|it| it.id != id && is_good(it) && it.expires_at.is_none());
    let has_password = users::account::own(tx, actor).await?.password.is_some();
    if token.expires_at.is_none() && !stays && !has_password {
        return Err(Problem::conflict(
            "token/last",
            "It is your last token that does not expire, and you have no password.",
        )
        .advice("Set a password or make another token first."));
    }
    store::delete(tx, &token.id).await
}

fn user(actor: &Actor) -> Result<&str, Problem> {
    match actor {
        Actor::User(user) => Ok(&user.id),
        _ => Err(Problem::forbidden("token/own", "Only a user has tokens of their own.")
            .advice("Tokens of a team are made under the settings of its organization.")),
    }
}
