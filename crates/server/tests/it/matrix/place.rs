//! What the paths of the table stand for: a workspace with one of everything that routes are about.

use serde_json::{Value, json};

use crate::harness::{ORGANIZATION, Server};

/// What a path's parameters stand for, in one workspace.
pub(super) struct Place {
    name: &'static str,
    workspace: String,
    run: String,
    plan: String,
    apply: String,
    configuration: String,
    state: String,
    output: String,
    variable: String,
    /// What a page deletes, so that what the API deletes is still there.
    page_variable: String,
    page_trigger: String,
    page_team: String,
    page_token: String,
    page_client: String,
    page_set: String,
    page_set_variable: String,
    comment: String,
    set: String,
    set_variable: String,
    trigger: String,
    stack: String,
    stack_plan: String,
    project: String,
    team: String,
    on_workspace: String,
    on_project: String,
    token: String,
    membership: String,
    /// Secret of the team.
    pub(super) secret: String,
    client: String,
    connection: String,
    /// A user whom a page may do anything to.
    page_user: String,
}

impl Place {
    /// A workspace with a state and a run that is being planned.
    pub(super) async fn prepare(server: &Server, project: &str, name: &'static str) -> Self {
        let workspace = server.workspace_in(project, name).await;
        let configuration = server.configuration(&workspace, false).await;
        let first = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&first, "applied").await;
        let planned = server.run(&workspace, json!({ "plan-only": true })).await;
        server.until(&planned, "planned_and_finished").await;
        let rows = json!([{ "workspace-id": workspace, "status": "planned", "run-id": planned }]);
        let stack_plan = json!({ "data": { "attributes": { "digest": name, "rows": rows } } });
        let stack_plan =
            server.post(&format!("/organizations/{ORGANIZATION}/stack-plans"), stack_plan).await.is(201).id();
        let variable = json!({ "data": { "attributes": { "key": "a", "category": "env" } } });
        let variable = server.post(&format!("/workspaces/{workspace}/vars"), variable).await.is(201).id();
        let second = json!({ "data": { "attributes": { "key": "c", "category": "env" } } });
        let page_variable = server.post(&format!("/workspaces/{workspace}/vars"), second).await.is(201).id();
        let set = json!({ "data": {
            "attributes": { "name": name },
            "relationships": { "vars": { "data": [{ "attributes": { "key": "b", "category": "env" } }] } },
        } });
        let set = server.post(&format!("/organizations/{ORGANIZATION}/varsets"), set).await.is(201);
        let second = json!({ "data": {
            "attributes": { "name": format!("second-{name}") },
            "relationships": { "vars": { "data": [{ "attributes": { "key": "b", "category": "env" } }] } },
        } });
        let second = server.post(&format!("/organizations/{ORGANIZATION}/varsets"), second).await.is(201);
        let page_set_variable = second.text_at("/data/relationships/vars/data/0/id").to_owned();
        let page_set = second.id();
        let (set, set_variable) = (set.id(), set.text_at("/data/relationships/vars/data/0/id").to_owned());
        let state = server.get(&format!("/workspaces/{workspace}/current-state-version")).await.is(200).id();
        let outputs = server.get(&format!("/workspaces/{workspace}/current-state-version-outputs")).await.is(200);
        std::fs::remove_file(server.control(&format!("{name}.cli"))).unwrap();
        server.gate(&format!("{name}.plan.gate"));
        let run = server.run(&workspace, json!({})).await;
        let read = server.until(&run, "planning").await;
        let of = |phase: &str| read.text_at(&format!("/data/relationships/{phase}/data/id")).to_owned();
        let (plan, apply) = (of("plan"), of("apply"));
        let comment = json!({ "data": { "attributes": { "body": "looks good" } } });
        let comment = server.post(&format!("/runs/{run}/comments"), comment).await.is(201).id();
        let output = outputs.ids()[0].clone();
        let upstream = server.workspace(&format!("{name}-upstream")).await;
        let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": upstream } } });
        let trigger = json!({ "data": { "relationships": source } });
        let trigger = server.post(&format!("/workspaces/{workspace}/run-triggers"), trigger).await.is(201).id();
        let second = server.workspace(&format!("{name}-second")).await;
        let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": second } } });
        let second = json!({ "data": { "relationships": source } });
        let page_trigger = server.post(&format!("/workspaces/{workspace}/run-triggers"), second).await.is(201).id();
        let page_team = server.team(&format!("second-{name}")).await;
        let described = json!({ "data": { "attributes": { "description": "first" } } });
        let page_token =
            server.post(&format!("/teams/{page_team}/authentication-tokens"), described).await.is(201).id();
        let team = server.team(&format!("team-{name}")).await;
        let on_workspace = server.team_on_workspace(&team, &workspace, "plan").await;
        let on_project = server.team_on_project(&team, project, "read").await;
        let page_user = server.person(&format!("page-{name}"), &[]).await.id;
        let described = json!({ "data": { "attributes": { "description": "second" } } });
        let token = server.post(&format!("/teams/{team}/authentication-tokens"), described).await.is(201).id();
        let secret = server.team_token(&team).await;
        let members = server.get(&format!("/organizations/{ORGANIZATION}/organization-memberships")).await.is(200);
        let connection = server.connection("https://git.example", json!({})).await;
        let client = server.get(&format!("/oauth-tokens/{connection}")).await.is(200);
        let client = client.text_at("/data/relationships/oauth-client/data/id").to_owned();
        let second = server.connection("https://git.example", json!({})).await;
        let second = server.get(&format!("/oauth-tokens/{second}")).await.is(200);
        let page_client = second.text_at("/data/relationships/oauth-client/data/id").to_owned();
        let stack = json!({ "data": { "attributes": { "name": name, "workspace-ids": [workspace] } } });
        let stack = server.post(&format!("/organizations/{ORGANIZATION}/stacks"), stack).await.is(201).id();
        Self {
            name,
            workspace,
            run,
            plan,
            apply,
            configuration,
            state,
            output,
            variable,
            page_variable,
            page_trigger,
            page_team,
            page_token,
            page_client,
            page_set,
            page_set_variable,
            comment,
            set,
            set_variable,
            trigger,
            stack,
            stack_plan,
            project: project.to_owned(),
            team,
            on_workspace,
            on_project,
            token,
            membership: members.ids()[0].clone(),
            page_user,
            secret,
            client,
            connection,
        }
    }

    pub(super) fn workspace(&self) -> &str {
        &self.workspace
    }

    pub(super) fn project(&self) -> &str {
        &self.project
    }

    pub(super) fn fill(&self, path: &str, user: &str) -> String {
        let id = match path.trim_start_matches("/api/v2").split('/').nth(1).unwrap_or_default() {
            "workspaces" if path.contains("/vars/{id}") => &self.variable,
            "workspaces" => &self.workspace,
            "varsets" if path.contains("/vars/{id}") => &self.set_variable,
            "varsets" => &self.set,
            "run-triggers" => &self.trigger,
            "stacks" => &self.stack,
            "stack-plans" => &self.stack_plan,
            "app" if path.contains("/plans/{id}") => &self.stack_plan,
            "runs" => &self.run,
            "comments" => &self.comment,
            "plans" => &self.plan,
            "applies" => &self.apply,
            "configuration-versions" => &self.configuration,
            "state-versions" => &self.state,
            "state-version-outputs" => &self.output,
            "projects" => &self.project,
            "teams" => &self.team,
            "team-workspaces" => &self.on_workspace,
            "team-projects" => &self.on_project,
            "authentication-tokens" => &self.token,
            "organization-memberships" => &self.membership,
            "oauth-clients" | "webhooks" => &self.client,
            "oauth-tokens" => &self.connection,
            "users" => &self.page_user,
            "admin" => user,
            _ => "x",
        };
        let path = match path {
            "/api/v2/team-workspaces" => format!("{path}?filter[workspace][id]={}", self.workspace),
            "/app/settings/authorize" => format!("{path}?{}", authorize()),
            "/api/v2/team-projects" => format!("{path}?filter[project][id]={}", self.project),
            path => path.to_owned(),
        };
        path.replace("{organization}", ORGANIZATION)
            .replace("/workspaces/{name}", &format!("/workspaces/{}", self.name))
            .replace("/workspaces/{workspace}", &format!("/workspaces/{}", self.workspace))
            .replace("/app/acme/{workspace}/", &format!("/app/acme/{}/", self.name))
            .replace(
                &format!("/app/acme/workspaces/{}", self.workspace),
                &format!("/app/acme/workspaces/{}", self.name),
            )
            .replace("/stacks/{stack}", &format!("/stacks/{}", self.name))
            .replace("{variable}", &self.page_variable)
            .replace("{trigger}", &self.page_trigger)
            .replace("{team}", &self.page_team)
            .replace("{token}", &self.page_token)
            .replace("{user}", &self.page_user)
            .replace("{membership}", &self.membership)
            .replace("{connection}", &self.page_client)
            .replace("{variable_set}", &self.page_set)
            .replace("{set_variable}", &self.page_set_variable)
            .replace("{state}", &self.state)
            .replace("{set}", &self.set)
            .replace("{run}", &self.run)
            .replace("{seal}", "0.0")
            .replace("{id}", id)
    }

    /// A body with which the route gets as far as the question who asks.
    pub(super) fn body(&self, method: &str, path: &str) -> Option<Value> {
        if method == "GET" || (method == "DELETE" && !path.contains("/relationships/")) {
            return None;
        }
        let workspace = json!({ "data": { "type": "workspaces", "id": self.workspace } });
        Some(match path {
            "/api/v2/runs" | "/api/v2/vars" => json!({ "data": { "relationships": { "workspace": workspace } } }),
            "/api/v2/team-workspaces" | "/api/v2/team-projects" => {
                let project = json!({ "data": { "type": "projects", "id": self.project } });
                let team = json!({ "data": { "type": "teams", "id": self.team } });
                let relationships = json!({ "team": team, "workspace": workspace, "project": project });
                json!({ "data": { "relationships": relationships, "attributes": { "access": "read" } } })
            }
            path if path.ends_with("/stacks") => {
                json!({ "data": { "attributes": { "name": "of-project", "project-id": self.project } } })
            }
            "/api/v2/organizations" => json!({ "data": { "attributes": { "name": "new", "email": "a@b" } } }),
            path if path.ends_with("/state-versions") && method == "PATCH" => {
                let older = json!({ "data": { "type": "state-versions", "id": self.state } });
                json!({ "data": { "relationships": { "rollback-state-version": older } } })
            }
            path if path.ends_with("/state-versions") => {
                json!({ "data": { "attributes": { "serial": 9, "md5": "d41d8cd98f00b204e9800998ecf8427e" } } })
            }
            path if path.ends_with("/relationships/vars") => json!({ "data": { "attributes": {} } }),
            path if path.contains("/relationships/") && path.contains("/vars/{id}") => {
                json!({ "data": { "attributes": {} } })
            }
            path if path.contains("/relationships/") || path.ends_with("/tag-bindings") => json!({ "data": [] }),
            _ => json!({ "data": { "attributes": {} } }),
        })
    }
}

/// What a terraform asks for in the address that it opens.
pub(super) const ASKED: [(&str, &str); 6] = [
    ("client_id", "terraform-cli"),
    ("response_type", "code"),
    ("redirect_uri", "http://localhost:10000/login"),
    ("state", "s"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_challenge_method", "S256"),
];

/// The same as it stands behind a `?`.
pub(super) fn authorize() -> String {
    ASKED.map(|(name, value)| format!("{name}={}", value.replace(':', "%3A").replace('/', "%2F"))).join("&")
}
