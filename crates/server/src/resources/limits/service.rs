//! Use cases of limits.

use domain::Problem;
use domain::id::{Id, OrganizationId, ProjectId};
use domain::queue::{LimitFacts, Scope};

use super::store::{self, Model};
use crate::actor::{Action, Actor, On};
use crate::resources::organizations::{self, Organization};
use crate::resources::projects;
use crate::storage::{Change, Tx};

/// Name of the one executor that there is: this machine.
pub const EXECUTOR: &str = "local";

/// Every limit of every organization.
pub async fn every(tx: &Tx) -> Result<Vec<LimitFacts>, Problem> {
    let mut limits = Vec::new();
    for organization in organizations::every(tx).await? {
        let scope = Scope::Organization(OrganizationId::parse(&organization.id)?);
        limits.push(LimitFacts { scope, limit: usize::try_from(organization.run_limit).unwrap_or(0) });
    }
    for row in store::all(tx).await? {
        let organization = || OrganizationId::parse(&row.organization_id);
        let scope = match row.scope.as_str() {
            "project" => Scope::Project(ProjectId::parse(&row.name)?),
            "tag" => Scope::Tag(organization()?, row.name.clone()),
            _ => Scope::Executor(row.name.clone()),
        };
        limits.push(LimitFacts { scope, limit: usize::try_from(row.most).unwrap_or(0) });
    }
    Ok(limits)
}

/// The limits that count runs of an organization.
pub async fn of(tx: &Tx, actor: &Actor, organization: &Organization) -> Result<Vec<LimitFacts>, Problem> {
    actor.may(Action::ReadOrganization, On::Organization(&organization.id))?;
    let projects = projects::service::list(tx, actor, organization).await?;
    let mut limits = every(tx).await?;
    limits.retain(|limit| match &limit.scope {
        Scope::Executor(_) => true,
        Scope::Organization(id) | Scope::Tag(id, _) => id.as_str() == organization.id,
        Scope::Project(id) => projects.iter().any(|project| project.id == id.as_str()),
    });
    Ok(limits)
}

/// Sets how many runs may have a slot at a time; an inner `None` takes the limit away.
///
/// # Errors
/// `limit/number` for 0 and for nothing at all; `limit/needed` for an organization without one; `limit/scope` when there is nothing of that name.
pub async fn set(
    tx: &Tx,
    actor: &Actor,
    organization: &Organization,
    scope: &str,
    name: Option<&str>,
    most: Option<Option<u32>>,
) -> Result<(), Problem> {
    actor.may(Action::ManageOrganization, On::Organization(&organization.id))?;
    let most = most.ok_or_else(|| {
        Problem::invalid("limit/number", "The request names no limit.")
            .advice("Give a number from 1 up, or null to take the limit away.")
            .attribute("limit")
    })?;
    if most == Some(0) {
        return Err(Problem::invalid("limit/number", "A limit of 0 concurrent runs would stop everything.")
            .advice("Give a number from 1 up; lock the workspaces that shall not run.")
            .attribute("limit"));
    }
    let (owner, name) = match (scope, name) {
        ("organization", _) => {
            let most = most.ok_or_else(|| {
                Problem::invalid("limit/needed", "An organization always has a limit.")
                    .advice("Give a number from 1 up.")
                    .attribute("limit")
            })?;
            let edit = organizations::service::Edit { run_limit: Some(most), ..Default::default() };
            organizations::service::update(tx, actor, &organization.name, edit).await?;
            return Ok(());
        }
        ("project", Some(name)) => {
            let project = projects::service::read(tx, actor, name).await?;
            if project.organization_id != organization.id {
                return Err(unknown("project", name));
            }
            (organization.id.as_str(), name)
        }
        ("tag", Some(name)) if !name.trim().is_empty() => (organization.id.as_str(), name),
        ("executor", Some(EXECUTOR)) => {
            actor.may(Action::ManageOrganization, On::Server)?;
            ("", EXECUTOR)
        }
        (scope, name) => return Err(unknown(scope, name.unwrap_or_default())),
    };
    match most {
        Some(most) => {
            let limit =
                Model { organization_id: owner.into(), scope: scope.into(), name: name.into(), most: most.into() };
            store::put(tx, limit).await?;
        }
        None => store::delete(tx, owner, scope, name).await?,
    }
    tx.announce(Change::Workspace { workspace: String::new() });
    Ok(())
}

fn unknown(scope: &str, name: &str) -> Problem {
    Problem::invalid("limit/scope", format!("There is nothing to limit that is called \"{scope}\" \"{name}\"."))
        .advice(
            "Give a scope (\"organization\", \"project\", \"tag\" or \"executor\") and a name: the id of a project, a tag \
             such as \"web\" or \"team:net\", or \"local\" for the executor.",
        )
        .attribute("scope")
}
