//! `tfe_workspace`: a state, the code and variables that make it, and the runs that change it.
//!
//! Absent: agent pools' and SSH keys' own resources; their ids can be given.

mod delete;
mod settings;

use async_trait::async_trait;
use client::{Client, Item, encoded, identifiers, workspaces};
use domain::Problem;
use serde_json::{Map as JsonMap, Value as Json, json};

use super::table::{Field, Kind, by_id, in_organization, inner, one_of, text_of, to_one};
use crate::protocol::diagnostics::{At, at, error, of_problem};
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Block, Nesting, Type, attribute, flag, number, text};
use crate::protocol::value::{Map, Value};
use crate::provider::{Change, Context, Plan, Resource};

pub(super) use settings::Settings;

/// The resource type.
pub(super) struct Workspace(Kind);

impl Workspace {
    /// The resource type.
    pub(super) fn new() -> Self {
        Self(Kind {
            version: 1,
            blocks: |block| block.and("vcs_repo", Nesting::List(1), vcs_block()),
            collection: |context, state| in_organization(context, state, "workspaces"),
            item: |state| by_id("workspaces", state),
            relationships: relationships_of,
            more,
            take,
            twin: |context, state| {
                let name = encoded(text_of(state, "name"));
                let there = in_organization(context, state, &format!("workspaces?search%5Bname%5D={name}")).ok()?;
                Some((there, |item, state| item.text("name") == text_of(state, "name")))
            },
            plan: |config, state| {
                // The old name of an execution mode.
                if let Some(is_remote) = config.get("operations").and_then(Value::as_bool) {
                    state.insert("execution_mode".into(), if is_remote { "remote" } else { "local" }.into());
                }
            },
            ..Kind::new("tfe_workspace", "workspaces", fields)
        })
    }
}

fn fields() -> Vec<Field> {
    vec![
        text("name", "Unique in the organization.").required().sent_as("name"),
        text("organization", "Whose it is.").or_server().replaces().aside(),
        text("description", "Words for people.").sent_as("description"),
        text("project_id", "The project it is in.").or_server().aside(),
        text("agent_pool_id", "The agents that run terraform.").or_server().sent_as("agent-pool-id"),
        flag("allow_destroy_plan", "Whether a run may destroy everything.").or(true).sent_as("allow-destroy-plan"),
        flag("auto_apply", "Whether plans are applied without asking.").or(false).sent_as("auto-apply"),
        flag("auto_apply_run_trigger", "The same for runs of run triggers.")
            .or(false)
            .sent_as("auto-apply-run-trigger"),
        text("auto_destroy_at", "When it will be destroyed.").sent_as("auto-destroy-at"),
        text("auto_destroy_activity_duration", "How long it may lie idle, such as 14d.")
            .sent_as("auto-destroy-activity-duration"),
        flag("inherits_project_auto_destroy", "Whether the two above are the project's.")
            .or_server()
            .fresh()
            .sent_as("inherits-project-auto-destroy"),
        flag("assessments_enabled", "Whether health assessments run.").or_server().sent_as("assessments-enabled"),
        text("execution_mode", "remote, local or agent.")
            .or_server()
            .among(&["remote", "local", "agent"])
            .sent_as("execution-mode"),
        flag("operations", "Whether runs are remote; deprecated for execution_mode.").aside(),
        text("ssh_key_id", "The key for modules of git hosts.").aside(),
        flag("hyok_enabled", "Whether the state is sealed with a key of one's own.")
            .or_server()
            .sent_as("hyok-enabled"),
        flag("file_triggers_enabled", "Whether only certain files queue a run.")
            .or(true)
            .sent_as("file-triggers-enabled"),
        flag("force_delete", "Whether removal deletes a workspace that has resources.").aside(),
        flag("global_remote_state", "Whether all workspaces may read the state.")
            .or_server()
            .sent_as("global-remote-state"),
        flag("project_remote_state", "Whether the project's may.").or_server().sent_as("project-remote-state"),
        attribute("remote_state_consumer_ids", Type::text_set(), "The workspaces that may.").or_server().aside(),
        flag("queue_all_runs", "Whether runs queue before the first by hand.").or(true).sent_as("queue-all-runs"),
        number("resource_count", "How many resources it has.").computed().sent_as("resource-count"),
        text("source_name", "Name of the tool that made it.").replaces().sent_as("source-name"),
        text("source_url", "Where that tool lives.").replaces().sent_as("source-url"),
        flag("speculative_enabled", "Whether pull requests are planned.").or(true).sent_as("speculative-enabled"),
        flag("structured_run_output_enabled", "Whether logs are JSON lines.")
            .or(true)
            .sent_as("structured-run-output-enabled"),
        attribute("tag_names", Type::text_set(), "Its tags without values.").or_server().aside(),
        attribute("tags", Type::text_map(), "Its tags with values.").aside(),
        flag("ignore_additional_tags", "Whether tags of others are left alone.").or(false).aside(),
        flag("ignore_additional_tag_names", "The same for tags without values.").or(false).aside(),
        text("terraform_version", "The version that runs use.").or_server().sent_as("terraform-version"),
        attribute("trigger_patterns", Type::texts(), "Files that queue a run.").sent_as("trigger-patterns"),
        attribute("trigger_prefixes", Type::texts(), "Folders that queue a run.").sent_as("trigger-prefixes"),
        text("working_directory", "Where terraform runs.").sent_as("working-directory"),
        text("html_url", "Where people see it.").computed().fresh().aside(),
    ]
}

fn vcs_block() -> Block {
    Block::of([
        text("identifier", "owner/name.").required(),
        text("branch", "Empty for the default branch."),
        flag("ingress_submodules", "Whether submodules are fetched.").or(false),
        text("oauth_token_id", "The token that reads it."),
        text("github_app_installation_id", "The app installation that reads it."),
        text("tags_regex", "Which tags queue a run."),
    ])
}

fn relationships_of(state: &Map) -> JsonMap<String, Json> {
    let mut relations = JsonMap::new();
    if !text_of(state, "project_id").is_empty() {
        relations.insert("project".into(), to_one("projects", text_of(state, "project_id")));
    }
    let tags = texts(state, "tag_names");
    if !tags.is_empty() {
        let tags: Vec<_> = tags.iter().map(|name| json!({ "type": "tags", "attributes": { "name": name } })).collect();
        relations.insert("tags".into(), json!({ "data": tags }));
    }
    if let Some(Value::Map(tags)) = state.get("tags") {
        relations.insert("tag-bindings".into(), bindings(tags));
    }
    relations
}

/// Tags with values, as a relationship.
pub(crate) fn bindings(tags: &Map) -> Json {
    let one = |(key, value): (&String, &Value)| json!({ "type": "tag-bindings", "attributes": { "key": key, "value": value.as_text().unwrap_or_default() } });
    json!({ "data": tags.iter().map(one).collect::<Vec<_>>() })
}

/// Texts of a set; empty when it is not known or not there.
fn texts(state: &Map, name: &str) -> Vec<String> {
    let list = state.get(name).and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(|one| Some(one.as_text()?.to_owned())).collect()
}

fn more(planned: &Map, config: &Map, attributes: &mut JsonMap<String, Json>) {
    let is_left_open = ["execution_mode", "operations"].iter().all(|name| config.get(*name).is_none_or(Value::is_null));
    if is_left_open {
        attributes.remove("execution-mode");
        attributes.insert("setting-overwrites".into(), json!({ "execution-mode": false, "agent-pool": false }));
    }
    let repo = planned.get("vcs_repo").and_then(Value::as_list).and_then(<[_]>::first).and_then(Value::as_map);
    let repo = repo.map(|repo| {
        let said = repo.iter().filter(|(_, value)| !value.is_null() && !value.is_unknown());
        said.map(|(name, value)| (name.replace('_', "-"), value.to_json())).collect::<JsonMap<_, _>>()
    });
    attributes.insert("vcs-repo".into(), repo.map_or(Json::Null, Json::Object));
}

fn take(item: &Item, state: &mut Map) {
    for (name, relation) in [("organization", "organization"), ("project_id", "project")] {
        if let Some(id) = item.related(relation) {
            state.insert(name.into(), id.into());
        }
    }
    if let Some(Json::Array(tags)) = item.attributes.get("tag-names") {
        let ours = texts(state, "tag_names");
        let ignores = state.get("ignore_additional_tag_names").and_then(Value::as_bool).unwrap_or_default();
        let is_known = state.get("tag_names").is_some_and(|tags| tags.as_list().is_some());
        let bound = state.get("tags").and_then(Value::as_map).cloned().unwrap_or_default();
        let names = tags.iter().filter_map(Json::as_str).filter(|name| !bound.contains_key(*name));
        let names = names.filter(|name| !(ignores && is_known) || ours.iter().any(|our| our == name));
        state.insert("tag_names".into(), Value::List(names.map(Value::from).collect()));
    }
    // What is worked out from the project or from the duration is nothing that the configuration says.
    if state.get("inherits_project_auto_destroy").and_then(Value::as_bool) == Some(true) {
        state.insert("auto_destroy_activity_duration".into(), Value::Null);
        state.insert("auto_destroy_at".into(), Value::Null);
    } else if state.get("auto_destroy_activity_duration").is_some_and(|duration| !duration.is_null()) {
        state.insert("auto_destroy_at".into(), Value::Null);
    }
    if let Some(Json::String(url)) = item.links.get("self-html") {
        state.insert("html_url".into(), url.as_str().into());
    }
    let is_declared = state.get("vcs_repo").and_then(Value::as_list).is_some_and(|list| !list.is_empty());
    if is_declared && item.attributes.get("vcs-repo").is_some_and(Json::is_null) {
        state.insert("vcs_repo".into(), Value::List(Vec::new()));
    }
}

/// What is wrong with a configuration.
fn check(config: &Map, told: &mut Vec<Diagnostic>) {
    if let Some(Value::Text(said)) = config.get("auto_destroy_activity_duration") {
        let number = said.strip_suffix(['d', 'h']).unwrap_or_default();
        if number.is_empty() || number.len() > 4 || !number.bytes().all(|digit| digit.is_ascii_digit()) {
            let wrong = error("invalid duration", "It must be 1-4 digits followed by d or h.");
            told.push(at(wrong, &[At::Name("auto_destroy_activity_duration")]));
        }
    }
    one_of(config, ["auto_destroy_at", "auto_destroy_activity_duration"], true, told);
    one_of(config, ["trigger_prefixes", "trigger_patterns"], true, told);
    one_of(config, ["execution_mode", "operations"], true, told);
    let is_said = |name: &str| config.get(name).is_some_and(|said| !said.is_null());
    if let (true, Some(mode)) = (is_said("agent_pool_id"), config.get("execution_mode").and_then(Value::as_text))
        && mode != "agent"
    {
        let wrong = error("Conflicting arguments", "agent_pool_id is for execution_mode = \"agent\" alone.");
        told.push(at(wrong, &[At::Name("agent_pool_id")]));
    }
    for (one, other) in [("source_name", "source_url"), ("source_url", "source_name")] {
        if is_said(one) && !is_said(other) {
            let wrong = error("Missing required argument", format!("{one} is given only together with {other}."));
            told.push(at(wrong, &[At::Name(one)]));
        }
    }
    if let Some(repository) = inner(config, "vcs_repo") {
        let mut wrong = Vec::new();
        one_of(repository, ["oauth_token_id", "github_app_installation_id"], true, &mut wrong);
        let place = [At::Name("vcs_repo"), At::Index(0), At::Name("github_app_installation_id")];
        told.extend(wrong.into_iter().map(|one| at(one, &place)));
    }
}

#[async_trait]
impl Resource for Workspace {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn version(&self) -> i64 {
        self.0.version
    }

    fn block(&self) -> Block {
        self.0.block()
    }

    fn validate(&self, config: &Map, told: &mut Vec<Diagnostic>) {
        check(config, told);
    }

    async fn plan(&self, context: &Context, plan: &mut Plan<'_>) {
        self.0.plan(context, plan).await;
    }

    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let mut state = self.0.make(context, change).await?;
        if texts(&change.planned, "remote_state_consumer_ids").is_empty() {
            state.insert("remote_state_consumer_ids".into(), Value::List(Vec::new()));
        }
        change.state = Some(state.clone());
        let client = context.client().map_err(|problem| of_problem("error creating tfe_workspace", &problem))?;
        let shared = share(&client, &state, &[], &texts(&change.planned, "remote_state_consumer_ids")).await;
        shared.map_err(|problem| of_problem("error sharing the state of the workspace", &problem))?;
        let key = text_of(&change.planned, "ssh_key_id");
        if key.is_empty() {
            return Ok(());
        }
        give_key(&client, &state, key).await.map_err(|problem| of_problem("error setting ssh_key_id", &problem))
    }

    async fn read(&self, context: &Context, state: Map, private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic> {
        let Some(mut state) = self.0.read(context, state, private).await? else { return Ok(None) };
        let failed = |problem: Problem| of_problem("error reading tfe_workspace", &problem);
        let client = context.client().map_err(failed)?;
        let consumers = settings::consumers(&client, &state).await.map_err(failed)?;
        state.insert("remote_state_consumer_ids".into(), Value::List(consumers.into_iter().map(Value::Text).collect()));
        Ok(Some(state))
    }

    async fn update(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let failed = |problem: Problem| of_problem("error updating tfe_workspace", &problem);
        let client = context.client().map_err(failed)?;
        let prior = change.prior.clone().unwrap_or_default();
        let mut sent = self.0.alter(context, change).await?;
        let path = by_id("workspaces", &prior);
        let (old, new) = (texts(&prior, "tag_names"), texts(&change.planned, "tag_names"));
        let names = |names: Vec<&String>| json!({ "data": names.iter().map(|name| json!({ "type": "tags", "attributes": { "name": name } })).collect::<Vec<_>>() });
        let (added, gone): (Vec<_>, Vec<_>) = (
            new.iter().filter(|name| !old.contains(name)).collect(),
            old.iter().filter(|name| !new.contains(name)).collect(),
        );
        let is_left_open = change.planned.get("tag_names").is_none_or(Value::is_unknown);
        if !added.is_empty() {
            client.act(&format!("{path}/relationships/tags"), &names(added)).await.map_err(failed)?;
        }
        if !gone.is_empty() && !is_left_open {
            client.delete(&format!("{path}/relationships/tags"), Some(&names(gone))).await.map_err(failed)?;
        }
        if prior.get("tags") != change.planned.get("tags") {
            let tags = change.planned.get("tags").and_then(Value::as_map).cloned().unwrap_or_default();
            client.replace(&format!("{path}/relationships/tag-bindings"), &bindings(&tags)).await.map_err(failed)?;
        }
        let (project, before) = (text_of(&change.planned, "project_id"), text_of(&prior, "project_id"));
        if !project.is_empty() && project != before {
            let moved = json!({ "data": { "type": "workspaces", "relationships": { "project": to_one("projects", project) } } });
            client.replace(&path, &moved).await.map_err(failed)?;
        }
        let key = text_of(&change.planned, "ssh_key_id");
        if key != text_of(&prior, "ssh_key_id") {
            give_key(&client, &prior, key).await.map_err(failed)?;
        }
        let consumers = |state: &Map| texts(state, "remote_state_consumer_ids");
        share(&client, &prior, &consumers(&prior), &consumers(&change.planned)).await.map_err(failed)?;
        for name in ["tag_names", "tags", "project_id", "remote_state_consumer_ids"] {
            if let Some(value) = change.planned.get(name).filter(|value| !value.is_unknown()) {
                sent.insert(name.into(), value.clone());
            }
        }
        change.state = Some(sent);
        Ok(())
    }

    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic> {
        let prior = change.prior.clone().unwrap_or_default();
        let failed =
            |problem: Problem| of_problem(&format!("error deleting workspace {}", text_of(&prior, "id")), &problem);
        let client = context.client().map_err(failed)?;
        delete::delete(&client, &prior).await.map_err(failed)
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Map, Diagnostic> {
        let found =
            find(context, id).await.map_err(|problem| of_problem(&format!("error importing {id}"), &problem))?;
        Ok(Map::from([("id".to_owned(), found.into())]))
    }
}

/// Lets runs use a key, or none.
async fn give_key(client: &Client, state: &Map, key: &str) -> Result<(), Problem> {
    let id = if key.is_empty() { Json::Null } else { json!(key) };
    let request = json!({ "data": { "type": "workspaces", "attributes": { "id": id } } });
    client.replace(&format!("{}/relationships/ssh-key", by_id("workspaces", state)), &request).await
}

/// The id of a workspace that is named by its id or as `organization/name`.
async fn find(context: &Context, id: &str) -> Result<String, Problem> {
    match id.split_once('/') {
        None => Ok(id.to_owned()),
        Some((organization, name)) => Ok(workspaces::find(&*context.client()?, organization, name).await?.id),
    }
}

/// Lets workspaces read the state: first adds the new ones, then takes away the old ones.
async fn share(client: &Client, state: &Map, before: &[String], after: &[String]) -> Result<(), Problem> {
    let path = format!("workspaces/{}/relationships/remote-state-consumers", encoded(text_of(state, "id")));
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|id| !those.contains(id)).cloned().collect()
    };
    let (added, gone) = (only(after, before), only(before, after));
    if !added.is_empty() {
        client.act(&path, &identifiers("workspaces", added.iter().map(String::as_str))).await?;
    }
    if !gone.is_empty() {
        client.delete(&path, Some(&identifiers("workspaces", gone.iter().map(String::as_str)))).await?;
    }
    Ok(())
}
