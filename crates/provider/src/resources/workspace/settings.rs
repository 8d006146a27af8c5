//! `tfe_workspace_settings`: settings of a workspace that is made elsewhere, above all who may read its state.

use async_trait::async_trait;
use client::{Client, Item, body, encoded};
use domain::{Fault, Problem};
use serde_json::{Map as JsonMap, json};
use wire::Document;

use super::{bindings, find, share, texts};
use crate::protocol::diagnostics::{At, at, error, of_problem};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, Type, attribute, flag, id, text};
use crate::protocol::value::{Map, Value};
use crate::provider::{Change, Context, Plan, Resource};
use crate::resources::table::text_of;

/// The resource type.
pub(crate) struct Settings;

/// Plain settings and their names in the API.
const PLAIN: &[(&str, &str)] = &[
    ("execution_mode", "execution-mode"),
    ("agent_pool_id", "agent-pool-id"),
    ("auto_apply", "auto-apply"),
    ("assessments_enabled", "assessments-enabled"),
    ("description", "description"),
    ("global_remote_state", "global-remote-state"),
    ("project_remote_state", "project-remote-state"),
];

/// The workspaces that may read the state of this one. None where all may, because then nobody is named.
pub(super) async fn consumers(client: &Client, state: &Map) -> Result<Vec<String>, Problem> {
    let says = |name: &str| state.get(name).and_then(Value::as_bool).unwrap_or_default();
    if says("global_remote_state") || says("project_remote_state") {
        return Ok(Vec::new());
    }
    let path = format!("workspaces/{}/relationships/remote-state-consumers", encoded(text_of(state, "id")));
    match client.list::<Item>(&path).await {
        Ok(items) => Ok(items.into_iter().map(|item| item.id).collect()),
        Err(problem) if problem.fault == Fault::NotFound => Ok(Vec::new()),
        Err(problem) => Err(problem),
    }
}

fn taken(item: &Item, mut state: Map) -> Map {
    for (name, api) in PLAIN {
        if let Some(said) = item.attributes.get(*api) {
            state.insert((*name).to_owned(), Value::from(said));
        }
    }
    state.insert("id".into(), item.id.as_str().into());
    state.insert("workspace_id".into(), item.id.as_str().into());
    state
}

async fn write(context: &Context, change: &mut Change) -> Result<(), Problem> {
    let client = context.client()?;
    let workspace = text_of(&change.planned, "workspace_id").to_owned();
    let path = format!("workspaces/{}", encoded(&workspace));
    let mut attributes = JsonMap::new();
    for (name, api) in PLAIN {
        let said = change.config.get(*name).filter(|value| !value.is_null());
        if let Some(said) = said {
            attributes.insert((*api).to_owned(), said.to_json());
        }
    }
    if !attributes.contains_key("execution-mode") {
        attributes.insert("setting-overwrites".into(), json!({ "execution-mode": false, "agent-pool": false }));
    }
    let request = body("workspaces", attributes, JsonMap::new());
    let written: Document<Item> = client.patch(&path, &request).await?;
    let tags = |state: Option<&Map>| state.and_then(|state| state.get("tags")).and_then(Value::as_map).cloned();
    let (old, new) = (tags(change.prior.as_ref()), tags(Some(&change.planned)));
    if old != new {
        client.replace(&format!("{path}/relationships/tag-bindings"), &bindings(&new.unwrap_or_default())).await?;
    }
    let wanted = texts(&change.config, "remote_state_consumer_ids");
    let mut state = taken(&written.data, change.planned.clone());
    let before = consumers(&client, &state).await?;
    share(&client, &state, &before, &wanted).await?;
    state.insert("remote_state_consumer_ids".into(), Value::List(wanted.into_iter().map(Value::Text).collect()));
    change.state = Some(state);
    Ok(())
}

#[async_trait]
impl Resource for Settings {
    fn name(&self) -> &'static str {
        "tfe_workspace_settings"
    }

    fn version(&self) -> i64 {
        1
    }

    fn block(&self) -> Block {
        Block::of([
            id(),
            text("workspace_id", "The workspace.").required().replaces(),
            text("execution_mode", "remote, local or agent.").or_server().fresh().among(&["remote", "local", "agent"]),
            text("agent_pool_id", "The agents that run terraform."),
            flag("auto_apply", "Whether plans are applied without asking.").or_server(),
            flag("assessments_enabled", "Whether health assessments run.").or_server(),
            text("description", "Words for people.").or_server(),
            attribute("tags", Type::text_map(), "Tags with values."),
            flag("global_remote_state", "Whether all workspaces may read the state.").or_server(),
            flag("project_remote_state", "Whether the project's may.").or_server(),
            attribute("remote_state_consumer_ids", Type::text_set(), "The workspaces that may.").or_server(),
        ])
    }

    fn validate(&self, config: &Map, told: &mut Vec<Diagnostic>) {
        let says = |name: &str| config.get(name).and_then(Value::as_bool).unwrap_or_default();
        let (global, project) = (says("global_remote_state"), says("project_remote_state"));
        if global && project {
            let wrong =
                error("Invalid configuration", "global_remote_state and project_remote_state cannot both be true.");
            told.push(at(wrong, &[At::Name("project_remote_state")]));
        }
        let consumers = texts(config, "remote_state_consumer_ids");
        let is_self = consumers.iter().any(|id| id == text_of(config, "workspace_id"));
        if (global || project) && !consumers.is_empty() || is_self {
            let why =
                if is_self { "A workspace always reads its own state." } else { "All may read the state already." };
            told.push(at(error("Invalid remote_state_consumer_ids", why), &[At::Name("remote_state_consumer_ids")]));
        }
    }

    /// Readers that the configuration does not name any more are taken away.
    async fn plan(&self, _context: &Context, plan: &mut Plan<'_>) {
        let is_left_out = plan.config.get("remote_state_consumer_ids").is_some_and(Value::is_null);
        if let (Some(state), true) = (&mut plan.state, is_left_out) {
            state.insert("remote_state_consumer_ids".into(), Value::List(Vec::new()));
        }
    }

    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        write(context, change).await.map_err(|problem| of_problem("error creating tfe_workspace_settings", &problem))
    }

    async fn read(&self, context: &Context, state: Map, _private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic> {
        let failed = |problem: Problem| of_problem("error reading tfe_workspace_settings", &problem);
        let client = context.client().map_err(failed)?;
        match client::workspaces::read(&client, text_of(&state, "id")).await {
            Ok(item) => {
                let mut state = taken(&item, state);
                let ids = consumers(&client, &state).await.map_err(failed)?;
                state.insert(
                    "remote_state_consumer_ids".into(),
                    Value::List(ids.into_iter().map(Value::Text).collect()),
                );
                Ok(Some(state))
            }
            Err(problem) if problem.fault == Fault::NotFound => Ok(None),
            Err(problem) => Err(failed(problem)),
        }
    }

    async fn update(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        write(context, change).await.map_err(|problem| of_problem("error updating tfe_workspace_settings", &problem))
    }

    /// Back to nobody sharing and to the execution mode of the project.
    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let prior = change.prior.clone().unwrap_or_default();
        let failed = |problem: Problem| of_problem("error deleting tfe_workspace_settings", &problem);
        let client = context.client().map_err(failed)?;
        share(&client, &prior, &texts(&prior, "remote_state_consumer_ids"), &[]).await.map_err(failed)?;
        let attributes = json!({ "global-remote-state": false, "project-remote-state": false, "auto-apply": false,
            "assessments-enabled": false, "setting-overwrites": { "execution-mode": false, "agent-pool": false } });
        let request = json!({ "data": { "type": "workspaces", "attributes": attributes } });
        match client.replace(&format!("workspaces/{}", encoded(text_of(&prior, "id"))), &request).await {
            Err(problem) if problem.fault == Fault::NotFound => Ok(()),
            answer => answer.map_err(failed),
        }
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Map, Diagnostic> {
        let found =
            find(context, id).await.map_err(|problem| of_problem(&format!("error importing {id}"), &problem))?;
        Ok(Map::from([("id".to_owned(), found.as_str().into()), ("workspace_id".to_owned(), found.into())]))
    }
}
