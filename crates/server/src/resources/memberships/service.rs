//! Use cases of memberships.

use std::collections::BTreeMap;

use domain::Problem;
use domain::id::{Id, MembershipId};

use super::store::{self, Model as Membership};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::resources::organizations::{self, Organization};
use crate::resources::teams::{self, Team};
use crate::resources::users::invitations::{self, Invited};
use crate::resources::users::{self, User};
use crate::storage::Tx;

/// A membership with who it is of and the teams that they are in there.
pub struct Member {
    /// The membership.
    pub membership: Membership,
    /// Who.
    pub user: User,
    /// Teams of the organization that they are in, by name.
    pub teams: Vec<Team>,
}

/// Members of an organization, by name.
///
/// # Errors
/// `access/not-found` for who may not see them.
pub async fn list(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<Member>, Problem> {
    actor.may(Action::ManageMembership, On::Organization(&organization.id))?;
    let users = users_in(tx, &organization.id).await?;
    let mut all = of_users(tx, &organization.id, &users).await?;
    for member in &mut all {
        member.teams.retain(|team| actor.can(Action::ReadTeam, teams::service::on(team)));
    }
    Ok(all)
}

/// Memberships of the user who asks.
pub async fn own(tx: &Tx, actor: &Actor) -> Result<Vec<(Organization, Member)>, Problem> {
    let mut all = Vec::new();
    let Actor::User(user) = actor else { return Ok(all) };
    for membership in store::of_user(tx, &user.id).await? {
        if let Some(organization) = organizations::by_id(tx, &membership.organization_id).await? {
            let member = member(tx, membership).await?;
            all.push((organization, member));
        }
    }
    Ok(all)
}

/// One membership and its organization: the own, or one of an organization whose members the actor manages.
///
/// # Errors
/// `membership/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &MembershipId) -> Result<(Organization, Member), Problem> {
    let membership = store::by_id(tx, id.as_str()).await?.ok_or_else(not_found)?;
    let is_own = actor.user() == Some(&membership.user_id);
    if !is_own && !actor.can(Action::ManageMembership, On::Organization(&membership.organization_id)) {
        return Err(not_found());
    }
    let organization = organizations::by_id(tx, &membership.organization_id).await?.ok_or_else(not_found)?;
    Ok((organization, member(tx, membership).await?))
}

/// Invites somebody to an organization, and to teams of it. The secret lets in whoever has it.
///
/// # Errors
/// `access/not-found`, `team/not-found`, also for who may not do it; `user/email`, `membership/taken`.
pub async fn invite(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    email: &str,
    teams: &[String],
) -> Result<(Member, String), Problem> {
    actor.may(Action::ManageMembership, On::Organization(&organization.id))?;
    let known = users_in(tx, &organization.id).await?;
    if known.iter().any(|user| user.email.eq_ignore_ascii_case(email)) {
        return Err(Problem::invalid("membership/taken", "Somebody with this address is a member or invited already.")
            .advice("Make a new link for who was invited.")
            .attribute("email"));
    }
    let Invited { user, secret } = invitations::to_organization(app, tx, actor, email, &organization.id).await?;
    let membership = add(app, tx, &organization.id, &user.id).await?;
    for team in teams {
        let found = teams::service::for_action(tx, actor, team, Action::ManageTeam).await?;
        if found.organization_id != organization.id {
            return Err(teams::service::not_found());
        }
        teams::service::add_members(tx, actor, team, std::slice::from_ref(&user.id)).await?;
    }
    Ok((member(tx, membership).await?, secret))
}

/// A new link for somebody who was invited and has not come yet. They cannot ask for themselves, so whoever may read the
/// membership manages the members.
///
/// # Errors
/// `membership/not-found`, also for who may not do it; `user/status`.
pub async fn renew(app: &App, tx: &Tx, actor: &Actor, id: &MembershipId) -> Result<(Member, String), Problem> {
    let (organization, member) = read(tx, actor, id).await?;
    let invited = invitations::renew_for(app, tx, actor, member.user.clone(), &organization.id).await?;
    Ok((member, invited.secret))
}

/// Ends a membership, and with it what the user may in the organization. Members may leave by themselves.
///
/// # Errors
/// `membership/not-found`; `team/owners` when nobody would own the organization any more; `team/not-found` for who would
/// remove an owner and may not.
pub async fn remove(tx: &Tx, actor: &Actor, id: &MembershipId) -> Result<(), Problem> {
    let (organization, member) = read(tx, actor, id).await?;
    if actor.user() != Some(&member.user.id) {
        // Whoever manages members but not the owners could otherwise be rid of them.
        for team in member.teams.iter().filter(|team| team.is_owners) {
            actor.may(Action::ManageTeam, teams::service::on(team))?;
        }
    }
    end(tx, &organization.id, &member.membership).await?;
    if member.user.is_invited() {
        invitations::withdraw(tx, &member.user).await?;
    }
    Ok(())
}

/// Makes a user a member of an organization.
pub async fn add(app: &App, tx: &Tx, organization: &str, user: &str) -> Result<Membership, Problem> {
    let membership = Membership {
        id: app.ports.id::<MembershipId>().to_string(),
        organization_id: organization.to_owned(),
        user_id: user.to_owned(),
        created_at: app.ports.now(),
    };
    store::insert(tx, &membership).await?;
    Ok(membership)
}

/// Gives the memberships of somebody who was invited, and their teams, to the account with which they come.
pub async fn hand_over(tx: &Tx, from: &str, to: &str) -> Result<(), Problem> {
    let known = organizations_of(tx, to).await?;
    for membership in store::of_user(tx, from).await? {
        if known.contains(&membership.organization_id) {
            store::delete(tx, &membership.id).await?;
        } else {
            store::update(tx, &Membership { user_id: to.to_owned(), ..membership }).await?;
        }
    }
    teams::service::hand_over(tx, from, to).await
}

/// Ends every membership of a user who goes.
///
/// # Errors
/// `team/owners` where an organization would have no owner left.
pub async fn leave_all(tx: &Tx, user: &str) -> Result<(), Problem> {
    for membership in store::of_user(tx, user).await? {
        end(tx, &membership.organization_id, &membership).await?;
    }
    Ok(())
}

/// Ends every membership of an organization that goes, and forgets who was invited to it and never came.
pub async fn delete_of_organization(tx: &Tx, organization: &str) -> Result<(), Problem> {
    let users = users_in(tx, organization).await?;
    store::delete_of_organization(tx, organization).await?;
    for user in users.iter().filter(|user| user.is_invited()) {
        invitations::withdraw(tx, user).await?;
    }
    Ok(())
}

/// Ids of the organizations that a user is a member of.
pub async fn organizations_of(tx: &Tx, user: &str) -> Result<Vec<String>, Problem> {
    Ok(store::of_user(tx, user).await?.into_iter().map(|it| it.organization_id).collect())
}

/// Users that are members of an organization, by name.
pub async fn users_in(tx: &Tx, organization: &str) -> Result<Vec<User>, Problem> {
    let ids: Vec<_> = store::in_organization(tx, organization).await?.into_iter().map(|it| it.user_id).collect();
    users::service::of_ids(tx, &ids).await
}

/// The memberships of these users in an organization, in their order.
pub async fn of_users(tx: &Tx, organization: &str, users: &[User]) -> Result<Vec<Member>, Problem> {
    let all = store::in_organization(tx, organization).await?;
    let mut by_user: BTreeMap<_, _> = all.into_iter().map(|it| (it.user_id.clone(), it)).collect();
    let mut members = Vec::with_capacity(users.len());
    for user in users {
        if let Some(membership) = by_user.remove(&user.id) {
            let teams = teams::service::teams_of_user(tx, organization, &user.id).await?;
            members.push(Member { membership, user: user.clone(), teams });
        }
    }
    Ok(members)
}

/// Ids of the memberships of these users in an organization, in their order.
pub async fn ids_of(tx: &Tx, organization: &str, users: &[User]) -> Result<Vec<String>, Problem> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let all = store::in_organization(tx, organization).await?;
    let of = |user: &User| all.iter().find(|it| it.user_id == user.id).map(|it| it.id.clone());
    Ok(users.iter().filter_map(of).collect())
}

/// The user of a membership in that organization.
///
/// # Errors
/// `membership/not-found`.
pub async fn user_of(tx: &Tx, organization: &str, wanted: &MembershipId) -> Result<String, Problem> {
    let found = store::by_id(tx, wanted.as_str()).await?.filter(|it| it.organization_id == organization);
    found.map(|it| it.user_id).ok_or_else(not_found)
}

async fn member(tx: &Tx, membership: Membership) -> Result<Member, Problem> {
    let user = users::service::user(tx, &membership.user_id).await?;
    let teams = teams::service::teams_of_user(tx, &membership.organization_id, &user.id).await?;
    Ok(Member { membership, user, teams })
}

async fn end(tx: &Tx, organization: &str, membership: &Membership) -> Result<(), Problem> {
    teams::service::leave_all(tx, organization, &membership.user_id).await?;
    store::delete(tx, &membership.id).await
}

/// There is no such membership, or not for whoever asks.
pub fn not_found() -> Problem {
    Problem::not_found("membership/not-found", "There is no such membership, or this token may not see it.")
        .advice("Check its id, and use a token that may see it.")
}
