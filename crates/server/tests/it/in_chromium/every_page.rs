//! What holds for every page, with things on it whose names, texts and outputs are hostile: nothing of them becomes markup, the
//! console stays silent, axe-core finds nothing in light and in dark, and a phone shows it without scrolling sideways.
//!
//! Each route for browsers has its visits here. A new one without them fails the test.

use serde_json::{Value, json};

use super::{Screen, page};
use crate::harness::ORGANIZATION;

/// What would run, or change the page, if it were taken for anything but text.
const CANARY: &str =
    r#"<script>window.hit=1</script>"><img src=x onerror="window.hit=2"><svg onload=window.hit=3>'{{7*7}}"#;
/// What a terminal would take for a link, a title, a colour and a way back.
const TRICKS: &str = "\u{1b}]8;;javascript:window.hit=4\u{7}click\u{1b}]8;;\u{7} \u{1b}]0;title\u{7}\u{1b}[31mred\u{1b}[2J\u{1b}[1;1H javascript:window.hit=5\r\n";

/// What a terminal asks for, with a state that is hostile.
const LOGIN: &str = "client_id=terraform-cli&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A10000%2Flogin&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&state=%22%3E%3Cscript%3Ewindow.hit%3D6%3C%2Fscript%3E";

/// What the visited pages are about.
struct World {
    /// A run that waits for approval.
    planned: String,
    /// One that waits for it.
    waiting: String,
    /// One that is being planned.
    planning: String,
    applied: String,
    errored: String,
    discarded: String,
    /// Plans of a stack: one that waits, one that was approved, one that was discarded.
    plans: Vec<String>,
    /// Ends of addresses below those of `net` and of the settings of the organization.
    variable: String,
    state: String,
    trigger: String,
    team: String,
    team_token: String,
    own_token: String,
    token: String,
    connection: String,
    set: String,
    set_variable: String,
    /// Somebody who was invited and has not come, and the key of their link.
    user: String,
    membership: String,
    key: String,
}

impl World {
    async fn make(screen: &Screen) -> Self {
        let server = &screen.server;
        let net = server.workspace_with(json!({ "name": "net", "description": CANARY })).await;
        for (key, category, hcl) in
            [("plain", "terraform", false), ("listed", "terraform", true), ("MARK", "env", false)]
        {
            let attributes =
                json!({ "key": key, "value": CANARY, "category": category, "hcl": hcl, "description": CANARY });
            server
                .post(&format!("/workspaces/{net}/vars"), json!({ "data": { "attributes": attributes } }))
                .await
                .is(201);
        }
        let outputs = json!({
            "text": { "value": CANARY, "type": "string" },
            "map": { "value": { CANARY: CANARY }, "type": ["map", "string"] },
            "key": { "value": "s3cret", "type": "string", "sensitive": true },
        });
        server.give("net.outputs", &outputs.to_string());
        server.give("net.plan.says", &format!("{CANARY}\n{TRICKS}"));
        server.give("net.apply.says", &format!("{CANARY}\n{TRICKS}"));
        server.configuration(&net, false).await;
        let applied = server.run(&net, json!({ "auto-apply": true, "message": CANARY })).await;
        server.until(&applied, "applied").await;

        server.give("net.show", &plan().to_string());
        let discarded = server.run(&net, json!({ "message": format!("title\n{CANARY}") })).await;
        server.until(&discarded, "planned").await;
        server.act(&discarded, "discard").await.is(202);
        let plans = plans(screen, &net).await;
        let planned = server.run(&net, json!({ "message": CANARY })).await;
        server.until(&planned, "planned").await;
        let comment = json!({ "data": { "attributes": { "body": CANARY } } });
        server.post(&format!("/runs/{planned}/comments"), comment).await.is(201);
        let waiting = server.run(&net, json!({ "message": CANARY, "is-destroy": true })).await;

        server.give("db.plan.fail", "");
        server.give("db.plan.says", &format!("{CANARY}\n{TRICKS}"));
        let errored = screen.run_of("db", json!({ "message": CANARY })).await;
        server.until(&errored, "errored").await;
        server.gate("app.plan.gate");
        let planning = screen.run_of("app", json!({ "message": CANARY })).await;
        server.until_called("app plan").await;
        let long = "a-name-of-a-workspace-that-is-as-long-as-names-of-workspaces-are-in-places";
        let long = server.workspace(long).await;
        for (upstream, downstream) in [("net", "db"), ("db", "app")] {
            let id = async |name| server.get(&format!("/organizations/{ORGANIZATION}/workspaces/{name}")).await.id();
            let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": id(upstream).await } } });
            let trigger = json!({ "data": { "relationships": source } });
            server.post(&format!("/workspaces/{}/run-triggers", id(downstream).await), trigger).await.is(201);
        }
        let stack = json!({ "name": "demo", "workspace-ids": [net, long], "expires-at": "2099-01-01T00:00:00Z" });
        let stack = json!({ "data": { "attributes": stack } });
        server.post(&format!("/organizations/{ORGANIZATION}/stacks"), stack).await.is(201);
        let set = json!({ "data": {
            "attributes": { "name": "shared", "global": true },
            "relationships": { "vars": { "data": [{ "attributes": { "key": "plain", "value": CANARY, "description": CANARY } }] } },
        } });
        let set = server.post(&format!("/organizations/{ORGANIZATION}/varsets"), set).await.is(201);
        let (set, set_variable) = (set.id(), set.text_at("/data/relationships/vars/data/0/id").to_owned());
        let variable = server.get(&format!("/workspaces/{net}/vars")).await.is(200).ids()[0].clone();
        let state = server.get(&format!("/workspaces/{net}/current-state-version")).await.is(200).id();
        let source = server.get(&format!("/organizations/{ORGANIZATION}/workspaces/empty")).await.is(200).id();
        let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": source } } });
        let trigger = json!({ "data": { "relationships": source } });
        let trigger = server.post(&format!("/workspaces/{net}/run-triggers"), trigger).await.is(201).id();
        let team = server.team("crew").await;
        server.team_on_workspace(&team, &net, "plan").await;
        let described = json!({ "data": { "attributes": { "description": CANARY } } });
        let team_token = server.post(&format!("/teams/{team}/authentication-tokens"), described).await.is(201).id();
        let token = format!("/organizations/{ORGANIZATION}/authentication-token");
        let token = server.post(&token, json!({ "data": {} })).await.is(201).id();
        let own = server.signed_in(&server.token).await.page("/app/settings/tokens").await;
        let own = own.split("href=\"/app/settings/tokens/").nth(1).and_then(|rest| rest.split('/').next());
        let connection = server.connection("https://git.example", json!({ "name": CANARY })).await;
        let connection = server.get(&format!("/oauth-tokens/{connection}")).await.is(200);
        let connection = connection.text_at("/data/relationships/oauth-client/data/id").to_owned();
        let own_token = own.expect("the token of the first start").to_owned();
        let (membership, key) = server.invited_to(ORGANIZATION, "<script>window.hit=7</script>", &[&team]).await;
        let invited = server.get(&format!("/organization-memberships/{membership}")).await.is(200);
        let user = invited.text_at("/data/relationships/user/data/id").to_owned();
        Self {
            planned,
            waiting,
            planning,
            applied,
            errored,
            discarded,
            plans,
            variable,
            state,
            trigger,
            team,
            team_token,
            own_token,
            token,
            connection,
            set,
            set_variable,
            user,
            membership,
            key,
        }
    }

    fn runs(&self) -> Vec<String> {
        let of_net = [&self.planned, &self.waiting, &self.applied, &self.discarded].map(|run| page("net", run));
        of_net.into_iter().chain([page("db", &self.errored), page("app", &self.planning)]).collect()
    }

    /// Where the pages of a route are.
    fn visits(&self, route: &str) -> Vec<String> {
        let at = |rest: &[&str]| rest.iter().map(|rest| format!("/app/{ORGANIZATION}/{rest}")).collect();
        let with = |rest: &str| self.runs().iter().map(|run| format!("{run}{rest}")).collect();
        match route {
            "/app" => vec!["/app".to_owned()],
            "/app/settings/tokens" | "/app/settings/account" | "/app/settings/users" => vec![route.to_owned()],
            "/app/settings/join" => vec![format!("{route}?key={}", self.key)],
            "/app/settings/authorize" => vec![format!("{route}?{LOGIN}")],
            _ if route.starts_with("/app/settings/users/{user}/") => vec![route.replace("{user}", &self.user)],
            "/app/{organization}/workspaces" => {
                at(&["workspaces", "workspaces?search=%3Cscript%3E", "workspaces?search=net"])
            }
            "/app/{organization}/workspaces/{workspace}" => {
                at(&["workspaces/net", "workspaces/db", "workspaces/empty"])
            }
            "/app/{organization}/workspaces/{workspace}/destroy" => {
                at(&["workspaces/net/destroy", "workspaces/empty/destroy"])
            }
            "/app/{organization}/graph" => {
                at(&["graph", "graph?focus=db", "graph?focus=db&depth=1", "graph?focus=e", "graph?focus=%3Cscript%3E"])
            }
            "/app/{organization}/stacks" => at(&["stacks"]),
            "/app/{organization}/stacks/{stack}" => at(&["stacks/demo", "stacks/demo?focus=net"]),
            "/app/{organization}/stacks/{stack}/destroy" => at(&["stacks/demo/destroy"]),
            "/app/start" => vec![route.to_owned()],
            "/app/settings/tokens/{token}/revoke" => vec![route.replace("{token}", &self.own_token)],
            // A file that is kept.
            _ if route.ends_with("/download") => Vec::new(),
            _ if route.starts_with("/app/{organization}/workspaces/{workspace}/") => {
                let end = route.trim_start_matches("/app/{organization}/workspaces/{workspace}/");
                let end = end.replace("{variable}", &self.variable).replace("{state}", &self.state);
                at(&[&format!("workspaces/net/{}", end.replace("{trigger}", &self.trigger))])
            }
            _ if route.starts_with("/app/{organization}/settings") => {
                let token = if route.contains("{team}") { &self.team_token } else { &self.token };
                let end = route.trim_start_matches("/app/{organization}/").replace("{team}", &self.team);
                let end = end.replace("{variable_set}", &self.set).replace("{set_variable}", &self.set_variable);
                at(&[&end
                    .replace("{connection}", &self.connection)
                    .replace("{token}", token)
                    .replace("{membership}", &self.membership)])
            }
            "/app/{organization}/runs" => at(&["runs", "runs?workspace=net", "runs?group=waits"]),
            "/app/{organization}/queue" => at(&["queue"]),
            "/app/{organization}/plans" => at(&["plans"]),
            "/app/{organization}/plans/{id}" => {
                self.plans.iter().map(|plan| format!("/app/{ORGANIZATION}/plans/{plan}")).collect()
            }
            "/app/{organization}/{workspace}/runs/{run}" => self.runs(),
            "/app/{organization}/{workspace}/runs/{run}/log/plan" => {
                let find = format!("{}/log/plan?find=%3Cscript", page("net", &self.planned));
                let mut all: Vec<_> = with("/log/plan");
                all.push(find);
                all
            }
            "/app/{organization}/{workspace}/runs/{run}/log/apply" => with("/log/apply"),
            // Led elsewhere, to a page that is visited.
            "/" | "/sign-in" | "/app/{organization}" => Vec::new(),
            // A stream, and files that are kept: nothing to look at.
            _ if route.ends_with("/events") || route.ends_with("/raw") => Vec::new(),
            _ => panic!("no test visits the pages of {route}: add where they are"),
        }
    }
}

/// Plans of a stack of `net` and of `empty`, which cannot be planned yet.
async fn plans(screen: &Screen, net: &str) -> Vec<String> {
    let server = &screen.server;
    let empty = server.workspace("empty").await;
    let run = server.run(net, json!({ "plan-only": true, "message": CANARY })).await;
    server.until(&run, "planned_and_finished").await;
    let rows = json!([
        { "workspace-id": net, "status": "planned", "run-id": run, "why": [CANARY], "note": "script" },
        { "workspace-id": empty, "status": "deferred", "deferred-until": [CANARY], "reason": CANARY },
    ]);
    let attributes = json!({ "message": CANARY, "digest": CANARY, "rows": rows });
    let body = json!({ "data": { "attributes": attributes } });
    let mut plans = Vec::new();
    for action in ["", "approve", "discard"] {
        let plan = server.post(&format!("/organizations/{ORGANIZATION}/stack-plans"), body.clone()).await.is(201).id();
        if !action.is_empty() {
            let comment = json!({ "comment": CANARY });
            server.post(&format!("/stack-plans/{plan}/actions/{action}"), comment).await.is(200);
        }
        plans.push(plan);
    }
    plans
}

fn plan() -> Value {
    let change = |name: &str, actions: &[&str], before: Value, after: Value| {
        json!({
            "address": format!("terraform_data.{name}[\"{CANARY}\"]"), "mode": "managed", "type": "terraform_data",
            "name": name, "provider_name": "terraform.io/builtin/terraform",
            "change": { "actions": actions, "before": before, "after": after, "replace_paths": [["input"]],
                        "before_sensitive": false, "after_sensitive": { "secret": true }, "after_unknown": { "id": true } },
        })
    };
    let value = |text: &str| json!({ "input": text, "secret": "s3cret", CANARY: [CANARY, { CANARY: 1 }] });
    json!({
        "format_version": "1.2", "applyable": true,
        "resource_changes": [
            change("made", &["create"], Value::Null, value(CANARY)),
            change("changed", &["update"], value("before"), value(CANARY)),
            change("replaced", &["delete", "create"], value("before"), value(CANARY)),
            change("gone", &["delete"], value(CANARY), Value::Null),
        ],
        "output_changes": {
            "ip": { "actions": ["create"], "before": null, "after": CANARY, "after_unknown": false },
            "key": { "actions": ["update"], "before": "s3cret", "after": "s3cret", "before_sensitive": true, "after_sensitive": true, "after_unknown": false },
        },
    })
}

/// Everything that is wrong with the page that is shown.
async fn faults(screen: &Screen, path: &str) -> Vec<String> {
    let tab = &screen.tab;
    let mut faults = Vec::new();
    for (name, dark) in [("light", false), ("dark", true)] {
        tab.dark(dark).await;
        faults.extend(tab.violations().await.into_iter().map(|rule| format!("{name}: {rule}")));
    }
    tab.size(390, 844).await;
    let wide = "(() => { const root = document.documentElement; return root.scrollWidth <= root.clientWidth ? '' :
        `${root.scrollWidth} wide: ` + [...document.querySelectorAll('main *, header *')].filter((it) => it.getBoundingClientRect().right > root.clientWidth + 1)
            .slice(0, 3).map((it) => it.outerHTML.slice(0, 160)).join('\\n'); })()";
    let wide = tab.text(wide).await;
    if !wide.is_empty() {
        faults.push(format!("on a phone it is {wide}"));
    }
    tab.size(1200, 900).await;
    tab.dark(false).await;
    // What would have become of a canary: it ran, or it is an element.
    let hit = tab.text("String(window.hit) + document.querySelectorAll('img, svg[onload], script:not([src]), a[href^=\"javascript:\" i]').length").await;
    if hit != "undefined0" {
        faults.push(format!("a canary lives: {hit}"));
    }
    let text = tab.shown().await;
    if text.contains("s3cret") {
        faults.push("it shows what is sensitive".to_owned());
    }
    if text.contains("49") && text.contains("window.hit") && !text.contains("{{7*7}}") {
        faults.push("a template in a text was filled in".to_owned());
    }
    faults.extend(tab.complaints());
    faults.into_iter().map(|fault| format!("{path}: {fault}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_keeps_text_as_text_is_silent_accessible_and_fits_a_phone() {
    let screen = Screen::open().await;
    screen.goto("/sign-in").await;
    let mut found = faults(&screen, "/sign-in").await;
    screen.tab.fill("#token", CANARY).await;
    screen.tab.follow("button >> Sign in with a token").await;
    // A browser says of each page with such a status that it could not be loaded.
    screen.tab.complaints();
    found.extend(faults(&screen, "/sign-in, refused").await);
    screen.tab.fill("#token", &screen.server.token).await;
    screen.tab.follow("button >> Sign in with a token").await;

    let world = World::make(&screen).await;
    let pages = server::routes().into_iter().filter(|(method, path)| {
        *method == "GET" && (matches!(path.as_str(), "/" | "/app" | "/sign-in") || path.starts_with("/app/"))
    });
    let mut count = 0;
    for (_, route) in pages {
        for path in world.visits(&route) {
            screen.goto(&path).await;
            // A page whose things are not there would pass all that follows.
            let there = screen
                .tab
                .text("document.querySelectorAll('h1').length + ' ' + document.querySelector('h1').textContent")
                .await;
            assert!(there.starts_with("1 ") && !there.contains("Not found"), "{path}: {there}");
            found.extend(faults(&screen, &path).await);
            count += 1;
        }
    }
    assert!(count > 20, "{count} pages were visited");
    for path in [
        "/app/acme/nothing",
        "/app/acme/runs?workspace=%22%3E%3Cscript%3E",
        "/app/acme/workspaces/%3Cscript%3Ewindow.hit=1%3C%2Fscript%3E",
        "/app/acme/net/runs/run-%3Cscript%3E",
    ] {
        screen.goto(path).await;
        screen.tab.complaints();
        found.extend(faults(&screen, path).await);
    }
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_things_that_come_while_a_page_is_looked_at_stay_text() {
    let screen = Screen::signed_in().await;
    let (tab, server) = (&screen.tab, &screen.server);
    server.give("net.plan.says", &format!("{CANARY}\n{TRICKS}"));
    server.give("net.show", &plan().to_string());
    server.gate("net.plan.gate");
    let run = screen.run_of("net", json!({ "message": CANARY })).await;
    server.until(&run, "planning").await;
    screen.goto(&page("net", &run)).await;
    screen.mark().await;
    server.open_gate("net.plan.gate").await;
    tab.until_shown("Waits for approval").await;
    let comment = json!({ "data": { "attributes": { "body": CANARY } } });
    server.post(&format!("/runs/{run}/comments"), comment).await.is(201);
    tab.press("button >> Discard").await;
    tab.until_shown("Discarded").await;
    assert_eq!(faults(&screen, "the run").await, Vec::<String>::new());
}
