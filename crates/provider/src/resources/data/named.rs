//! Data sources that find one resource: `tfe_workspace`, `tfe_project`, `tfe_organization`, `tfe_team` and
//! `tfe_oauth_client`.

use async_trait::async_trait;
use client::{Client, Item, encoded};
use domain::Problem;
use wire::Document;

use crate::protocol::diagnostics::of_problem;
use crate::protocol::messages::Diagnostic;
use crate::protocol::schema::{Attribute, Block, Type, attribute, flag, id, number, text};
use crate::protocol::value::{Map, Value};
use crate::provider::{Context, DataSource};
use crate::resources::table::text_of;

/// A data source that finds one resource.
pub(super) struct Named {
    name: &'static str,
    /// What the configuration says.
    given: fn() -> Vec<Attribute>,
    /// What is read, with its name in the API.
    read: fn() -> Vec<(Attribute, &'static str)>,
    /// Where it is, in an organization: one address, or a list of which one fits.
    place: fn(&str, &Map) -> Place,
    /// What a read takes from relationships and links.
    take: fn(&Item, &mut Map),
}

enum Place {
    At(String),
    In(String, fn(&Item, &Map) -> bool),
}

fn same_name(item: &Item, state: &Map) -> bool {
    item.text("name").eq_ignore_ascii_case(text_of(state, "name"))
}

/// Every such type.
pub(super) fn all() -> Vec<Named> {
    vec![
        Named {
            name: "tfe_workspace",
            given: by_name,
            read: workspace,
            place: |organization, state| {
                let name = encoded(text_of(state, "name"));
                Place::At(format!("organizations/{}/workspaces/{name}", encoded(organization)))
            },
            take: |item, state| {
                if let Some(project) = item.related("project") {
                    state.insert("project_id".into(), project.into());
                }
                if let Some(serde_json::Value::String(url)) = item.links.get("self-html") {
                    state.insert("html_url".into(), url.as_str().into());
                }
            },
        },
        Named {
            name: "tfe_project",
            given: by_name,
            read: || vec![(text("description", "Words for people.").computed(), "description")],
            place: |organization, state| {
                let (organization, name) = (encoded(organization), encoded(text_of(state, "name")));
                Place::In(format!("organizations/{organization}/projects?filter%5Bnames%5D={name}"), same_name)
            },
            take: |_, _| {},
        },
        Named {
            name: "tfe_organization",
            given: || vec![text("name", "Its name; the provider's when it is not said.").or_server()],
            read: || {
                vec![
                    (text("email", "Whom to write to.").computed(), "email"),
                    (text("external_id", "Its id in the server.").computed(), "external-id"),
                    (
                        text("collaborator_auth_policy", "How members prove who they are.").computed(),
                        "collaborator-auth-policy",
                    ),
                    (
                        flag("cost_estimation_enabled", "Whether costs are estimated.").computed(),
                        "cost-estimation-enabled",
                    ),
                ]
            },
            place: |organization, state| {
                let said = text_of(state, "name");
                Place::At(format!("organizations/{}", encoded(if said.is_empty() { organization } else { said })))
            },
            take: |item, state| {
                state.insert("name".into(), item.id.as_str().into());
                let project = item.related("default-project").map_or(Value::Null, Value::from);
                state.insert("default_project_id".into(), project);
            },
        },
        Named {
            name: "tfe_team",
            given: by_name,
            read: || vec![(text("sso_team_id", "Its id at the identity provider.").computed(), "sso-team-id")],
            place: |organization, state| {
                let (organization, name) = (encoded(organization), encoded(text_of(state, "name")));
                Place::In(format!("organizations/{organization}/teams?filter%5Bnames%5D={name}"), same_name)
            },
            take: |_, _| {},
        },
        Named {
            name: "tfe_oauth_client",
            given: || {
                vec![
                    text("oauth_client_id", "Its id.").or_server(),
                    text("name", "Its name.").or_server(),
                    text("service_provider", "Kind of host.").or_server(),
                    text("organization", "Whose it is.").or_server(),
                ]
            },
            read: || {
                vec![
                    (text("api_url", "Where the host's API is.").computed(), "api-url"),
                    (text("http_url", "Where people find the host.").computed(), "http-url"),
                    (text("callback_url", "Where the host sends people back to.").computed(), "callback-url"),
                    (text("created_at", "When it was made.").computed(), "created-at"),
                    (
                        text("service_provider_display_name", "Kind of host, for people.").computed(),
                        "service-provider-display-name",
                    ),
                ]
            },
            place: |organization, state| match text_of(state, "oauth_client_id") {
                "" => Place::In(format!("organizations/{}/oauth-clients", encoded(organization)), |item, state| {
                    let fits = |name: &str, said: &str| said.is_empty() || item.text(name) == said;
                    fits("name", text_of(state, "name")) && fits("service-provider", text_of(state, "service_provider"))
                }),
                id => Place::At(format!("oauth-clients/{}", encoded(id))),
            },
            take: |item, state| {
                state.insert("oauth_client_id".into(), item.id.as_str().into());
                let token = item.related_all("oauth-tokens").into_iter().next().map_or(Value::Null, Value::Text);
                state.insert("oauth_token_id".into(), token);
                for (name, api) in [("name", "name"), ("service_provider", "service-provider")] {
                    state.insert(name.into(), Value::from(item.get(api)));
                }
            },
        },
    ]
}

fn by_name() -> Vec<Attribute> {
    vec![text("name", "Its name.").required(), text("organization", "Whose it is.").or_server()]
}

fn workspace() -> Vec<(Attribute, &'static str)> {
    let yes = |name, api| (flag(name, "As in the resource.").computed(), api);
    let words = |name, api| (text(name, "As in the resource.").computed(), api);
    let many = |name, api| (number(name, "As the server counts.").computed(), api);
    vec![
        words("description", "description"),
        yes("allow_destroy_plan", "allow-destroy-plan"),
        yes("auto_apply", "auto-apply"),
        yes("auto_apply_run_trigger", "auto-apply-run-trigger"),
        words("auto_destroy_at", "auto-destroy-at"),
        words("auto_destroy_activity_duration", "auto-destroy-activity-duration"),
        yes("inherits_project_auto_destroy", "inherits-project-auto-destroy"),
        yes("assessments_enabled", "assessments-enabled"),
        words("execution_mode", "execution-mode"),
        yes("file_triggers_enabled", "file-triggers-enabled"),
        yes("global_remote_state", "global-remote-state"),
        yes("project_remote_state", "project-remote-state"),
        yes("queue_all_runs", "queue-all-runs"),
        yes("locked", "locked"),
        many("resource_count", "resource-count"),
        many("run_failures", "run-failures"),
        many("runs_count", "workspace-kpis-runs-count"),
        words("source_name", "source-name"),
        words("source_url", "source-url"),
        yes("speculative_enabled", "speculative-enabled"),
        yes("structured_run_output_enabled", "structured-run-output-enabled"),
        (attribute("tag_names", Type::text_set(), "As in the resource.").computed(), "tag-names"),
        words("terraform_version", "terraform-version"),
        (attribute("trigger_patterns", Type::texts(), "As in the resource.").computed(), "trigger-patterns"),
        (attribute("trigger_prefixes", Type::texts(), "As in the resource.").computed(), "trigger-prefixes"),
        words("working_directory", "working-directory"),
    ]
}

/// Attributes that [`Named::take`] fills.
fn taken(name: &str) -> &'static [&'static str] {
    match name {
        "tfe_workspace" => &["project_id", "html_url"],
        "tfe_organization" => &["default_project_id"],
        "tfe_oauth_client" => &["oauth_token_id"],
        _ => &[],
    }
}

impl Named {
    async fn find(&self, client: &Client, organization: &str, state: &Map) -> Result<Item, Problem> {
        match (self.place)(organization, state) {
            Place::At(path) => Ok(client.get::<Document<Item>>(&path).await?.data),
            Place::In(path, fits) => {
                let mut found = client.list::<Item>(&path).await?.into_iter().filter(|item| fits(item, state));
                match (found.next(), found.next()) {
                    (Some(one), None) => Ok(one),
                    (None, _) => {
                        Err(Problem::not_found("provider/none", "there is none that fits in the organization"))
                    }
                    (Some(_), Some(_)) => Err(Problem::conflict("provider/many", "there are several that fit")
                        .advice("Say more about the one that is meant.")),
                }
            }
        }
    }
}

#[async_trait]
impl DataSource for Named {
    fn name(&self) -> &'static str {
        self.name
    }

    fn block(&self) -> Block {
        let read = (self.read)().into_iter().map(|(attribute, _)| attribute);
        let taken = taken(self.name).iter().map(|name| text(name, "As the server says.").computed());
        Block::of(std::iter::once(id()).chain((self.given)()).chain(read).chain(taken))
    }

    async fn read(&self, context: &Context, mut state: Map) -> Result<Map, Diagnostic> {
        let said = ["organization", "name"].map(|name| text_of(&state, name).to_owned());
        let failed =
            |problem: Problem| of_problem(&format!("could not find {} {}", self.name, said.join("/")), &problem);
        let is_organization = self.name == "tfe_organization" && !said[1].is_empty();
        let named = if is_organization { &said[1] } else { &said[0] };
        let organization = context.organization(Some(named)).map_err(failed)?;
        let client = context.client().map_err(failed)?;
        let item = self.find(&client, &organization, &state).await.map_err(failed)?;
        for (attribute, api) in (self.read)() {
            state.insert(attribute.name.to_owned(), Value::from(item.get(api)));
        }
        state.insert("id".into(), item.id.as_str().into());
        if state.contains_key("organization") {
            state.insert("organization".into(), organization.into());
        }
        (self.take)(&item, &mut state);
        Ok(state)
    }
}
