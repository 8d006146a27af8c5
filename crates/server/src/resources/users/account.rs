//! The own account: name, address and password, and coming in with a password.

use domain::Problem;

use super::service;
use super::store::{self, Model as User};
use crate::actor::Actor;
use crate::app::App;
use crate::resources::sessions;
use crate::storage::Tx;

/// The user who asks, if it is a person.
///
/// # Errors
/// `user/own` for anybody else.
pub async fn own(tx: &Tx, actor: &Actor) -> Result<User, Problem> {
    match actor {
        Actor::User(user) => service::user(tx, &user.id).await,
        _ => Err(Problem::forbidden("user/own", "Only a user has an account.")
            .advice("Sign in as a user, or use a token of one.")),
    }
}

/// Changes the name or the address.
///
/// # Errors
/// `user/own`, `user/name`, `user/name-taken`, `user/email`, `user/email-taken`.
pub async fn update(tx: &Tx, actor: &Actor, name: Option<&str>, email: Option<&str>) -> Result<User, Problem> {
    let mut user = own(tx, actor).await?;
    if let Some(name) = name.filter(|name| *name != user.username) {
        free_name(tx, name, &user.id).await?;
        name.clone_into(&mut user.username);
    }
    if let Some(email) = email.filter(|email| *email != user.email) {
        free_address(tx, email, &user.id).await?;
        email.clone_into(&mut user.email);
    }
    store::update(tx, &user).await?;
    Ok(user)
}

/// The hash of a new password of the user who asks, who has to know the old one if there is one. Made without a
/// transaction, since it takes its time.
///
/// # Errors
/// `user/own`, `user/password`, `user/password-wrong`, `user/busy`.
pub async fn new_password(app: &App, actor: &Actor, current: &str, password: &str) -> Result<NewPassword, Problem> {
    let before = own(&app.db.look(), actor).await?.password;
    if before.is_some() && !app.passwords.is(current, before.as_deref()).await? {
        return Err(Problem::invalid("user/password-wrong", "The current password is another one.")
            .advice("Type the password that you have now.")
            .attribute("current-password"));
    }
    Ok(NewPassword { before, hash: app.passwords.hash(password).await? })
}

/// A password that may take the place of another.
pub struct NewPassword {
    before: Option<String>,
    hash: String,
}

/// Puts it in its place. Every session ends but the one in the browser that has the secret `keep`.
///
/// # Errors
/// `user/own`; `user/status` when the password was changed meanwhile.
pub async fn set_password(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    password: NewPassword,
    keep: Option<&str>,
) -> Result<(), Problem> {
    let mut user = own(tx, actor).await?;
    if user.password != password.before {
        return Err(Problem::conflict("user/status", "The password was changed meanwhile.")
            .advice("Try again with the password that you have now."));
    }
    user.password = Some(password.hash);
    store::update(tx, &user).await?;
    let keep = keep.map(|secret| sessions::service::digest(app, secret));
    sessions::service::end_all_of(tx, &user.id, keep.as_deref()).await
}

/// The user whose name or address and password these are. Takes as long for a name that is nobody's.
///
/// # Errors
/// `access/sign-in` when they are nobody's, whichever of the two is wrong; `user/busy`.
pub async fn sign_in(app: &App, name: &str, password: &str) -> Result<User, Problem> {
    let found = {
        let tx = app.db.read().await?;
        match name.contains('@') {
            true => store::at_address(&tx, name).await?,
            false => store::named(&tx, name).await?,
        }
    };
    let found = found.filter(|user| user.is_active() && user.speaks_for.is_none());
    let hash = found.as_ref().and_then(|user| user.password.as_deref());
    let is_theirs = app.passwords.is(password, hash).await?;
    found.filter(|_| is_theirs).ok_or_else(|| {
        Problem::invalid("access/sign-in", "There is no user with this name and password.")
            .advice("Check both; whoever has forgotten the password asks an administrator of the site for a link.")
    })
}

/// Refuses a name that is none or somebody else's.
pub(super) async fn free_name(tx: &Tx, name: &str, own: &str) -> Result<(), Problem> {
    domain::names::user_name(name)?;
    // Names of the users in whose names teams and organizations act begin so.
    let is_reserved = name.to_lowercase().starts_with("api-") || name.to_lowercase().starts_with("invited-");
    if is_reserved || store::named(tx, name).await?.is_some_and(|it| it.id != own) {
        return Err(Problem::invalid("user/name-taken", "Username has already been taken.")
            .advice("Choose another one.")
            .attribute("username"));
    }
    Ok(())
}

/// Refuses an address that is none or somebody else's.
pub(super) async fn free_address(tx: &Tx, email: &str, own: &str) -> Result<(), Problem> {
    address(email)?;
    if store::at_address(tx, email).await?.is_some_and(|it| it.id != own) {
        return Err(Problem::invalid("user/email-taken", "Email has already been taken.")
            .advice("Use another address.")
            .attribute("email"));
    }
    Ok(())
}

/// Refuses what is no address. Whether mail arrives there nobody asks, since none is sent.
pub(super) fn address(email: &str) -> Result<(), Problem> {
    let is_one = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && email.len() <= 254
        && !email.contains(|c: char| c.is_control() || c.is_whitespace());
    if is_one {
        return Ok(());
    }
    Err(Problem::invalid("user/email", "Email is not an address.")
        .advice("Give one like ada@example.com.")
        .attribute("email"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_host() {
        assert!(address("ada@example.com").is_ok() && address("owner@localhost").is_ok());
        for wrong in ["", "ada", "@host", "ada@", "a da@host", "ada@ho\nst"] {
            assert_eq!(address(wrong).unwrap_err().code, "user/email", "{wrong:?}");
        }
    }
}
