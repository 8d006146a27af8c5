//! Early cutoff: a downstream whose upstreams were applied does not run when what it goes by is what it was.

use serde_json::json;

use crate::harness::{Answer, Server, on_both};

/// An upstream `a` with outputs, and a downstream with this code that was applied and is triggered by it.
async fn upstream(server: &Server) -> String {
    let a = server.workspace("a").await;
    server.configuration(&a, false).await;
    outputs(server, "1", "1");
    apply(server, &a).await;
    a
}

/// A workspace that reads this output of `a`, was applied, and is triggered by it.
async fn downstream(server: &Server, name: &str, upstream: &str, output: &str) -> String {
    let attributes = json!({ "name": name, "auto-apply-run-trigger": true });
    let workspace = server.workspace_with(attributes).await;
    let used = format!("data.tfe_outputs.a.{output}");
    let code =
        format!("data \"tfe_outputs\" \"a\" {{\n  workspace = \"a\"\n}}\noutput \"o\" {{\n  value = {used}\n}}\n");
    server.configuration_of(&workspace, false, &[("main.tf", &code)]).await;
    apply(server, &workspace).await;
    let sourceable = json!({ "data": { "type": "workspaces", "id": upstream } });
    let body = json!({ "data": { "relationships": { "sourceable": sourceable } } });
    server.post(&format!("/workspaces/{workspace}/run-triggers"), body).await.is(201);
    workspace
}

/// Says what the next applies of `a` leave as outputs; `key` is a secret.
fn outputs(server: &Server, ip: &str, key: &str) {
    let outputs = json!({
        "ip": { "value": ip, "type": "string" },
        "key": { "value": key, "type": "string", "sensitive": true },
    });
    std::fs::write(server.control("a.outputs"), outputs.to_string()).unwrap();
}

async fn apply(server: &Server, workspace: &str) {
    let run = server.run(workspace, json!({ "auto-apply": true })).await;
    server.until(&run, "applied").await;
}

async fn runs_of(server: &Server, workspace: &str) -> Vec<String> {
    server.get(&format!("/workspaces/{workspace}/runs")).await.is(200).ids()
}

/// Waits until so many decisions were made on a workspace, and returns the newest outcome and message.
async fn decision(server: &Server, workspace: &str, number: usize) -> (String, String) {
    let path = format!("/workspaces/{workspace}/trigger-decisions");
    let decided = server
        .until_that(&path, |it: &Answer| {
            it.ids().len() == number && it.text_at("/data/0/attributes/outcome") != "waiting"
        })
        .await;
    let at = |what: &str| decided.text_at(&format!("/data/0/attributes/{what}")).to_owned();
    (at("outcome"), at("message"))
}

async fn newest_applied(server: &Server, workspace: &str) -> Answer {
    let run = runs_of(server, workspace).await[0].clone();
    server.until(&run, "applied").await
}

on_both! {
    async fn an_upstream_with_unchanged_outputs_runs_nothing_and_that_is_said(server) {
        let a = upstream(&server).await;
        let d = downstream(&server, "d", &a, "values.ip").await;
        apply(&server, &a).await;
        let (outcome, message) = decision(&server, &d, 1).await;
        assert_eq!((outcome.as_str(), runs_of(&server, &d).await.len()), ("not-run", 1));
        assert_eq!(message, "Not run: outputs it reads are unchanged (\"ip\" of \"a\").");
    }

    async fn of_two_downstreams_the_one_that_reads_the_output_that_changed_runs(server) {
        let a = upstream(&server).await;
        let d = downstream(&server, "d", &a, "values.ip").await;
        let e = downstream(&server, "e", &a, "values[\"key\"]").await;
        outputs(&server, "1", "2");
        apply(&server, &a).await;
        assert_eq!(decision(&server, &d, 1).await.0, "not-run");
        assert_eq!(decision(&server, &e, 1).await.0, "started");
        let run = newest_applied(&server, &e).await;
        let expected = "Run triggered by workspace a: output \"key\" of \"a\" has changed";
        assert_eq!(run.at("/data/attributes/message"), expected);
        assert_eq!((runs_of(&server, &d).await.len(), runs_of(&server, &e).await.len()), (1, 2));

        // What the run was given is what the next one is compared with.
        apply(&server, &a).await;
        assert_eq!(decision(&server, &e, 2).await.0, "not-run");
        outputs(&server, "2", "2");
        apply(&server, &a).await;
        assert_eq!(decision(&server, &d, 3).await.0, "started");
        assert_eq!(decision(&server, &e, 3).await.0, "not-run");
    }

    async fn whoever_may_use_any_output_runs_for_each(server) {
        let a = upstream(&server).await;
        let d = downstream(&server, "d", &a, "values").await;
        outputs(&server, "1", "2");
        apply(&server, &a).await;
        let (_, message) = decision(&server, &d, 1).await;
        assert_eq!(message, "Run triggered by workspace a: output \"key\" of \"a\" has changed");
    }

    async fn a_downstream_of_which_nothing_is_known_runs(server) {
        let a = upstream(&server).await;
        let d = downstream(&server, "d", &a, "values.ip").await;
        server.configuration(&d, false).await;
        apply(&server, &d).await;
        apply(&server, &a).await;
        let (_, message) = decision(&server, &d, 1).await;
        assert_eq!(message, "Run triggered by workspace a: it is not known what it reads of \"a\"");
        let run = newest_applied(&server, &d).await;
        assert_eq!(run.at("/data/attributes/message"), "Run triggered by workspace a");
    }

    async fn other_variables_other_code_and_another_state_make_it_run(server) {
        let a = upstream(&server).await;
        let d = downstream(&server, "d", &a, "values.ip").await;
        let variable = json!({ "data": { "attributes": { "key": "x", "value": "1", "category": "terraform" } } });
        server.post(&format!("/workspaces/{d}/vars"), variable).await.is(201);
        apply(&server, &a).await;
        assert!(decision(&server, &d, 1).await.1.ends_with("its variables have changed since its last apply"));
        newest_applied(&server, &d).await;

        let code = "data \"tfe_outputs\" \"a\" {\n  workspace = \"a\"\n}\n";
        server.configuration_of(&d, false, &[("main.tf", code)]).await;
        apply(&server, &a).await;
        assert!(decision(&server, &d, 2).await.1.ends_with("its configuration has changed since its last apply"));
        newest_applied(&server, &d).await;

        let destroy = server.run(&d, json!({ "auto-apply": true, "is-destroy": true })).await;
        server.until(&destroy, "applied").await;
        apply(&server, &a).await;
        assert!(decision(&server, &d, 3).await.1.ends_with("its state has changed since its last apply"));
        newest_applied(&server, &d).await;
        apply(&server, &a).await;
        assert_eq!(decision(&server, &d, 4).await.1, "Not run: outputs it reads are unchanged (none of \"a\").");
    }

    async fn an_apply_that_failed_leaves_nothing_to_compare_with(server) {
        let a = upstream(&server).await;
        let d = downstream(&server, "d", &a, "values.ip").await;
        server.tell("d.apply.fail");
        let failed = server.run(&d, json!({ "auto-apply": true })).await;
        server.until(&failed, "errored").await;
        std::fs::remove_file(server.control("d.apply.fail")).unwrap();
        apply(&server, &a).await;
        let (outcome, message) = decision(&server, &d, 1).await;
        assert_eq!(outcome, "started");
        assert!(message.ends_with("it is not known what went into its last apply"), "{message}");
    }

    async fn an_upstream_that_moved_while_the_downstream_ran_is_not_relied_on(server) {
        let a = upstream(&server).await;
        let d = downstream(&server, "d", &a, "values.ip").await;
        server.gate("d.apply.gate");
        let slow = server.run(&d, json!({ "auto-apply": true })).await;
        server.until_called("d apply").await;
        server.until(&slow, "applying").await;
        apply(&server, &a).await;
        let (outcome, message) = decision(&server, &d, 1).await;
        assert_eq!(outcome, "started");
        assert!(message.ends_with("a run of it is under way"), "{message}");
        server.open_gate("d.apply.gate").await;
        newest_applied(&server, &d).await;
        apply(&server, &a).await;
        assert_eq!(decision(&server, &d, 2).await.0, "not-run");
    }

    async fn a_workspace_may_want_every_run(server) {
        let a = upstream(&server).await;
        let d = downstream(&server, "d", &a, "values.ip").await;
        let read = server.get(&format!("/workspaces/{d}")).await.is(200);
        assert_eq!(read.at("/data/attributes/run-trigger-cutoff"), true);
        for (number, attribute) in [json!({ "run-trigger-cutoff": false }), json!({ "run-trigger-mode": "each" })]
            .into_iter()
            .enumerate()
        {
            let body = json!({ "data": { "type": "workspaces", "attributes": attribute } });
            server.patch(&format!("/workspaces/{d}"), body).await.is(200);
            apply(&server, &a).await;
            assert_eq!(decision(&server, &d, number + 1).await.0, "started");
            newest_applied(&server, &d).await;
            let body = json!({ "data": { "type": "workspaces", "attributes": { "run-trigger-cutoff": true } } });
            server.patch(&format!("/workspaces/{d}"), body).await.is(200);
        }
    }
}
