//! Every route, and who may use it, held against a table. A route without a row fails the test, so nobody adds one unseen.
//!
//! A run's own and another workspace are asked for: `own` is the workspace of the run whose token asks, `other` one of
//! another project that shares nothing with it. The team may plan in `own` and read its project; the organization's token asks
//! for `other`, so that what it deletes is still there for the user, who asks last. A cell is the status of a refusal, or `yes`. Pages are asked
//! for by a browser in which somebody has signed in with the token: `sign-in` is where it is led that may not see them. On SQLite alone: the rules know no database.

use std::fmt::Write as _;

use axum::http::Method;
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::access::token_of_run;
use crate::harness::{Database, ORGANIZATION, Server};

/// What a path's parameters stand for, in one workspace.
struct Place {
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
    secret: String,
    client: String,
    connection: String,
}

impl Place {
    /// A workspace with a state and a run that is being planned.
    async fn prepare(server: &Server, project: &str, name: &'static str) -> Self {
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
            secret,
            client,
            connection,
        }
    }

    fn fill(&self, path: &str, user: &str) -> String {
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
            "users" => user,
            _ => "x",
        };
        let path = match path {
            "/api/v2/team-workspaces" => format!("{path}?filter[workspace][id]={}", self.workspace),
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
    fn body(&self, method: &str, path: &str) -> Option<Value> {
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

/// Whether a path is for browsers: a session stands in for the token there.
fn is_page(path: &str) -> bool {
    path == "/" || path.starts_with("/app") || path.starts_with("/sign-")
}

/// A cell of a page: where somebody is led who may not see it, or cannot sign in at all.
async fn page_cell(server: &Server, token: Option<&str>, method: &str, path: &str) -> String {
    let mut browser = server.browser();
    if let Some(token) = token {
        browser.sign_in(token, "/app").await;
    }
    let answer = match method {
        // It goes on as long as the run does; its head says enough.
        "GET" if path.ends_with("/events") => browser.request(Method::HEAD, path).send().await,
        "GET" => browser.get(path).await,
        _ => browser.send_form(path, &[("token", token.unwrap_or_default())]).await,
    };
    let leads_to_sign_in = answer.header("location").starts_with("/sign-in");
    match answer.status.as_u16() {
        303 if leads_to_sign_in && path != "/sign-out" => "sign-in".to_owned(),
        refused @ (403 | 404 | 422) => refused.to_string(),
        500.. => "broken".to_owned(),
        _ => "yes".to_owned(),
    }
}

async fn cell(server: &Server, token: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> String {
    if is_page(path) {
        return page_cell(server, token, method, path).await;
    }
    let mut request = server.request(Method::from_bytes(method.as_bytes()).unwrap(), path).at_root(path).anonymous();
    if let Some(token) = token {
        request = request.token(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    match request.send().await.status.as_u16() {
        refused @ (401 | 403 | 404) => refused.to_string(),
        500.. => "broken".to_owned(),
        _ => "yes".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_open_to_whom_the_table_says() {
    let server = Server::open(Database::Sqlite).await;
    let own = Place::prepare(&server, &server.project("first").await, "own").await;
    let other = Place::prepare(&server, &server.project("second").await, "other").await;
    let token = token_of_run(&server, "own").await;
    let path = format!("/organizations/{ORGANIZATION}/authentication-token");
    let user = server.get("/account/details").await.id();

    // Whoever may do little asks first, and what ends things comes last: a deleted workspace would answer 404 to all.
    let mut routes = server::routes();
    routes.sort_by_key(|(method, path)| {
        let deletes = *method == "DELETE";
        let whole = deletes && !path.contains("/relationships/");
        // A connection is deleted after its credentials, which would be gone with it.
        let last = path.starts_with("/api/v2/organizations/{o") || path == "/api/v2/oauth-clients/{id}";
        // Pages delete before the API does, which deletes what they are of, and what is in something before that.
        let page_deletes = *method == "POST" && is_page(path) && path.ends_with("/delete");
        let depth = if page_deletes { path.split('/').count() } else { 0 };
        (deletes && last, whole, deletes, page_deletes, std::cmp::Reverse(depth))
    });
    let mut rows = Vec::new();
    for (method, path) in &routes {
        let (at_own, at_other) = (own.fill(path, &user), other.fill(path, &user));
        let (body_own, body_other) = (own.body(method, path), other.body(method, path));
        let anonymous = cell(&server, None, method, &at_own, body_own.as_ref()).await;
        let run_other = cell(&server, Some(&token), method, &at_other, body_other.as_ref()).await;
        let run_own = cell(&server, Some(&token), method, &at_own, body_own.as_ref()).await;
        let team = cell(&server, Some(&own.secret), method, &at_own, body_own.as_ref()).await;
        rows.push((path, method, [anonymous, run_own, run_other, team], (at_own, body_own), (at_other, body_other)));
    }
    let mut table = String::new();
    let mut lines = Vec::new();
    for (route, method, [anonymous, run_own, run_other, team], own, other) in rows {
        // Some routes take the organization's token back, and others end what it belongs to.
        let made = server.post(&path, json!({ "data": {} })).await;
        let setter =
            cell(&server, Some(made.text_at("/data/attributes/token")), method, &other.0, other.1.as_ref()).await;
        let user = cell(&server, Some(&server.token), method, &own.0, own.1.as_ref()).await;
        lines.push((
            (route, method),
            format!("{method:<6} {route:<75} {anonymous:<9} {user:<5} {setter:<12} {team:<5} {run_own:<8} {run_other}"),
        ));
    }
    lines.sort();
    let heads = ["route", "anonymous", "user", "organization", "team", "run, own"];
    let [route, anonymous, user, organization, team, run] = heads;
    writeln!(table, "{route:<82} {anonymous:<9} {user:<5} {organization:<12} {team:<5} {run:<8} run, other").unwrap();
    for (_, line) in lines {
        writeln!(table, "{}", line.trim_end()).unwrap();
    }
    assert!(!table.contains("broken"), "{table}");
    expect_file!["permissions.golden"].assert_eq(&table);
}
