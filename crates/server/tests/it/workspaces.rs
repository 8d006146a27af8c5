//! Organizations, projects, workspaces, their tags, variables and locks.

use serde_json::{Value, json};

use crate::harness::{ORGANIZATION, Server, on_both};

fn body(attributes: Value) -> Value {
    json!({ "data": { "attributes": attributes } })
}

fn names(answer: &crate::harness::Answer) -> Vec<String> {
    let json = answer.json();
    let name = |it: &Value| it["attributes"]["name"].as_str().unwrap_or_default().to_owned();
    json["data"].as_array().unwrap().iter().map(name).collect()
}

async fn listed(server: &Server, query: &str) -> Vec<String> {
    names(&server.get(&format!("/organizations/{ORGANIZATION}/workspaces?{query}")).await.is(200))
}

on_both! {
    async fn what_a_client_sets_comes_back_as_it_was_sent(server) {
        let sent = json!({
            "name": "net", "description": "", "allow-destroy-plan": false, "auto-apply": true,
            "auto-apply-run-trigger": true, "file-triggers-enabled": false, "queue-all-runs": true,
            "speculative-enabled": false, "structured-run-output-enabled": false, "global-remote-state": true,
            "assessments-enabled": true, "working-directory": "envs/a", "terraform-version": "1.11.4",
            "trigger-prefixes": ["modules"], "trigger-patterns": [], "source-name": "tool", "source-url": "https://tool",
            "execution-mode": "local",
        });
        let id = server.workspace_with(sent.clone()).await;
        for path in [format!("/workspaces/{id}"), format!("/organizations/{ORGANIZATION}/workspaces/net")] {
            let read = server.get(&path).await.is(200);
            for (name, value) in sent.as_object().unwrap() {
                assert_eq!(&read.at(&format!("/data/attributes/{name}")), value, "{name}");
            }
            assert_eq!(read.text_at("/data/links/self-html"), "/app/acme/workspaces/net");
            assert!(read.text_at("/data/attributes/created-at").ends_with('Z'));
            assert_eq!(read.at("/data/attributes/permissions/can-force-delete"), true);
        }
    }

    async fn an_update_changes_what_it_names_and_null_clears(server) {
        let id = server.workspace_with(json!({ "name": "net", "description": "old", "auto-apply": true })).await;
        let path = format!("/workspaces/{id}");
        let read = server.patch(&path, body(json!({ "terraform-version": "1.11.4" }))).await.is(200);
        assert_eq!(read.at("/data/attributes/description"), "old");
        assert_eq!(read.at("/data/attributes/auto-apply"), true);
        let read = server.patch(&path, body(json!({ "description": null, "vcs-repo": null, "auto-destroy-at": null }))).await;
        assert_eq!(read.is(200).at("/data/attributes/description"), Value::Null);
        let named = format!("/organizations/{ORGANIZATION}/workspaces/net");
        let read = server.patch(&named, body(json!({ "name": "net2", "operations": false }))).await.is(200);
        assert_eq!((read.id(), read.at("/data/attributes/execution-mode")), (id, json!("local")));
        server.get(&named).await.is(404);
        server.patch(&path, body(json!({ "execution-mode": "agent" }))).await.refuses(422, "workspace/setting");
        server.patch(&path, body(json!({ "vcs-repo": { "identifier": "a/b", "github-app-installation-id": "ghain-1" } }))).await.refuses(422, "workspace/unsupported");
    }

    async fn sloppy_bodies_of_the_field_are_taken(server) {
        let create = format!("/organizations/{ORGANIZATION}/workspaces");
        let pytfe = json!({ "data": { "type": "workspaces", "attributes": {
            "name": "py", "type": "workspaces", "vcs-repo": {}, "setting-overwrites": {}, "nonsense": [1] } } });
        let id = server.post(&create, pytfe).await.is(201).id();
        let cli = json!({ "data": { "type": "", "attributes": { "reason": "Locked by Terraform" } } });
        let locked = server.post(&format!("/workspaces/{id}/actions/lock"), cli).await.is(200);
        assert_eq!(locked.at("/data/attributes/locked-reason"), "Locked by Terraform");
        let unlock = server.request(axum::http::Method::POST, &format!("/workspaces/{id}/actions/unlock"));
        unlock.header("content-type", "text/plain").send().await.is(200);
        server.post(&create, body(json!({}))).await.refuses(422, "workspace/name-missing");
        server.post(&create, body(json!({ "name": "py" }))).await.refuses(422, "workspace/name-taken");
        let refused = server.post(&create, body(json!({ "name": "a b" }))).await.is(422);
        assert_eq!(refused.text_at("/errors/0/source/pointer"), "/data/attributes/name");
    }

    async fn a_lock_is_one_for_all_and_refusals_have_the_words_that_go_tfe_reads(server) {
        let id = server.workspace("net").await;
        let act = |action: &str| format!("/workspaces/{id}/actions/{action}");
        let locked = server.post(&act("lock"), json!({ "reason": "mine" })).await.is(200);
        assert_eq!(locked.at("/data/relationships/locked-by/data/type"), "users");
        server.post(&act("lock"), json!({})).await.refuses(409, "workspace/locked");
        server.delete(&format!("/workspaces/{id}")).await.refuses(409, "workspace/delete-locked");
        let included = server.get(&format!("/workspaces/{id}?include=locked_by")).await.is(200);
        assert_eq!(included.at("/included/0/attributes/username"), "owner");
        server.post(&act("unlock"), json!({})).await.is(200);
        server.post(&act("unlock"), json!({})).await.refuses(409, "workspace/not-locked");
        server.post(&act("force-unlock"), json!({})).await.refuses(409, "workspace/not-locked");

        server.configuration(&id, false).await;
        let run = server.run(&id, json!({})).await;
        server.until(&run, "planned").await;
        let refused = server.post(&act("unlock"), json!({})).await.refuses(409, "workspace/locked-by-other");
        assert!(refused.detail().contains("is locked by Run"), "{}", refused.detail());
        server.post(&act("force-unlock"), json!({})).await.refuses(409, "workspace/run-under-way");
    }

    async fn flat_tags_and_bindings_are_one_set(server) {
        let create = format!("/organizations/{ORGANIZATION}/workspaces");
        let request = json!({ "data": { "attributes": { "name": "net" }, "relationships": {
            "tags": { "data": [{ "type": "tags", "attributes": { "name": "app" } }] } } } });
        let made = server.post(&create, request).await.is(201);
        assert_eq!(made.at("/data/attributes/tag-names"), json!(["app"]));
        let id = made.id();
        let bindings = format!("/workspaces/{id}/tag-bindings");
        assert_eq!(server.get(&bindings).await.is(200).at("/data/0/attributes"), json!({ "key": "app", "value": "" }));

        let add = json!({ "data": [
            { "type": "tag-bindings", "attributes": { "key": "env", "value": "prod" } },
            { "type": "tag-bindings", "attributes": { "key": "web" } },
        ]});
        assert_eq!(server.patch(&bindings, add).await.is(200).ids().len(), 3);
        let read = server.get(&format!("/workspaces/{id}?include=effective_tag_bindings")).await.is(200);
        assert_eq!(read.at("/data/attributes/tag-names"), json!(["app", "web"]));
        assert_eq!(read.at("/included").as_array().unwrap().len(), 3);
        assert_eq!(server.get(&format!("/workspaces/{id}/effective-tag-bindings")).await.is(200).ids().len(), 3);

        let tags = format!("/workspaces/{id}/relationships/tags");
        let listed = server.get(&tags).await.is(200);
        assert_eq!(names(&listed), ["app", "web"]);
        let by_id = json!({ "data": [{ "type": "tags", "id": listed.ids()[0] }] });
        server.request(axum::http::Method::DELETE, &tags).json(&by_id).send().await.is(204);
        server.post(&tags, json!({ "data": [{ "type": "tags", "attributes": { "name": "db" } }] })).await.is(204);
        assert_eq!(names(&server.get(&tags).await), ["db", "web"]);
        let replace = json!({ "data": [{ "type": "tag-bindings", "attributes": { "key": "only" } }] });
        server.patch(&format!("/workspaces/{id}/relationships/tag-bindings"), replace).await.is(204);
        assert_eq!(server.get(&bindings).await.is(200).at("/data/0/attributes/key"), "only");
        assert_eq!(server.get(&bindings).await.ids().len(), 1);
    }

    async fn workspaces_are_found_by_name_tag_project_and_run(server) {
        let project = server.post(&format!("/organizations/{ORGANIZATION}/projects"), body(json!({ "name": "shop" })))
            .await.is(201).id();
        for (name, tags, project) in [("prod-net", vec!["net", "prod"], None), ("prod-db", vec!["prod"], Some(&project)), ("test", vec![], None)] {
            let tags: Vec<_> = tags.iter().map(|name| json!({ "type": "tags", "attributes": { "name": name } })).collect();
            let mut request = json!({ "data": { "attributes": { "name": name }, "relationships": { "tags": { "data": tags } } } });
            if let Some(project) = project {
                request["data"]["relationships"]["project"] = json!({ "data": { "type": "projects", "id": project } });
            }
            server.post(&format!("/organizations/{ORGANIZATION}/workspaces"), request).await.is(201);
        }
        for (query, expected) in [
            ("", &["prod-db", "prod-net", "test"][..]),
            ("search[tags]=prod,net", &["prod-net"]),
            ("search%5Bexclude-tags%5D=net", &["prod-db", "test"]),
            ("search[name]=OD", &["prod-db", "prod-net"]),
            ("search[wildcard-name]=*-db", &["prod-db"]),
            ("filter[tagged][7][key]=prod&filter[tagged][3][key]=net&TagBindings=%7B+app+x%7D", &["prod-net"]),
            ("filter[tagged][0][key]=prod&filter[tagged][0][value]=x", &[]),
            (&format!("filter[project][id]={project}"), &["prod-db"]),
            ("filter[current-run][status]=pending", &[]),
            ("sort=-name&page[size]=2", &["test", "prod-net"]),
        ] {
            assert_eq!(listed(&server, query).await, expected, "{query}");
        }
    }

    async fn long_lists_come_in_pages(server) {
        for number in 0..105 {
            server.workspace(&format!("w{number:03}")).await;
        }
        let first = server.get(&format!("/organizations/{ORGANIZATION}/workspaces")).await.is(200);
        assert_eq!(first.ids().len(), 20);
        assert_eq!(first.at("/meta/pagination"), json!({
            "current-page": 1, "page-size": 20, "prev-page": null, "next-page": 2, "total-pages": 6, "total-count": 105 }));
        let mut seen = Vec::new();
        let mut next = format!("/organizations/{ORGANIZATION}/workspaces?page%5Bsize%5D=1000");
        loop {
            let page = server.get(&next).await.is(200);
            assert!(page.ids().len() <= 100);
            seen.extend(names(&page));
            match page.text_at("/links/next") {
                "" => break,
                link => link.clone_into(&mut next),
            }
        }
        assert_eq!(seen.len(), 105);
        assert!(seen.is_sorted());
        assert!(listed(&server, "page[number]=99").await.is_empty());
        assert_eq!(listed(&server, "page[number]=x&page[size]=0").await.len(), 1);
    }

    async fn readers_of_a_state_are_listed_added_and_replaced(server) {
        let net = server.workspace("net").await;
        let (app, db) = (server.workspace("app").await, server.workspace("db").await);
        let path = format!("/workspaces/{net}/relationships/remote-state-consumers");
        let of = |ids: &[&str]| json!({ "data": ids.iter().map(|id| json!({ "type": "workspaces", "id": id })).collect::<Vec<_>>() });
        server.post(&path, of(&[&app])).await.is(204);
        assert_eq!(names(&server.get(&path).await.is(200)), ["app"]);
        server.patch(&path, of(&[&db])).await.is(204);
        assert_eq!(names(&server.get(&path).await.is(200)), ["db"]);
        server.request(axum::http::Method::DELETE, &path).json(&of(&[&db])).send().await.is(204);
        assert!(server.get(&path).await.ids().is_empty());
        server.post(&path, of(&[&net])).await.refuses(422, "workspace/consumers");
        server.patch(&format!("/workspaces/{net}"), body(json!({ "global-remote-state": true }))).await.is(200);
        server.post(&path, of(&[&app])).await.refuses(422, "workspace/consumers");
    }

    async fn a_sensitive_variable_is_never_shown_again(server) {
        let id = server.workspace("net").await;
        let path = format!("/workspaces/{id}/vars");
        let make = body(json!({ "key": "token", "value": "s3cret", "category": "env", "sensitive": true }));
        let made = server.post(&path, make.clone()).await.is(201);
        assert_eq!(made.at("/data/attributes/value"), Value::Null);
        assert_eq!(made.at("/data/relationships/configurable/data/id"), id.as_str());
        server.post(&path, make).await.refuses(422, "variable/taken");
        let one = format!("{path}/{}", made.id());
        server.patch(&one, body(json!({ "sensitive": false }))).await.refuses(422, "variable/sensitive");
        let changed = server.patch(&one, body(json!({ "value": "0ther", "description": "d" }))).await.is(200);
        assert_ne!(changed.at("/data/attributes/version-id"), made.at("/data/attributes/version-id"));
        for answer in [changed, server.get(&one).await, server.get(&path).await, server.get(&format!("/workspaces/{id}/all-vars")).await] {
            assert!(!answer.text().contains("s3cret") && !answer.text().contains("0ther"), "{}", answer.text());
        }
        let older = json!({ "data": { "attributes": { "key": "region", "value": "eu", "category": "terraform" },
            "relationships": { "workspace": { "data": { "type": "workspaces", "id": id } } } } });
        server.post("/vars", older).await.is(201);
        assert_eq!(server.get(&path).await.ids().len(), 2);
        server.delete(&one).await.is(204);
        server.get(&one).await.is(404);
        server.post(&path, body(json!({ "key": "a\u{0}b", "category": "env" }))).await.refuses(422, "access/body");
        server.post(&path, body(json!({ "key": "a", "category": "moon" }))).await.refuses(422, "access/body");
    }

    async fn what_has_something_in_it_is_not_deleted(server) {
        let id = server.workspace("net").await;
        server.configuration(&id, false).await;
        let run = server.run(&id, json!({ "auto-apply": true })).await;
        server.until(&run, "applied").await;
        let refused = server.post(&format!("/workspaces/{id}/actions/safe-delete"), json!({})).await;
        assert!(!refused.refuses(409, "workspace/has-resources").detail().contains("locked"));
        server.delete(&format!("/organizations/{ORGANIZATION}")).await.refuses(409, "organization/not-empty");
        let run = server.run(&id, json!({ "auto-apply": true, "is-destroy": true })).await;
        server.until(&run, "applied").await;
        server.post(&format!("/organizations/{ORGANIZATION}/workspaces/net/actions/safe-delete"), json!({})).await.is(204);
        server.get(&format!("/workspaces/{id}")).await.is(404);
        server.get(&format!("/runs/{run}")).await.is(404);
        server.delete(&format!("/organizations/{ORGANIZATION}")).await.is(204);
        server.get(&format!("/organizations/{ORGANIZATION}")).await.is(404);
    }

    async fn organizations_and_projects_are_kept(server) {
        let organization = server.get(&format!("/organizations/{ORGANIZATION}")).await.is(200);
        assert_eq!(organization.id(), ORGANIZATION);
        let project = organization.text_at("/data/relationships/default-project/data/id");
        server.delete(&format!("/projects/{project}")).await.refuses(403, "project/default");
        let entitlements = server.get(&format!("/organizations/{ORGANIZATION}/entitlement-set")).await.is(200);
        assert_eq!(entitlements.at("/data/attributes/operations"), true);
        server.post("/organizations", body(json!({ "name": "other" }))).await.refuses(422, "organization/incomplete");
        server.post("/organizations", body(json!({ "name": ORGANIZATION, "email": "a@b" }))).await
            .refuses(422, "organization/name-taken");
        server.post("/organizations", body(json!({ "name": "other", "email": "a@b" }))).await.is(201);
        assert_eq!(names(&server.get("/organizations").await.is(200)), ["acme", "other"]);
        assert_eq!(names(&server.get("/organizations?q=OTH&page[size]=1").await.is(200)), ["other"]);

        let projects = format!("/organizations/{ORGANIZATION}/projects");
        let made = server.post(&projects, body(json!({ "name": "shop", "description": "d" }))).await.is(201);
        server.post(&projects, body(json!({ "name": "SHOP" }))).await.refuses(422, "project/name-taken");
        let found = server.get(&format!("{projects}?filter[names]=Shop")).await.is(200);
        assert_eq!(found.ids(), [made.id()]);
        let one = format!("/projects/{}", made.id());
        let changed = server.patch(&one, body(json!({ "description": null }))).await.is(200);
        assert_eq!(changed.at("/data/attributes/description"), "");
        assert_eq!(server.get(&format!("{one}/effective-tag-bindings")).await.is(200).json()["data"], json!([]));
        server.delete(&one).await.is(204);
        server.get(&one).await.is(404);
    }
}
