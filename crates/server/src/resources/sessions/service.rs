//! Use cases of sessions: sign in, who is it, sign out.

use chrono::Duration;
use domain::{Fault, Problem};

use super::store::{self, Model as Session};
use crate::actor::Actor;
use crate::app::App;
use crate::resources::users::{self, User};
use crate::resources::{organizations, teams, tokens};
use crate::storage::Tx;
use crate::storage::audit::{Act, Who};

/// Hours after which a browser has to sign in again: a working day.
pub const HOURS: i64 = 12;
/// Characters of a browser's secret: 48 of base58 are 281 bits.
const SECRET: usize = 48;

/// Who is signed in.
pub struct Person {
    /// Who it is, and so what they may.
    pub actor: Actor,
    /// What they are called.
    pub name: String,
    /// Id of the token that they have signed in with; none for a password.
    pub token: Option<String>,
}

/// A secret for a browser that has none: it names no session until somebody signs in, but forms can be tied to it.
pub fn new_secret(app: &App) -> String {
    app.ports.randomness.characters(SECRET)
}

/// Begins a session with an API token and returns the browser's new secret. What the browser had before is worthless
/// from then on, so that nobody can plant a secret first and use it afterwards.
///
/// # Errors
/// `access/sign-in` when the token is unknown, has expired or is a run's.
pub async fn sign_in(app: &App, tx: &Tx, token: &str, before: &str) -> Result<String, Problem> {
    let token = tokens::service::by_secret(app, tx, token).await?.filter(|token| token.kind != "run");
    let refused = || {
        Problem::invalid("access/sign-in", "The token is unknown or has expired, or is that of a run.")
            .advice("Paste a token of a user, a team or an organization.")
    };
    let token = token.ok_or_else(refused)?;
    let who = tokens::service::speaker(tx, &token).await.map_err(|_| refused())?.who();
    Act::by(Who { token: Some(token.id.clone()), ..who });
    let user = Some(token.subject_id).filter(|_| token.kind == "user");
    begin(app, tx, token.id, user, before).await
}

/// Begins a session of a user whose password was right ([`users::account::sign_in`]), in the same way.
///
/// # Errors
/// `access/sign-in` when they were shut out or got another password meanwhile.
pub async fn sign_in_as(app: &App, tx: &Tx, user: &User, before: &str) -> Result<String, Problem> {
    let now = users::service::user(tx, &user.id).await?;
    if !now.is_active() || now.password != user.password {
        return Err(Problem::invalid("access/sign-in", "The password was changed meanwhile.").advice("Try again."));
    }
    Act::by(Who { name: Some(now.username), ..Who::new("user", &now.id) });
    begin(app, tx, String::new(), Some(now.id), before).await
}

async fn begin(app: &App, tx: &Tx, token: String, user: Option<String>, before: &str) -> Result<String, Problem> {
    let now = app.ports.now();
    store::delete_ended(tx, now).await?;
    store::delete(tx, &digest(app, before)).await?;
    let secret = new_secret(app);
    let session = Session {
        id: digest(app, &secret),
        token_id: token,
        created_at: now,
        expires_at: now + Duration::hours(HOURS),
        user_id: user,
    };
    store::insert(tx, session).await?;
    Ok(secret)
}

/// Who is signed in where the browser has that secret.
///
/// # Errors
/// `access/signed-out` when nobody is, or not any more.
pub async fn who(app: &App, tx: &Tx, secret: &str) -> Result<Person, Problem> {
    let session = store::by_id(tx, &digest(app, secret)).await?.filter(|it| app.ports.now() < it.expires_at);
    let session = session.ok_or_else(signed_out)?;
    let (actor, token) = match &session.user_id {
        Some(user) if session.token_id.is_empty() => (users::service::in_name_of(tx, user).await?, None),
        _ => {
            let token = tokens::service::by_id(app, tx, &session.token_id).await?.ok_or_else(signed_out)?;
            (Some(tokens::service::speaker(tx, &token).await.map_err(|_| signed_out())?), Some(token.id))
        }
    };
    let actor = actor.ok_or_else(signed_out)?;
    let name = name(tx, &actor).await?;
    Ok(Person { actor, name, token })
}

/// Ends every session of a user, but the one of the digest `keep`.
pub async fn end_all_of(tx: &Tx, user: &str, keep: Option<&str>) -> Result<(), Problem> {
    store::delete_of_user(tx, user, keep).await
}

/// Ends a session. One that has ended already stays so.
///
/// # Errors
/// `storage/unavailable`.
pub async fn sign_out(app: &App, tx: &Tx, secret: &str) -> Result<(), Problem> {
    store::delete(tx, &digest(app, secret)).await
}

/// What a form carries that was made for the browser with that secret.
pub fn form_token(app: &App, secret: &str) -> String {
    app.key.sign(&form(secret))
}

/// Whether a form was made for the browser with that secret.
pub fn is_form_token(app: &App, secret: &str, token: &str) -> bool {
    app.key.is_signed(&form(secret), token)
}

async fn name(tx: &Tx, actor: &Actor) -> Result<String, Problem> {
    Ok(match actor {
        Actor::User(user) => user.name.clone(),
        Actor::Team(team) => format!("team {}", teams::service::read(tx, actor, &team.id).await?.team.name),
        Actor::Organization { organization, .. } => {
            let found = organizations::by_id(tx, organization).await?;
            format!("organization {}", found.map(|it| it.name).unwrap_or_default())
        }
        Actor::Run { run, .. } => run.clone(),
    })
}

/// What is kept of a browser's secret.
pub fn digest(app: &App, secret: &str) -> String {
    app.key.sign(&format!("session:{secret}"))
}

fn form(secret: &str) -> String {
    format!("form:{secret}")
}

fn signed_out() -> Problem {
    Problem::new(Fault::Unauthorized, "access/signed-out", "You are not signed in, or not any more.").advice("Sign in.")
}
