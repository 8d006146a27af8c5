//! Run triggers: which there may be, and what follows when upstreams settle.

use serde_json::{Value, json};

use crate::harness::{Answer, Server, on_both};

/// A workspace that applies what a trigger starts, with a configuration.
async fn ready(server: &Server, name: &str) -> String {
    let workspace = server.workspace_with(json!({ "name": name, "auto-apply-run-trigger": true })).await;
    server.configuration(&workspace, false).await;
    workspace
}

async fn try_trigger(server: &Server, source: &str, target: &str) -> Answer {
    let sourceable = json!({ "data": { "type": "workspaces", "id": source } });
    let body = json!({ "data": { "type": "run-triggers", "relationships": { "sourceable": sourceable } } });
    server.post(&format!("/workspaces/{target}/run-triggers"), body).await
}

async fn trigger(server: &Server, source: &str, target: &str) -> String {
    try_trigger(server, source, target).await.is(201).id()
}

/// Starts a run that is applied by itself, and returns its id.
async fn apply(server: &Server, workspace: &str) -> String {
    server.run(workspace, json!({ "auto-apply": true })).await
}

async fn runs_of(server: &Server, workspace: &str) -> Vec<String> {
    server.get(&format!("/workspaces/{workspace}/runs")).await.is(200).ids()
}

/// Waits until a workspace has this many runs, and returns the newest.
async fn run_number(server: &Server, workspace: &str, number: usize) -> String {
    let path = format!("/workspaces/{workspace}/runs");
    server.until_that(&path, |answer| answer.ids().len() >= number).await.ids()[0].clone()
}

/// Waits until the newest decision on a workspace is this, and returns the list.
async fn decision(server: &Server, workspace: &str, outcome: &str) -> Answer {
    let path = format!("/workspaces/{workspace}/trigger-decisions");
    server.until_that(&path, |answer| answer.text_at("/data/0/attributes/outcome") == outcome).await
}

on_both! {
    async fn a_trigger_is_made_listed_read_and_deleted(server) {
        let (a, d) = (server.workspace("a").await, server.workspace("d").await);
        let made = try_trigger(&server, &a, &d).await.is(201);
        assert_eq!(made.at("/data/attributes/workspace-name"), "d");
        assert_eq!(made.at("/data/attributes/sourceable-name"), "a");
        assert_eq!(made.at("/data/relationships/workspace/data/id"), d.as_str());
        assert_eq!(made.at("/data/relationships/sourceable/data/id"), a.as_str());
        let id = made.id();

        let list = |workspace: &str, way: &str| format!("/workspaces/{workspace}/run-triggers?filter%5Brun-trigger%5D%5Btype%5D={way}");
        assert_eq!(server.get(&list(&d, "inbound")).await.is(200).ids(), [id.as_str()]);
        assert_eq!(server.get(&list(&a, "outbound")).await.is(200).ids(), [id.as_str()]);
        assert!(server.get(&list(&d, "outbound")).await.is(200).ids().is_empty());
        let with = server.get(&format!("{}&include=workspace,sourceable", list(&d, "inbound"))).await.is(200);
        assert_eq!(with.json()["included"].as_array().unwrap().len(), 2);
        for wrong in [format!("/workspaces/{d}/run-triggers"), list(&d, "sideways")] {
            server.get(&wrong).await.refuses(400, "run-trigger/filter");
        }

        let path = format!("/run-triggers/{id}");
        assert_eq!(server.get(&path).await.is(200).id(), id);
        server.delete(&path).await.is(204);
        server.get(&path).await.refuses(404, "run-trigger/not-found");
        server.delete(&path).await.refuses(404, "run-trigger/not-found");
    }

    async fn what_would_never_end_or_is_there_already_is_refused(server) {
        let (a, b, c) = (server.workspace("a").await, server.workspace("b").await, server.workspace("c").await);
        trigger(&server, &a, &b).await;
        trigger(&server, &b, &c).await;
        let cycle = try_trigger(&server, &c, &a).await.refuses(422, "run-trigger/cycle");
        assert!(cycle.detail().contains("a -> b -> c -> a"), "{}", cycle.detail());
        try_trigger(&server, &a, &a).await.refuses(422, "run-trigger/self");
        try_trigger(&server, &a, &b).await.refuses(422, "run-trigger/taken");
        try_trigger(&server, "ws-x", &b).await.refuses(404, "workspace/not-found");
        let body = json!({ "data": { "type": "run-triggers" } });
        server.post(&format!("/workspaces/{b}/run-triggers"), body).await.refuses(422, "run-trigger/source");

        server.delete(&format!("/workspaces/{b}")).await.is(204);
        trigger(&server, &c, &a).await;
    }

    async fn a_workspace_has_twenty_sources_at_most(server) {
        let target = server.workspace("target").await;
        for number in 0..20 {
            let source = server.workspace(&format!("source-{number}")).await;
            trigger(&server, &source, &target).await;
        }
        let source = server.workspace("source-20").await;
        try_trigger(&server, &source, &target).await.refuses(422, "run-trigger/too-many");
    }

    async fn another_organization_is_out_of_reach(server) {
        let body = json!({ "data": { "attributes": { "name": "globex", "email": "a@b.example" } } });
        server.post("/organizations", body).await.is(201);
        let body = json!({ "data": { "type": "workspaces", "attributes": { "name": "a" } } });
        let other = server.post("/organizations/globex/workspaces", body).await.is(201).id();
        let own = server.workspace("a").await;
        try_trigger(&server, &other, &own).await.refuses(422, "run-trigger/elsewhere");
    }

    async fn an_applied_upstream_runs_its_downstream_which_says_why(server) {
        let (a, d) = (ready(&server, "a").await, ready(&server, "d").await);
        trigger(&server, &a, &d).await;
        let source = apply(&server, &a).await;
        let run = run_number(&server, &d, 1).await;
        let run = server.until(&run, "applied").await;
        assert_eq!(run.at("/data/attributes/source"), "tfe-run-trigger");
        assert_eq!(run.at("/data/attributes/trigger-reason"), "triggered");
        assert_eq!(run.at("/data/attributes/message"), "Run triggered by workspace a");
        assert_eq!(run.at("/data/attributes/triggering-source-name"), "a");
        assert_eq!(run.at("/data/relationships/triggering-source/data/id"), a.as_str());
        assert_eq!(run.at("/data/relationships/triggering-run/data/id"), source.as_str());
        assert_eq!(run.at("/data/relationships/created-by/data"), Value::Null);
        let decided = decision(&server, &d, "started").await;
        assert_eq!(decided.at("/data/0/relationships/run/data/id"), run.id());
        assert_eq!(decided.at("/data/0/attributes/upstreams/0/run-id"), source.as_str());
    }

    async fn only_its_own_setting_confirms_a_triggered_run(server) {
        let a = ready(&server, "a").await;
        let d = server.workspace_with(json!({ "name": "d", "auto-apply": true })).await;
        server.configuration(&d, false).await;
        trigger(&server, &a, &d).await;
        apply(&server, &a).await;
        let run = run_number(&server, &d, 1).await;
        assert_eq!(server.until(&run, "planned").await.at("/data/attributes/auto-apply"), false);
    }

    async fn plans_and_destroys_and_what_changes_nothing_start_nothing(server) {
        let (a, d) = (ready(&server, "a").await, ready(&server, "d").await);
        let run = apply(&server, &a).await;
        server.until(&run, "applied").await;
        trigger(&server, &a, &d).await;

        let plan = server.run(&a, json!({ "plan-only": true })).await;
        server.until(&plan, "planned_and_finished").await;
        let decisions = server.get(&format!("/workspaces/{d}/trigger-decisions")).await.is(200);
        assert!(decisions.ids().is_empty(), "{}", decisions.text());

        server.tell("a.unchanged");
        let unchanged = apply(&server, &a).await;
        server.until(&unchanged, "planned_and_finished").await;
        let decided = decision(&server, &d, "not-run").await;
        assert_eq!(decided.at("/data/0/attributes/message"), "Not run: \"a\" had nothing to change.");
        std::fs::remove_file(server.control("a.unchanged")).unwrap();

        let discarded = server.run(&a, json!({})).await;
        server.until(&discarded, "planned").await;
        server.act(&discarded, "discard").await.is(202);
        let path = format!("/workspaces/{d}/trigger-decisions");
        server.until_that(&path, |it| it.ids().len() == 2).await;

        server.tell("a.plan.fail");
        let failed = apply(&server, &a).await;
        server.until(&failed, "errored").await;
        server.until_that(&path, |it| it.ids().len() == 3).await;
        std::fs::remove_file(server.control("a.plan.fail")).unwrap();

        let destroy = server.run(&a, json!({ "auto-apply": true, "is-destroy": true })).await;
        server.until(&destroy, "applied").await;
        let decided = server.until_that(&path, |it| it.ids().len() == 4).await;
        let messages: Vec<_> =
            (0..3).map(|place| decided.text_at(&format!("/data/{place}/attributes/message"))).collect();
        let expected = ["was destroyed", "failed", "was discarded"].map(|what| format!("Not run: \"a\" {what}."));
        assert_eq!(messages, expected);
        assert!(runs_of(&server, &d).await.is_empty());
    }

    async fn a_downstream_waits_for_its_whole_wave_and_runs_once(server) {
        let (a, b, d) = (ready(&server, "a").await, ready(&server, "b").await, ready(&server, "d").await);
        trigger(&server, &a, &d).await;
        trigger(&server, &b, &d).await;
        server.gate("b.apply.gate");
        let slow = apply(&server, &b).await;
        server.until(&slow, "applying").await;
        let quick = apply(&server, &a).await;
        server.until(&quick, "applied").await;

        let waits = decision(&server, &d, "waiting").await;
        let message = waits.text_at("/data/0/attributes/message");
        assert_eq!(message, format!("Waits until these upstreams have settled: \"b\" ({slow})."));
        assert_eq!(waits.at("/data/0/attributes/blocked-by/kind"), "upstream");
        assert_eq!(waits.at("/data/0/attributes/blocked-by/id"), slow.as_str());
        assert!(runs_of(&server, &d).await.is_empty());
        server.open_gate("b.apply.gate").await;
        let run = run_number(&server, &d, 1).await;
        let run = server.until(&run, "applied").await;
        assert_eq!(run.at("/data/attributes/message"), "Run triggered by workspaces a and b");
        let decided = decision(&server, &d, "started").await;
        assert_eq!((decided.ids().len(), runs_of(&server, &d).await.len()), (1, 1));
    }

    async fn a_downstream_waits_for_the_one_between(server) {
        let (a, b, d) = (ready(&server, "a").await, ready(&server, "b").await, ready(&server, "d").await);
        trigger(&server, &a, &b).await;
        trigger(&server, &b, &d).await;
        trigger(&server, &a, &d).await;
        server.gate("b.plan.gate");
        apply(&server, &a).await;
        let between = run_number(&server, &b, 1).await;
        server.until(&between, "planning").await;
        decision(&server, &d, "waiting").await;
        assert!(runs_of(&server, &d).await.is_empty());
        server.open_gate("b.plan.gate").await;
        let run = run_number(&server, &d, 1).await;
        assert_eq!(server.until(&run, "applied").await.at("/data/attributes/message"), "Run triggered by workspaces a and b");
        assert_eq!(runs_of(&server, &d).await, [run]);
    }

    async fn one_that_fails_holds_up_nobody_and_is_named(server) {
        let (a, b, d) = (ready(&server, "a").await, ready(&server, "b").await, ready(&server, "d").await);
        trigger(&server, &a, &d).await;
        trigger(&server, &b, &d).await;
        server.gate("a.apply.gate");
        let good = apply(&server, &a).await;
        server.until(&good, "applying").await;
        server.tell("b.apply.fail");
        let bad = apply(&server, &b).await;
        server.until(&bad, "errored").await;
        server.open_gate("a.apply.gate").await;
        let run = run_number(&server, &d, 1).await;
        let message = server.get(&format!("/runs/{run}")).await.text_at("/data/attributes/message");
        assert_eq!(message, "Run triggered by workspace a (\"b\" failed)");
    }

    async fn where_each_upstream_counts_each_has_its_run(server) {
        let (a, b) = (ready(&server, "a").await, ready(&server, "b").await);
        let settings = json!({ "name": "d", "auto-apply-run-trigger": true, "run-trigger-mode": "each" });
        let d = server.workspace_with(settings).await;
        server.configuration(&d, false).await;
        assert_eq!(server.get(&format!("/workspaces/{d}")).await.at("/data/attributes/run-trigger-mode"), "each");
        trigger(&server, &a, &d).await;
        trigger(&server, &b, &d).await;
        server.gate("b.apply.gate");
        let slow = apply(&server, &b).await;
        server.until(&slow, "applying").await;
        apply(&server, &a).await;
        let first = run_number(&server, &d, 1).await;
        server.until(&first, "applied").await;
        server.open_gate("b.apply.gate").await;
        let second = run_number(&server, &d, 2).await;
        assert_eq!(server.until(&second, "applied").await.at("/data/attributes/message"), "Run triggered by workspace b");
    }

    async fn a_downstream_that_cannot_run_says_why(server) {
        let (a, d, e) = (ready(&server, "a").await, server.workspace("d").await, ready(&server, "e").await);
        trigger(&server, &a, &d).await;
        trigger(&server, &d, &e).await;
        apply(&server, &a).await;
        let decided = decision(&server, &d, "not-run").await;
        let message = decided.text_at("/data/0/attributes/message");
        assert!(message.starts_with("Not run: Configuration version is missing"), "{message}");
        let below = decision(&server, &e, "not-run").await;
        assert_eq!(below.at("/data/0/attributes/message"), "Not run: \"d\" was not run.");
    }

    async fn a_trigger_that_is_taken_away_is_waited_for_no_more(server) {
        let (a, b, d) = (ready(&server, "a").await, ready(&server, "b").await, ready(&server, "d").await);
        trigger(&server, &a, &d).await;
        let slow = trigger(&server, &b, &d).await;
        server.gate("b.apply.gate");
        let run = apply(&server, &b).await;
        server.until(&run, "applying").await;
        apply(&server, &a).await;
        decision(&server, &d, "waiting").await;
        server.delete(&format!("/run-triggers/{slow}")).await.is(204);
        run_number(&server, &d, 1).await;
        server.open_gate("b.apply.gate").await;
        server.until(&run, "applied").await;
        assert_eq!(runs_of(&server, &d).await.len(), 1);
    }

    async fn a_wave_survives_the_end_of_the_server(server) {
        let (a, b, d) = (ready(&server, "a").await, ready(&server, "b").await, ready(&server, "d").await);
        trigger(&server, &a, &d).await;
        trigger(&server, &b, &d).await;
        server.gate("b.apply.gate");
        let slow = apply(&server, &b).await;
        server.until_called("b apply").await;
        let quick = apply(&server, &a).await;
        server.until(&quick, "applied").await;
        decision(&server, &d, "waiting").await;

        let server = server.killed_and_opened_again().await;
        decision(&server, &d, "waiting").await;
        server.open_gate("b.apply.gate").await;
        server.until_that(&format!("/runs/{slow}"), |it| {
            ["applied", "errored"].contains(&it.text_at("/data/attributes/status"))
        }).await;
        let run = run_number(&server, &d, 1).await;
        server.until(&run, "applied").await;
        let server = server.killed_and_opened_again().await;
        assert_eq!(runs_of(&server, &d).await, [run]);
        decision(&server, &d, "started").await;
    }

    async fn an_end_that_was_not_decided_on_is_decided_on_after_a_restart(server) {
        let (a, d) = (ready(&server, "a").await, ready(&server, "d").await);
        trigger(&server, &a, &d).await;
        server.gate("a.apply.gate");
        let run = apply(&server, &a).await;
        server.until_called("a apply").await;
        // The apply ends while there is no server: the next one finds it, and what follows from it.
        let control = server.control("a.apply.gate");
        let server = {
            let opening = tokio::task::spawn_blocking(move || {
                drop(std::fs::OpenOptions::new().write(true).open(&control).unwrap());
                let _ = std::fs::remove_file(control);
            });
            let server = server.killed_and_opened_again().await;
            opening.await.unwrap();
            server
        };
        server.until_that(&format!("/runs/{run}"), |it| it.text_at("/data/attributes/status") == "applied").await;
        let triggered = run_number(&server, &d, 1).await;
        server.until(&triggered, "applied").await;
        assert_eq!(runs_of(&server, &d).await, [triggered]);
    }
}
