//! Runs that are asked for twice, waited for, and talked about.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, on_both};

async fn asked(server: &Server, workspace: &str, key: &str, attributes: Value) -> Answer {
    let workspace = json!({ "data": { "type": "workspaces", "id": workspace } });
    let body = json!({ "data": { "attributes": attributes, "relationships": { "workspace": workspace } } });
    server.request(Method::POST, "/runs").header("idempotency-key", key).json(&body).send().await
}

async fn held(server: &Server, run: &str, known: &str) -> Answer {
    let path = format!("/runs/{run}?unless-status={known}");
    server.request(Method::GET, &path).header("prefer", "wait=60").send().await
}

on_both! {
    async fn a_run_that_is_asked_for_twice_with_one_key_is_one_run(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let wish = json!({ "is-destroy": false, "message": "once" });
        let (one, other) = tokio::join!(
            asked(&server, &workspace, "k1", wish.clone()),
            asked(&server, &workspace, "k1", wish.clone()),
        );
        assert_eq!(one.is(201).id(), other.is(201).id());
        let later = asked(&server, &workspace, "k1", wish.clone()).await.is(201).id();
        assert_eq!(server.get(&format!("/workspaces/{workspace}/runs")).await.ids(), std::slice::from_ref(&later));
        let second = asked(&server, &workspace, "k2", wish).await.is(201).id();
        assert_ne!(second, later);
    }

    async fn a_key_stands_for_one_wish_in_one_workspace(server) {
        let (net, dns) = (server.workspace("net").await, server.workspace("dns").await);
        server.configuration(&net, false).await;
        server.configuration(&dns, false).await;
        asked(&server, &net, "k1", json!({})).await.is(201);
        asked(&server, &net, "k1", json!({ "is-destroy": true })).await.refuses(422, "run/key-used");
        asked(&server, &dns, "k1", json!({ "is-destroy": true })).await.is(201);
        asked(&server, &net, "", json!({})).await.refuses(400, "access/key");
    }

    async fn a_held_read_is_answered_when_the_run_moves(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.gate("net.plan.gate");
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planning").await;

        let (moved, ()) = tokio::join!(held(&server, &run, "planning"), server.open_gate("net.plan.gate"));
        let moved = moved.is(200);
        assert_ne!(moved.at("/data/attributes/status"), "planning");
        assert_eq!(moved.headers["preference-applied"], "wait");
    }

    async fn a_read_is_not_held_when_the_client_is_behind_or_nothing_can_follow(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
        assert_eq!(held(&server, &run, "pending").await.is(200).at("/data/attributes/status"), "planned");
        server.act(&run, "discard").await.is(202);
        assert_eq!(held(&server, &run, "discarded").await.is(200).at("/data/attributes/status"), "discarded");
        let plain = server.get(&format!("/runs/{run}?unless-status=discarded")).await.is(200);
        assert!(!plain.headers.contains_key("preference-applied"));
    }

    async fn a_log_is_held_until_it_grows_and_its_end_is_told(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.gate("net.plan.gate");
        let run = server.run(&workspace, json!({})).await;
        server.until_called("net plan").await;
        let plan = server.get(&format!("/runs/{run}/plan")).await.is(200);
        let url = plan.text_at("/data/attributes/log-read-url");
        let read = async |offset: usize| {
            let path = format!("{url}?limit=65536&offset={offset}");
            server.request(Method::GET, &path).anonymous().header("prefer", "wait=60").send().await.is(200)
        };
        let begun = read(0).await;
        assert_eq!(begun.body.first(), Some(&2));
        let (grown, ()) = tokio::join!(read(begun.body.len()), server.open_gate("net.plan.gate"));
        assert!(!grown.body.is_empty());
        let mut log = [begun.body, grown.body].concat();
        while log.last() != Some(&3) {
            log.extend(read(log.len()).await.body);
        }
        assert!(read(log.len()).await.body.is_empty());
        // Its log ends a moment before the run has moved on.
        server.until(&run, "planned").await;
        server.act(&run, "discard").await.is(202);
        let apply = server.get(&format!("/runs/{run}/apply")).await.is(200);
        let never = apply.text_at("/data/attributes/log-read-url");
        let never = server.request(Method::GET, never).anonymous().header("prefer", "wait=60").send().await.is(200);
        assert!(never.body.is_empty());
    }

    async fn what_is_said_with_an_action_or_at_any_time_stays_with_the_run(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
        let comments = format!("/runs/{run}/comments");
        let body = |body: &str| json!({ "data": { "type": "comments", "attributes": { "body": body } } });
        let first = server.post(&comments, body("looks good")).await.is(201);
        server.post(&comments, body(" ")).await.refuses(422, "comment/body");
        server.post(&format!("/runs/{run}/actions/discard"), json!({ "comment": "not today" })).await.is(202);
        server.post(&format!("/runs/{run}/actions/discard"), json!({ "comment": "twice" })).await.is(409);

        let all = server.get(&comments).await.is(200);
        let words: Vec<_> = all.json()["data"].as_array().unwrap().iter().map(|it| it["attributes"]["body"].clone()).collect();
        assert_eq!(words, ["looks good", "not today"]);
        let one = server.get(&format!("/comments/{}", first.id())).await.is(200);
        assert_eq!(one.at("/data/attributes/body"), "looks good");
        server.delete(&format!("/workspaces/{workspace}")).await.is(204);
        server.get(&format!("/comments/{}", first.id())).await.refuses(404, "comment/not-found");
    }

    async fn a_run_tells_what_has_happened_to_it(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        let run = server.run(&workspace, json!({})).await;
        let events = |answer: &Answer| -> Vec<Value> {
            answer.json()["data"].as_array().unwrap().iter().map(|it| it["attributes"]["action"].clone()).collect()
        };
        let queued = server.get(&format!("/runs/{run}/run-events")).await.is(200);
        assert_eq!(events(&queued)[0], "queued");
        server.until(&run, "planned").await;
        server.act(&run, "discard").await.is(202);
        let all = server.get(&format!("/runs/{run}/run-events")).await.is(200);
        assert_eq!(events(&all), ["queued", "plan_queued", "planning", "planned", "discarded"]);
    }
}
