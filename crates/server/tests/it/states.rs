//! State versions: uploads in two steps and in one, what is refused, and what is read back.

use axum::http::Method;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::harness::{Answer, ORGANIZATION, Server, on_both};

fn state(serial: u64, lineage: &str) -> String {
    json!({
        "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": lineage,
        "outputs": {
            "ip": { "value": "10.0.0.1", "type": "string" },
            "key": { "value": "s3cret", "type": "string", "sensitive": true },
            "ports": { "value": [1, 2], "type": ["list", "number"] },
        },
        "resources": [{ "mode": "managed", "type": "terraform_data", "name": "a", "provider": "p",
                        "instances": [{ "attributes": {} }, { "attributes": {} }] }],
    })
    .to_string()
}

fn announcement(state: &str, serial: u64, lineage: &str) -> Value {
    json!({ "serial": serial, "lineage": lineage, "md5": hex::encode(Md5::digest(state)), "force": false })
}

async fn announce(server: &Server, workspace: &str, attributes: Value) -> Answer {
    let body = json!({ "data": { "type": "state-versions", "attributes": attributes } });
    server.post(&format!("/workspaces/{workspace}/state-versions"), body).await
}

async fn put(server: &Server, url: &str, bytes: &str) -> Answer {
    server.request(Method::PUT, url).anonymous().bytes(bytes.to_owned()).send().await
}

async fn lock(server: &Server, workspace: &str) {
    server.post(&format!("/workspaces/{workspace}/actions/lock"), json!({})).await.is(200);
}

/// A workspace that is locked and has a state of serial 5 and lineage `l`.
async fn with_state(server: &Server) -> String {
    let workspace = server.workspace("net").await;
    lock(server, &workspace).await;
    let bytes = state(5, "l");
    let made = announce(server, &workspace, announcement(&bytes, 5, "l")).await.is(201);
    put(server, made.text_at("/data/attributes/hosted-state-upload-url"), &bytes).await.is(200);
    workspace
}

on_both! {
    async fn a_state_is_announced_put_and_read_back_byte_for_byte(server) {
        let workspace = server.workspace("net").await;
        server.get(&format!("/workspaces/{workspace}/current-state-version")).await.refuses(404, "state/none");
        lock(&server, &workspace).await;
        let bytes = state(1, "l");
        let made = announce(&server, &workspace, announcement(&bytes, 1, "l")).await.is(201);
        assert_eq!(made.at("/data/attributes/status"), "pending");
        assert_eq!(made.header("x-terraform-snapshot-interval"), "20");
        let upload = made.text_at("/data/attributes/hosted-state-upload-url");
        let json_upload = made.text_at("/data/attributes/hosted-json-state-upload-url");

        // Until the bytes are there the workspace stays locked, with words that make go-tfe try again.
        let refused = server.post(&format!("/workspaces/{workspace}/actions/unlock"), json!({})).await;
        assert!(refused.refuses(422, "state/pending").detail().contains("latest state version is still pending"));
        put(&server, json_upload, "{\"values\":{}}").await.is(200);
        assert_eq!(server.get(&format!("/state-versions/{}", made.id())).await.at("/data/attributes/status"), "pending");
        put(&server, upload, &bytes).await.is(200);
        put(&server, upload, &bytes).await.is(200);

        let read = server.get(&format!("/workspaces/{workspace}/current-state-version?include=outputs")).await.is(200);
        assert_eq!(read.id(), made.id());
        assert_eq!(read.at("/data/attributes/status"), "finalized");
        assert_eq!(read.at("/data/attributes/hosted-state-upload-url"), Value::Null);
        assert_eq!(read.at("/data/attributes/modules"), json!({ "root": { "terraform_data": 2 } }));
        assert_eq!(read.at("/included").as_array().unwrap().len(), 3);
        let url = read.text_at("/data/attributes/hosted-state-download-url");
        assert_eq!(server.request(Method::GET, url).anonymous().send().await.is(200).text(), bytes);
        let url = read.text_at("/data/attributes/hosted-json-state-download-url");
        assert_eq!(server.request(Method::GET, url).anonymous().send().await.is(200).text(), "{\"values\":{}}");
        server.post(&format!("/workspaces/{workspace}/actions/unlock"), json!({})).await.is(200);
        assert_eq!(server.get(&format!("/workspaces/{workspace}")).await.at("/data/attributes/resource-count"), 2);
    }

    async fn a_sensitive_output_is_hidden_in_lists_and_shown_by_its_id(server) {
        let workspace = with_state(&server).await;
        let listed = server.get(&format!("/workspaces/{workspace}/current-state-version-outputs")).await.is(200);
        let json = listed.json();
        let key = json["data"].as_array().unwrap().iter().find(|it| it["attributes"]["name"] == "key").unwrap();
        assert_eq!(key["attributes"]["value"], Value::Null);
        assert_eq!(key["attributes"]["detailed-type"], "string");
        let one = server.get(&format!("/state-version-outputs/{}", key["id"].as_str().unwrap())).await.is(200);
        assert_eq!(one.at("/data/attributes/value"), "s3cret");
        assert_eq!(listed.at("/data/2/attributes/type"), "array");
        let included = server.get(&format!("/workspaces/{workspace}?include=outputs")).await.is(200);
        assert_eq!(included.at("/included/0/type"), "workspace-outputs");
        assert_eq!(included.at("/data/relationships/outputs/data/0/id"), included.at("/included/0/id"));
        assert!(!included.text().contains("s3cret"));
    }

    async fn the_same_state_again_is_the_same_version(server) {
        let workspace = with_state(&server).await;
        let bytes = state(5, "l");
        let current = server.get(&format!("/workspaces/{workspace}/current-state-version")).await.id();
        let again = announce(&server, &workspace, announcement(&bytes, 5, "l")).await.is(201);
        assert_eq!(again.id(), current);
        let mut inline = announcement(&bytes, 5, "l");
        inline["state"] = BASE64_STANDARD.encode(&bytes).into();
        assert_eq!(announce(&server, &workspace, inline).await.is(201).id(), current);
    }

    async fn a_state_that_does_not_follow_the_current_one_is_refused_in_known_words(server) {
        let workspace = with_state(&server).await;
        let older = announce(&server, &workspace, announcement(&state(4, "l"), 4, "l")).await;
        assert!(older.refuses(409, "state/serial").detail()
            .contains("The serial provided in the state file is not greater than the serial currently known remotely"));
        let other = state(5, "l").replace("10.0.0.1", "10.0.0.2");
        let other = announce(&server, &workspace, announcement(&other, 5, "l")).await;
        assert!(other.refuses(409, "state/md5").detail()
            .contains("The MD5 hash of the state provided does not match what is currently known for the same serial"));
        let foreign = announce(&server, &workspace, announcement(&state(6, "m"), 6, "m")).await;
        assert!(foreign.refuses(409, "state/lineage").detail()
            .contains("The lineage provided in the state file does not match the value currently known"));

        // Force looks over serial and lineage, as a migration does.
        let bytes = state(1, "m");
        let mut forced = announcement(&bytes, 1, "m");
        forced["force"] = true.into();
        let forced = announce(&server, &workspace, forced).await.is(201);
        put(&server, forced.text_at("/data/attributes/hosted-state-upload-url"), &bytes).await.is(200);
        let read = server.get(&format!("/workspaces/{workspace}/current-state-version")).await;
        assert_eq!(read.at("/data/attributes/lineage"), "m");
    }

    async fn only_the_holder_of_the_lock_writes_a_state(server) {
        let workspace = server.workspace("net").await;
        let bytes = state(1, "l");
        let refused = announce(&server, &workspace, announcement(&bytes, 1, "l")).await;
        assert!(refused.refuses(409, "state/not-locked").detail()
            .contains("This workspace is not locked and will only accept state uploads when locked"));

        // The lock was broken between the two steps: what comes is kept and does not become current.
        lock(&server, &workspace).await;
        let made = announce(&server, &workspace, announcement(&bytes, 1, "l")).await.is(201);
        server.post(&format!("/workspaces/{workspace}/actions/force-unlock"), json!({})).await.is(200);
        let late = put(&server, made.text_at("/data/attributes/hosted-state-upload-url"), &bytes).await;
        late.refuses(409, "state/discarded");
        server.get(&format!("/workspaces/{workspace}/current-state-version")).await.refuses(404, "state/none");
    }

    async fn bytes_that_are_not_what_was_announced_are_refused(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace).await;
        let made = announce(&server, &workspace, announcement(&state(1, "l"), 1, "l")).await.is(201);
        let url = made.text_at("/data/attributes/hosted-state-upload-url");
        assert!(put(&server, url, &state(2, "l")).await.status.is_client_error());
        put(&server, url, "").await.refuses(422, "state/unreadable");
        put(&server, url, "no state").await.refuses(422, "state/unreadable");
        put(&server, url, &state(1, "l")).await.is(200);
    }

    async fn a_state_may_come_along_with_its_announcement(server) {
        let workspace = server.workspace("net").await;
        lock(&server, &workspace).await;
        let bytes = state(1, "l");
        let mut inline = announcement(&bytes, 1, "l");
        inline["state"] = BASE64_STANDARD.encode(&bytes).into();
        inline["json-state"] = BASE64_STANDARD.encode("{}").into();
        let made = announce(&server, &workspace, inline).await.is(201);
        assert_eq!(made.at("/data/attributes/status"), "finalized");

        // One that is refused leaves nothing behind that would keep the workspace locked.
        let mut wrong = announcement(&bytes, 2, "l");
        wrong["state"] = BASE64_STANDARD.encode("nonsense").into();
        announce(&server, &workspace, wrong).await.refuses(422, "state/unreadable");
        let mut wrong = announcement(&bytes, 2, "l");
        wrong["state"] = "***".into();
        announce(&server, &workspace, wrong).await.refuses(422, "state/encoding");
        announce(&server, &workspace, json!({ "md5": "x" })).await.refuses(422, "state/incomplete");
        server.post(&format!("/workspaces/{workspace}/actions/unlock"), json!({})).await.is(200);
    }

    async fn state_versions_are_listed_by_the_names_of_their_workspace(server) {
        let workspace = with_state(&server).await;
        let filter = format!("filter[organization][name]={ORGANIZATION}&filter[workspace][name]=net");
        let listed = server.get(&format!("/state-versions?{filter}")).await.is(200);
        assert_eq!(listed.ids().len(), 1);
        assert_eq!(listed.ids(), server.get(&format!("/workspaces/{workspace}/state-versions")).await.is(200).ids());
        assert!(server.get(&format!("/state-versions?{filter}&filter[status]=pending")).await.ids().is_empty());
        server.get("/state-versions").await.refuses(422, "state/filter");
        let outputs = server.get(&format!("/state-versions/{}/outputs?page[size]=2", listed.ids()[0])).await.is(200);
        assert_eq!((outputs.ids().len(), outputs.at("/meta/pagination/total-count")), (2, json!(3)));
    }
}
