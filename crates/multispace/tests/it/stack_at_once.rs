//! How often terraform is started for a workspace, and what happens when somebody dies while the one process plans.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::harness::server::run_multispace;
use crate::harness::stack::Stack;
use crate::stack::root;

/// A terraform that writes down what it is asked to do, runs `first`, and then does it.
pub(crate) fn watched(stack: &Stack, first: &str) -> (String, PathBuf) {
    let folder = stack.path().parent().expect("a home").to_owned();
    let (script, calls) = (folder.join("watched-terraform"), folder.join("calls"));
    let text = format!("#!/bin/sh\necho \"$1\" >> {}\n{first}\nexec terraform \"$@\"\n", calls.display());
    fs::write(&script, text).expect("the script is written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it may be run");
    (script.display().to_string(), calls)
}

/// What was asked since it was asked last, but for the version.
pub(crate) fn asked(calls: &Path) -> Vec<String> {
    let text = fs::read_to_string(calls).unwrap_or_default();
    fs::write(calls, "").expect("the list is emptied");
    text.lines().filter(|line| *line != "version").map(str::to_owned).collect()
}

fn chain() -> Stack {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.write("c/main.tf", &root(&["b"], ""));
    stack
}

#[test]
fn a_workspace_that_is_approved_beforehand_costs_one_terraform_and_an_unchanged_one_none() {
    let stack = chain();
    let (terraform, calls) = watched(&stack, "");
    let with = ["--terraform", terraform.as_str(), "--auto-approve"];
    let (outcome, report) = stack.reported("apply", &with);
    outcome.succeeds().says("planning").says("applied");
    assert_eq!(asked(&calls), ["apply", "apply", "apply"], "no init, and one process for each");
    for name in ["a", "b", "c"] {
        assert_eq!(report.of(name)["resources"]["added"], 1, "{:#}", report.0);
        assert!(report.of(name)["started_at"].is_string(), "{:#}", report.0);
    }

    stack.run("apply", &with).succeeds().says("nothing that goes into it has changed");
    assert!(asked(&calls).is_empty());

    // Looked at all the same: one process finds that there is nothing to do.
    let (outcome, report) = stack.reported("apply", &[&with[..], &["--all", "--detailed-exitcode"]].concat());
    outcome.exits_with(0);
    assert_eq!(asked(&calls), ["apply", "apply", "apply"]);
    for name in ["a", "b", "c"] {
        assert_eq!(report.of(name)["result"], "unchanged", "{:#}", report.0);
    }

    stack.run("destroy", &with).succeeds();
    assert_eq!(asked(&calls), ["apply", "apply", "apply"]);
    stack.run("output", &[]).succeeds().never_says("id");
}

#[test]
fn a_reviewed_workspace_is_planned_before_anything_is_changed() {
    let stack = chain();
    let (terraform, calls) = watched(&stack, "");
    let outcome = stack.answered("apply", &["--terraform", terraform.as_str()], "yes\n");
    outcome.succeeds();
    let all = asked(&calls);
    let count = |word: &str| all.iter().filter(|it| *it == word).count();
    assert_eq!(count("apply"), 3, "{all:?}");
    assert!(count("plan") >= 6, "once for the whole stack, and once right before each apply: {all:?}");
}

/// Starts an apply, and kills it when its first terraform works.
fn kill_while_terraform_plans(stack: &Stack, with: &[&str]) {
    let mut apply = stack.start("apply", with);
    apply.wait_for("planning");
    apply.signal(Signal::SIGKILL);
    apply.finish();
}

#[test]
fn a_terraform_that_plans_and_applies_by_itself_is_waited_for_by_the_next_command_and_not_interrupted() {
    let stack = chain();
    let home = stack.path().parent().expect("a home").to_owned();
    let (go_on, interrupted) = (home.join("go-on"), home.join("interrupted"));
    // Between what a provisioner does and what that is for, an interrupt would have both done twice.
    let waits = format!(
        "if [ \"$1\" = apply ]; then\n  trap 'echo it >> {}' INT\n  until [ -e {} ]; do sleep 0.05; done\n  trap - INT\nfi",
        interrupted.display(),
        go_on.display()
    );
    let (terraform, _) = watched(&stack, &waits);
    let with = ["--terraform", terraform.as_str(), "--auto-approve"];
    kill_while_terraform_plans(&stack, &with);
    let mut again = stack.start("apply", &with);
    again.wait_for("waiting for terraform of an earlier run in \"a\"");
    fs::write(&go_on, "").expect("whoever waits goes on");
    again.finish().succeeds();
    assert!(!interrupted.exists());
    stack.run("plan", &["--all", "--detailed-exitcode"]).exits_with(0);
}

#[test]
fn a_command_that_is_killed_while_terraform_plans_has_changed_nothing_and_goes_on() {
    let stack = chain();
    let go_on = stack.path().parent().expect("a home").join("go-on");
    let waits = format!("[ \"$1\" = apply ] && until [ -e {} ]; do sleep 0.05; done", go_on.display());
    let (terraform, calls) = watched(&stack, &waits);
    let with = ["--terraform", terraform.as_str(), "--auto-approve"];
    kill_while_terraform_plans(&stack, &with);
    fs::write(&go_on, "").expect("whoever waits goes on");
    let (outcome, report) = stack.reported("apply", &with);
    outcome.succeeds();
    let _ = asked(&calls);
    for name in ["a", "b", "c"] {
        let resources = &report.of(name)["resources"];
        // The one that was left may have come to its apply by then: nothing is made twice.
        assert_eq!(resources["destroyed"], 0, "{:#}", report.0);
    }
    stack.run("plan", &["--all", "--detailed-exitcode"]).exits_with(0);
    let data = stack.path().join(".multispace").display().to_string();
    let home = stack.path().parent().expect("a home").to_owned();
    run_multispace(&home, &["fsck", "--data-dir", &data]).succeeds();
}
