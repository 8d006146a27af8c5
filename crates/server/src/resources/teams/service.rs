//! Use cases of teams.

use std::collections::BTreeMap;

use domain::Problem;
use domain::id::TeamId;
use domain::roles::{Flag, OrganizationAccess};

use super::store::{self, Model as Team};
use crate::actor::{Action, Actor, On, TeamActor};
use crate::app::App;
use crate::resources::organizations::Organization;
use crate::resources::{grants, tokens};
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
    pub users: Vec<tokens::User>,
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

/// Lets users belong to a team.
///
/// # Errors
/// `team/member-not-found`.
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
    if team.is_owners && store::members_of(tx, &team.id).await?.is_empty() {
        return Err(owners("An organization needs an owner.", "Add another user to the owners first."));
    }
    Ok(())
}

/// Users of these names.
///
/// # Errors
/// `team/member-not-found`.
pub async fn users_named(tx: &Tx, names: &[&str]) -> Result<Vec<String>, Problem> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let user = tokens::service::person(tx, name).await?.ok_or_else(|| {
            Problem::not_found("team/member-not-found", format!("There is no user \"{}\".", name.escape_debug()))
                .advice("Use the name of a user of this server, or the id of a membership.")
        })?;
        found.push(user.id);
    }
    Ok(found)
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
pub(super) fn not_found() -> Problem {
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
    let granted = grants::service::of_team(tx, &team.id).await?;
    let access = team.access();
    Ok(Some(Actor::Team(Box::new(TeamActor {
        id: team.id,
        organization: team.organization_id,
        user,
        owners: team.is_owners,
        access,
        projects: granted.projects,
        workspaces: granted.workspaces,
    }))))
}

/// A team with the users that belong to it.
pub async fn whole(tx: &Tx, team: Team) -> Result<Whole, Problem> {
    let mut users = Vec::new();
    for user in store::members_of(tx, &team.id).await? {
        users.push(tokens::service::user(tx, &user).await?);
    }
    Ok(Whole { team, users })
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
    let covered = match actor {
        Actor::Team(asker) if !asker.owners => asker.access.covers(&more),
        _ => true,
    };
    if !may || !covered {
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
