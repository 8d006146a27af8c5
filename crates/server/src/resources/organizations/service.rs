//! Use cases of organizations.

use domain::Problem;
use domain::id::OrganizationId;

use super::store::{self, Model as Organization};
use crate::actor::{Action, Actor, On};
use crate::app::App;
use crate::resources::{
    grants, limits, memberships, projects, stack_plans, stacks, teams, tokens, variable_sets, workspaces,
};
use crate::storage::Tx;

/// What a new organization needs.
pub struct New {
    /// Name.
    pub name: String,
    /// Address of whoever answers for it.
    pub email: String,
}

/// What may be changed.
#[derive(Default)]
pub struct Edit {
    /// Name.
    pub name: Option<String>,
    /// Address of whoever answers for it.
    pub email: Option<String>,
    /// How many runs may be in terraform at once; at least 1.
    pub run_limit: Option<u32>,
}

/// Makes an organization with its default project and its owners.
///
/// # Errors
/// `organization/name-taken`, `names/…`.
pub async fn create(app: &App, tx: &Tx, actor: &Actor, new: New) -> Result<Organization, Problem> {
    actor.may(Action::ManageOrganization, On::Server)?;
    domain::names::organization_name(&new.name)?;
    free(tx, &new.name).await?;
    let organization = Organization {
        id: app.ports.id::<OrganizationId>().to_string(),
        name: new.name,
        email: new.email,
        run_limit: i32::try_from(app.setup.run_limit).unwrap_or(i32::MAX),
        created_at: app.ports.now(),
    };
    store::insert(tx, &organization).await?;
    projects::service::create_default(app, tx, &organization).await?;
    if let Some(user) = actor.user() {
        memberships::service::add(app, tx, &organization.id, user).await?;
    }
    teams::service::create_owners(app, tx, &organization, actor.user()).await?;
    Ok(organization)
}

/// The organization that clients call `name`.
///
/// # Errors
/// `organization/not-found`, also for who may not see it.
pub async fn read(tx: &Tx, actor: &Actor, name: &str) -> Result<Organization, Problem> {
    let found = store::by_name(tx, name).await?;
    found.filter(|it| actor.can(Action::ReadOrganization, On::Organization(&it.id))).ok_or_else(|| {
        Problem::not_found("organization/not-found", format!("There is no organization \"{name}\"."))
            .advice("Check its name, and use a token that may see it.")
    })
}

/// All that the actor may see, by name.
pub async fn list(tx: &Tx, actor: &Actor) -> Result<Vec<Organization>, Problem> {
    let mut all = store::every(tx).await?;
    all.retain(|it| actor.can(Action::ReadOrganization, On::Organization(&it.id)));
    Ok(all)
}

/// Changes an organization.
///
/// # Errors
/// `organization/name-taken`, `organization/run-limit`, `names/…`.
pub async fn update(tx: &Tx, actor: &Actor, name: &str, edit: Edit) -> Result<Organization, Problem> {
    let mut organization = read(tx, actor, name).await?;
    actor.may(Action::ManageOrganization, On::Organization(&organization.id))?;
    if let Some(name) = edit.name.filter(|name| *name != organization.name) {
        domain::names::organization_name(&name)?;
        free(tx, &name).await?;
        organization.name = name;
    }
    if let Some(email) = edit.email {
        organization.email = email;
    }
    if let Some(limit) = edit.run_limit {
        organization.run_limit = i32::try_from(limit).ok().filter(|limit| *limit > 0).ok_or_else(|| {
            Problem::invalid("organization/run-limit", "A limit of 0 concurrent runs would stop everything.")
                .advice("Give a number from 1 up.")
        })?;
    }
    store::update(tx, &organization).await?;
    tx.announce(crate::storage::Change::Workspace { workspace: String::new() });
    Ok(organization)
}

/// Removes an organization that has no workspaces left.
///
/// # Errors
/// `organization/not-empty`.
pub async fn delete(tx: &Tx, actor: &Actor, name: &str) -> Result<(), Problem> {
    let organization = read(tx, actor, name).await?;
    actor.may(Action::ManageOrganization, On::Organization(&organization.id))?;
    let left = workspaces::in_organization(tx, &organization.id).await?;
    if !left.is_empty() {
        return Err(Problem::conflict(
            "organization/not-empty",
            format!("The organization \"{name}\" still has {} workspaces.", left.len()),
        )
        .advice("Destroy and delete its workspaces first."));
    }
    variable_sets::service::delete_of_organization(tx, &organization.id).await?;
    limits::delete_of(tx, &organization.id).await?;
    for project in projects::service::list(tx, actor, &organization).await? {
        grants::delete_of(tx, &project.id).await?;
    }
    stacks::delete_all(tx, &organization.id).await?;
    stack_plans::delete_all(tx, &organization.id).await?;
    projects::delete_all(tx, &organization.id).await?;
    teams::service::delete_all(tx, &organization.id).await?;
    memberships::service::delete_of_organization(tx, &organization.id).await?;
    tokens::service::revoke_all(tx, &organization.id).await?;
    store::delete(tx, &organization.id).await
}

async fn free(tx: &Tx, name: &str) -> Result<(), Problem> {
    if store::by_name(tx, name).await?.is_none() {
        return Ok(());
    }
    Err(Problem::invalid("organization/name-taken", "Name has already been taken.")
        .advice("Choose another name.")
        .attribute("name"))
}
