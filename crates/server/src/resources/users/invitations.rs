//! Invitations, and links by which somebody sets a new password: whoever has the secret may, once and for a while.

use chrono::TimeDelta;
use domain::id::{Id, UserId};
use domain::{Fault, Problem};

use super::store::{self, ACTIVE, INVITED, Invitation, Model as User};
use super::{account, service};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::resources::{memberships, sessions};
use crate::storage::Tx;

/// Hours that a link is good for.
pub const HOURS: i64 = 72;
/// Characters of its secret: 48 of base58 are 281 bits.
const SECRET: usize = 48;

/// Somebody who was invited, and the secret of the link, which is kept nowhere.
pub struct Invited {
    /// Who; they have no name of their own yet.
    pub user: User,
    /// The secret.
    pub secret: String,
}

/// Invites somebody to the site.
///
/// # Errors
/// `user/email`, `access/not-found` for who does not administer the site.
pub async fn to_site(app: &App, tx: &Tx, actor: &Actor, email: &str) -> Result<Invited, Problem> {
    actor.may(Action::ManageUsers, On::Server)?;
    invite(app, tx, actor, email, None).await
}

/// Invites somebody on behalf of an organization, whose room has asked whether the actor may.
///
/// # Errors
/// `user/email`.
pub async fn to_organization(app: &App, tx: &Tx, actor: &Actor, email: &str, to: &str) -> Result<Invited, Problem> {
    invite(app, tx, actor, email, Some(to)).await
}

async fn invite(app: &App, tx: &Tx, actor: &Actor, email: &str, to: Option<&str>) -> Result<Invited, Problem> {
    account::address(email)?;
    let id = app.ports.id::<UserId>();
    let name = format!("invited-{}", id.as_str().trim_start_matches("user-"));
    let user = User { id: id.to_string(), status: INVITED.into(), ..service::new(app, name, email.to_owned()) };
    store::insert(tx, &user).await?;
    let secret = link(app, tx, actor, &user, to).await?;
    Ok(Invited { user, secret })
}

/// A new link for a user, in place of those that were made before: for one who was invited to come in, for one who may come
/// in to set a new password.
///
/// # Errors
/// `user/not-found` for who does not administer the site; `user/status`.
pub async fn renew(app: &App, tx: &Tx, actor: &Actor, id: &str) -> Result<Invited, Problem> {
    let user = service::for_admin(tx, actor, id).await?;
    if user.is_suspended() {
        return Err(Problem::conflict("user/status", "The user is suspended, so a link would not let them in.")
            .advice("Let them in again first."));
    }
    let secret = link(app, tx, actor, &user, None).await?;
    Ok(Invited { user, secret })
}

/// A new link for somebody whom an organization has invited, whose room has asked whether the actor may.
///
/// # Errors
/// `user/status` when they are in already: their password is theirs.
pub async fn renew_for(app: &App, tx: &Tx, actor: &Actor, user: User, to: &str) -> Result<Invited, Problem> {
    if !user.is_invited() {
        return Err(Problem::conflict("user/status", "The user is a member already.")
            .advice("Whoever has forgotten the password asks an administrator of the site for a link."));
    }
    let secret = link(app, tx, actor, &user, Some(to)).await?;
    Ok(Invited { user, secret })
}

async fn link(app: &App, tx: &Tx, actor: &Actor, user: &User, to: Option<&str>) -> Result<String, Problem> {
    store::delete_invitations(tx, &user.id).await?;
    let secret = app.ports.randomness.characters(SECRET);
    let now = app.ports.now();
    let invitation = Invitation {
        id: digest(app, &secret),
        user_id: user.id.clone(),
        organization_id: to.map(str::to_owned),
        created_by: actor.user().map(str::to_owned),
        created_at: now,
        expires_at: now + TimeDelta::hours(HOURS),
    };
    store::insert_invitation(tx, &invitation).await?;
    Ok(secret)
}

/// Whom a link lets in, and when it ends.
///
/// # Errors
/// `user/invitation` when it is unknown, used, or over.
pub async fn of_secret(app: &App, tx: &Tx, secret: &str) -> Result<(User, Invitation), Problem> {
    let found = store::invitation(tx, &digest(app, secret)).await?;
    let invitation = found.filter(|it| app.ports.now() < it.expires_at).ok_or_else(over)?;
    let user = store::by_id(tx, &invitation.user_id).await?.ok_or_else(over)?;
    match user.status.as_str() {
        ACTIVE | INVITED => Ok((user, invitation)),
        _ => Err(over()),
    }
}

/// What somebody who was invited says of themselves.
pub struct Account<'a> {
    /// Name to sign in with.
    pub name: &'a str,
    /// Address.
    pub email: &'a str,
    /// Hash of the password.
    pub hash: String,
}

/// Takes an invitation with a new account. The link is worthless from then on.
///
/// # Errors
/// `user/invitation`, `user/name`, `user/name-taken`, `user/email`, `user/email-taken`.
pub async fn accept(app: &App, tx: &Tx, secret: &str, wanted: Account<'_>) -> Result<User, Problem> {
    let user = taken(app, tx, secret).await?;
    if !user.is_invited() {
        return Err(over());
    }
    account::free_name(tx, wanted.name, &user.id).await?;
    account::free_address(tx, wanted.email, &user.id).await?;
    let user = User {
        username: wanted.name.to_owned(),
        email: wanted.email.to_owned(),
        status: ACTIVE.into(),
        password: Some(wanted.hash),
        ..user
    };
    store::update(tx, &user).await?;
    Ok(user)
}

/// Takes an invitation with the account that somebody has: its memberships become theirs.
///
/// # Errors
/// `user/invitation`, `user/own`.
pub async fn accept_as(app: &App, tx: &Tx, secret: &str, actor: &Actor) -> Result<(), Problem> {
    let invited = taken(app, tx, secret).await?;
    let own = account::own(tx, actor).await?;
    if !invited.is_invited() {
        return Err(over());
    }
    memberships::service::hand_over(tx, &invited.id, &own.id).await?;
    store::delete(tx, &invited.id).await
}

/// Sets a new password by a link, for a user who is in already. Every session ends; tokens, which programs use, stay until
/// they are taken back.
///
/// # Errors
/// `user/invitation`.
pub async fn reset(app: &App, tx: &Tx, secret: &str, hash: String) -> Result<User, Problem> {
    let user = taken(app, tx, secret).await?;
    if !user.is_active() {
        return Err(over());
    }
    let user = User { password: Some(hash), ..user };
    store::update(tx, &user).await?;
    sessions::service::end_all_of(tx, &user.id, None).await?;
    Ok(user)
}

/// The same, and the link is used up: of two who come at once one alone is let in.
async fn taken(app: &App, tx: &Tx, secret: &str) -> Result<User, Problem> {
    let (user, invitation) = of_secret(app, tx, secret).await?;
    if store::take_invitation(tx, &invitation.id).await? { Ok(user) } else { Err(over()) }
}

/// Forgets somebody who was invited and never came.
pub async fn withdraw(tx: &Tx, user: &User) -> Result<(), Problem> {
    store::delete_invitations(tx, &user.id).await?;
    store::delete(tx, &user.id).await
}

fn digest(app: &App, secret: &str) -> String {
    app.key.sign(&format!("invitation:{secret}"))
}

fn over() -> Problem {
    Problem::new(Fault::NotFound, "user/invitation", "This link is not valid, was used, or is over.")
        .advice("Ask whoever gave it to you for a new one.")
}
