//! Plans of whole stacks: who may ask, see and decide, that it is decided once, and what the pages show.

use axum::http::Method;
use serde_json::{Value, json};

use crate::access::token_of_run;
use crate::harness::{Answer, Database, ORGANIZATION, Server, on_both};

/// What must never come back as markup.
const CANARY: &str = "<script>alert(1)</script>\"'&";

/// A workspace with code, and a run that has only planned it.
async fn planned(server: &Server, name: &str) -> (String, String) {
    let workspace = server.workspace(name).await;
    server.configuration(&workspace, false).await;
    let run = server.run(&workspace, json!({ "plan-only": true })).await;
    server.until(&run, "planned_and_finished").await;
    (workspace, run)
}

fn row(workspace: &str, run: &str, note: &str) -> Value {
    json!({ "workspace-id": workspace, "status": "planned", "run-id": run, "why": ["own code (main.tf)"], "note": note })
}

fn body(rows: &[Value]) -> Value {
    json!({ "data": { "type": "stack-plans", "attributes": { "message": "apply of prod", "digest": "d1", "rows": rows } } })
}

async fn make(server: &Server, token: &str, body: &Value) -> Answer {
    let path = format!("/organizations/{ORGANIZATION}/stack-plans");
    server.request(Method::POST, &path).token(token).json(body).send().await
}

/// A plan of two workspaces, `net` and `app`, with their ids.
async fn two(server: &Server) -> (String, [String; 2]) {
    let (net, of_net) = planned(server, "net").await;
    let (app, of_app) = planned(server, "app").await;
    let rows = [row(&net, &of_net, "[ms:1]"), row(&app, &of_app, "[ms:2]")];
    (make(server, &server.token, &body(&rows)).await.is(201).id(), [net, app])
}

async fn act(server: &Server, token: &str, plan: &str, action: &str) -> Answer {
    let path = format!("/stack-plans/{plan}/actions/{action}");
    server.request(Method::POST, &path).token(token).json(&json!({ "comment": " go " })).send().await
}

/// The token of a new team with a role on these workspaces.
async fn team(server: &Server, name: &str, workspaces: &[(&str, &str)]) -> String {
    let team = server.team(name).await;
    for (workspace, role) in workspaces {
        server.team_on_workspace(&team, workspace, role).await;
    }
    server.team_token(&team).await
}

async fn get(server: &Server, token: &str, plan: &str) -> Answer {
    server.request(Method::GET, &format!("/stack-plans/{plan}")).token(token).send().await
}

on_both! {
    async fn a_run_that_reads_a_shared_state_sees_no_plan_of_it(server) {
        let (_, [net, _]) = two(&server).await;
        let shared = json!({ "data": { "attributes": { "global-remote-state": true } } });
        server.patch(&format!("/workspaces/{net}"), shared).await.is(200);
        let project = server.project("elsewhere").await;
        let own = server.workspace_in(&project, "own").await;
        server.configuration(&own, false).await;
        server.gate("own.plan.gate");
        server.run(&own, json!({})).await;
        server.until_called("own plan").await;
        let token = token_of_run(&server, "own").await;
        let ask = async |path: &str| server.request(Method::GET, path).token(&token).send().await.is(200);
        ask(&format!("/organizations/{ORGANIZATION}/workspaces/net")).await;
        assert!(ask(&format!("/organizations/{ORGANIZATION}/stack-plans")).await.ids().is_empty());
    }

    async fn what_a_plan_would_do_is_read_from_its_runs_and_not_believed(server) {
        let (net, of_net) = planned(&server, "net").await;
        let (app, of_app) = planned(&server, "app").await;
        let mut said = row(&net, &of_net, "[ms:1]");
        said["counts"] = json!({ "add": 9, "destroy": 9 });
        let deferred = json!({ "workspace-id": app, "status": "deferred", "deferred-until": ["net"], "reason": "Invalid count" });
        let made = make(&server, &server.token, &body(&[said, deferred])).await.is(201);
        assert_eq!(made.at("/data/attributes/rows/0/counts/add"), 1);
        assert_eq!(made.at("/data/attributes/rows/0/counts/destroy"), 0);
        assert_eq!(made.at("/data/attributes/rows/1/deferred-until"), json!(["net"]));
        assert_eq!([made.at("/data/attributes/status"), made.at("/data/attributes/digest")], ["pending", "d1"]);
        assert_eq!(made.at("/data/attributes/created-by"), "owner");
        let listed = server.get(&format!("/organizations/{ORGANIZATION}/stack-plans")).await.is(200);
        assert_eq!(listed.ids(), [made.id()]);

        let applied = server.run(&app, json!({ "auto-apply": true })).await;
        server.until(&applied, "applied").await;
        for wrong in [
            row(&net, &of_app, ""),
            row(&app, &applied, ""),
            json!({ "workspace-id": net, "status": "planned" }),
            json!({ "workspace-id": net, "status": "perhaps", "run-id": of_net }),
        ] {
            make(&server, &server.token, &body(&[wrong])).await.refuses(422, "stack-plan/row");
        }
        let twice = [row(&net, &of_net, ""), row(&net, &of_net, "")];
        make(&server, &server.token, &body(&twice)).await.refuses(422, "stack-plan/row");
        make(&server, &server.token, &body(&[])).await.refuses(422, "stack-plan/size");
        let mut long = row(&net, &of_net, "");
        long["why"] = json!(["x".repeat(3000)]);
        make(&server, &server.token, &body(&[long])).await.refuses(422, "stack-plan/size");
    }

    async fn it_is_decided_once_and_whoever_waits_hears_of_it(server) {
        let (plan, _) = two(&server).await;
        let path = format!("/stack-plans/{plan}?unless-status=pending");
        let wait = server.request(Method::GET, &path).header("prefer", "wait=60").send();
        let (heard, answered) = tokio::join!(wait, async {
            let answers = [
                act(&server, &server.token, &plan, "approve"),
                act(&server, &server.token, &plan, "discard"),
                act(&server, &server.token, &plan, "withdraw"),
            ];
            futures::future::join_all(answers).await
        });
        let (counted, refused): (Vec<_>, Vec<_>) = answered.into_iter().partition(|it| it.status == 200);
        assert_eq!(counted.len(), 1, "exactly one answer counts");
        refused.into_iter().for_each(|answer| drop(answer.refuses(409, "stack-plan/decided")));
        let heard = heard.is(200);
        assert_eq!(heard.header("preference-applied"), "wait");
        for pointer in ["/data/attributes/status", "/data/attributes/digest"] {
            assert_eq!(heard.at(pointer), counted[0].at(pointer));
        }
        assert_eq!([heard.at("/data/attributes/decided-by"), heard.at("/data/attributes/comment")], ["owner", "go"]);
        assert_eq!(heard.at("/data/attributes/is-awaited"), false);
    }

    async fn to_decide_one_must_see_all_of_it_and_may_decide_about_every_run(server) {
        let (plan, [net, app]) = two(&server).await;
        let (net, app) = (net.as_str(), app.as_str());
        let half = team(&server, "half", &[(net, "write")]).await;
        let seen = get(&server, &half, &plan).await.is(200);
        assert_eq!(seen.at("/data/attributes/rows").as_array().unwrap().len(), 1);
        assert_eq!([seen.at("/data/attributes/hidden"), seen.at("/data/attributes/can-decide")], [json!(1), json!(false)]);
        let planner = team(&server, "planner", &[(net, "write"), (app, "plan")]).await;
        let seen = get(&server, &planner, &plan).await.is(200);
        assert_eq!([seen.at("/data/attributes/hidden"), seen.at("/data/attributes/can-decide")], [json!(0), json!(false)]);
        let stranger = team(&server, "stranger", &[]).await;
        get(&server, &stranger, &plan).await.refuses(404, "stack-plan/not-found");
        for token in [&half, &planner, &stranger] {
            for action in ["approve", "discard", "withdraw"] {
                act(&server, token, &plan, action).await.refuses(404, "stack-plan/not-found");
            }
        }
        // Who may only look asks nobody.
        let reader = team(&server, "reader", &[(net, "read")]).await;
        let rows = [json!({ "workspace-id": net, "status": "unchanged" })];
        make(&server, &reader, &body(&rows)).await.is(404);
        let of_planner = make(&server, &planner, &body(&rows)).await.is(201).id();
        act(&server, &server.token, &of_planner, "withdraw").await.is(404);
        act(&server, &planner, &of_planner, "withdraw").await.is(200);
        let writer = team(&server, "writer", &[(net, "write"), (app, "write")]).await;
        let approved = act(&server, &writer, &plan, "approve").await.is(200);
        assert!(approved.text_at("/data/attributes/decided-by").starts_with("api-team"), "{}", approved.text());
    }

    async fn a_plan_is_read_and_approved_on_its_page_and_shows_how_it_goes(server) {
        let (plan, [net, app]) = two(&server).await;
        let mut browser = server.signed_in(&server.token).await;
        let list = browser.page("/app/acme/plans").await;
        let page = format!("/app/acme/plans/{plan}");
        for part in [&format!("href=\"{page}\""), "apply of prod", "Waits for approval", "2 to add, in 2 workspaces"] {
            assert!(list.contains(part), "{part}: {list}");
        }
        assert!(!browser.page("/app/acme/plans?&page=2").await.contains(&page), "there is one page of it");
        let text = browser.page(&page).await;
        for part in ["<h1>apply of prod</h1>", "own code (main.tf)", "2 to add, in 2 workspaces", "terraform_data.a",
                     "(sensitive value)", "Approve and apply all of it", "Discard", "id=\"changes-2-resource-1\""] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("s3cret") && !text.contains("style=") && !text.contains("none yet"), "{text}");
        let answer = browser.send_form(&format!("{page}/approve"), &[("comment", "looks good")]).await.is(303);
        assert_eq!(answer.header("location"), page);
        let text = browser.page(&page).await;
        for part in ["Approved", "owner approved it", "looks good", "none yet"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("<textarea"), "{text}");
        browser.send_form(&format!("{page}/discard"), &[]).await.is(409);

        let run = server.run(&net, json!({ "message": "multispace apply [ms:1]", "auto-apply": true })).await;
        server.until(&run, "applied").await;
        server.run(&app, json!({ "message": "somebody else" })).await;
        let text = browser.page(&page).await;
        assert!(text.contains(&format!("href=\"/app/acme/net/runs/{run}\">Applied</a>")), "{text}");
        assert!(text.contains("none yet"), "the run of somebody else is none of it: {text}");
        assert_eq!(get(&server, &server.token, &plan).await.at("/data/attributes/rows/0/apply-run-id"), *run);
    }

    async fn whoever_may_not_decide_finds_no_form_and_whoever_may_not_see_finds_nothing(server) {
        let (plan, [net, app]) = two(&server).await;
        let page = format!("/app/acme/plans/{plan}");
        let token = team(&server, "half", &[(&net, "write")]).await;
        let mut half = server.signed_in(&token).await;
        let text = half.page(&page).await;
        assert!(text.contains("One more workspace of it is gone, or is not yours to see") && !text.contains("<textarea"), "{text}");
        assert!(!text.contains(">app<"), "{text}");
        half.send_form(&format!("{page}/approve"), &[]).await.is(404);
        let token = team(&server, "readers", &[(&net, "read"), (&app, "read")]).await;
        let mut reader = server.signed_in(&token).await;
        let text = reader.page(&page).await;
        assert!(text.contains("one must be allowed to decide") && !text.contains("<textarea"), "{text}");
        reader.send_form(&format!("{page}/discard"), &[]).await.is(404);
        let token = team(&server, "strangers", &[]).await;
        let mut stranger = server.signed_in(&token).await;
        stranger.get(&page).await.is(404);
        assert!(stranger.page("/app/acme/plans").await.contains("There are none."));
        let mut owner = server.signed_in(&server.token).await;
        let other = json!({ "data": { "attributes": { "name": "other", "email": "a@b.example" } } });
        server.post("/organizations", other).await.is(201);
        owner.get(&format!("/app/other/plans/{plan}")).await.is(404);
        owner.form(&format!("{page}/approve"), &[("form_token", "x")]).send().await.is(403);
        assert_eq!(get(&server, &server.token, &plan).await.at("/data/attributes/status"), "pending");
    }

    async fn markup_in_what_somebody_planned_stays_text(server) {
        let (net, of_net) = planned(&server, "net").await;
        let app = server.workspace("app").await;
        let mut first = row(&net, &of_net, CANARY);
        first["why"] = json!([CANARY]);
        let second = json!({ "workspace-id": app, "status": "deferred", "deferred-until": [CANARY], "reason": CANARY });
        let mut wanted = body(&[first, second]);
        wanted["data"]["attributes"]["message"] = json!(CANARY);
        wanted["data"]["attributes"]["digest"] = json!(CANARY);
        let plan = make(&server, &server.token, &wanted).await.is(201).id();
        let mut browser = server.signed_in(&server.token).await;
        let page = format!("/app/acme/plans/{plan}");
        browser.send_form(&format!("{page}/discard"), &[("comment", CANARY)]).await.is(303);
        let text = browser.page(&page).await;
        assert!(!text.contains("<script>") && text.matches("&#60;script&#62;").count() >= 7, "{text}");
        assert!(text.contains("Discarded") && text.contains("Nothing was applied"), "{text}");
        let list = browser.page("/app/acme/plans").await;
        assert!(!list.contains("<script>") && list.contains("&#60;script&#62;"), "{list}");
    }

    async fn plans_go_with_their_organization(server) {
        let other = json!({ "data": { "attributes": { "name": "other", "email": "a@b.example" } } });
        server.post("/organizations", other).await.is(201);
        let workspace = json!({ "data": { "attributes": { "name": "net" } } });
        let workspace = server.post("/organizations/other/workspaces", workspace).await.is(201).id();
        let rows = [json!({ "workspace-id": workspace, "status": "unchanged" })];
        make(&server, &server.token, &body(&rows)).await.refuses(422, "stack-plan/row");
        let plan = server.post("/organizations/other/stack-plans", body(&rows)).await.is(201).id();
        server.delete(&format!("/workspaces/{workspace}")).await.is(204);
        get(&server, &server.token, &plan).await.is(404);
        server.delete("/organizations/other").await.is(204);
        server.post(&format!("/stack-plans/{plan}/actions/withdraw"), json!({})).await.is(404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_nobody_waits_for_cannot_be_approved_until_whoever_made_it_asks_again() {
    let server = Server::open_with(Database::Sqlite, |options| options.plan_patience = std::time::Duration::ZERO).await;
    let (plan, _) = two(&server).await;
    act(&server, &server.token, &plan, "approve").await.refuses(409, "stack-plan/not-awaited");
    let mut browser = server.signed_in(&server.token).await;
    let page = format!("/app/acme/plans/{plan}");
    let text = browser.page(&page).await;
    assert!(text.contains("Nobody waits for it") && !text.contains("/approve\""), "{text}");
    browser.send_form(&format!("{page}/approve"), &[]).await.is(409);
    browser.send_form(&format!("{page}/discard"), &[]).await.is(303);

    let server =
        Server::open_with(Database::Sqlite, |options| options.plan_patience = std::time::Duration::from_secs(1)).await;
    let (plan, _) = two(&server).await;
    let is_awaited = |answer: &Answer| answer.at("/data/attributes/is-awaited") == true;
    server.until_that(&format!("/stack-plans/{plan}"), |answer| !is_awaited(answer)).await;
    // Somebody else who waits is not whoever made it.
    let path = format!("/stack-plans/{plan}?unless-status=pending");
    let stranger = server.team("strangers").await;
    let token = server.team_token(&stranger).await;
    server.request(Method::GET, &path).token(&token).header("prefer", "wait=1").send().await.is(404);
    assert!(!is_awaited(&get(&server, &server.token, &plan).await));
    let held = server.request(Method::GET, &path).header("prefer", "wait=0").send().await.is(200);
    assert!(is_awaited(&held), "{}", held.text());
}
