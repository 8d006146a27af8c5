//! `multispace graph`, `plan`, `apply` and `destroy` on the examples and on small stacks.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::stack::{Report, Stack};

/// A root that reads the output `id` of others and has an `id` of its own.
pub(crate) fn root(reads: &[&str], more: &str) -> String {
    let mut code = String::new();
    for name in reads {
        code += &format!(
            "data \"terraform_remote_state\" \"{name}\" {{\n  backend = \"local\"\n  config = {{\n    path = \"../{name}/terraform.tfstate\"\n  }}\n}}\n"
        );
    }
    let inputs: Vec<String> =
        reads.iter().map(|name| format!("data.terraform_remote_state.{name}.outputs.id")).collect();
    code += &format!(
        "resource \"terraform_data\" \"this\" {{\n  input = [{}]\n  {more}\n}}\noutput \"id\" {{\n  value = terraform_data.this.id\n}}\n",
        inputs.join(", ")
    );
    code
}

fn counts(report: &Report) -> (u64, u64, u64) {
    let sum = |what: &str| report.workspaces().iter().filter_map(|entry| entry["resources"][what].as_u64()).sum();
    (sum("added"), sum("changed"), sum("destroyed"))
}

fn names(report: &Report, start: &str) -> Vec<String> {
    let name = |entry: &Value| entry["workspace"].as_str().expect("a name").to_owned();
    report.workspaces().iter().map(name).filter(|name| name.to_lowercase().starts_with(start)).collect()
}

#[test]
fn the_mesh_comes_up_in_order_stays_and_goes_down_in_reverse() {
    let stack = Stack::example("mesh");
    let (outcome, up) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    let (upstreams, downstreams) = (names(&up, "u"), names(&up, "d"));
    assert_eq!((upstreams.len(), downstreams.len()), (3, 3), "{:#}", up.0);
    for downstream in &downstreams {
        assert_eq!(up.of(downstream)["upstreams"].as_array().expect("a list").len(), 3);
        upstreams.iter().for_each(|upstream| up.assert_order(upstream, downstream));
    }
    assert!(counts(&up).0 > 0, "{:#}", up.0);

    let (outcome, again) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(counts(&again), (0, 0, 0), "a second apply changes nothing\n{:#}", again.0);
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);

    let (outcome, down) = stack.reported("destroy", &["--auto-approve"]);
    outcome.succeeds();
    for upstream in &upstreams {
        downstreams.iter().for_each(|downstream| down.assert_order(downstream, upstream));
    }
    assert_eq!(counts(&down).2, counts(&up).0, "everything that was made is gone");
    let (outcome, nothing) = stack.reported("destroy", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(counts(&nothing), (0, 0, 0), "no workspace holds a resource");
}

#[test]
fn every_example_comes_up_and_goes_down() {
    for name in ["kubernetes", "chain"] {
        let stack = Stack::example(name);
        let (outcome, up) = stack.reported("apply", &["--auto-approve"]);
        outcome.succeeds();
        for entry in up.workspaces() {
            let workspace = entry["workspace"].as_str().expect("a name");
            for upstream in entry["upstreams"].as_array().expect("a list") {
                up.assert_order(upstream.as_str().expect("a name"), workspace);
            }
        }
        let (outcome, down) = stack.reported("destroy", &["--auto-approve"]);
        outcome.succeeds();
        assert_eq!(counts(&down).2, counts(&up).0);
    }
}

#[test]
fn the_graph_is_printed_in_four_formats_and_says_why_each_edge_is_there() {
    let stack = Stack::example("chain");
    stack.run("graph", &[]).succeeds().says("main.tf:");
    stack.run("graph", &["--format", "dot"]).succeeds().says("digraph");
    stack.run("graph", &["--format", "mermaid"]).succeeds().says("flowchart");
    let json = stack.run("graph", &["--format", "json"]).succeeds();
    serde_json::from_str::<Value>(&json.stdout).expect("stdout is data and nothing else");
    assert!(!stack.path().join(".multispace").exists(), "looking leaves nothing behind");
}

#[test]
fn an_apply_asks_first_and_does_nothing_without_yes() {
    let stack = Stack::empty();
    stack.write("one/main.tf", &root(&[], ""));
    stack.answered("apply", &[], "no\n").fails();
    stack.run("plan", &["--detailed-exitcode"]).exits_with(2);
    stack.answered("apply", &[], "yes\n").succeeds();
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);
}

#[test]
fn a_failure_skips_what_is_downstream_and_siblings_finish() {
    let stack = Stack::empty();
    stack.write(
        "a/main.tf",
        &root(&[], "provisioner \"local-exec\" {\n    command = \"echo cannot go on; exit 3\"\n  }"),
    );
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.write("c/main.tf", &root(&["b"], ""));
    stack.write("sibling/main.tf", &root(&[], ""));
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.exits_with(1).says("exit status 3");
    assert_eq!(report.result("a"), "failed");
    assert_eq!(report.result("b"), "skipped");
    assert_eq!(report.result("c"), "skipped");
    assert_eq!(report.result("sibling"), "applied");

    stack.write("a/main.tf", &root(&[], ""));
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    for workspace in ["a", "b", "c"] {
        assert_eq!(report.result(workspace), "applied");
    }
}

#[test]
fn a_target_takes_along_what_it_needs_and_on_destroy_what_needs_it() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.write("c/main.tf", &root(&["b"], ""));
    stack.write("other/main.tf", &root(&[], ""));
    let (outcome, report) = stack.reported("apply", &["--auto-approve", "--target", "b"]);
    outcome.succeeds();
    assert_eq!(counts(&report).0, 2, "{:#}", report.0);
    stack.run("apply", &["--auto-approve"]).succeeds();
    let (outcome, report) = stack.reported("destroy", &["--auto-approve", "--target", "b"]);
    outcome.succeeds();
    assert_eq!(counts(&report).2, 2, "{:#}", report.0);
    report.assert_order("c", "b");
}

#[test]
fn a_read_that_only_a_server_answers_is_said_with_its_place() {
    let stack = Stack::empty();
    stack.write("first/main.tf", &root(&[], ""));
    stack.write("second/main.tf", "ephemeral \"tfe_outputs\" \"up\" {\n  workspace = \"first\"\n}\n");
    stack.run("plan", &[]).says("second/main.tf:1").says("through an ephemeral block, which only a server answers");
    stack.run("plan", &["--target", "first"]).succeeds().never_says("through an ephemeral block");
}

#[test]
fn a_stack_file_adds_edges_and_variables_that_code_cannot_say() {
    let stack = Stack::empty();
    stack.write("first/main.tf", &root(&[], ""));
    stack.write(
        "second/main.tf",
        &format!("variable \"size\" {{}}\n{}output \"size\" {{ value = var.size }}\n", root(&[], "")),
    );
    stack.write(
        "multispace.hcl",
        "workspace \"second\" {\n  path = \"second\"\n  depends_on = [\"first\"]\n  variables = {\n    size = 3\n  }\n}\n",
    );
    stack.run("graph", &[]).succeeds().says("multispace.hcl:");
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    report.assert_order("first", "second");
}

#[test]
fn an_interrupted_apply_says_what_is_where_and_the_same_command_goes_on() {
    let stack = Stack::empty();
    let go = stack.path().join("go");
    let waits = format!(
        "provisioner \"local-exec\" {{\n    command = \"echo started; while ! test -e {}; do sleep 0.05; done\"\n  }}",
        go.display()
    );
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("b/main.tf", &root(&["a"], &waits));
    stack.write("c/main.tf", &root(&["b"], ""));

    let started = stack.path().join("started");
    let waits_too = waits.replace("echo started;", &format!("touch {};", started.display()));
    stack.write("b/main.tf", &root(&["a"], &waits_too));
    let apply = stack.start("apply", &["--auto-approve"]);
    wait_for_file(&started);
    apply.signal(Signal::SIGINT);
    apply.finish().exits_with(130);

    fs::write(&go, "").unwrap();
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(report.of("a")["resources"]["added"], 0, "what was made before is kept\n{:#}", report.0);
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);
}

/// A provisioner has no way to tell a test that it runs but a file.
#[track_caller]
fn wait_for_file(file: &std::path::Path) {
    let deadline = std::time::Instant::now() + crate::harness::DEADLINE;
    while !file.exists() {
        assert!(std::time::Instant::now() < deadline, "{} did not appear", file.display());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
