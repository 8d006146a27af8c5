//! Use cases of users: who is it, who may see whom, and what an administrator of the site does with them.

use std::collections::BTreeSet;

use domain::Problem;
use domain::id::{Id, TeamId, UserId};

use super::store::{self, ACTIVE, DELETED, Model as User, SUSPENDED};
use crate::actor::{Action, Actor, On, UserActor};
use crate::app::App;
use crate::resources::{memberships, organizations, sessions, teams, tokens};
use crate::storage::Tx;

/// A user as whoever asks: a person, or the team or organization that it acts for. `None` when that is gone, or they may not
/// come in.
pub async fn in_name_of(tx: &Tx, user: &str) -> Result<Option<Actor>, Problem> {
    let Some(user) = store::by_id(tx, user).await?.filter(User::is_active) else { return Ok(None) };
    let Some(subject) = user.speaks_for else {
        if user.is_admin {
            return Ok(Some(Actor::admin(user.id, user.username)));
        }
        // A member of an organization sees it, whichever of its teams they are in.
        let mut rights = teams::service::of_user(tx, &user.id).await?;
        for organization in memberships::service::organizations_of(tx, &user.id).await? {
            rights.push(teams::service::without_rights(organization, &user.id));
        }
        let actor = UserActor { id: user.id, name: user.username, admin: false, teams: rights };
        return Ok(Some(Actor::User(Box::new(actor))));
    };
    if TeamId::parse(&subject).is_ok() {
        return teams::service::actor(tx, &subject, user.id).await;
    }
    let organization = organizations::by_id(tx, &subject).await?;
    Ok(organization.map(|it| Actor::Organization { organization: it.id, user: user.id }))
}

/// The administrator that this server began with, made on the first call; when that one is gone, the next.
pub async fn owner(app: &App, tx: &Tx) -> Result<User, Problem> {
    if let Some(first) = store::admins(tx).await?.into_iter().next() {
        return Ok(first);
    }
    let user = User { is_admin: true, ..new(app, "owner".to_owned(), "owner@localhost".to_owned()) };
    store::insert(tx, &user).await?;
    Ok(user)
}

/// The user in whose name a team or organization acts, made on the first call.
pub async fn service_user(app: &App, tx: &Tx, subject: &str) -> Result<User, Problem> {
    if let Some(user) = speaking_for(tx, subject).await? {
        return Ok(user);
    }
    let user = new(app, format!("api-{subject}"), format!("api-{subject}@localhost"));
    let user = User { speaks_for: Some(subject.to_owned()), ..user };
    store::insert(tx, &user).await?;
    Ok(user)
}

/// The same, if it was ever made.
pub async fn speaking_for(tx: &Tx, subject: &str) -> Result<Option<User>, Problem> {
    store::speaking_for(tx, subject).await
}

/// The user of that id, whoever asks: for what they have done.
///
/// # Errors
/// `user/not-found`.
pub async fn user(tx: &Tx, id: &str) -> Result<User, Problem> {
    store::by_id(tx, id).await?.ok_or_else(not_found)
}

/// Those of these ids, by name.
pub async fn of_ids(tx: &Tx, ids: &[String]) -> Result<Vec<User>, Problem> {
    store::of_ids(tx, ids).await
}

/// The user of that id, for whoever may see them: themselves, administrators, and who shares an organization with them.
///
/// # Errors
/// `user/not-found`, also for who may not see them.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<User, Problem> {
    actor.may(Action::ReadOrganization, On::Server)?;
    let user = user(tx, id).await?;
    if actor.user() == Some(id) || actor.can(Action::ManageUsers, On::Server) {
        return Ok(user);
    }
    let organizations = match &user.speaks_for {
        None => memberships::service::organizations_of(tx, id).await?,
        Some(subject) => vec![match teams::service::organization_of(tx, subject).await? {
            Some(organization) => organization,
            None => subject.clone(),
        }],
    };
    let shares = organizations.iter().any(|it| actor.can(Action::ReadOrganization, On::Organization(it)));
    if shares { Ok(user) } else { Err(not_found()) }
}

/// Every person, by name.
///
/// # Errors
/// `access/not-found` for who does not administer the site.
pub async fn list(tx: &Tx, actor: &Actor) -> Result<Vec<User>, Problem> {
    actor.may(Action::ManageUsers, On::Server)?;
    store::persons(tx).await
}

/// One of them.
///
/// # Errors
/// `user/not-found`, also for who does not administer the site.
pub async fn for_admin(tx: &Tx, actor: &Actor, id: &str) -> Result<User, Problem> {
    if !actor.can(Action::ManageUsers, On::Server) {
        return Err(not_found());
    }
    let found = store::by_id(tx, id).await?;
    found.filter(|user| user.speaks_for.is_none() && user.status != DELETED).ok_or_else(not_found)
}

/// Shuts a user out: every session ends, and no token of theirs is good until they are let in again.
///
/// # Errors
/// `user/last-admin`, `user/status`, `user/not-found`.
pub async fn suspend(tx: &Tx, actor: &Actor, id: &str) -> Result<User, Problem> {
    let mut user = for_admin(tx, actor, id).await?;
    if !user.is_active() {
        return Err(status("The user is not active, so there is nothing to suspend."));
    }
    keeps_an_admin(tx, &user).await?;
    SUSPENDED.clone_into(&mut user.status);
    store::update(tx, &user).await?;
    sessions::service::end_all_of(tx, &user.id, None).await?;
    store::delete_invitations(tx, &user.id).await?;
    Ok(user)
}

/// Lets a user in again.
///
/// # Errors
/// `user/status`, `user/not-found`.
pub async fn unsuspend(tx: &Tx, actor: &Actor, id: &str) -> Result<User, Problem> {
    let mut user = for_admin(tx, actor, id).await?;
    if !user.is_suspended() {
        return Err(status("The user is not suspended."));
    }
    ACTIVE.clone_into(&mut user.status);
    store::update(tx, &user).await?;
    Ok(user)
}

/// Says whether a user administers the site.
///
/// # Errors
/// `user/last-admin`, `user/status`, `user/not-found`.
pub async fn set_admin(tx: &Tx, actor: &Actor, id: &str, is_admin: bool) -> Result<User, Problem> {
    let mut user = for_admin(tx, actor, id).await?;
    if !user.is_active() {
        return Err(status("Only a user who may sign in administers the site."));
    }
    if !is_admin {
        keeps_an_admin(tx, &user).await?;
    }
    user.is_admin = is_admin;
    store::update(tx, &user).await?;
    Ok(user)
}

/// Deletes a user with their tokens, sessions and memberships. What they did keeps their name, which nobody gets again.
///
/// # Errors
/// `user/last-admin`, `user/not-found`; `membership/owner` where an organization would have no owner left.
pub async fn delete(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let user = for_admin(tx, actor, id).await?;
    keeps_an_admin(tx, &user).await?;
    memberships::service::leave_all(tx, &user.id).await?;
    if user.is_invited() {
        store::delete_invitations(tx, &user.id).await?;
        return store::delete(tx, &user.id).await;
    }
    tokens::service::revoke_of_user(tx, &user.id).await?;
    sessions::service::end_all_of(tx, &user.id, None).await?;
    store::delete_invitations(tx, &user.id).await?;
    let gone = User { status: DELETED.into(), is_admin: false, password: None, email: String::new(), ..user };
    store::update(tx, &gone).await
}

/// Refuses what would leave the site without an administrator who may come in.
async fn keeps_an_admin(tx: &Tx, user: &User) -> Result<(), Problem> {
    let others: BTreeSet<_> =
        store::admins(tx).await?.into_iter().map(|it| it.id).filter(|it| *it != user.id).collect();
    if user.is_admin && user.is_active() && others.is_empty() {
        return Err(Problem::conflict("user/last-admin", "The user is the only administrator of the site.")
            .advice("Make somebody else one first."));
    }
    Ok(())
}

/// A person who may come in, without a password.
pub(super) fn new(app: &App, username: String, email: String) -> User {
    User {
        id: app.ports.id::<UserId>().to_string(),
        username,
        email,
        created_at: app.ports.now(),
        speaks_for: None,
        status: ACTIVE.into(),
        is_admin: false,
        password: None,
    }
}

fn status(message: &str) -> Problem {
    Problem::conflict("user/status", message).advice("Look at the user again.")
}

/// There is no such user, or not for whoever asks.
pub fn not_found() -> Problem {
    Problem::not_found("user/not-found", "There is no such user, or this token may not see them.")
        .advice("Check the user's id.")
}
