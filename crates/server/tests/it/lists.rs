//! The pages of runs and workspaces: lists with their filters, and one workspace.

use serde_json::json;

use crate::harness::{ORGANIZATION, on_both};

/// What must never come back as markup.
const CANARY: &str = "<script>alert(1)</script>";

on_both! {
    async fn the_runs_of_an_organization_are_found_by_group_and_workspace(server) {
        let (net, app) = (server.workspace("net").await, server.workspace("app").await);
        for workspace in [&net, &app] {
            server.configuration(workspace, false).await;
        }
        let applied = server.run(&net, json!({ "auto-apply": true, "message": "first" })).await;
        server.until(&applied, "applied").await;
        let asks = server.run(&net, json!({ "message": CANARY })).await;
        server.until(&asks, "planned").await;
        server.tell("app.plan.fail");
        let failed = server.run(&app, json!({ "message": "broken" })).await;
        server.until(&failed, "errored").await;

        let mut browser = server.signed_in(&server.token).await;
        for (query, expected) in [
            ("", vec![&failed, &asks, &applied]),
            ("?group=nonsense&page=0", vec![&failed, &asks, &applied]),
            ("?group=approval", vec![&asks]),
            ("?group=under-way", vec![&asks]),
            ("?group=failed", vec![&failed]),
            ("?group=applied&workspace=net", vec![&applied]),
            ("?workspace=app", vec![&failed]),
            ("?group=failed&workspace=net", vec![]),
            ("?page=2", vec![]),
        ] {
            let text = browser.page(&format!("/app/acme/runs{query}")).await;
            let all = [&failed, &asks, &applied];
            let there: Vec<_> = all.into_iter().filter(|run| text.contains(&format!("/runs/{run}\""))).collect();
            assert_eq!(there, expected, "{query}: {text}");
            assert!(!text.contains("<script>"), "{text}");
        }
        browser.get("/app/acme/runs?workspace=nothere").await.is(404);
        browser.get("/app/nobody/runs").await.is(404);
        let first = browser.page("/app").await;
        assert!(first.contains("href=\"/app/acme/workspaces\"") && first.contains("href=\"/app/acme/runs\""), "{first}");
        assert_eq!(browser.get("/app/acme").await.is(303).header("location"), "/app/acme/workspaces");
    }

    async fn a_long_list_of_runs_comes_in_pages(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.tell("net.unchanged");
        let mut runs = Vec::new();
        for _ in 0..52 {
            runs.push(server.run(&workspace, json!({ "plan-only": true })).await);
        }
        let mut browser = server.signed_in(&server.token).await;
        let newest = browser.page("/app/acme/runs").await;
        assert!(newest.contains("52 in all") && newest.contains("1 of 2") && newest.contains("page=2"), "{newest}");
        assert!(newest.contains(&runs[51]) && !newest.contains(&runs[1]));
        let oldest = browser.page("/app/acme/runs?group=all&workspace=&page=2").await;
        assert!(oldest.contains(&runs[1]) && oldest.contains(&runs[0]) && !oldest.contains(&runs[51]));
        for run in &runs {
            server.until(run, "planned_and_finished").await;
        }
    }

    async fn a_workspace_has_what_it_stands_on_its_variables_outputs_and_states(server) {
        let outputs = json!({
            "ip": { "value": CANARY, "type": "string" },
            "key": { "value": "s3cret", "type": "string", "sensitive": true },
        });
        server.give("net.outputs", &outputs.to_string());
        let net = server.workspace_with(json!({ "name": "net", "description": CANARY })).await;
        server.configuration(&net, false).await;
        for (key, value, sensitive) in [("region", CANARY, false), ("password", "hunter2", true)] {
            let attributes = json!({ "key": key, "value": value, "category": "terraform", "sensitive": sensitive });
            server.post(&format!("/workspaces/{net}/vars"), json!({ "data": { "attributes": attributes } })).await.is(201);
        }
        let app = server.workspace("app").await;
        let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": net } } });
        server.post(&format!("/workspaces/{app}/run-triggers"), json!({ "data": { "relationships": source } })).await.is(201);
        let run = server.run(&net, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        server.post(&format!("/workspaces/{net}/actions/lock"), json!({ "reason": CANARY })).await.is(200);

        let mut browser = server.signed_in(&server.token).await;
        let mut text = String::new();
        for page in ["", "/variables", "/states"] {
            text.push_str(&browser.page(&format!("/app/acme/workspaces/net{page}")).await);
        }
        for part in ["<code>ip</code>", "<code>key</code>", "<code>region</code>", "<code>password</code>", "On it stand",
                     "href=\"/app/acme/workspaces/app\"", "1</a> (current)", "Locked by owner", &run] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(text.matches("(sensitive value)").count(), 2, "{text}");
        assert!(text.matches("&#60;script&#62;").count() >= 4, "{text}");
        for secret in ["<script>", "s3cret", "hunter2"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert!(browser.page("/app/acme/workspaces/app").await.contains("It stands on"));
        let list = browser.page("/app/acme/workspaces").await;
        assert!(list.contains(">Applied</a>") && list.contains("by owner") && !list.contains("<script>"), "{list}");
        let found = browser.page("/app/acme/workspaces?search=AP%22%3E").await;
        assert!(found.contains("There are none.") && !found.contains("\"AP\">"), "{found}");
        let found = browser.page("/app/acme/workspaces?search=AP").await;
        assert!(found.contains("workspaces/app\"") && !found.contains("workspaces/net\""), "{found}");
    }

    async fn a_team_sees_its_workspaces_alone_and_of_them_what_it_may(server) {
        let (net, app) = (server.workspace("net").await, server.workspace("app").await);
        server.configuration(&net, false).await;
        server.configuration(&app, false).await;
        let (seen, hidden) = (server.run(&net, json!({})).await, server.run(&app, json!({})).await);
        let team = server.team("readers").await;
        server.team_on_workspace(&team, &net, "read").await;
        let token = server.team_token(&team).await;
        let mut browser = server.signed_in(&token).await;
        let text = browser.page(&format!("/app/{ORGANIZATION}/runs")).await;
        assert!(text.contains(&seen) && !text.contains(&hidden) && text.contains("1 in all"), "{text}");
        let text = browser.page("/app/acme/workspaces").await;
        assert!(text.contains("workspaces/net\"") && !text.contains("workspaces/app\""), "{text}");
        browser.page("/app/acme/workspaces/net").await;
        browser.get("/app/acme/workspaces/app").await.is(404);
        browser.get("/app/acme/runs?workspace=app").await.is(404);
        for path in ["/app/acme", "/app/acme/workspaces", "/app/acme/workspaces/net", "/app/acme/runs"] {
            assert!(server.browser().get(path).await.is(303).header("location").starts_with("/sign-in?to="));
        }
        for run in [&seen, &hidden] {
            server.until(run, "planned").await;
        }
    }

    async fn the_queue_says_who_has_a_slot_and_what_the_others_wait_for(server) {
        let mut browser = server.signed_in(&server.token).await;
        assert!(browser.page("/app/acme/queue").await.contains("Nothing waits and nothing runs."));
        let (net, app) = (server.workspace("net").await, server.workspace("app").await);
        for (workspace, name) in [(&net, "net"), (&app, "app")] {
            server.configuration(workspace, false).await;
            server.gate(&format!("{name}.plan.gate"));
        }
        let attributes = json!({ "scope": "organization", "limit": 1 });
        let body = json!({ "data": { "attributes": attributes } });
        server.patch(&format!("/organizations/{ORGANIZATION}/run-limits"), body).await.is(200);
        let first = server.run(&net, json!({ "message": CANARY })).await;
        server.until(&first, "planning").await;
        let (second, third) = (server.run(&net, json!({})).await, server.run(&app, json!({})).await);
        let text = browser.page("/app/acme/queue").await;
        for part in ["1 under way", "2 waiting", "0 parked", "1 of 1 slots in use", &format!("net: {first}</a>"),
                     "has 1 of 1 slots in use", &format!("/app/acme/net/runs/{second}"), &format!("/app/acme/app/runs/{third}")] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("<script>"), "{text}");

        let team = server.team("readers").await;
        server.team_on_workspace(&team, &app, "read").await;
        let token = server.team_token(&team).await;
        let text = server.signed_in(&token).await.page("/app/acme/queue").await;
        assert!(text.contains(&third) && !text.contains(&first) && !text.contains(&second), "{text}");
        assert!(server.browser().get("/app/acme/queue").await.is(303).header("location").starts_with("/sign-in"));
        for run in [&second, &third] {
            server.act(run, "cancel").await.is(202);
        }
        server.open_gate("net.plan.gate").await;
        server.until(&first, "planned").await;
    }
}
