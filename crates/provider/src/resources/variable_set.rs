//! `tfe_variable_set`, and its assignments `tfe_workspace_variable_set` and `tfe_project_variable_set`.

use async_trait::async_trait;
use client::{Item, encoded, identifiers};
use domain::Fault;
use serde_json::{Map as JsonMap, json};
use wire::Document;

use super::table::{Kind, by_id, in_organization, text_of, to_one};
use crate::protocol::diagnostics::{error, of_problem};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, flag, id, text};
use crate::protocol::value::Map;
use crate::provider::{Change, Context, Resource};

/// The resource type of the set itself.
pub(super) fn resource() -> Kind {
    Kind {
        collection: |context, state| in_organization(context, state, "varsets"),
        item: |state| by_id("varsets", state),
        relationships: |state| match text_of(state, "parent_project_id") {
            "" => JsonMap::new(),
            project => JsonMap::from_iter([("parent".to_owned(), to_one("projects", project))]),
        },
        take: |item, state| {
            if let Some(organization) = item.related("organization") {
                state.insert("organization".into(), organization.into());
            }
        },
        ..Kind::new("tfe_variable_set", "varsets", || {
            vec![
                text("name", "Unique in the organization.").required().sent_as("name"),
                text("description", "Words for people.").or("").sent_as("description"),
                text("organization", "Whose it is.").or_server().replaces().aside(),
                flag("global", "Whether every workspace has it.").or(false).sent_as("global"),
                flag("priority", "Whether it wins over the workspace's own.").or(false).sent_as("priority"),
                text("parent_project_id", "The project that owns it.").replaces().aside(),
            ]
        })
    }
}

/// An assignment of a set to workspaces or to projects.
pub(super) struct Assignment {
    name: &'static str,
    kind: &'static str,
    other: &'static str,
}

impl Assignment {
    /// `tfe_workspace_variable_set`.
    pub(super) const WORKSPACE: Self =
        Self { name: "tfe_workspace_variable_set", kind: "workspaces", other: "workspace_id" };
    /// `tfe_project_variable_set`.
    pub(super) const PROJECT: Self = Self { name: "tfe_project_variable_set", kind: "projects", other: "project_id" };

    fn path(&self, state: &Map) -> String {
        format!("varsets/{}/relationships/{}", encoded(text_of(state, "variable_set_id")), self.kind)
    }

    fn failed(&self, what: &str, problem: &domain::Problem) -> Diagnostic {
        of_problem(&format!("error {what} {}", self.name), problem)
    }
}

#[async_trait]
impl Resource for Assignment {
    fn name(&self) -> &'static str {
        self.name
    }

    fn block(&self) -> Block {
        Block::of([
            id(),
            text("variable_set_id", "The variable set.").required().replaces(),
            text(self.other, "What shall have it.").required().replaces(),
        ])
    }

    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let client = context.client().map_err(|problem| self.failed("creating", &problem))?;
        let mut state = change.planned.clone();
        let other = text_of(&state, self.other).to_owned();
        let request = identifiers(self.kind, [other.as_str()]);
        client.act(&self.path(&state), &request).await.map_err(|problem| self.failed("creating", &problem))?;
        state.insert("id".into(), format!("{other}_{}", text_of(&state, "variable_set_id")).into());
        change.state = Some(state);
        Ok(())
    }

    async fn read(&self, context: &Context, state: Map, _private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic> {
        let client = context.client().map_err(|problem| self.failed("reading", &problem))?;
        let path = format!("varsets/{}?include={}", encoded(text_of(&state, "variable_set_id")), self.kind);
        match client.get::<Document<Item>>(&path).await {
            Ok(set) => {
                let is_there = set.data.related_all(self.kind).iter().any(|id| id == text_of(&state, self.other));
                Ok(is_there.then_some(state))
            }
            Err(problem) if problem.fault == Fault::NotFound => Ok(None),
            Err(problem) => Err(self.failed("reading", &problem)),
        }
    }

    async fn update(&self, _context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        change.state = Some(change.planned.clone());
        Ok(())
    }

    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let client = context.client().map_err(|problem| self.failed("deleting", &problem))?;
        let prior = change.prior.clone().unwrap_or_default();
        let request = identifiers(self.kind, [text_of(&prior, self.other)]);
        let deleted = client.delete(&self.path(&prior), Some(&request)).await;
        deleted.map_err(|problem| self.failed("deleting", &problem))
    }

    /// `ORGANIZATION/WORKSPACE/VARIABLE SET` by names, as the original; projects by id.
    async fn import(&self, context: &Context, id: &str) -> Result<Map, Diagnostic> {
        let failed = |problem: domain::Problem| self.failed("importing", &problem);
        let wrong = || {
            error(
                format!("\"{}\" does not name one", id.escape_debug()),
                "Write it as organization/other/variable set.",
            )
        };
        let [organization, other, set] = id.split('/').collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let client = context.client().map_err(failed)?;
        let other = match self.kind {
            "workspaces" => client::workspaces::find(&client, organization, other).await.map_err(failed)?.id,
            _ => other.to_owned(),
        };
        let sets: Vec<Item> =
            client.list(&format!("organizations/{}/varsets", encoded(organization))).await.map_err(failed)?;
        let set = sets.into_iter().find(|one| one.text("name") == set).ok_or_else(wrong)?.id;
        let state = json!({ "id": format!("{other}_{set}"), "variable_set_id": set, self.other: other });
        Ok(crate::protocol::value::Value::from(&state).as_map().cloned().unwrap_or_default())
    }
}
