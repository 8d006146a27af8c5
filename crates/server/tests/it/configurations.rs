//! Configuration versions: uploads, what is refused, and what an upload sets off.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{archive, hostile_archive, on_both};
use crate::hostile_archives::{Fate, small_cases};

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "configuration-versions", "attributes": attributes } })
}

on_both! {
    async fn an_upload_makes_a_configuration_the_workspaces_own(server) {
        let workspace = server.workspace("net").await;
        let path = format!("/workspaces/{workspace}/configuration-versions");
        let made = server.post(&path, body(json!({ "auto-queue-runs": false }))).await.is(201);
        assert_eq!(made.at("/data/attributes/status"), "pending");
        let url = made.text_at("/data/attributes/upload-url");
        let bytes = archive(&[("main.tf", "# one")]);
        server.request(Method::PUT, url).anonymous().bytes(bytes.clone()).send().await.is(200);
        server.request(Method::PUT, url).anonymous().bytes(bytes.clone()).send().await.refuses(409, "configuration/not-pending");

        let one = format!("/configuration-versions/{}", made.id());
        let read = server.get(&one).await.is(200);
        assert_eq!(read.at("/data/attributes/status"), "uploaded");
        assert_eq!(read.at("/data/attributes/upload-url"), Value::Null);
        let own = server.get(&format!("/workspaces/{workspace}")).await;
        assert_eq!(own.at("/data/relationships/current-configuration-version/data/id"), made.id());
        let found = server.get(&format!("{one}/download")).await.is(302);
        let download = server.request(Method::GET, found.header("location")).anonymous().send().await.is(200);
        assert_eq!(download.body, bytes);
        assert!(server.get(&format!("/workspaces/{workspace}/runs")).await.ids().is_empty());
    }

    async fn an_archive_that_reaches_out_of_its_folder_is_refused_with_words(server) {
        let workspace = server.workspace("net").await;
        let path = format!("/workspaces/{workspace}/configuration-versions");
        for bytes in [hostile_archive(), bytes::Bytes::from_static(b"no archive"), bytes::Bytes::new()] {
            let made = server.post(&path, body(json!({}))).await.is(201);
            let put = server.request(Method::PUT, made.text_at("/data/attributes/upload-url"));
            put.anonymous().bytes(bytes).send().await.is(200);
            let read = server.get(&format!("/configuration-versions/{}", made.id())).await.is(200);
            assert_eq!(read.at("/data/attributes/status"), "errored");
            assert!(!read.text_at("/data/attributes/error-message").is_empty());
            server.get(&format!("/configuration-versions/{}/download", made.id())).await.is(404);
            let refused = server.try_run(&workspace, Some(&made.id()), json!({})).await;
            refused.refuses(422, "configuration/not-uploaded");
        }
    }

    async fn no_archive_of_the_corpus_gets_through_the_upload_that_should_not(server) {
        let workspace = server.workspace("net").await;
        let path = format!("/workspaces/{workspace}/configuration-versions");
        let outside = server.folder.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("secret"), "untouched").unwrap();
        for case in small_cases(outside.to_str().unwrap()) {
            let made = server.post(&path, body(json!({ "auto-queue-runs": false }))).await.is(201);
            let put = server.request(Method::PUT, made.text_at("/data/attributes/upload-url"));
            put.anonymous().bytes(case.archive).send().await.is(200);
            let read = server.get(&format!("/configuration-versions/{}", made.id())).await.is(200);
            match case.fate {
                Fate::Inside(_) => assert_eq!(read.at("/data/attributes/status"), "uploaded", "{}", case.name),
                Fate::Refused(code) => {
                    assert_eq!(read.at("/data/attributes/status"), "errored", "{}", case.name);
                    assert!(!read.text_at("/data/attributes/error-message").is_empty(), "{} {code}", case.name);
                }
            }
        }
        let left: Vec<_> = std::fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["secret"]);
        assert_eq!(std::fs::read(outside.join("secret")).unwrap(), b"untouched");
    }

    async fn an_upload_starts_a_run_where_that_was_asked_for(server) {
        let workspace = server.workspace("net").await;
        let path = format!("/workspaces/{workspace}/configuration-versions");
        for (attributes, plan_only) in [(json!({}), false), (json!({ "speculative": true }), true)] {
            let made = server.post(&path, body(attributes)).await.is(201);
            let put = server.request(Method::PUT, made.text_at("/data/attributes/upload-url"));
            put.anonymous().bytes(archive(&[("main.tf", "")])).send().await.is(200);
            let runs = server.get(&format!("/workspaces/{workspace}/runs?filter[operation]=plan_only,plan_and_apply")).await;
            assert_eq!(runs.at("/data/0/attributes/plan-only"), plan_only);
            assert_eq!(runs.at("/data/0/attributes/source"), "tfe-configuration-version");
            assert_eq!(runs.at("/data/0/relationships/configuration-version/data/id"), made.id());
        }
        assert_eq!(server.get(&path).await.is(200).ids().len(), 2);
    }

    async fn speculative_and_provisional_configurations_do_not_become_the_workspaces_own(server) {
        let workspace = server.workspace("net").await;
        let path = format!("/workspaces/{workspace}/configuration-versions");
        for attributes in [json!({ "speculative": true, "auto-queue-runs": false }), json!({ "provisional": true, "auto-queue-runs": false })] {
            let made = server.post(&path, body(attributes)).await.is(201);
            let put = server.request(Method::PUT, made.text_at("/data/attributes/upload-url"));
            put.anonymous().bytes(archive(&[("main.tf", "")])).send().await.is(200);
        }
        let own = server.get(&format!("/workspaces/{workspace}")).await;
        assert_eq!(own.at("/data/relationships/current-configuration-version/data"), Value::Null);
        server.try_run(&workspace, None, json!({})).await.refuses(422, "configuration/missing");
    }
}
