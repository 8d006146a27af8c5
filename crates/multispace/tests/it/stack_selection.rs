//! `--filter` and `--affected`: parts of a stack, by name, by what they need or what needs them, and by what changed in git.

use serde_json::Value;

use crate::harness::child::{self, Outcome};
use crate::harness::stack::{Report, Stack};
use crate::stack::root;

/// network -> cluster -> app, and logs by itself.
fn stack() -> Stack {
    let stack = Stack::empty();
    stack.write("network/main.tf", &root(&[], ""));
    stack.write("cluster/main.tf", &root(&["network"], ""));
    stack.write("app/main.tf", &root(&["cluster"], ""));
    stack.write("logs/main.tf", &root(&[], ""));
    stack
}

/// The same in a repository, on a branch that has left `main`.
fn repository() -> Stack {
    let stack = stack();
    stack.git(&["init", "--quiet"]);
    stack.commit();
    stack.git(&["checkout", "--quiet", "-b", "feature"]);
    stack
}

/// What `multispace graph --json` shows of the stack, by name.
#[track_caller]
fn shown(stack: &Stack, args: &[&str]) -> String {
    let outcome = stack.run("graph", &[&["--json"], args].concat()).succeeds();
    let graph: Value = serde_json::from_str(&outcome.stdout).expect("stdout is data and nothing else");
    names(graph["workspaces"].as_array().expect("a list"), "name")
}

fn walked(report: &Report) -> String {
    names(report.workspaces(), "workspace")
}

fn names(entries: &[Value], key: &str) -> String {
    let mut names: Vec<&str> = entries.iter().map(|entry| entry[key].as_str().expect("a name")).collect();
    names.sort_unstable();
    names.join(" ")
}

#[track_caller]
fn filtered(stack: &Stack, command: &str, selector: &str) -> Outcome {
    stack.run(command, &["--auto-approve", "--filter", selector])
}

#[test]
fn a_selector_names_a_part_of_the_stack_and_the_graph_shows_it() {
    let stack = repository();
    assert_eq!(shown(&stack, &["--filter", "cluster"]), "cluster");
    assert_eq!(shown(&stack, &["--filter", "...cluster"]), "cluster network", "with what it needs");
    assert_eq!(shown(&stack, &["--filter", "cluster..."]), "app cluster", "with what needs it");
    assert_eq!(shown(&stack, &["--filter", "*o*", "--filter", "!logs"]), "network");
    assert_eq!(shown(&stack, &["--filter", "!cluster..."]), "logs network");
    assert_eq!(shown(&stack, &["--filter", "[main...HEAD]"]), "");
    stack.write("cluster/more.tf", "");
    stack.commit();
    stack.write("logs/not-committed.tf", "");
    assert_eq!(shown(&stack, &["--filter", "[main...HEAD]"]), "cluster logs");
    assert_eq!(shown(&stack, &["--filter", "[main...feature]..."]), "app cluster");
    assert_eq!(shown(&stack, &["--affected"]), "app cluster logs");
    assert_eq!(shown(&stack, &["--affected=HEAD", "--filter", "network"]), "logs network");
    assert_eq!(shown(&stack, &["--affected", "--filter", "!logs"]), "app cluster");

    let mut in_a_hook = stack.command("graph", &["--affected"]);
    in_a_hook.env("GIT_DIR", "/nonexistent").env("GIT_INDEX_FILE", "/nonexistent");
    child::run(&mut in_a_hook, "").succeeds().says("3 of 4 workspaces: app, cluster, logs");

    let parted = stack.run("graph", &["--filter", "app", "--filter", "network"]).succeeds();
    parted.says("2 of 4 workspaces: app, network").says("after network").never_says("cluster");
}

#[test]
fn what_is_no_selection_is_refused_with_what_to_do() {
    let stack = stack();
    stack.run("plan", &["--filter", "clutser"]).exits_with(1).says("Did you mean \"cluster\"?");
    stack.run("plan", &["--filter", "a b"]).exits_with(64).says("is not a selector");
    stack.run("plan", &["--affected=main..HEAD"]).exits_with(64).says("with three dots between them");
    stack.run("plan", &["--filter", "app", "--target", "app"]).exits_with(64).says("cannot be used with");
    stack.run("apply", &["--affected"]).exits_with(1).says("is not in the working tree of a git repository");
    let mut without_git = stack.command("graph", &["--affected"]);
    child::run(without_git.env("PATH", "/nonexistent"), "").exits_with(1).says("There is no git on PATH");

    stack.git(&["init", "--quiet", "-b", "trunk"]);
    stack.commit();
    stack
        .run("graph", &["--affected"])
        .exits_with(1)
        .says("has no branch to compare with")
        .says("--affected=FROM...HEAD");
    stack.run("graph", &["--affected=gone"]).exits_with(1).says("has no commit \"gone\"");
    assert!(!stack.path().join(".multispace").exists(), "nothing was begun");
}

#[test]
fn what_changed_in_git_is_applied_with_what_needs_it_and_nothing_else() {
    let stack = repository();
    stack.run("apply", &["--auto-approve"]).succeeds();
    stack.write("cluster/main.tf", &root(&["network"], "triggers_replace = 1"));
    stack.commit();
    let (outcome, report) = stack.reported("apply", &["--auto-approve", "--affected"]);
    outcome.succeeds().says("2 of 4 workspaces: app, cluster");
    assert_eq!(walked(&report), "app cluster");
    assert_eq!((report.result("cluster"), report.result("app")), ("applied", "applied"));
    report.assert_order("cluster", "app");

    stack.write("logs/main.tf", &root(&[], "triggers_replace = 1"));
    let (outcome, report) = stack.reported("plan", &["--affected", "--detailed-exitcode"]);
    outcome.exits_with(2);
    assert_eq!(walked(&report), "app cluster logs");
    assert_eq!((report.result("cluster"), report.result("logs")), ("unchanged", "planned"));
}

#[test]
fn where_nothing_is_selected_nothing_is_done_and_that_is_no_error() {
    let stack = repository();
    for command in ["plan", "apply", "destroy"] {
        let (outcome, report) = stack.reported(command, &["--affected", "--json"]);
        let outcome = outcome.succeeds().says("nothing is selected: no workspace fits [main...HEAD]...");
        assert_eq!(report.workspaces().len(), 0);
        let json: Value = serde_json::from_str(&outcome.stdout).expect("stdout is data and nothing else");
        assert_eq!(json, report.0);
    }
    stack.run("plan", &["--affected", "--detailed-exitcode"]).exits_with(0);
    stack.run("plan", &["--filter", "app", "--filter", "!*"]).succeeds().says("no workspace fits app, !*");
    assert!(!stack.path().join(".multispace").exists(), "nothing was begun");
}

#[test]
fn what_others_stand_on_is_not_destroyed_without_them() {
    let stack = stack();
    stack.run("apply", &["--auto-approve"]).succeeds();
    let refused = filtered(&stack, "destroy", "network").exits_with(1);
    refused.says("\"app\" (1 resource), \"cluster\" (1 resource)").says("--filter 'network...'");
    stack.run("plan", &["--destroy", "--filter", "network"]).exits_with(1).says("stands on what is to be destroyed");
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);

    filtered(&stack, "destroy", "app").succeeds().says("1 of 4 workspaces: app");
    filtered(&stack, "destroy", "cluster").succeeds();
    filtered(&stack, "destroy", "network...").succeeds();
    let (outcome, report) = stack.reported("destroy", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(report.of("logs")["resources"]["destroyed"], 1, "it was left");
}

#[test]
fn what_may_hold_something_in_a_backend_of_its_own_counts_as_standing_there() {
    let stack = stack();
    let backend = "terraform {\n  backend \"local\" {\n    path = \"../own.tfstate\"\n  }\n}\n";
    stack.write("own/main.tf", &format!("{backend}{}", root(&["network"], "")));
    let refused = filtered(&stack, "destroy", "network").exits_with(1);
    refused.says("\"own\" (what its local backend holds)");
}

#[test]
fn nothing_is_applied_that_reads_what_is_left_out_and_was_never_applied() {
    let stack = stack();
    let refused = filtered(&stack, "apply", "app").exits_with(1);
    refused.says("\"cluster\" (read by \"app\")").says("--filter '...app'");
    stack.run("plan", &["--filter", "app"]).succeeds().says("deferred");
    filtered(&stack, "apply", "...cluster").succeeds();
    filtered(&stack, "apply", "app").succeeds().says("1 of 4 workspaces: app");

    filtered(&stack, "destroy", "network...").succeeds();
    filtered(&stack, "apply", "cluster")
        .exits_with(1)
        .says("never applied, or was destroyed")
        .says("--filter '...cluster'");
    filtered(&stack, "apply", "...app").succeeds();
}
