//! Workspaces that a git repository feeds, with real repositories: what a run fetches, and what it says when it cannot.

use std::collections::BTreeMap;
use std::io::Read;

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, ORGANIZATION, Repository, Server, on_both};

/// Files of a configuration by name.
async fn files(server: &Server, configuration: &str) -> BTreeMap<String, String> {
    let found = server.get(&format!("/configuration-versions/{configuration}/download")).await.is(302);
    let archive = server.request(Method::GET, found.header("location")).anonymous().send().await.is(200);
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&archive.body[..]));
    let mut files = BTreeMap::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), text);
        }
    }
    files
}

fn configuration(run: &Answer) -> String {
    run.text_at("/data/relationships/configuration-version/data/id").to_owned()
}

/// Ends the run that waits for a decision.
async fn discard(server: &Server, run: &str) {
    server.act(run, "discard").await.is(202);
    server.until(run, "discarded").await;
}

/// Waits for a run to fail; what its plan's log says.
async fn failure(server: &Server, run: &str) -> String {
    let run = server.until(run, "errored").await;
    let plan = run.text_at("/data/relationships/plan/data/id");
    assert_eq!(server.get(&format!("/plans/{plan}")).await.at("/data/attributes/status"), "errored");
    String::from_utf8(server.log(plan).await).unwrap()
}

on_both! {
    async fn a_run_takes_the_newest_commit_and_shows_it(server) {
        let repository = server.repository("acme/net", &[("main.tf", "# one"), (".gitattributes", "main.tf export-ignore")]);
        let token = server.local_connection().await;
        let workspace = server.fed("net", json!({ "identifier": "acme/net", "oauth-token-id": token }), json!({})).await;
        server.try_run(&workspace, None, json!({})).await.is(201);
        let id = server.get(&format!("/workspaces/{workspace}/runs")).await.ids()[0].clone();
        let run = server.until(&id, "planned").await;

        let sha = repository.git(&["rev-parse", "HEAD"]);
        let path = format!("/runs/{id}?include=configuration_version.ingress_attributes");
        let shown = server.get(&path).await.is(200);
        assert!(shown.text().contains(&sha), "{}", shown.text());
        let commit = server.get(&format!("/configuration-versions/{}/ingress-attributes", configuration(&run))).await.is(200);
        assert_eq!(commit.at("/data/type"), "ingress-attributes");
        assert_eq!(commit.at("/data/attributes/commit-sha"), sha);
        assert_eq!(commit.at("/data/attributes/branch"), "main");
        assert_eq!(commit.at("/data/attributes/on-default-branch"), true);
        assert_eq!(commit.at("/data/attributes/commit-message"), "The first commit\n\nWith more words.");
        assert_eq!(commit.at("/data/attributes/sender-username"), "Ada");
        assert_eq!(files(&server, &configuration(&run)).await["main.tf"], "# one");
        let read = server.get(&format!("/workspaces/{workspace}")).await;
        assert_eq!(read.at("/data/relationships/current-configuration-version/data/id"), configuration(&run));
        assert_eq!(read.at("/data/attributes/vcs-repo/identifier"), "acme/net");
    }

    async fn the_same_commit_is_the_same_configuration_and_a_new_one_is_not(server) {
        let repository = server.repository("acme/net", &[("main.tf", "# one")]);
        let token = server.local_connection().await;
        let workspace = server.fed("net", json!({ "identifier": "acme/net", "oauth-token-id": token }), json!({})).await;
        let mut seen = Vec::new();
        for step in 0..3 {
            if step == 2 {
                repository.commit(&[("main.tf", "# two")], "two");
            }
            let id = server.run(&workspace, json!({})).await;
            seen.push(configuration(&server.until(&id, "planned").await));
            discard(&server, &id).await;
        }
        assert_eq!(seen[0], seen[1]);
        assert_ne!(seen[1], seen[2]);
        assert_eq!(files(&server, &seen[2]).await["main.tf"], "# two");
    }

    async fn a_repository_is_taken_away_with_null_and_changed_in_parts(server) {
        server.repository("acme/net", &[("main.tf", "")]);
        let token = server.local_connection().await;
        let repo = json!({ "identifier": "acme/net", "branch": "main", "oauth-token-id": token, "tags-regex": "" });
        let workspace = server.fed("net", repo, json!({ "working-directory": "a/b", "trigger-prefixes": ["x"] })).await;
        let path = format!("/workspaces/{workspace}");
        let patch = |attributes: Value| json!({ "data": { "attributes": attributes } });
        server.patch(&path, patch(json!({ "vcs-repo": { "branch": "next" } }))).await.is(200);
        server.patch(&path, patch(json!({ "vcs-repo": {} }))).await.is(200);
        let read = server.patch(&path, patch(json!({ "description": "x" }))).await.is(200);
        assert_eq!(read.at("/data/attributes/vcs-repo/branch"), "next");
        assert_eq!(read.at("/data/attributes/vcs-repo/oauth-token-id"), token);
        assert_eq!(read.at("/data/attributes/vcs-repo/tags-regex"), Value::Null);
        assert_eq!(read.at("/data/attributes/working-directory"), "a/b");
        let read = server.patch(&path, patch(json!({ "vcs-repo": null }))).await.is(200);
        assert_eq!(read.at("/data/attributes/vcs-repo"), Value::Null);
        server.try_run(&workspace, None, json!({})).await.refuses(422, "configuration/missing");
    }

    async fn what_cannot_be_a_repository_is_refused_with_words(server) {
        let token = server.local_connection().await;
        let make = |repo: Value| {
            let body = json!({ "data": { "attributes": { "name": "net", "vcs-repo": repo } } });
            server.post("/organizations/acme/workspaces", body)
        };
        let refused = make(json!({ "identifier": "a/b", "oauth-token-id": "ot-fSX576JZGENVaeMi" })).await;
        assert!(refused.refuses(422, "oauth_client/unknown-token").text().contains("ot-fSX576JZGENVaeMi"));
        make(json!({ "identifier": "a/b" })).await.refuses(422, "repository/incomplete");
        make(json!({ "oauth-token-id": token })).await.refuses(422, "repository/incomplete");
        make(json!({ "identifier": "../b", "oauth-token-id": token })).await.refuses(422, "repository/identifier");
        make(json!({ "identifier": "a/b", "branch": "-x", "oauth-token-id": token })).await.refuses(422, "repository/branch");
        let regex = json!({ "identifier": "a/b", "tags-regex": "(", "oauth-token-id": token });
        make(regex).await.refuses(422, "repository/tags-regex");
        server.get("/organizations/acme/workspaces/net").await.is(404);
    }

    async fn a_repository_branch_or_folder_that_is_missing_ends_the_run_with_a_sentence(server) {
        let repository = server.repository("acme/net", &[("main.tf", "")]);
        let token = server.local_connection().await;
        let repo = |name: &str, branch: &str| json!({ "identifier": name, "branch": branch, "oauth-token-id": token });
        for (name, repo, attributes, says) in [
            ("a", repo("acme/gone", ""), json!({}), "acme/gone is not there"),
            ("b", repo("acme/net", "gone"), json!({}), "has no branch \"gone\""),
            ("c", repo("acme/net", ""), json!({ "working-directory": "gone" }), "has no folder \"gone\""),
        ] {
            let workspace = server.fed(name, repo, attributes).await;
            let run = server.run(&workspace, json!({})).await;
            let log = failure(&server, &run).await;
            assert!(log.starts_with("\u{2}") && log.ends_with("\u{3}") && log.contains(says), "{log}");
        }
        // The workspace is free again, and the next run finds what is there now.
        repository.git(&["branch", "gone"]);
        let workspace = server.get("/organizations/acme/workspaces/b").await.id();
        let run = server.run(&workspace, json!({})).await;
        server.until(&run, "planned").await;
    }

    async fn a_workspace_that_queues_all_runs_begins_with_one_and_another_waits_for_somebody(server) {
        let repository = server.repository("acme/net", &[("main.tf", "")]);
        repository.commit(&[("x", "")], "Add x\n\nBecause.");
        let token = server.local_connection().await;
        let repo = json!({ "identifier": "acme/net", "oauth-token-id": token });
        let eager = server.fed("eager", repo.clone(), json!({ "queue-all-runs": true })).await;
        let quiet = server.fed("quiet", repo, json!({ "queue-all-runs": false })).await;
        let runs = server.get(&format!("/workspaces/{eager}/runs")).await;
        let run = server.until(&runs.ids()[0], "planned").await;
        assert_eq!(run.at("/data/attributes/message"), "Add x");
        assert_eq!(run.at("/data/attributes/source"), "tfe-configuration-version");
        assert!(server.get(&format!("/workspaces/{quiet}/runs")).await.ids().is_empty());
    }

    async fn a_run_that_was_being_fetched_when_the_server_died_is_fetched_again(server) {
        server.repository("acme/net", &[("main.tf", "")]);
        let token = server.local_connection().await;
        let workspace = server.fed("net", json!({ "identifier": "acme/net", "oauth-token-id": token }), json!({})).await;
        let run = server.run(&workspace, json!({})).await;
        let server = server.killed_and_opened_again().await;
        server.until(&run, "planned").await;
    }

    async fn a_run_that_somebody_cancels_while_it_is_fetched_is_over_and_the_next_one_goes(server) {
        server.repository("acme/net", &[("main.tf", "")]);
        let token = server.local_connection().await;
        let workspace = server.fed("net", json!({ "identifier": "acme/net", "oauth-token-id": token }), json!({})).await;
        let run = server.try_run(&workspace, None, json!({})).await.is(201);
        assert_eq!(run.at("/data/attributes/status"), "fetching");
        assert_eq!(run.at("/data/relationships/configuration-version/data"), Value::Null);
        assert_eq!(run.at("/data/attributes/actions/is-cancelable"), true);
        let canceled = server.act(&run.id(), "cancel").await;
        let next = server.run(&workspace, json!({})).await;
        if canceled.status == 202 {
            let run = server.get(&format!("/runs/{}", run.id())).await;
            assert!(["canceled", "planning"].contains(&run.text_at("/data/attributes/status")), "{}", run.text());
        }
        server.until(&next, "planned").await;
    }

    async fn connections_keep_their_secrets(server) {
        let attributes = json!({ "oauth-token-string": "hunter2-token", "secret": "hunter2-secret", "name": "GitHub" });
        let token = server.connection("https://git.example", attributes).await;
        let list = server.get(&format!("/organizations/{ORGANIZATION}/oauth-clients?include=oauth_tokens")).await.is(200);
        let client = list.ids()[0].clone();
        assert_eq!(list.at("/data/0/attributes/service-provider-display-name"), "GitHub");
        assert_eq!(list.at("/data/0/relationships/organization/data/id"), ORGANIZATION);
        assert_eq!(list.at("/included/0/id"), token);
        let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n";
        let body = json!({ "data": { "attributes": { "ssh-key": key } } });
        let with_key = server.patch(&format!("/oauth-tokens/{token}"), body).await.is(200);
        assert_eq!(with_key.at("/data/attributes/has-ssh-key"), true);
        let body = json!({ "data": { "attributes": { "name": null, "oauth-token-string": "hunter2-new" } } });
        let changed = server.patch(&format!("/oauth-clients/{client}"), body).await.is(200);
        assert_eq!(changed.at("/data/attributes/name"), Value::Null);
        let tokens = server.get(&format!("/organizations/{ORGANIZATION}/oauth-tokens")).await.is(200);
        let of = server.get(&format!("/oauth-clients/{client}/oauth-tokens")).await.is(200);
        assert_eq!((tokens.ids(), of.ids()), (vec![token.clone()], vec![token.clone()]));
        for answer in [list, with_key, changed, tokens, of] {
            assert!(!answer.text().contains("hunter2"), "{}", answer.text());
        }
        let on_disk = std::fs::read(server.folder.path().join("data/multispace.db")).unwrap_or_default();
        assert!(!on_disk.windows(7).any(|part| part == b"hunter2"));
        let line_break = json!({ "data": { "attributes": { "oauth-token-string": "a\nhost=evil" } } });
        server.patch(&format!("/oauth-clients/{client}"), line_break).await.refuses(422, "oauth_client/secret");
        server.delete(&format!("/oauth-clients/{client}")).await.is(204);
        server.get(&format!("/oauth-tokens/{token}")).await.refuses(404, "oauth_client/token-not-found");
    }

    async fn a_connection_may_be_for_some_projects_alone(server) {
        let body = json!({ "data": { "attributes": { "name": "platform" } } });
        let project = server.post("/organizations/acme/projects", body).await.is(201).id();
        let token = server.connection("https://git.example", json!({ "organization-scoped": false })).await;
        let client = server.get("/organizations/acme/oauth-clients").await.ids()[0].clone();
        let make = || {
            let repo = json!({ "identifier": "a/b", "oauth-token-id": token });
            let body = json!({ "data": {
                "attributes": { "name": "net", "vcs-repo": repo },
                "relationships": { "project": { "data": { "type": "projects", "id": project } } },
            }});
            server.post("/organizations/acme/workspaces", body)
        };
        make().await.refuses(422, "oauth_client/unknown-token");
        let body = json!({ "data": [{ "type": "projects", "id": project }] });
        server.post(&format!("/oauth-clients/{client}/relationships/projects"), body).await.is(204);
        make().await.is(201);
    }

    async fn a_host_that_is_no_host_and_a_folder_that_was_not_allowed_are_refused(server) {
        std::os::unix::fs::symlink("/etc", server.git_root().join("link")).unwrap();
        let make = |url: &str| {
            let attributes = json!({ "service-provider": "github", "http-url": url, "api-url": url });
            server.post("/organizations/acme/oauth-clients", json!({ "data": { "attributes": attributes } }))
        };
        for (url, code) in [
            ("file:///etc", "git/local"),
            (&format!("file://{}/link", server.git_root().display()), "git/local"),
            (&format!("file://{}/../control", server.git_root().display()), "oauth_client/address"),
            ("ext::sh -c id", "oauth_client/address"),
            ("http://git.example", "oauth_client/address"),
            ("https://user:hunter2@git.example", "oauth_client/address"),
            ("http://127.0.0.1:3000", "git/address"),
            ("http://localhost:3000", "git/address"),
            ("https://169.254.169.254", "git/address"),
            ("https://10.0.0.5:8443", "git/address"),
            ("https://[::ffff:127.0.0.1]", "git/address"),
            ("ssh://git@[fd00::1]:2222", "git/address"),
        ] {
            make(url).await.refuses(422, code);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_means_harm_does_none() {
    let server = Server::open(crate::harness::Database::Sqlite).await;
    let token = server.local_connection().await;
    let marker = server.folder.path().join("marker");

    // Hooks and settings of the repository itself.
    let hooks = server.repository("bad/hooks", &[("main.tf", "")]);
    for hook in ["pre-upload", "post-checkout", "post-merge", "reference-transaction"] {
        let file = hooks.folder.join(".git/hooks").join(hook);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, format!("#!/bin/sh\ntouch {}\n", marker.display())).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    hooks.git(&["config", "uploadpack.packObjectsHook", &format!("touch {}; :", marker.display())]);
    hooks.git(&["config", "core.fsmonitor", &format!("touch {}; :", marker.display())]);
    let workspace = server.fed("hooks", json!({ "identifier": "bad/hooks", "oauth-token-id": token }), json!({})).await;
    let run = server.run(&workspace, json!({})).await;
    server.until(&run, "planned").await;
    assert!(!marker.exists());

    // A link out of the repository.
    let link = server.repository("bad/link", &[("main.tf", "")]);
    std::os::unix::fs::symlink("/etc/passwd", link.folder.join("passwd")).unwrap();
    link.commit(&[], "link");
    // Submodules that are commands, files of the machine, or another host.
    for (name, url) in
        [("ext", "ext::sh -c touch% marker"), ("file", "file:///etc"), ("host", "https://evil.example/x")]
    {
        let repository = server.repository(&format!("bad/{name}"), &[("main.tf", "")]);
        repository.commit(&[(".gitmodules", &format!("[submodule \"m\"]\n\tpath = m\n\turl = {url}\n"))], "module");
        let sha = repository.git(&["rev-parse", "HEAD"]);
        repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{sha},m")]);
        repository.git(&["commit", "--quiet", "--message", "gitlink"]);
    }
    for (name, says) in [
        ("link", "\"passwd\", a link to an absolute path. Take it out"),
        ("ext", "submodule"),
        ("file", "is not there"),
        ("host", "is not on the host"),
    ] {
        let repo = json!({ "identifier": format!("bad/{name}"), "oauth-token-id": token, "ingress-submodules": true });
        let workspace = server.fed(name, repo, json!({})).await;
        let run = server.run(&workspace, json!({})).await;
        let log = failure(&server, &run).await.replace("\n\n", " ");
        assert!(log.contains(says) || name == "ext", "{name}: {log}");
    }
    assert!(!marker.exists() && !std::path::Path::new("marker").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submodules_come_along_where_that_is_asked_for() {
    let server = Server::open(crate::harness::Database::Sqlite).await;
    let inner: Repository = server.repository("acme/inner", &[("inner.tf", "# inner")]);
    let outer = server.repository("acme/outer", &[("main.tf", "# outer")]);
    outer.git(&["submodule", "--quiet", "add", "--name", "mods", "../inner", "mods/inner"]);
    outer.commit(&[], "with a module");
    inner.commit(&[("inner.tf", "# newer")], "newer");
    let token = server.local_connection().await;
    for with in [true, false] {
        let repo = json!({ "identifier": "acme/outer", "oauth-token-id": token, "ingress-submodules": with });
        let workspace = server.fed(&format!("with-{with}"), repo, json!({})).await;
        let run = server.run(&workspace, json!({})).await;
        let found = files(&server, &configuration(&server.until(&run, "planned").await)).await;
        assert_eq!(found.get("mods/inner/inner.tf").map(String::as_str), with.then_some("# inner"));
        assert_eq!(found["main.tf"], "# outer");
    }
}
