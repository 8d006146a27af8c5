//! Pushes that hosts tell of by webhook, with real repositories and signed payloads: which workspaces run, and who is believed.

use aws_lc_rs::hmac;
use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Repository, Server, on_both};

/// The webhook of the only connection: its path and its secret.
struct Hook {
    path: String,
    secret: String,
}

impl Hook {
    async fn of(server: &Server) -> Self {
        let list = server.get("/organizations/acme/oauth-clients").await.is(200);
        let (id, url) = (list.ids()[0].clone(), list.text_at("/data/0/attributes/webhook-url"));
        assert!(url.ends_with(&format!("/webhooks/vcs/{id}")), "{url}");
        let secret = list.text_at("/data/0/attributes/webhook-secret").to_owned();
        Self { path: format!("/webhooks/vcs/{id}"), secret }
    }

    async fn send(&self, server: &Server, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut request = server.request(Method::POST, "/").at_root(&self.path).anonymous();
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.header("content-type", "application/json").bytes(body.to_string()).send().await
    }

    fn signature(&self, body: &Value) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        hex::encode(hmac::sign(&key, body.to_string().as_bytes()))
    }

    /// Tells of a push as GitHub does; returns the workspaces that run.
    async fn github(&self, server: &Server, delivery: &str, body: &Value) -> Vec<String> {
        started(server, &self.of_github(server, "push", delivery, body).await).await
    }

    async fn of_github(&self, server: &Server, event: &str, delivery: &str, body: &Value) -> Answer {
        let proof = format!("sha256={}", self.signature(body));
        let headers =
            [("x-github-event", event), ("x-github-delivery", delivery), ("x-hub-signature-256", proof.as_str())];
        self.send(server, &headers, body).await.is(200)
    }
}

/// Names of the workspaces whose runs an answer tells of, sorted.
async fn started(server: &Server, answer: &Answer) -> Vec<String> {
    let mut names = Vec::new();
    for run in answer.at("/runs").as_array().unwrap() {
        let run = server.get(&format!("/runs/{}", run.as_str().unwrap())).await.is(200);
        let workspace = run.text_at("/data/relationships/workspace/data/id");
        let workspace = server.get(&format!("/workspaces/{workspace}")).await.is(200);
        names.push(workspace.text_at("/data/attributes/name").to_owned());
    }
    names.sort();
    names
}

/// A push of the newest commit of `main`, as GitHub tells it.
fn push(repository: &Repository, changed: &[&str]) -> Value {
    json!({
        "ref": "refs/heads/main",
        "before": "1".repeat(40),
        "after": repository.git(&["rev-parse", "HEAD"]),
        "forced": false,
        "compare": "https://git.example/acme/net/compare",
        "repository": { "full_name": "acme/net", "default_branch": "main" },
        "sender": { "login": "ada" },
        "commits": [{ "added": [], "removed": [], "modified": changed }],
    })
}

on_both! {
    async fn a_push_starts_the_workspaces_whose_files_it_changed_each_once(server) {
        let repository = server.repository("acme/net", &[("a/main.tf", ""), ("b/main.tf", "")]);
        let token = server.local_connection().await;
        let repo = json!({ "identifier": "acme/net", "oauth-token-id": token });
        for (name, more) in [
            ("a", json!({ "working-directory": "a" })),
            ("b", json!({ "working-directory": "b", "trigger-patterns": ["/b/**/*.tf", "/shared/*"] })),
            ("all", json!({ "file-triggers-enabled": false })),
        ] {
            let mut attributes = json!({ "queue-all-runs": true, "file-triggers-enabled": true });
            attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            server.fed(name, repo.clone(), attributes).await;
        }
        let mut other = repo.clone();
        other["branch"] = "next".into();
        server.fed("next", other, json!({ "queue-all-runs": true })).await;
        let hook = Hook::of(&server).await;

        repository.commit(&[("a/main.tf", "# two")], "two");
        let body = push(&repository, &["a/main.tf"]);
        assert_eq!(hook.github(&server, "1", &body).await, ["a", "all"]);
        assert!(hook.github(&server, "1", &body).await.is_empty(), "the same delivery");
        assert!(hook.github(&server, "2", &body).await.is_empty(), "the same words under another id");
        let again = push(&repository, &["shared/x", "README.md"]);
        assert!(hook.github(&server, "1", &again).await.is_empty(), "the same id with other words");
        assert_eq!(hook.github(&server, "3", &again).await, ["all", "b"]);
        let mut forced = push(&repository, &["README.md"]);
        forced["forced"] = true.into();
        assert_eq!(hook.github(&server, "4", &forced).await, ["a", "all", "b"], "nobody knows what changed");
    }

    async fn a_run_of_a_push_takes_the_commit_that_was_pushed_and_shows_who_did_it(server) {
        let repository = server.repository("acme/net", &[("main.tf", "# one")]);
        let token = server.local_connection().await;
        let repo = json!({ "identifier": "acme/net", "oauth-token-id": token });
        let workspace = server.fed("net", repo, json!({ "queue-all-runs": true })).await;
        let first = server.get(&format!("/workspaces/{workspace}/runs")).await.ids()[0].clone();
        server.until(&first, "planned").await;
        server.act(&first, "discard").await.is(202);
        let hook = Hook::of(&server).await;
        let pushed = repository.commit(&[("main.tf", "# two")], "The second");
        let body = push(&repository, &["main.tf"]);
        repository.commit(&[("main.tf", "# three")], "The third");
        assert_eq!(hook.github(&server, "1", &body).await, ["net"]);
        let run = server.get(&format!("/workspaces/{workspace}/runs")).await.ids()[0].clone();
        let run = server.until(&run, "planned").await;
        assert_eq!(run.at("/data/attributes/message"), "The second");
        let configuration = run.text_at("/data/relationships/configuration-version/data/id");
        let commit = server.get(&format!("/configuration-versions/{configuration}/ingress-attributes")).await.is(200);
        assert_eq!(commit.at("/data/attributes/commit-sha"), pushed);
        assert_eq!(commit.at("/data/attributes/branch"), "main");
        assert_eq!(commit.at("/data/attributes/on-default-branch"), true);
        assert_eq!(commit.at("/data/attributes/sender-username"), "ada");
        assert_eq!(commit.at("/data/attributes/compare-url"), "https://git.example/acme/net/compare");
    }

    async fn who_does_not_know_the_secret_is_told_nothing_and_starts_nothing(server) {
        let repository = server.repository("acme/net", &[("main.tf", "")]);
        let token = server.local_connection().await;
        let repo = json!({ "identifier": "acme/net", "oauth-token-id": token });
        server.fed("net", repo, json!({ "queue-all-runs": true })).await;
        let hook = Hook::of(&server).await;
        let body = push(&repository, &["main.tf"]);
        let wrong = Hook { path: hook.path.clone(), secret: "guess".into() };
        let absent = Hook { path: "/webhooks/vcs/oc-aaaaaaaaaaaaaaaa".into(), secret: hook.secret.clone() };
        let mut answers = Vec::new();
        for asked in [&wrong, &absent] {
            let proof = format!("sha256={}", asked.signature(&body));
            let headers = [("x-github-event", "push"), ("x-hub-signature-256", proof.as_str())];
            answers.push(asked.send(&server, &headers, &body).await.refuses(404, "webhook/unknown").detail());
        }
        assert_eq!(answers[0], answers[1]);
        hook.send(&server, &[], &body).await.refuses(404, "webhook/unknown");
        hook.send(&server, &[("x-gitlab-event", "Push Hook")], &body).await.refuses(404, "webhook/unknown");
        // What was refused counts as no delivery.
        assert_eq!(hook.github(&server, "1", &body).await, ["net"]);
    }

    async fn gitlab_gitea_and_forgejo_are_believed_by_their_own_proofs(server) {
        let repository = server.repository("acme/net", &[("main.tf", "")]);
        let token = server.local_connection().await;
        let repo = json!({ "identifier": "acme/net", "oauth-token-id": token });
        server.fed("net", repo, json!({ "queue-all-runs": true })).await;
        let hook = Hook::of(&server).await;
        for (number, host) in ["gitea", "forgejo"].into_iter().enumerate() {
            let mut body = push(&repository, &["main.tf"]);
            body["total_commits"] = json!(1 + number);
            let (event, name) = (format!("x-{host}-event"), format!("x-{host}-signature"));
            let proof = hook.signature(&body);
            let answer = hook.send(&server, &[(&event, "push"), (&name, &proof)], &body).await.is(200);
            assert_eq!(started(&server, &answer).await, ["net"], "{host}");
        }
        let body = json!({
            "ref": "refs/heads/main",
            "before": "1".repeat(40),
            "after": repository.git(&["rev-parse", "HEAD"]),
            "project": { "path_with_namespace": "acme/net", "default_branch": "main" },
            "commits": [],
        });
        let headers = [("x-gitlab-event", "Push Hook"), ("x-gitlab-token", hook.secret.as_str())];
        let answer = hook.send(&server, &headers, &body).await.is(200);
        assert_eq!(started(&server, &answer).await, ["net"]);
    }

    async fn the_secret_is_for_who_manages_the_connection_and_one_that_was_given_is_not_shown(server) {
        let repository = server.repository("acme/net", &[("main.tf", "")]);
        let url = format!("file://{}", server.git_root().display());
        let token = server.connection(&url, json!({ "secret": "hunter2-hook" })).await;
        let repo = json!({ "identifier": "acme/net", "oauth-token-id": token });
        server.fed("net", repo, json!({ "queue-all-runs": true })).await;
        let shown = Hook::of(&server).await;
        assert_eq!(shown.secret, "");
        let given = Hook { secret: "hunter2-hook".into(), ..shown };
        assert_eq!(given.github(&server, "1", &push(&repository, &["main.tf"])).await, ["net"]);

        let client = server.get("/organizations/acme/oauth-clients").await.ids()[0].clone();
        let body = json!({ "data": { "attributes": { "secret": "" } } });
        server.patch(&format!("/oauth-clients/{client}"), body).await.is(200);
        assert_eq!(Hook::of(&server).await.secret.len(), 64);
        let team = server.team("readers").await;
        let reader = server.team_token(&team).await;
        let read = server.request(Method::GET, &format!("/oauth-clients/{client}")).token(&reader).send().await;
        let read = read.is(200);
        assert!(!read.text().contains("webhook-secret"), "{}", read.text());
    }

    async fn of_workspaces_that_a_run_trigger_joins_the_upstream_alone_is_started_by_a_push(server) {
        let repository = server.repository("acme/net", &[("main.tf", "")]);
        let token = server.local_connection().await;
        let repo = json!({ "identifier": "acme/net", "oauth-token-id": token });
        let mut ids = Vec::new();
        for name in ["up", "down", "beside"] {
            ids.push(server.fed(name, repo.clone(), json!({ "queue-all-runs": true })).await);
        }
        let source = json!({ "sourceable": { "data": { "type": "workspaces", "id": ids[0] } } });
        let trigger = json!({ "data": { "relationships": source } });
        server.post(&format!("/workspaces/{}/run-triggers", ids[1]), trigger).await.is(201);
        let hook = Hook::of(&server).await;
        assert_eq!(hook.github(&server, "1", &push(&repository, &["main.tf"])).await, ["beside", "up"]);
    }

    async fn a_workspace_that_does_not_queue_all_runs_waits_for_its_first_and_tags_start_who_follows_them(server) {
        let repository = server.repository("acme/net", &[("main.tf", "")]);
        let token = server.local_connection().await;
        let repo = json!({ "identifier": "acme/net", "oauth-token-id": token });
        let quiet = server.fed("quiet", repo.clone(), json!({ "queue-all-runs": false })).await;
        let mut tags = repo.clone();
        tags["tags-regex"] = r"^v\d+$".into();
        server.fed("tags", tags, json!({ "queue-all-runs": true })).await;
        let hook = Hook::of(&server).await;
        let body = push(&repository, &["main.tf"]);
        assert!(hook.github(&server, "1", &body).await.is_empty());
        server.run(&quiet, json!({})).await;
        let mut body = push(&repository, &["main.tf", "again"]);
        assert_eq!(hook.github(&server, "2", &body).await, ["quiet"]);
        repository.git(&["tag", "v1"]);
        body["ref"] = "refs/tags/v1".into();
        assert_eq!(hook.github(&server, "3", &body).await, ["tags"]);
        body["ref"] = "refs/tags/draft".into();
        assert!(hook.github(&server, "4", &body).await.is_empty());
    }

    async fn a_pull_request_is_planned_and_never_applied_unless_it_is_of_a_fork_or_nobody_wants_it(server) {
        let repository = server.repository("acme/net", &[("main.tf", "# one")]);
        let token = server.local_connection().await;
        let repo = json!({ "identifier": "acme/net", "oauth-token-id": token });
        let net = server.fed("net", repo.clone(), json!({ "queue-all-runs": true, "auto-apply": true })).await;
        server.fed("quiet", repo, json!({ "queue-all-runs": true, "speculative-enabled": false })).await;
        let first = server.get(&format!("/workspaces/{net}/runs")).await.ids()[0].clone();
        server.until(&first, "applied").await;
        repository.git(&["checkout", "--quiet", "-b", "add-x"]);
        let sha = repository.commit(&[("x.tf", "# x")], "x");
        repository.git(&["checkout", "--quiet", "main"]);
        let request = |sha: &str, head: &str| json!({
            "action": "opened",
            "repository": { "full_name": "acme/net", "default_branch": "main" },
            "pull_request": {
                "number": 5,
                "title": "Add x",
                "html_url": "https://git.example/acme/net/pull/5",
                "base": { "ref": "main" },
                "head": { "ref": "add-x", "sha": sha, "repo": { "full_name": head } },
            },
        });
        let hook = Hook::of(&server).await;
        let tell = async |delivery: &str, body: Value| hook.of_github(&server, "pull_request", delivery, &body).await;
        let of_a_fork = tell("1", request(&sha, "eve/net")).await;
        assert!(started(&server, &of_a_fork).await.is_empty());
        let told = tell("2", request(&sha, "acme/net")).await;
        assert_eq!(started(&server, &told).await, ["net"]);
        let run = told.text_at("/runs/0");
        let run = server.until(run, "planned_and_finished").await;
        assert_eq!(run.at("/data/attributes/plan-only"), true);
        assert_eq!(run.at("/data/attributes/message"), "Pull request #5: Add x");
        let configuration = run.text_at("/data/relationships/configuration-version/data/id");
        let commit = server.get(&format!("/configuration-versions/{configuration}/ingress-attributes")).await.is(200);
        assert_eq!(commit.at("/data/attributes/commit-sha"), sha);
        assert_eq!(commit.at("/data/attributes/is-pull-request"), true);
        assert_eq!(commit.at("/data/attributes/pull-request-number"), 5);

        let told = tell("3", request(&"e".repeat(40), "acme/net")).await;
        assert_eq!(started(&server, &told).await, ["net"]);
        let run = told.text_at("/runs/0");
        let run = server.until(run, "errored").await;
        let log = server.log(run.text_at("/data/relationships/plan/data/id")).await;
        assert!(String::from_utf8_lossy(&log).contains("Error: "));
    }
}
