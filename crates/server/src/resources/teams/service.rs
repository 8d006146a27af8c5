//! Use cases of teams.

use std::collections::BTreeMap;

use domain::Problem;
use domain::id::TeamId;
use domain::roles::{Flag, OrganizationAccess};

use super::store::{self, Model as Team};
use crate::actor::{Action, Actor, On, TeamActor};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::{grants, memberships, tokens, users};
use crate::storage::Tx;

/// Name of the team that owns its organization.
pub const OWNERS: &str = "owners";

/// What may be said of a team; in an edit `None` leaves things as they are.
#[derive(Default, Clone)]
pub struct Settings {
    /// Name.
    pub name: Option<String>,
    /// `secret` or `organization`.
    pub visibility: Option<String>,
    /// Its id at the identity provider; the inner `None` clears it.
    pub sso_team_id: Option<Option<String>>,
    /// Kept for clients that set it.
    pub allow_member_tokens: Option<bool>,
    /// Organization-wide rights by their words, and whether the team has them. Unknown words are ignored.
    pub rights: BTreeMap<String, bool>,
}

/// A team with the users that belong to it.
pub struct Whole {
    /// The team.
    pub team: Team,
    /// Users that belong to it.
    pub users: Vec<users::User>,
    /// Ids of their memberships in the organization.
    pub memberships: Vec<String>,
}

/// Makes a team.
///
/// # Errors
/// `team/name-taken`, `team/name`, `team/visibility`, `team/rights`.
pub async fn create(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    settings: Settings,
) -> Result<Whole, Problem> {
    actor.may(Action::CreateTeam, On::Organization(&organization.id))?;
    let mut team = new(app, organization, "");
    let settings = Settings { name: Some(settings.name.unwrap_or_default()), ..settings };
    change(tx, actor, &mut team, settings).await?;
    store::insert(tx, &team).await?;
    whole(tx, team).await
}

/// Makes the team that owns a new organization, to which `user` belongs.
pub async fn create_owners(app: &App, tx: &Tx, organization: &Organization, user: Option<&str>) -> Result<(), Problem> {
    let mut owners = new(app, organization, OWNERS);
    owners.visibility = "organization".into();
    owners.is_owners = true;
    store::insert(tx, &owners).await?;
    match user {
        Some(user) => store::add_member(tx, &owners.id, user).await,
        None => Ok(()),
    }
}

/// One team.
///
/// # Errors
/// `team/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, id: &str) -> Result<Whole, Problem> {
    whole(tx, for_action(tx, actor, id, Action::ReadTeam).await?).await
}

/// Those of an organization that the actor may see, by name.
pub async fn list(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<Team>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    let mut all = store::in_organization(tx, &organization.id).await?;
    all.retain(|team| actor.can(Action::ReadTeam, on(team)));
    Ok(all)
}

/// Changes a team.
///
/// # Errors
/// As [`create`]; `team/owners`.
pub async fn update(tx: &Tx, actor: &Actor, id: &str, settings: Settings) -> Result<Whole, Problem> {
    let mut team = for_action(tx, actor, id, Action::ManageTeam).await?;
    change(tx, actor, &mut team, settings).await?;
    store::update(tx, &team).await?;
    whole(tx, team).await
}

/// Deletes a team with its tokens and everything that it was granted.
///
/// # Errors
/// `team/owners`.
pub async fn delete(tx: &Tx, actor: &Actor, id: &str) -> Result<(), Problem> {
    let team = for_action(tx, actor, id, Action::ManageTeam).await?;
    if team.is_owners {
        return Err(owners("The owners of an organization cannot be deleted.", "Delete the organization instead."));
    }
    remove(tx, &team).await
}

/// Deletes all teams of an organization that goes.
pub async fn delete_all(tx: &Tx, organization: &str) -> Result<(), Problem> {
    for team in store::in_organization(tx, organization).await? {
        remove(tx, &team).await?;
    }
    Ok(())
}

/// Lets members of the organization belong to a team.
///
/// # Errors
/// `team/not-found`, also for who may not do it.
pub async fn add_members(tx: &Tx, actor: &Actor, id: &str, users: &[String]) -> Result<(), Problem> {
    let team = for_action(tx, actor, id, Action::ManageTeam).await?;
    for user in users {
        store::add_member(tx, &team.id, user).await?;
    }
    Ok(())
}

/// Ends that.
///
/// # Errors
/// `team/owners` when nobody would own the organization any more.
pub async fn remove_members(tx: &Tx, actor: &Actor, id: &str, users: &[String]) -> Result<(), Problem> {
    let team = for_action(tx, actor, id, Action::ManageTeam).await?;
    for user in users {
        store::remove_member(tx, &team.id, user).await?;
    }
    keeps_an_owner(tx, &team).await
}

/// Takes a user out of every team of an organization.
///
/// # Errors
/// `team/owners` when nobody would own the organization any more.
pub async fn leave_all(tx: &Tx, organization: &str, user: &str) -> Result<(), Problem> {
    for team in store::of_user(tx, user).await?.into_iter().filter(|team| team.organization_id == organization) {
        store::remove_member(tx, &team.id, user).await?;
        keeps_an_owner(tx, &team).await?;
    }
    Ok(())
}

/// Puts one user in the place of another in every team.
pub async fn hand_over(tx: &Tx, from: &str, to: &str) -> Result<(), Problem> {
    for team in store::of_user(tx, from).await? {
        store::remove_member(tx, &team.id, from).await?;
        store::add_member(tx, &team.id, to).await?;
    }
    Ok(())
}

/// Refuses that an organization is left without an owner who has come in.
async fn keeps_an_owner(tx: &Tx, team: &Team) -> Result<(), Problem> {
    if team.is_owners {
        let left = users::service::of_ids(tx, &store::members_of(tx, &team.id).await?).await?;
        if !left.iter().any(users::User::is_active) {
            return Err(owners("An organization needs an owner.", "Add another user to the owners first."));
        }
    }
    Ok(())
}

/// Members of an organization of these names.
///
/// # Errors
/// `team/member-not-found`.
pub async fn users_named(tx: &Tx, organization: &str, names: &[&str]) -> Result<Vec<String>, Problem> {
    let members = memberships::service::users_in(tx, organization).await?;
    let find = |name: &&str| {
        let found = members.iter().find(|user| user.username.eq_ignore_ascii_case(name));
        found.map(|user| user.id.clone()).ok_or_else(|| {
            let message = format!("There is no member \"{}\" of the organization.", name.escape_debug());
            Problem::not_found("team/member-not-found", message)
                .advice("Use the name of a member of the organization, or the id of a membership; invite who is none.")
        })
    };
    names.iter().map(find).collect()
}

/// The team of that id, for `action` on it; other rooms begin with this.
///
/// # Errors
/// `team/not-found`, also for who may not do it.
pub async fn for_action(tx: &Tx, actor: &Actor, id: &str, action: Action) -> Result<Team, Problem> {
    let found = store::by_id(tx, id).await?;
    found.filter(|team| actor.can(action, on(team))).ok_or_else(not_found)
}

/// There is no such team, or not here.
pub fn not_found() -> Problem {
    Problem::not_found("team/not-found", "There is no such team, or this token may not do that with it.")
        .advice("Check its id, and use a token that may.")
}

/// A team as what something is done to.
pub fn on(team: &Team) -> On<'_> {
    On::Team {
        organization: &team.organization_id,
        id: &team.id,
        secret: team.visibility == "secret",
        owners: team.is_owners,
    }
}

/// A team as whoever asks, acting in the name of `user`; `None` when it is gone.
pub async fn actor(tx: &Tx, id: &str, user: String) -> Result<Option<Actor>, Problem> {
    let Some(team) = store::by_id(tx, id).await? else { return Ok(None) };
    Ok(Some(Actor::Team(Box::new(with_rights(tx, team, user).await?))))
}

/// What a user may by the teams that they belong to, a team each.
pub async fn of_user(tx: &Tx, user: &str) -> Result<Vec<TeamActor>, Problem> {
    let mut all = Vec::new();
    for team in store::of_user(tx, user).await? {
        all.push(with_rights(tx, team, user.to_owned()).await?);
    }
    Ok(all)
}

/// Teams of an organization that a user belongs to.
pub async fn teams_of_user(tx: &Tx, organization: &str, user: &str) -> Result<Vec<Team>, Problem> {
    let all = store::of_user(tx, user).await?;
    Ok(all.into_iter().filter(|team| team.organization_id == organization).collect())
}

/// What somebody may who is in an organization, whichever of its teams they are in.
pub fn without_rights(organization: String, user: &str) -> TeamActor {
    TeamActor { organization, user: user.to_owned(), ..TeamActor::default() }
}

/// Id of the organization that a team is in, if there is such a team.
pub async fn organization_of(tx: &Tx, id: &str) -> Result<Option<String>, Problem> {
    Ok(store::by_id(tx, id).await?.map(|team| team.organization_id))
}

async fn with_rights(tx: &Tx, team: Team, user: String) -> Result<TeamActor, Problem> {
    let granted = grants::service::of_team(tx, &team.id).await?;
    Ok(TeamActor {
        access: team.access(),
        id: team.id,
        organization: team.organization_id,
        user,
        owners: team.is_owners,
        projects: granted.projects,
        workspaces: granted.workspaces,
    })
}

/// A team with the users that belong to it.
pub async fn whole(tx: &Tx, team: Team) -> Result<Whole, Problem> {
    let users = users::service::of_ids(tx, &store::members_of(tx, &team.id).await?).await?;
    let memberships = memberships::service::ids_of(tx, &team.organization_id, &users).await?;
    Ok(Whole { team, users, memberships })
}

async fn change(tx: &Tx, actor: &Actor, team: &mut Team, settings: Settings) -> Result<(), Problem> {
    if let Some(name) = settings.name.filter(|name| team.name.is_empty() || *name != team.name) {
        if team.is_owners {
            return Err(owners("The owners of an organization cannot be renamed.", "Leave the name as it is."));
        }
        domain::names::team_name(&name)?;
        let taken = store::in_organization(tx, &team.organization_id).await?;
        if taken.iter().any(|it| it.id != team.id && it.name.eq_ignore_ascii_case(&name)) {
            return Err(Problem::invalid("team/name-taken", "Name has already been taken.")
                .advice("Choose another name.")
                .attribute("name"));
        }
        team.name = name;
    }
    if let Some(visibility) = settings.visibility {
        if !matches!(visibility.as_str(), "secret" | "organization") {
            return Err(Problem::invalid("team/visibility", "Visibility must be \"secret\" or \"organization\".")
                .advice("Use one of the two.")
                .attribute("visibility"));
        }
        team.visibility = visibility;
    }
    if let Some(id) = settings.sso_team_id {
        team.sso_team_id = id.filter(|id| !id.is_empty());
    }
    team.allow_member_tokens = settings.allow_member_tokens.unwrap_or(team.allow_member_tokens);
    rights(actor, team, &settings.rights)
}

/// Sets organization-wide rights. Nobody gives away more than they have.
fn rights(actor: &Actor, team: &mut Team, wanted: &BTreeMap<String, bool>) -> Result<(), Problem> {
    let before = team.access();
    let mut access = before.clone();
    for (word, has) in wanted {
        match Flag::parse(word) {
            Some(flag) if *has => _ = access.0.insert(flag),
            Some(flag) => _ = access.0.remove(&flag),
            None => {}
        }
    }
    if access == before || team.is_owners {
        return Ok(());
    }
    let may = actor.can(Action::ManageOrganizationAccess, On::Organization(&team.organization_id));
    let more = OrganizationAccess(access.0.difference(&before.0).copied().collect());
    if !may || !actor.has_access(&team.organization_id, &more) {
        return Err(Problem::forbidden(
            "team/rights",
            "This token may not give a team these rights in the whole organization.",
        )
        .advice("Use a token of the owners, or leave organization-access out."));
    }
    team.set_access(&access);
    Ok(())
}

async fn remove(tx: &Tx, team: &Team) -> Result<(), Problem> {
    tokens::service::revoke_all(tx, &team.id).await?;
    grants::delete_of_team(tx, &team.id).await?;
    store::delete(tx, &team.id).await
}

fn new(app: &App, organization: &Organization, name: &str) -> Team {
    Team {
        id: app.ports.id::<TeamId>().to_string(),
        organization_id: organization.id.clone(),
        name: name.to_owned(),
        visibility: "secret".into(),
        sso_team_id: None,
        allow_member_tokens: true,
        is_owners: false,
        flags: String::new(),
        created_at: app.ports.now(),
    }
}

fn owners(message: &str, advice: &str) -> Problem {
    Problem::forbidden("team/owners", message).advice(advice)
}
