//! Whatever changes something leaves a row: each route and each form that changes things is used once, and its row is there.
//!
//! A new route that is not used here fails the test, and so does one whose use leaves no row.

use std::collections::BTreeMap;

use axum::http::Method;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use expect_test::expect_file;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::harness::{Answer, Browser, Database, ORGANIZATION, PASSWORD, Server, archive};

/// Routes that are refused to everybody, whatever they send.
const REFUSE_EVERYBODY: [&str; 2] =
    ["PATCH /api/v2/projects/{id}/relationships/tag-bindings", "PATCH /api/v2/projects/{id}/tag-bindings"];

/// Routes by which nothing is changed: somebody has said no to what had not begun.
const CHANGE_NOTHING: [&str; 1] = ["POST /app/settings/authorize/decline"];

/// What has been used: the request's id by route, and what did not work as it should.
struct Walk<'a> {
    server: &'a Server,
    browser: Browser<'a>,
    routes: Vec<(&'static str, String)>,
    used: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl<'a> Walk<'a> {
    async fn new(server: &'a Server) -> Self {
        let mut routes = server::routes();
        routes.retain(|(method, _)| *method != "GET");
        let browser = server.signed_in(&server.token).await;
        Self { server, browser, routes, used: BTreeMap::new(), wrong: Vec::new() }
    }

    async fn send(&mut self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.server.request(method.clone(), path).json(&body);
        self.took(method, path, request.send().await)
    }

    async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    async fn patch(&mut self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, body).await
    }

    async fn delete(&mut self, path: &str) -> Answer {
        self.send(Method::DELETE, path, json!({})).await
    }

    async fn put(&mut self, url: &str, bytes: Vec<u8>) {
        let answer = self.server.request(Method::PUT, url).anonymous().bytes(bytes).send().await;
        let path = url.trim_start_matches(crate::harness::ORIGIN).to_owned();
        self.took(Method::PUT, &path, answer);
    }

    async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.browser.send_form(path, fields).await;
        self.took(Method::POST, path, answer)
    }

    fn took(&mut self, method: Method, path: &str, answer: Answer) -> Answer {
        let at_root = ["/app", "/sign", "/webhooks", "/oauth/token"];
        let whole = match at_root.iter().any(|start| path.starts_with(start)) {
            true => path.to_owned(),
            false => format!("/api/v2{path}"),
        };
        let route = self.route(&method, &whole);
        match answer.status.as_u16() {
            200..=303 => drop(self.used.insert(route, answer.header("x-request-id").to_owned())),
            status => self.wrong.push(format!("{route} answers {status}: {}", answer.text())),
        }
        answer
    }

    /// The route that this path is of: of several, the one with the most that is not open.
    fn route(&self, method: &Method, path: &str) -> String {
        let fits = |route: &str| {
            let (its, given): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
            let same = its.len() == given.len();
            same && its.iter().zip(given).all(|(its, given)| its.starts_with('{') || *its == given)
        };
        let all = self.routes.iter().filter(|(its, route)| its == method && fits(route));
        let route =
            all.min_by_key(|(_, route)| route.matches('{').count()).unwrap_or_else(|| panic!("{method} {path}"));
        format!("{method} {}", route.1)
    }
}

fn attributes(attributes: Value) -> Value {
    json!({ "data": { "attributes": attributes } })
}

fn named(kind: &str, ids: &[&str]) -> Value {
    json!({ "data": ids.iter().map(|id| json!({ "type": kind, "id": id })).collect::<Vec<_>>() })
}

fn related(name: &str, kind: &str, id: &str) -> Value {
    json!({ "data": { "relationships": { name: { "data": { "type": kind, "id": id } } } } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_changes_something_leaves_a_row() {
    let server = Server::open(Database::Sqlite).await;
    let mut walk = Walk::new(&server).await;
    connections_and_sets(&mut walk).await;
    teams_and_tokens(&mut walk).await;
    workspaces(&mut walk).await;
    states(&mut walk).await;
    runs(&mut walk).await;
    stacks(&mut walk).await;
    pages_of_workspaces(&mut walk).await;
    pages_of_the_organization(&mut walk).await;
    members(&mut walk).await;
    users(&mut walk).await;
    pages_of_people(&mut walk).await;
    logins(&mut walk).await;
    organizations(&mut walk).await;

    // Everything that was written, also of the organizations that are gone: the server's own log names them.
    let own = lines(&server, "/audit-trail/export").await;
    let begun: Vec<_> = own.iter().filter(|row| row["resource"]["action"] == "begin").collect();
    let mut all = own.clone();
    for row in &begun {
        let organization = row["resource"]["id"].as_str().unwrap();
        all.extend(lines(&server, &format!("/audit-trail/export?organization={organization}")).await);
    }
    all.retain(|row| row["result"] == "done" && row["resource"]["action"] != "begin");
    let rows: BTreeMap<_, _> =
        all.into_iter().map(|row| (row["request"]["id"].as_str().unwrap_or_default().to_owned(), row)).collect();
    let mut golden = String::new();
    for (method, path) in &walk.routes {
        let route = format!("{method} {path}");
        let row = walk.used.get(&route).and_then(|request| rows.get(request));
        match row {
            Some(row) => {
                let (kind, action) = (&row["resource"]["type"], &row["resource"]["action"]);
                golden += &format!("{route}: {action} {kind}\n").replace('"', "");
                let id = row["resource"]["id"].as_str().unwrap_or_default();
                if id.is_empty() && !matches!(kind.as_str(), Some("run_limit" | "stack_lifetime" | "session")) {
                    walk.wrong.push(format!("{route}: its row does not say to what: {row:#}"));
                }
            }
            None if REFUSE_EVERYBODY.contains(&route.as_str()) => golden += &format!("{route}: refused\n"),
            None if CHANGE_NOTHING.contains(&route.as_str()) && walk.used.contains_key(&route) => {
                golden += &format!("{route}: changes nothing\n");
            }
            None if walk.used.contains_key(&route) => walk.wrong.push(format!("{route} leaves no row")),
            None => walk.wrong.push(format!("{route} is not used here, or was refused")),
        }
    }
    assert!(walk.wrong.is_empty(), "{} of {}:\n{}", walk.wrong.len(), walk.routes.len(), walk.wrong.join("\n"));
    expect_file!["audited.golden"].assert_eq(&golden);
    assert_eq!(server.get("/audit-trail/check").await.is(200).at("/whole"), true);
}

async fn lines(server: &Server, path: &str) -> Vec<Value> {
    server.get(path).await.is(200).text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn connections_and_sets(walk: &mut Walk<'_>) {
    let organization = format!("/organizations/{ORGANIZATION}");
    let project = walk.post(&format!("{organization}/projects"), attributes(json!({ "name": "platform" }))).await.id();
    walk.patch(&format!("/projects/{project}"), attributes(json!({ "description": "x" }))).await;
    let host =
        json!({ "service-provider": "github", "http-url": "https://git.example", "api-url": "https://git.example" });
    let made = walk.post(&format!("{organization}/oauth-clients"), attributes(host)).await;
    let (client, token) = (made.id(), made.text_at("/data/relationships/oauth-tokens/data/0/id").to_owned());
    walk.patch(&format!("/oauth-clients/{client}"), attributes(json!({ "name": "lab" }))).await;
    let projects = format!("/oauth-clients/{client}/relationships/projects");
    walk.post(&projects, named("projects", &[&project])).await;
    walk.send(Method::DELETE, &projects, named("projects", &[&project])).await;
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n";
    walk.patch(&format!("/oauth-tokens/{token}"), attributes(json!({ "ssh-key": key }))).await;
    webhook(walk, &client).await;
    walk.delete(&format!("/oauth-tokens/{token}")).await;
    walk.delete(&format!("/oauth-clients/{client}")).await;

    let workspace = walk.server.workspace("of-set").await;
    let set = walk.post(&format!("{organization}/varsets"), attributes(json!({ "name": "s" }))).await.id();
    walk.patch(&format!("/varsets/{set}"), attributes(json!({ "description": "x" }))).await;
    for (kind, id) in [("projects", &project), ("workspaces", &workspace)] {
        let path = format!("/varsets/{set}/relationships/{kind}");
        walk.post(&path, named(kind, &[id])).await;
        walk.send(Method::DELETE, &path, named(kind, &[id])).await;
    }
    let vars = format!("/varsets/{set}/relationships/vars");
    let variable = walk.post(&vars, attributes(json!({ "key": "a", "category": "env" }))).await.id();
    walk.patch(&format!("{vars}/{variable}"), attributes(json!({ "value": "b" }))).await;
    walk.delete(&format!("{vars}/{variable}")).await;
    walk.delete(&format!("/varsets/{set}")).await;
    walk.delete(&format!("/projects/{project}")).await;
}

async fn webhook(walk: &mut Walk<'_>, client: &str) {
    let body = json!({
        "ref": "refs/heads/main", "before": "1".repeat(40), "after": "2".repeat(40), "commits": [],
        "repository": { "full_name": "a/b", "clone_url": "https://git.example/a/b.git", "html_url": "https://git.example/a/b" },
        "sender": { "login": "x" },
    })
    .to_string();
    let list = walk.server.get(&format!("/organizations/{ORGANIZATION}/oauth-clients")).await.is(200);
    let secret = list.text_at("/data/0/attributes/webhook-secret");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let proof = format!("sha256={}", hex::encode(aws_lc_rs::hmac::sign(&key, body.as_bytes())));
    let path = format!("/webhooks/vcs/{client}");
    let request = walk.server.request(Method::POST, "/").at_root(&path).anonymous();
    let request = request.header("x-github-event", "push").header("x-github-delivery", "d1");
    let answer = request.header("x-hub-signature-256", &proof).bytes(body).send().await;
    walk.took(Method::POST, &path, answer);
}

async fn teams_and_tokens(walk: &mut Walk<'_>) {
    let organization = format!("/organizations/{ORGANIZATION}");
    let workspace = walk.server.workspace("of-team").await;
    let project = walk.server.project("of-team").await;
    let team = walk.post(&format!("{organization}/teams"), attributes(json!({ "name": "crew" }))).await.id();
    walk.patch(&format!("/teams/{team}"), attributes(json!({ "visibility": "organization" }))).await;
    let members = walk.server.get(&format!("{organization}/organization-memberships")).await.is(200).ids();
    let memberships = format!("/teams/{team}/relationships/organization-memberships");
    let users = format!("/teams/{team}/relationships/users");
    walk.post(&memberships, named("organization-memberships", &[&members[0]])).await;
    walk.send(Method::DELETE, &memberships, named("organization-memberships", &[&members[0]])).await;
    walk.post(&users, named("users", &["owner"])).await;
    walk.send(Method::DELETE, &users, named("users", &["owner"])).await;
    for (path, kind, id) in [("team-projects", "project", &project), ("team-workspaces", "workspace", &workspace)] {
        let relationships = json!({
            "team": { "data": { "type": "teams", "id": team } },
            kind: { "data": { "type": format!("{kind}s"), "id": id } },
        });
        let body = json!({ "data": { "attributes": { "access": "read" }, "relationships": relationships } });
        let grant = walk.post(&format!("/{path}"), body).await.id();
        walk.patch(&format!("/{path}/{grant}"), attributes(json!({ "access": "write" }))).await;
        walk.delete(&format!("/{path}/{grant}")).await;
    }
    for of in [format!("/teams/{team}"), organization] {
        let single = format!("{of}/authentication-token");
        walk.post(&single, json!({ "data": {} })).await;
        walk.delete(&single).await;
    }
    let described = attributes(json!({ "description": "ci" }));
    let token = walk.post(&format!("/teams/{team}/authentication-tokens"), described).await.id();
    walk.delete(&format!("/authentication-tokens/{token}")).await;
    walk.delete(&format!("/teams/{team}")).await;
}

async fn workspaces(walk: &mut Walk<'_>) {
    let list = format!("/organizations/{ORGANIZATION}/workspaces");
    let one = walk.post(&list, attributes(json!({ "name": "w1" }))).await.id();
    let other = walk.server.workspace("w2").await;
    let at = |rest: &str| format!("/workspaces/{one}{rest}");
    walk.patch(&at(""), attributes(json!({ "description": "x" }))).await;
    walk.patch(&format!("{list}/w1"), attributes(json!({ "description": "y" }))).await;
    walk.post(&at("/actions/lock"), json!({})).await;
    walk.post(&at("/actions/unlock"), json!({})).await;
    let team = walk.server.team("lockers").await;
    walk.server.team_on_workspace(&team, &one, "admin").await;
    let token = walk.server.team_token(&team).await;
    walk.server.request(Method::POST, &at("/actions/lock")).token(&token).json(&json!({})).send().await.is(200);
    walk.post(&at("/actions/force-unlock"), json!({})).await;
    let consumers = at("/relationships/remote-state-consumers");
    let third = walk.server.workspace("w3").await;
    walk.post(&consumers, named("workspaces", &[&other])).await;
    walk.patch(&consumers, named("workspaces", &[&third])).await;
    walk.send(Method::DELETE, &consumers, named("workspaces", &[&third])).await;
    let binding =
        |key: &str| json!({ "data": [{ "type": "tag-bindings", "attributes": { "key": key, "value": "v" } }] });
    walk.patch(&at("/tag-bindings"), binding("a")).await;
    walk.patch(&at("/relationships/tag-bindings"), binding("b")).await;
    let tags = json!({ "data": [{ "type": "tags", "attributes": { "name": "web" } }] });
    walk.post(&at("/relationships/tags"), tags.clone()).await;
    walk.send(Method::DELETE, &at("/relationships/tags"), tags).await;
    let trigger = related("sourceable", "workspaces", &other);
    let trigger = walk.post(&at("/run-triggers"), trigger).await.id();
    walk.delete(&format!("/run-triggers/{trigger}")).await;
    let variable = walk.post(&at("/vars"), attributes(json!({ "key": "a", "category": "env" }))).await.id();
    walk.patch(&at(&format!("/vars/{variable}")), attributes(json!({ "value": "b" }))).await;
    walk.delete(&at(&format!("/vars/{variable}"))).await;
    let mut old = related("workspace", "workspaces", &one);
    old["data"]["attributes"] = json!({ "key": "b", "category": "env" });
    walk.post("/vars", old).await;
    let version = walk.post(&at("/configuration-versions"), attributes(json!({ "auto-queue-runs": false }))).await;
    walk.put(version.text_at("/data/attributes/upload-url"), archive(&[("main.tf", "")]).to_vec()).await;
    walk.delete(&at("")).await;
    walk.delete(&format!("{list}/w2")).await;
    walk.post(&format!("/workspaces/{third}/actions/safe-delete"), json!({})).await;
    walk.server.workspace("w4").await;
    walk.post(&format!("{list}/w4/actions/safe-delete"), json!({})).await;
}

fn state(serial: u64) -> String {
    json!({ "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "l", "outputs": {}, "resources": [] })
        .to_string()
}

async fn states(walk: &mut Walk<'_>) {
    let workspace = walk.server.workspace("stated").await;
    let path = format!("/workspaces/{workspace}/state-versions");
    walk.server.post(&format!("/workspaces/{workspace}/actions/lock"), json!({})).await.is(200);
    let announcement = |serial: u64| {
        let bytes = state(serial);
        attributes(json!({ "serial": serial, "lineage": "l", "md5": hex::encode(Md5::digest(&bytes)), "force": false }))
    };
    let made = walk.post(&path, announcement(1)).await;
    walk.put(made.text_at("/data/attributes/hosted-state-upload-url"), state(1).into_bytes()).await;
    walk.put(made.text_at("/data/attributes/hosted-json-state-upload-url"), b"{}".to_vec()).await;
    let mut inline = announcement(2);
    inline["data"]["attributes"]["state"] = BASE64_STANDARD.encode(state(2)).into();
    walk.post(&path, inline).await;
    walk.patch(&path, related("rollback-state-version", "state-versions", &made.id())).await;
    let page = format!("/app/{ORGANIZATION}/workspaces/stated/states/{}/roll-back", made.id());
    walk.form(&page, &[]).await;
}

/// A run that waits for approval, of a workspace that is made for it.
async fn planned(walk: &Walk<'_>, name: &str) -> String {
    let workspace = walk.server.workspace(name).await;
    walk.server.configuration(&workspace, false).await;
    let run = walk.server.run(&workspace, json!({})).await;
    walk.server.until(&run, "planned").await;
    run
}

/// A run that is being planned and will not end by itself.
async fn planning(walk: &Walk<'_>, name: &str) -> String {
    let workspace = walk.server.workspace(name).await;
    walk.server.configuration(&workspace, false).await;
    walk.server.gate(&format!("{name}.plan.gate"));
    // A run that ends when it is asked to is too quick to be killed.
    walk.server.tell(&format!("{name}.stubborn"));
    let run = walk.server.run(&workspace, json!({})).await;
    walk.server.until_called(&format!("{name} plan")).await;
    run
}

async fn runs(walk: &mut Walk<'_>) {
    let workspace = walk.server.workspace("run").await;
    walk.server.configuration(&workspace, false).await;
    let run = walk.post("/runs", related("workspace", "workspaces", &workspace)).await.id();
    walk.server.until(&run, "planned").await;
    walk.post(&format!("/runs/{run}/comments"), attributes(json!({ "body": "looks good" }))).await;
    walk.post(&format!("/runs/{run}/actions/apply"), json!({})).await;
    let app = |name: &str, run: &str, action: &str| format!("/app/{ORGANIZATION}/{name}/runs/{run}/{action}");
    let run = planned(walk, "discarded").await;
    walk.post(&format!("/runs/{run}/actions/discard"), json!({})).await;
    let run = planned(walk, "forced").await;
    let of = walk.server.get(&format!("/runs/{run}")).await.text_at("/data/relationships/workspace/data/id").to_owned();
    let waiting = walk.server.run(&of, json!({})).await;
    walk.post(&format!("/runs/{waiting}/actions/force-execute"), json!({})).await;
    let run = planning(walk, "canceled").await;
    walk.post(&format!("/runs/{run}/actions/cancel"), json!({})).await;
    walk.post(&format!("/runs/{run}/actions/force-cancel"), json!({})).await;

    let run = planned(walk, "f-applied").await;
    walk.form(&app("f-applied", &run, "comment"), &[("comment", "thanks")]).await;
    walk.form(&app("f-applied", &run, "confirm"), &[("comment", "")]).await;
    let run = planned(walk, "f-discarded").await;
    walk.form(&app("f-discarded", &run, "discard"), &[]).await;
    let run = planning(walk, "f-canceled").await;
    walk.form(&app("f-canceled", &run, "cancel"), &[]).await;
    walk.form(&app("f-canceled", &run, "force-cancel"), &[]).await;
    walk.form(&format!("/app/{ORGANIZATION}/workspaces/f-discarded/run"), &[("what", "plan"), ("message", "look")])
        .await;
    walk.form(&format!("/app/{ORGANIZATION}/workspaces/f-discarded/destroy/start"), &[]).await;
}

async fn stacks(walk: &mut Walk<'_>) {
    let organization = format!("/organizations/{ORGANIZATION}");
    let workspace = walk.server.workspace("of-stack").await;
    walk.server.configuration(&workspace, false).await;
    let run = walk.server.run(&workspace, json!({ "plan-only": true })).await;
    walk.server.until(&run, "planned_and_finished").await;
    let rows = json!([{ "workspace-id": workspace, "status": "planned", "run-id": run }]);
    let plan = attributes(json!({ "message": "m", "digest": "d", "rows": rows }));
    for action in ["approve", "discard", "withdraw"] {
        let id = walk.post(&format!("{organization}/stack-plans"), plan.clone()).await.id();
        walk.post(&format!("/stack-plans/{id}/actions/{action}"), json!({})).await;
    }
    for action in ["approve", "discard"] {
        let id = walk.post(&format!("{organization}/stack-plans"), plan.clone()).await.id();
        walk.form(&format!("/app/{ORGANIZATION}/plans/{id}/{action}"), &[("comment", "go")]).await;
    }
    walk.patch(&format!("{organization}/stack-lifetime"), attributes(json!({ "most-hours": 48 }))).await;
    walk.patch(&format!("{organization}/stack-lifetime"), attributes(json!({ "most-hours": null }))).await;
    let of = |name: &str| {
        attributes(json!({ "name": name, "workspace-ids": [workspace], "expires-at": "2099-01-01T00:00:00Z" }))
    };
    let stack = walk.post(&format!("{organization}/stacks"), of("demo")).await.id();
    walk.patch(&format!("/stacks/{stack}"), attributes(json!({ "name": "demo2" }))).await;
    walk.post(&format!("/stacks/{stack}/actions/extend"), attributes(json!({ "expires-at": "2099-02-01T00:00:00Z" })))
        .await;
    walk.form(&format!("/app/{ORGANIZATION}/stacks/demo2/extend"), &[("more", "24")]).await;
    walk.form(&format!("/app/{ORGANIZATION}/stacks/demo2/cancel-expiry"), &[]).await;
    walk.post(&format!("/stacks/{stack}/actions/extend"), attributes(json!({ "expires-at": "2099-02-01T00:00:00Z" })))
        .await;
    walk.post(&format!("/stacks/{stack}/actions/cancel-expiry"), json!({})).await;
    walk.post(&format!("/stacks/{stack}/actions/destroy"), json!({})).await;
    let ended = |answer: &Answer| matches!(answer.text_at("/data/attributes/status"), "destroyed" | "errored");
    walk.server.until_that(&format!("/stacks/{stack}"), ended).await;
    walk.delete(&format!("/stacks/{stack}")).await;
    let last = walk.server.post(&format!("{organization}/stacks"), of("last")).await.is(201).id();
    walk.form(&format!("/app/{ORGANIZATION}/stacks/last/destroy/start"), &[]).await;
    walk.server.until_that(&format!("/stacks/{last}"), ended).await;
}

async fn pages_of_workspaces(walk: &mut Walk<'_>) {
    let workspace = walk.server.workspace("paged").await;
    walk.server.workspace("up").await;
    let page = format!("/app/{ORGANIZATION}/workspaces/paged");
    let at = |rest: &str| format!("{page}/{rest}");
    walk.form(&at("variables/add"), &[("key", "a"), ("value", "1"), ("category", "terraform")]).await;
    let variable = walk.server.get(&format!("/workspaces/{workspace}/vars")).await.is(200).ids()[0].clone();
    let fields = [("key", "b"), ("value", "2"), ("category", "terraform")];
    walk.form(&at(&format!("variables/{variable}/change")), &fields).await;
    walk.form(&at(&format!("variables/{variable}/delete")), &[]).await;
    walk.form(&at("triggers/add"), &[("upstream", "up")]).await;
    let triggers = format!("/workspaces/{workspace}/run-triggers?filter[run-trigger][type]=inbound");
    let trigger = walk.server.get(&triggers).await.is(200).ids()[0].clone();
    walk.form(&at(&format!("triggers/{trigger}/remove")), &[]).await;
    walk.form(&at("settings/lock"), &[("reason", "x")]).await;
    walk.form(&at("settings/unlock"), &[]).await;
    let team = walk.server.team("page-lockers").await;
    walk.server.team_on_workspace(&team, &workspace, "admin").await;
    let token = walk.server.team_token(&team).await;
    let lock = format!("/workspaces/{workspace}/actions/lock");
    walk.server.request(Method::POST, &lock).token(&token).json(&json!({})).send().await.is(200);
    walk.form(&at("settings/force-unlock"), &[]).await;
    let fields = [("name", "paged"), ("description", "x"), ("execution", "remote"), ("terraform", "1.11.4")];
    walk.form(&at("settings/save"), &fields).await;
    walk.form(&at("settings/delete"), &[("name", "paged"), ("also", "yes")]).await;
}

/// Where an answer leads.
fn leads_to(answer: &Answer) -> String {
    answer.header("location").to_owned()
}

/// The first address on a page that has this in it, up to what follows it.
fn first(page: &str, part: &str) -> String {
    let all = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    all.clone().find(|address| address.contains(part)).unwrap_or_else(|| panic!("{part}: {page}")).to_owned()
}

async fn pages_of_the_organization(walk: &mut Walk<'_>) {
    let settings = format!("/app/{ORGANIZATION}/settings");
    let workspace = walk.server.workspace("placed").await;
    let fields = [("provider", "github_enterprise"), ("address", "https://git.example"), ("name", "x"), ("token", "t")];
    let one = leads_to(&walk.form(&format!("{settings}/connections/add"), &fields).await);
    walk.form(&format!("{one}/change"), &[("name", "lab"), ("token", "t2")]).await;
    walk.form(&format!("{one}/delete"), &[]).await;

    let one = leads_to(&walk.form(&format!("{settings}/variable-sets/add"), &[("name", "p")]).await);
    walk.form(&format!("{one}/save"), &[("name", "q"), ("description", "x")]).await;
    walk.form(&format!("{one}/attach"), &[("place", &workspace)]).await;
    walk.form(&format!("{one}/detach"), &[("place", &workspace)]).await;
    let fields = [("key", "a"), ("value", "1"), ("category", "terraform")];
    walk.form(&format!("{one}/variables/add"), &fields).await;
    let variable = first(&walk.browser.page(&one).await, "/variables/var-");
    walk.form(&format!("{variable}/change"), &[("key", "b"), ("value", "2"), ("category", "env")]).await;
    walk.form(&format!("{variable}/delete"), &[]).await;
    walk.form(&format!("{one}/delete"), &[]).await;

    walk.form(&format!("{settings}/limits/set"), &[("on", "tag"), ("tag", "web"), ("most", "2")]).await;
    walk.form(&format!("{settings}/limits/remove"), &[("on", "tag:web")]).await;

    let one = leads_to(&walk.form(&format!("{settings}/teams/add"), &[("name", "paged")]).await);
    let team = one.rsplit('/').next().unwrap_or_default().to_owned();
    walk.form(&format!("{one}/save"), &[("name", "paged2"), ("visibility", "organization")]).await;
    walk.form(&format!("{one}/grant"), &[("place", &workspace), ("role", "plan")]).await;
    let grants = walk.server.get(&format!("/team-workspaces?filter[workspace][id]={workspace}")).await.is(200).ids();
    walk.form(&format!("{one}/withdraw"), &[("grant", &grants[0])]).await;
    walk.form(&format!("{one}/add-member"), &[("user", "owner")]).await;
    walk.form(&format!("{one}/remove-member"), &[("user", "owner")]).await;
    walk.form(&format!("{one}/make-token"), &[("description", "ci"), ("days", "")]).await;
    let tokens = walk.server.get(&format!("/teams/{team}/authentication-tokens")).await.is(200).ids();
    walk.form(&format!("{one}/tokens/{}/revoke", tokens[0]), &[]).await;
    walk.form(&format!("{one}/delete"), &[]).await;

    walk.form(&format!("{settings}/tokens/make"), &[("days", "7")]).await;
    let revoke = first(&walk.browser.page(&format!("{settings}/tokens")).await, "/revoke");
    walk.form(&revoke, &[]).await;
    walk.form("/app/settings/tokens/make", &[("description", "mine"), ("days", "30")]).await;
    let revoke = first(&walk.browser.page("/app/settings/tokens").await, "/revoke");
    walk.form(&revoke, &[]).await;
}

/// The browser of somebody else than the owner, for a part of the walk.
impl<'a> Walk<'a> {
    async fn as_person(&mut self, browser: Browser<'a>, path: &str, fields: &[(&str, &str)]) -> Answer {
        let owners = std::mem::replace(&mut self.browser, browser);
        let answer = self.form(path, fields).await;
        self.browser = owners;
        answer
    }
}

async fn members(walk: &mut Walk<'_>) {
    let list = format!("/organizations/{ORGANIZATION}/organization-memberships");
    let invited = walk.post(&list, attributes(json!({ "email": "ada@example.com" }))).await.id();
    walk.delete(&format!("/organization-memberships/{invited}")).await;
    let page = format!("/app/{ORGANIZATION}/settings/members");
    walk.form(&format!("{page}/invite"), &[("email", "bob@example.com"), ("team", "")]).await;
    let remove = first(&walk.browser.page(&page).await, "/remove");
    walk.form(&remove.replace("/remove", "/link"), &[]).await;
    walk.form(&remove, &[]).await;
}

async fn users(walk: &mut Walk<'_>) {
    let person = walk.server.person("cleo", &[]).await;
    let one = format!("/admin/users/{}", person.id);
    for action in ["suspend", "unsuspend", "grant_admin", "revoke_admin"] {
        walk.post(&format!("{one}/actions/{action}"), json!({})).await;
    }
    walk.patch("/account/update", attributes(json!({ "email": "owner@example.com" }))).await;
    let password = json!({ "current_password": "", "password": PASSWORD, "password_confirmation": PASSWORD });
    walk.patch("/account/password", attributes(password)).await;
    // A new password ends the sessions.
    walk.browser = walk.server.signed_in(&walk.server.token).await;
    let owner = walk.server.get("/account/details").await.is(200).id();
    let described = attributes(json!({ "description": "of the owner" }));
    walk.post(&format!("/users/{owner}/authentication-tokens"), described).await;
    walk.delete(&one).await;
}

async fn pages_of_people(walk: &mut Walk<'_>) {
    const USERS: &str = "/app/settings/users";
    let fields = [("username", "owner"), ("email", "owner2@example.com")];
    walk.form("/app/settings/account/save", &fields).await;
    let fields = [("current", PASSWORD), ("password", "another long one"), ("again", "another long one")];
    walk.form("/app/settings/account/password", &fields).await;
    let invited = walk.form(&format!("{USERS}/invite"), &[("email", "dan@example.com")]).await.text();
    let key = |page: &str| {
        let (_, rest) = page.split_once("/app/settings/join?key=").unwrap_or_else(|| panic!("a link: {page}"));
        rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
    };
    let fields = [("username", "dan"), ("email", "dan@example.com"), ("password", PASSWORD), ("again", PASSWORD)];
    let link = key(&invited);
    let fields: Vec<_> = fields.into_iter().chain([("key", link.as_str())]).collect();
    let browser = walk.server.browser();
    walk.as_person(browser, "/app/settings/join/accept", &fields).await;
    let (_, link) = walk.server.invited_to(ORGANIZATION, "eve", &[]).await;
    let mut browser = walk.server.browser();
    browser.sign_in_as("dan", PASSWORD).await.is(303);
    walk.as_person(browser, "/app/settings/join/accept-as", &[("key", &link)]).await;
    let dan = walk.server.get("/admin/users?q=dan").await.is(200).ids()[0].clone();
    let at = |rest: &str| format!("{USERS}/{dan}/{rest}");
    for action in ["link", "suspend", "unsuspend", "grant-admin", "revoke-admin"] {
        walk.form(&at(&format!("edit/{action}")), &[]).await;
    }
    walk.form(&at("delete"), &[("name", "dan")]).await;
}

async fn logins(walk: &mut Walk<'_>) {
    // The example of RFC 7636, appendix B.
    let redirect = "http://localhost:10000/login";
    let asked = [
        ("client_id", "terraform-cli"),
        ("response_type", "code"),
        ("redirect_uri", redirect),
        ("state", "s"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    walk.form("/app/settings/authorize/decline", &[]).await;
    let led = leads_to(&walk.form("/app/settings/authorize/approve", &asked).await);
    let code = led.split_once("?code=").and_then(|(_, rest)| rest.split('&').next()).expect("a code").to_owned();
    let body = format!(
        "grant_type=authorization_code&client_id=terraform-cli&code={code}&redirect_uri={}&code_verifier={}",
        "http%3A%2F%2Flocalhost%3A10000%2Flogin", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let request = walk.server.request(Method::POST, "/").at_root("/oauth/token").anonymous();
    let answer = request.header("content-type", "application/x-www-form-urlencoded").bytes(body).send().await;
    walk.took(Method::POST, "/oauth/token", answer);
}

/// What is of organizations as a whole, and of who signs in.
async fn organizations(walk: &mut Walk<'_>) {
    let settings = format!("/app/{ORGANIZATION}/settings");
    let limit = attributes(json!({ "scope": "tag", "name": "web", "limit": 3 }));
    walk.patch(&format!("/organizations/{ORGANIZATION}/run-limits"), limit).await;
    walk.form(&format!("{settings}/save"), &[("name", ORGANIZATION), ("email", "c@d.example")]).await;
    walk.post("/organizations", attributes(json!({ "name": "other", "email": "a@b.example" }))).await;
    walk.patch("/organizations/other", attributes(json!({ "email": "x@y.example" }))).await;
    walk.form("/app/other/settings/delete", &[("name", "other")]).await;
    walk.post("/organizations", attributes(json!({ "name": "third", "email": "a@b.example" }))).await;
    walk.delete("/organizations/third").await;
    let mut browser = walk.server.browser();
    let answer = browser.sign_in(&walk.server.token, "/app").await;
    walk.took(Method::POST, "/sign-in", answer);
    let answer = browser.send_form("/sign-out", &[]).await;
    walk.took(Method::POST, "/sign-out", answer);
}
