//! `tfe_variable_set`, and its assignments `tfe_workspace_variable_set` and `tfe_project_variable_set`.

use async_trait::async_trait;
use client::{Item, encoded, identifiers};
use domain::{Fault, Problem};
use serde_json::{Map as JsonMap, json};
use wire::Document;

use super::table::{Kind, by_id, in_organization, text_of, to_one};
use crate::protocol::diagnostics::{At, at, error, of_problem};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, Type, attribute, flag, id, text};
use crate::protocol::value::{Map, Value};
use crate::provider::{Change, Context, Plan, Resource};

/// The resource type of the set itself.
pub(super) struct VariableSet(Kind);

/// The resource type of the set itself.
pub(super) fn resource() -> VariableSet {
    VariableSet(Kind {
        collection: |context, state| in_organization(context, state, "varsets"),
        item: |state| by_id("varsets", state),
        twin: |context, state| {
            let there = in_organization(context, state, "varsets").ok()?;
            Some((there, |item, state| item.text("name") == text_of(state, "name")))
        },
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
                attribute("workspace_ids", Type::text_set(), "The workspaces that have it; deprecated.")
                    .or_server()
                    .aside(),
            ]
        })
    })
}

/// Workspaces of a state; empty when they are not known.
fn workspaces(state: &Map) -> Vec<String> {
    let list = state.get("workspace_ids").and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(|one| Some(one.as_text()?.to_owned())).collect()
}

/// Gives the set to the workspaces that the configuration names, and takes it from those that it named before.
async fn assign(context: &Context, change: &mut Change, before: &[String]) -> Result<(), Diagnostic> {
    let failed = |problem: Problem| of_problem("error assigning tfe_variable_set", &problem);
    let is_said = change.config.get("workspace_ids").is_some_and(|said| !said.is_null());
    let after = if is_said { workspaces(&change.planned) } else { Vec::new() };
    let Some(state) = &mut change.state else { return Ok(()) };
    if is_said {
        let client = context.client().map_err(failed)?;
        let path = format!("{}/relationships/workspaces", by_id("varsets", state));
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|id| !those.contains(id)).cloned().collect()
        };
        let (added, gone) = (only(&after, before), only(before, &after));
        let request = |ids: &[String]| identifiers("workspaces", ids.iter().map(String::as_str));
        if !added.is_empty() {
            client.act(&path, &request(&added)).await.map_err(failed)?;
        }
        if !gone.is_empty() {
            client.delete(&path, Some(&request(&gone))).await.map_err(failed)?;
        }
        state.insert("workspace_ids".into(), Value::List(after.into_iter().map(Value::Text).collect()));
    } else if state.get("workspace_ids").is_none_or(Value::is_unknown) {
        state.insert("workspace_ids".into(), Value::List(Vec::new()));
    }
    Ok(())
}

#[async_trait]
impl Resource for VariableSet {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn block(&self) -> Block {
        self.0.block()
    }

    fn validate(&self, config: &Map, told: &mut Vec<Diagnostic>) {
        let is_global = config.get("global").and_then(Value::as_bool) == Some(true);
        if is_global && !workspaces(config).is_empty() {
            let wrong = error("Conflicting arguments", "A global variable set is every workspace's already.");
            told.push(at(wrong, &[At::Name("workspace_ids")]));
        }
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) {
        self.0.plan(context, plan).await;
    }

    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        self.0.create(context, change).await?;
        assign(context, change, &[]).await
    }

    async fn read(&self, context: &Context, state: Map, private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic> {
        // Those of others' `tfe_workspace_variable_set` are no drift of a set that names none.
        let names_some = !workspaces(&state).is_empty();
        let Some(mut state) = self.0.read(context, state, private).await? else { return Ok(None) };
        if names_some {
            let failed = |problem: Problem| of_problem("error reading tfe_variable_set", &problem);
            let path = format!("{}?include=workspaces", by_id("varsets", &state));
            let set: Document<Item> = context.client().map_err(failed)?.get(&path).await.map_err(failed)?;
            let ids = set.data.related_all("workspaces").into_iter().map(Value::Text).collect();
            state.insert("workspace_ids".into(), Value::List(ids));
        } else if state.get("workspace_ids").is_none_or(Value::is_null) {
            state.insert("workspace_ids".into(), Value::List(Vec::new()));
        }
        Ok(Some(state))
    }

    async fn update(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let before = change.prior.as_ref().map(workspaces).unwrap_or_default();
        self.0.update(context, change).await?;
        assign(context, change, &before).await
    }

    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        self.0.delete(context, change).await
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Map, Diagnostic> {
        self.0.import(context, id).await
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

    fn failed(&self, what: &str, problem: &Problem) -> Diagnostic {
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
        Ok(Value::from(&state).as_map().cloned().unwrap_or_default())
    }
}
