//! Use cases of memberships.

use domain::Problem;
use domain::id::{Id, MembershipId};

use crate::actor::{Action, Actor, On};
use crate::resources::organizations::{self, Organization};
use crate::resources::tokens::{self, User};
use crate::storage::Tx;

/// Characters that the id of a membership takes of the organization's and of the user's id.
const PART: usize = 8;

/// Id of the membership of a user in an organization.
pub fn id(organization: &str, user: &str) -> String {
    let part = |id: &str| id.split('-').nth(1).unwrap_or_default().chars().take(PART).collect::<String>();
    MembershipId::from_suffix(&format!("{}{}", part(organization), part(user))).to_string()
}

/// Users in an organization.
pub async fn list(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<User>, Problem> {
    actor.may(Action::ManageMembership, On::Organization(&organization.id))?;
    tokens::service::persons(tx).await
}

/// The organization and the user of a membership.
///
/// # Errors
/// `membership/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, wanted: &MembershipId) -> Result<(Organization, User), Problem> {
    for organization in organizations::service::list(tx, actor).await? {
        if let Ok(user) = user_of(tx, &organization.id, wanted).await
            && (actor.user() == Some(&user.id)
                || actor.can(Action::ManageMembership, On::Organization(&organization.id)))
        {
            return Ok((organization, user));
        }
    }
    Err(not_found())
}

/// The user of a membership in that organization.
///
/// # Errors
/// `membership/not-found`.
pub async fn user_of(tx: &Tx, organization: &str, wanted: &MembershipId) -> Result<User, Problem> {
    let users = tokens::service::persons(tx).await?;
    users.into_iter().find(|user| id(organization, &user.id) == wanted.as_str()).ok_or_else(not_found)
}

/// Would invite somebody; refused, since nobody can follow an invitation.
///
/// # Errors
/// `membership/invitation`.
pub async fn invite(actor: &Actor, organization: &Organization) -> Result<(), Problem> {
    actor.may(Action::ManageMembership, On::Organization(&organization.id))?;
    Err(Problem::invalid("membership/invitation", "This server has one user, its owner, and invites nobody.")
        .advice("Make a team and give out its token."))
}

/// Would remove somebody; refused, since an organization needs its owner.
///
/// # Errors
/// `membership/owner`, `membership/not-found`.
pub async fn remove(tx: &Tx, actor: &Actor, wanted: &MembershipId) -> Result<(), Problem> {
    let (organization, user) = read(tx, actor, wanted).await?;
    actor.may(Action::ManageMembership, On::Organization(&organization.id))?;
    Err(Problem::forbidden(
        "membership/owner",
        format!("The user \"{}\" owns the organization and cannot be removed from it.", user.username),
    )
    .advice("Delete the organization instead."))
}

fn not_found() -> Problem {
    Problem::not_found("membership/not-found", "There is no such membership, or this token may not see it.")
        .advice("Check its id, and use a token that may see it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_the_two_that_it_joins() {
        assert_eq!(id("org-abcdefghijklmnop", "user-ABCDEFGHJKLMNPQR"), "ou-abcdefghABCDEFGH");
    }
}
