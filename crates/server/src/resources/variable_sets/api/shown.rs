//! Variable sets as the API shows them.

use domain::Problem;
use serde::Serialize;
use wire::query::Include;
use wire::variable_sets::{
    VariableSet as Document, VariableSetAttributes, VariableSetPermissions, VariableSetRelationships,
};
use wire::{ToMany, ToOne, kind};

use super::super::service::{self, Whole};
use crate::actor::{Action, Actor};
use crate::resources::{organizations, projects, variables, workspaces};
use crate::storage::Tx;

/// A set as the API shows it.
pub async fn document(tx: &Tx, actor: &Actor, whole: &Whole) -> Result<Document, Problem> {
    let Whole { set, workspaces, projects, variables } = whole;
    let organization = organizations::by_id(tx, &set.organization_id).await?.map(|it| it.name);
    let attributes = VariableSetAttributes {
        name: set.name.clone(),
        description: set.description.clone(),
        global: set.global,
        priority: set.priority,
        created_at: set.created_at.into(),
        updated_at: set.updated_at.into(),
        var_count: variables.len() as u64,
        workspace_count: workspaces.len() as u64,
        project_count: projects.len() as u64,
        permissions: VariableSetPermissions { can_update: actor.can(Action::ManageVariableSets, service::on(set)) },
    };
    let relationships = VariableSetRelationships {
        parent: match &set.project_id {
            Some(project) => ToOne::new(kind::PROJECTS, project),
            None => ToOne::maybe(kind::ORGANIZATIONS, organization.as_ref()),
        },
        organization: ToOne::maybe(kind::ORGANIZATIONS, organization),
        workspaces: ToMany::new(kind::WORKSPACES, workspaces),
        projects: ToMany::new(kind::PROJECTS, projects),
        vars: ToMany::new(kind::VARIABLES, variables.iter().map(|it| &it.variable.id)),
    };
    Ok(Document::new(&set.id, attributes).related(relationships).linked("self", format!("/api/v2/varsets/{}", set.id)))
}

/// Adds what `include=` asked for; what nobody knows is ignored.
pub async fn include<D: Serialize>(
    tx: &Tx,
    actor: &Actor,
    wanted: &Include,
    whole: Whole,
    answer: &mut wire::Document<D>,
) -> Result<(), Problem> {
    if wanted.has("workspaces") {
        for id in &whole.workspaces {
            let workspace = workspaces::service::read(tx, actor, id).await?;
            answer.include(&workspaces::document(tx, actor, &workspace).await?);
        }
    }
    if wanted.has("projects") {
        for id in &whole.projects {
            let project = projects::service::read(tx, actor, id).await?;
            answer.include(&projects::document(tx, actor, &project).await?);
        }
    }
    if wanted.has("vars") {
        for variable in whole.variables {
            answer.include(&variables::document(variable));
        }
    }
    Ok(())
}
