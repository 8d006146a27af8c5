//! Runs from their creation to their end.

use axum::http::Method;
use serde_json::json;

use crate::harness::{ORGANIZATION, on_both};

on_both! {
    async fn a_run_is_planned_confirmed_and_applied(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({ "message": "first" })).await;

        let planned = server.until(&run, "planned").await;
        assert_eq!(planned.at("/data/attributes/has-changes"), true);
        assert_eq!(planned.at("/data/attributes/actions/is-confirmable"), true);
        assert_eq!(planned.at("/data/attributes/message"), "first");
        let plan = server.get(&format!("/runs/{run}/plan")).await.is(200);
        assert_eq!(plan.at("/data/attributes/status"), "finished");
        assert_eq!(plan.at("/data/attributes/resource-additions"), 1);
        let redacted = server.get(&format!("/plans/{}/json-output-redacted", plan.id())).await.is(200);
        assert!(!redacted.text().contains("s3cret"), "{}", redacted.text());
        assert!(server.get(&format!("/plans/{}/json-output", plan.id())).await.is(200).text().contains("s3cret"));

        server.act(&run, "apply").await.is(202);
        server.act(&run, "apply").await.refuses(409, "run/not-confirmable");
        let applied = server.until(&run, "applied").await;
        let apply = server.get(&format!("/applies/{}", applied.text_at("/data/relationships/apply/data/id"))).await;
        assert_eq!(apply.at("/data/attributes/status"), "finished");
        let workspace = server.get(&format!("/workspaces/{workspace}")).await;
        assert_eq!(workspace.at("/data/attributes/resource-count"), 1);
        assert_eq!(workspace.at("/data/attributes/locked"), false);
    }

    async fn a_plan_without_changes_is_the_end_of_its_run(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.tell("net.unchanged");
        let run = server.run(&workspace, json!({ "auto-apply": true })).await;
        let run = server.until(&run, "planned_and_finished").await;
        assert_eq!(run.at("/data/attributes/has-changes"), false);
        let apply = server.get(&format!("/applies/{}", run.text_at("/data/relationships/apply/data/id"))).await;
        assert_eq!(apply.at("/data/attributes/status"), "unreachable");
    }

    async fn a_run_that_is_discarded_lets_the_next_one_in(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let first = server.run(&workspace, json!({})).await;
        server.until(&first, "planned").await;
        let second = server.run(&workspace, json!({})).await;
        assert_eq!(server.get(&format!("/runs/{second}")).await.at("/data/attributes/status"), "pending");
        let current = server.get(&format!("/workspaces/{workspace}")).await;
        assert_eq!(current.at("/data/relationships/current-run/data/id"), first.as_str());

        server.act(&first, "discard").await.is(202);
        server.until(&first, "discarded").await;
        server.until(&second, "planned").await;
    }

    async fn runs_of_one_workspace_are_applied_in_the_order_they_came(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.gate("net.plan.gate");
        let first = server.run(&workspace, json!({ "auto-apply": true })).await;
        let second = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&first, "planning").await;
        let queue = server.get(&format!("/organizations/{ORGANIZATION}/runs/queue")).await.is(200);
        assert_eq!(queue.ids(), [first.clone(), second.clone()]);
        assert_eq!(queue.at("/data/1/attributes/position-in-queue"), 2);
        let capacity = server.get(&format!("/organizations/{ORGANIZATION}/capacity")).await.is(200);
        assert_eq!(capacity.at("/data/attributes"), json!({ "pending": 1, "running": 1, "parked": 0 }));

        server.open_gate("net.plan.gate").await;
        server.until(&first, "applied").await;
        server.until(&second, "applied").await;
        let state = server.get(&format!("/workspaces/{workspace}/current-state-version")).await.is(200);
        assert_eq!(state.at("/data/attributes/serial"), 2);
        assert_eq!(state.at("/data/relationships/run/data/id"), second.as_str());
    }

    async fn a_run_that_only_plans_passes_a_locked_workspace(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.post(&format!("/workspaces/{workspace}/actions/lock"), json!({ "reason": "mine" })).await.is(200);
        let ordinary = server.run(&workspace, json!({})).await;
        let speculative = server.run(&workspace, json!({ "plan-only": true })).await;
        server.until(&speculative, "planned_and_finished").await;
        assert_eq!(server.get(&format!("/runs/{ordinary}")).await.at("/data/attributes/status"), "pending");
        let listed = server.get(&format!("/workspaces/{workspace}/runs")).await.is(200);
        assert_eq!(listed.ids(), std::slice::from_ref(&ordinary), "runs that only plan are listed when asked for");
        let listed = server.get(&format!("/workspaces/{workspace}/runs?filter[operation]=plan_only")).await.is(200);
        assert_eq!(listed.ids(), [speculative]);

        server.post(&format!("/workspaces/{workspace}/actions/unlock"), json!({})).await.is(200);
        server.until(&ordinary, "planned").await;
    }

    async fn a_run_that_waits_is_canceled_at_once_and_one_in_terraform_is_interrupted(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.gate("net.plan.gate");
        let planning = server.run(&workspace, json!({})).await;
        let waiting = server.run(&workspace, json!({})).await;
        server.until(&planning, "planning").await;

        server.act(&waiting, "cancel").await.is(202);
        assert_eq!(server.get(&format!("/runs/{waiting}")).await.at("/data/attributes/status"), "canceled");
        server.act(&planning, "cancel").await.is(202);
        let ended = server.until(&planning, "canceled").await;
        let plan = server.get(&format!("/runs/{planning}/plan")).await;
        assert_eq!(plan.at("/data/attributes/status"), "canceled");
        assert_eq!(server.log(&plan.id()).await.last(), Some(&3), "the log of a canceled plan ends");
        assert_eq!(ended.at("/data/attributes/actions/is-cancelable"), false);
        server.act(&planning, "cancel").await.refuses(409, "run/wrong-status");
    }

    async fn a_plan_or_an_apply_that_fails_ends_its_run_and_keeps_what_was_saved(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.tell("net.plan.fail");
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "errored").await;
        let plan = server.get(&format!("/runs/{run}/plan")).await;
        let log = String::from_utf8(server.log(&plan.id()).await).unwrap();
        assert!(log.starts_with('\u{2}') && log.ends_with('\u{3}') && log.contains("told to fail"), "{log}");

        std::fs::remove_file(server.control("net.plan.fail")).unwrap();
        server.tell("net.apply.fail");
        let run = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&run, "errored").await;
        let state = server.get(&format!("/workspaces/{workspace}/current-state-version")).await.is(200);
        assert_eq!(state.at("/data/attributes/serial"), 1);
    }

    async fn a_saved_plan_waits_and_is_applied_when_somebody_says_so(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({ "save-plan": true })).await;
        let saved = server.until(&run, "planned_and_saved").await;
        assert_eq!(saved.at("/data/attributes/actions/is-confirmable"), true);
        server.act(&run, "apply").await.is(202);
        server.until(&run, "applied").await;
    }

    async fn more_runs_than_the_organization_may_have_wait_for_a_slot(server) {
        // The limit of a new organization is four.
        let mut runs = Vec::new();
        for name in ["a", "b", "c", "d", "e"] {
            let workspace = server.workspace(name).await;
            server.configuration(&workspace, false).await;
            server.gate(&format!("{name}.plan.gate"));
            runs.push(server.run(&workspace, json!({})).await);
        }
        for run in &runs[..4] {
            server.until(run, "planning").await;
        }
        assert_eq!(server.get(&format!("/runs/{}", runs[4])).await.at("/data/attributes/status"), "pending");
        server.open_gate("a.plan.gate").await;
        server.until(&runs[0], "planned").await;
        server.until(&runs[4], "planning").await;
        for name in ["b", "c", "d", "e"] {
            server.open_gate(&format!("{name}.plan.gate")).await;
        }
        server.until(&runs[4], "planned").await;
    }

    async fn a_run_needs_a_configuration_and_a_workspace_that_allows_it(server) {
        let workspace = server.workspace("net").await;
        let refused = server.try_run(&workspace, None, json!({})).await.refuses(422, "configuration/missing");
        assert_eq!(refused.text_at("/errors/0/title"), "invalid attribute");
        assert_eq!(refused.detail(), "Configuration version is missing", "the tfe provider compares the whole text");

        let configuration = server.configuration(&workspace, true).await;
        let speculative = server.try_run(&workspace, Some(&configuration), json!({})).await.is(201);
        assert_eq!(speculative.at("/data/attributes/plan-only"), true);
        server.try_run(&workspace, Some(&configuration), json!({ "is-destroy": true, "refresh-only": true })).await
            .refuses(422, "run/setting");
        server.patch(&format!("/workspaces/{workspace}"), json!({ "data": { "attributes": { "allow-destroy-plan": false } } }))
            .await.is(200);
        server.try_run(&workspace, Some(&configuration), json!({ "is-destroy": true })).await.refuses(422, "run/setting");
        server.try_run("ws-nothere", None, json!({})).await.is(404);
        server.post("/runs", json!({ "data": {} })).await.refuses(422, "run/workspace");
        server.until(&speculative.id(), "planned_and_finished").await;
    }

    async fn a_read_brings_along_what_was_asked_for(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
        let include = "workspace,plan,apply,created-by,configuration_version,task_stages,nonsense";
        let answer = server.get(&format!("/runs/{run}?include={include}")).await.is(200);
        let included = answer.at("/included");
        let kinds: Vec<_> = included.as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["workspaces", "plans", "applies", "configuration-versions", "users"]);
        let events = server.get(&format!("/runs/{run}/run-events")).await.is(200);
        assert_eq!(events.at("/data/0/attributes/action"), "queued");
        let stages = server.get(&format!("/runs/{run}/task-stages")).await.is(200);
        assert_eq!(stages.at("/meta/pagination/total-pages"), 1);
        let listed = server.get(&format!("/organizations/{ORGANIZATION}/workspaces?include=current_run.plan")).await;
        assert_eq!(listed.at("/included/0/type"), "runs");
        assert_eq!(listed.at("/included/1/type"), "plans");
    }

    async fn only_the_cloud_block_gets_json_lines(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let body = json!({ "data": { "relationships": { "workspace": { "data": { "type": "workspaces", "id": workspace } } } } });
        for (headers, source) in [
            (&[("x-terraform-integration", "cloud"), ("terraform-version", "1.11.4")][..], "terraform+cloud"),
            (&[("terraform-version", "1.11.4")][..], "terraform"),
            (&[][..], "tfe-api"),
        ] {
            let mut request = server.request(Method::POST, "/runs").json(&body);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let run = request.send().await.is(201);
            assert_eq!(run.at("/data/attributes/source"), source);
            server.until(&run.id(), "planned").await;
            server.act(&run.id(), "discard").await.is(202);
        }
        let calls = std::fs::read_to_string(server.control("calls")).unwrap();
        let plans: Vec<_> = calls.lines().filter(|call| call.starts_with("net plan")).collect();
        let as_json: Vec<_> = plans.iter().map(|call| call.contains(" -json")).collect();
        assert_eq!(as_json, [true, false, false], "{calls}");
    }

    async fn a_log_is_read_by_offset_and_is_empty_after_its_end(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
        let plan = server.get(&format!("/runs/{run}/plan")).await;
        let url = plan.text_at("/data/attributes/log-read-url");
        let read = async |query: &str| {
            server.request(Method::GET, &format!("{url}?{query}")).anonymous().send().await.is(200).body
        };
        let whole = read("").await;
        assert_eq!((whole.first(), whole.last()), (Some(&2), Some(&3)));
        let text = String::from_utf8_lossy(&whole).into_owned();
        let lines: Vec<_> = text.trim_start_matches('\u{2}').lines().take(3).collect();
        assert_eq!(lines, ["Terraform v1.11.4", "on linux_amd64", "Initializing plugins and modules..."]);
        assert_eq!(read("limit=10&offset=1").await, whole[1..11]);
        let mut pieces = Vec::new();
        loop {
            let piece = read(&format!("limit=7&offset={}", pieces.len())).await;
            if piece.is_empty() {
                break;
            }
            pieces.extend_from_slice(&piece);
        }
        assert_eq!(pieces, whole);
        assert!(read("limit=65536&offset=1000000").await.is_empty());

        // The apply has not begun: its log is there and empty, which the CLI needs from the first moment on.
        let run = server.get(&format!("/runs/{run}")).await;
        assert!(server.log(run.text_at("/data/relationships/apply/data/id")).await.is_empty());
    }
}
