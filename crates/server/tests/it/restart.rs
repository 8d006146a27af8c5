//! The server ends, in order or as if it were killed, and opens the same data again.

use serde_json::json;

use crate::harness::on_both;

on_both! {
    async fn everything_is_there_after_a_restart(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        let plan = server.get(&format!("/runs/{run}/plan")).await.id();
        let log = server.log(&plan).await;
        let server = server.closed_and_opened_again().await;
        assert_eq!(server.get(&format!("/runs/{run}")).await.is(200).at("/data/attributes/status"), "applied");
        assert_eq!(server.log(&plan).await, log);
        server.get(&format!("/workspaces/{workspace}/current-state-version")).await.is(200);
    }

    async fn a_run_that_waits_for_a_decision_still_waits_after_a_restart(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
        let server = server.closed_and_opened_again().await;
        server.act(&run, "apply").await.is(202);
        server.until(&run, "applied").await;
    }

    async fn a_run_that_was_being_planned_is_planned_again(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.gate("net.plan.gate");
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planning").await;
        let server = server.closed_and_opened_again().await;
        let _ = std::fs::remove_file(server.control("net.plan.gate"));
        server.until(&run, "planned").await;
    }

    async fn a_run_that_was_being_applied_is_not_applied_a_second_time(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.gate("net.apply.gate");
        let run = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&run, "applying").await;
        let server = server.closed_and_opened_again().await;
        let ended = server.until_that(&format!("/runs/{run}"), |it| {
            ["errored", "canceled", "applied"].contains(&it.text_at("/data/attributes/status"))
        }).await;
        assert_ne!(ended.at("/data/attributes/status"), "applied");
        assert!(server.calls("net apply") <= 1);
        let read = server.get(&format!("/workspaces/{workspace}")).await;
        assert_eq!(read.at("/data/attributes/locked"), false);
    }

    async fn what_a_killed_server_was_doing_is_taken_up_and_nothing_is_applied_twice(server) {
        let (planning, applying) = (server.workspace("planning").await, server.workspace("applying").await);
        for workspace in [&planning, &applying] {
            server.configuration(workspace, false).await;
        }
        server.gate("planning.plan.gate");
        server.gate("applying.apply.gate");
        let planned = server.run(&planning, json!({})).await;
        let applied = server.run(&applying, json!({ "auto-apply": true })).await;
        for call in ["planning plan", "applying apply"] {
            server.until_called(call).await;
        }
        // The terraform that plans still waits at its gate, which nobody else will.
        std::fs::remove_file(server.control("planning.plan.gate")).unwrap();
        let server = server.killed_and_opened_again().await;
        server.until(&planned, "planned").await;
        assert_eq!(server.get(&format!("/runs/{applied}")).await.at("/data/attributes/status"), "applying");

        // The terraform that applies outlived its server: it is waited for, and what it did is taken.
        server.open_gate("applying.apply.gate").await;
        let is_over = |status: &str| ["applied", "errored"].contains(&status);
        let path = format!("/runs/{applied}");
        server.until_that(&path, |it| is_over(it.text_at("/data/attributes/status"))).await;
        assert_eq!(server.calls("applying apply"), 1);
        let state = server.get(&format!("/workspaces/{applying}/current-state-version")).await.is(200);
        assert_eq!(state.at("/data/relationships/run/data/id"), applied.as_str());

        let next = server.run(&applying, json!({ "auto-apply": true })).await;
        server.until(&next, "applied").await;
    }
}
