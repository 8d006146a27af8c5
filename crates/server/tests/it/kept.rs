//! Nothing is dropped: states that are refused are kept and can be taken, and a plan is applied only to what it read.

use axum::http::Method;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use figures::Figures;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use server::upkeep::fsck;

use crate::harness::{Answer, ORGANIZATION, Server, on_both};

fn state(serial: u64, lineage: &str, value: &str) -> String {
    json!({ "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": lineage,
        "outputs": { "a": { "value": value, "type": "string" } },
        "resources": [{ "mode": "managed", "type": "terraform_data", "name": "a", "provider": "p", "instances": [{}] }] })
    .to_string()
}

fn announcement(bytes: &str, serial: u64, lineage: &str) -> Value {
    json!({ "serial": serial, "lineage": lineage, "md5": hex::encode(Md5::digest(bytes)) })
}

/// Announces a state that comes along, as whoever has that token.
async fn send(server: &Server, token: &str, workspace: &str, bytes: &str, attributes: Value) -> Answer {
    let mut attributes = attributes;
    attributes["state"] = BASE64_STANDARD.encode(bytes).into();
    let body = json!({ "data": { "type": "state-versions", "attributes": attributes } });
    let path = format!("/workspaces/{workspace}/state-versions");
    server.request(Method::POST, &path).token(token).json(&body).send().await
}

async fn push(server: &Server, workspace: &str, serial: u64, value: &str) -> Answer {
    let bytes = state(serial, "l", value);
    send(server, &server.token, workspace, &bytes, announcement(&bytes, serial, "l")).await
}

async fn kept(server: &Server, workspace: &str) -> Vec<Value> {
    let path = format!(
        "/state-versions?filter[organization][name]={ORGANIZATION}&filter[workspace][name]={workspace}&filter[status]=discarded&page[size]=100"
    );
    server.get(&path).await.is(200).at("/data").as_array().unwrap().clone()
}

async fn current(server: &Server, workspace: &str) -> Value {
    let read = server.get(&format!("/workspaces/{workspace}/current-state-version")).await;
    if read.status == 404 { Value::Null } else { read.is(200).at("/data/id").clone() }
}

async fn lock(server: &Server, workspace: &str, action: &str) {
    server.post(&format!("/workspaces/{workspace}/actions/{action}"), json!({})).await.is(200);
}

async fn take(server: &Server, token: &str, workspace: &str, state: &str) -> Answer {
    let body = json!({ "data": { "type": "state-versions", "relationships": {
        "rollback-state-version": { "data": { "type": "state-versions", "id": state } } } } });
    server
        .request(Method::PATCH, &format!("/workspaces/{workspace}/state-versions"))
        .token(token)
        .json(&body)
        .send()
        .await
}

on_both! {
    async fn bytes_that_come_after_the_lock_was_broken_are_kept_and_can_be_taken(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace, "lock").await;
        push(&server, &workspace, 5, "first").await.is(201);
        let bytes = state(6, "l", "late");
        let body = json!({ "data": { "type": "state-versions", "attributes": announcement(&bytes, 6, "l") } });
        let made = server.post(&format!("/workspaces/{workspace}/state-versions"), body).await.is(201);
        let before = current(&server, &workspace).await;
        lock(&server, &workspace, "force-unlock").await;
        let put = server.request(Method::PUT, made.text_at("/data/attributes/hosted-state-upload-url"));
        let late = put.anonymous().bytes(bytes.clone()).send().await;
        assert!(late.refuses(409, "state/discarded").detail().contains("is kept for 30 days"));
        assert_eq!(current(&server, &workspace).await, before);

        let all = kept(&server, "net").await;
        assert_eq!(all.len(), 1);
        assert_eq!(all[0]["attributes"]["refusal"], "This state version was given up when its lock was broken.");
        let url = all[0]["attributes"]["hosted-state-download-url"].as_str().unwrap();
        assert_eq!(server.request(Method::GET, url).anonymous().send().await.is(200).text(), bytes);
        let mut browser = server.signed_in(&server.token).await;
        let list = format!("/app/{ORGANIZATION}/workspaces/net/states");
        assert!(browser.page(&list).await.contains("Kept, not taken"));
        let id = all[0]["id"].as_str().unwrap();
        assert!(browser.page(&format!("{list}/{id}")).await.contains("It was not taken"));

        // By whoever may write states, under the lock, as a version of its own.
        let team = server.team("readers").await;
        let reader = server.team_token(&team).await;
        server.team_on_workspace(&team, &workspace, "read").await;
        take(&server, &reader, &workspace, id).await.refuses(404, "workspace/not-found");
        take(&server, &server.token, &workspace, id).await.refuses(409, "state/not-locked");
        lock(&server, &workspace, "lock").await;
        let taken = take(&server, &server.token, &workspace, id).await.is(201);
        assert_eq!(taken.at("/data/attributes/serial"), 6);
        assert_eq!(current(&server, &workspace).await, taken.at("/data/id"));
        assert!(fsck(&server.upkeep()).await.unwrap().findings.is_empty());
        Figures::of("stateproto", 1, 1).with("lost", 0).report();
    }

    async fn the_same_bytes_from_another_writer_are_refused(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace, "lock").await;
        push(&server, &workspace, 5, "mine").await.is(201);
        let first = current(&server, &workspace).await;
        assert_eq!(push(&server, &workspace, 5, "mine").await.is(201).at("/data/id"), first, "its own again");
        lock(&server, &workspace, "unlock").await;
        let team = server.team("writers").await;
        let other = server.team_token(&team).await;
        server.team_on_workspace(&team, &workspace, "write").await;
        let path = format!("/workspaces/{workspace}/actions/lock");
        server.request(Method::POST, &path).token(&other).json(&json!({})).send().await.is(200);
        // What terraform does that has lost its lock: it reads the state again, and sends that for its own.
        let bytes = state(5, "l", "mine");
        send(&server, &other, &workspace, &bytes, announcement(&bytes, 5, "l")).await.refuses(409, "state/other-writer");
        let body = json!({ "data": { "type": "state-versions", "attributes": announcement(&bytes, 5, "l") } });
        let path = format!("/workspaces/{workspace}/state-versions");
        server.request(Method::POST, &path).token(&other).json(&body).send().await.refuses(409, "state/other-writer");
        assert_eq!(current(&server, &workspace).await, first);
        Figures::of("stateproto", 2, 2).with("doubled", 0).report();
    }

    async fn what_is_refused_is_kept_once_and_not_without_bound(server) {
        let workspace = server.workspace("net").await;
        for _ in 0..3 {
            push(&server, &workspace, 1, "same").await.refuses(409, "state/not-locked");
        }
        assert_eq!(kept(&server, "net").await.len(), 1);
        for serial in 2..30 {
            push(&server, &workspace, serial, "other").await.refuses(409, "state/not-locked");
        }
        let all = kept(&server, "net").await;
        assert_eq!(all.len(), 20);
        assert_eq!(all[0]["attributes"]["serial"], 29, "the newest are kept");
        assert_eq!(current(&server, &workspace).await, Value::Null);
        let report = fsck(&server.upkeep()).await.unwrap();
        assert!(report.findings.is_empty(), "{report:#?}");
    }

    async fn what_is_no_state_or_does_not_follow_never_becomes_the_current_one(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace, "lock").await;
        push(&server, &workspace, 5, "right").await.is(201);
        let right = current(&server, &workspace).await;
        let good = state(6, "l", "x");
        let deep = format!("{{\"version\":4,\"serial\":6,\"lineage\":\"l\",\"resources\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let cases: Vec<(String, u64, &str)> = vec![
            (good[..good.len() / 2].to_owned(), 6, "l"),
            ("\u{0}\u{1}".into(), 6, "l"),
            ("[]".into(), 6, "l"),
            (good.replace("\"version\":4", "\"version\":3"), 6, "l"),
            (good.replace("\"lineage\":\"l\"", "\"lineage\":\"\""), 6, ""),
            (good.replace("\"serial\":6", "\"serial\":-6"), 6, "l"),
            (good.replace("\"serial\":6", "\"serial\":1e400"), 6, "l"),
            (format!("{{\"serial\":6,{}", &good[1..]), 6, "l"),
            (deep, 6, "l"),
            (state(6, "m", "x"), 6, "m"),
            (state(4, "l", "x"), 4, "l"),
            (state(5, "l", "x"), 5, "l"),
            (state(7, "l", "x"), 6, "l"),
            (state(6, "m", "x"), 6, "l"),
        ];
        let injected = cases.len();
        for (bytes, serial, lineage) in cases {
            let answer = send(&server, &server.token, &workspace, &bytes, announcement(&bytes, serial, lineage)).await;
            assert!([400, 409, 413, 422].contains(&answer.status.as_u16()), "{}: {}", answer.status, &bytes[..bytes.len().min(80)]);
            assert_eq!(current(&server, &workspace).await, right, "{}", &bytes[..bytes.len().min(80)]);
        }
        assert!(fsck(&server.upkeep()).await.unwrap().findings.is_empty());
        Figures::of("stateproto", injected, injected).with("lost", 0).report();

        // Without the check of what follows, which force takes away, the same bytes would be current: that is what was looked for.
        let mut forced = announcement(&state(4, "l", "x"), 4, "l");
        forced["force"] = true.into();
        send(&server, &server.token, &workspace, &state(4, "l", "x"), forced).await.is(201);
        let forced = current(&server, &workspace).await;
        assert_ne!(forced, right);
        figures::control("stateproto");

        // In a document an empty state is none, so this one is put.
        let body = json!({ "data": { "type": "state-versions", "attributes": announcement("", 6, "l") } });
        let made = server.post(&format!("/workspaces/{workspace}/state-versions"), body).await.is(201);
        let put = server.request(Method::PUT, made.text_at("/data/attributes/hosted-state-upload-url"));
        let answer = put.anonymous().bytes("").send().await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{}", answer.text());
        assert_eq!(current(&server, &workspace).await, forced);
    }

    async fn an_upload_whose_address_is_good_no_more_holds_no_lock(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace, "lock").await;
        let body = json!({ "data": { "type": "state-versions", "attributes": announcement(&state(1, "l", "x"), 1, "l") } });
        server.post(&format!("/workspaces/{workspace}/state-versions"), body).await.is(201);
        let unlock = format!("/workspaces/{workspace}/actions/unlock");
        server.post(&unlock, json!({})).await.refuses(422, "state/pending");
        server.behind_its_back("UPDATE states SET created_at = '2020-01-01 00:00:00+00:00' WHERE status = 'pending'").await;
        server.post(&unlock, json!({})).await.is(200);
    }

    async fn a_run_that_lost_its_workspace_ends_with_words_and_its_state_is_kept(server) {
        let workspace = server.workspace("net").await;
        server.configuration(&workspace, false).await;
        server.gate("net.apply.gate");
        let run = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until_called("net apply").await;
        server.behind_its_back("UPDATE workspaces SET locked_kind = 'user', locked_by = 'user-other' WHERE name = 'net'").await;
        server.open_gate("net.apply.gate").await;
        server.until(&run, "errored").await;
        assert_eq!(current(&server, &workspace).await, Value::Null, "it was fenced off");
        let all = kept(&server, "net").await;
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!(all[0]["relationships"]["run"]["data"]["id"], run.as_str());
        Figures::of("stateproto", 1, 1).with("lost", 0).report();
    }

    async fn a_plan_is_applied_only_to_what_it_read(server) {
        let damages = [
            ("state", "UPDATE states SET serial = serial + 1"),
            ("configuration", "UPDATE configurations SET object = 'configurations/other'"),
            ("variables", "DELETE FROM pinned_variables"),
            ("terraform", "UPDATE runs SET terraform_version = '9.9.9' WHERE status = 'planned'"),
        ];
        for (name, damage) in &damages {
            let workspace = server.workspace(name).await;
            server.configuration(&workspace, false).await;
            let run = server.run(&workspace, json!({ "auto-apply": true })).await;
            server.until(&run, "applied").await;
            let run = server.run(&workspace, json!({})).await;
            server.until(&run, "planned").await;
            let applies = server.calls(&format!("{name} apply"));
            server.behind_its_back(damage).await;
            server.act(&run, "apply").await.is(202);
            server.until(&run, "errored").await;
            assert_eq!(server.calls(&format!("{name} apply")), applies, "{name}");
            let mut browser = server.signed_in(&server.token).await;
            let page = browser.page(&format!("/app/{ORGANIZATION}/{name}/runs/{run}")).await;
            assert!(page.contains("so its plan is stale"), "{name}");
        }
        Figures::of("stateproto", damages.len(), damages.len()).with("doubled", 0).report();
    }
}
