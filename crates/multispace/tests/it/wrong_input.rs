//! What a person gets wrong: one clear error, an exit code that is not 0, no panic, nothing left half done.

use std::fs;

use crate::harness::child::{self, Outcome};
use crate::harness::server::run_multispace;
use crate::harness::stack::Stack;
use crate::stack::root;

/// Every command that reads a stack must refuse this one with these words, and leave no state behind.
#[track_caller]
fn refused(stack: &Stack, words: &[&str]) {
    for (command, args) in
        [("graph", &[][..]), ("plan", &[]), ("apply", &["--auto-approve"]), ("destroy", &["--auto-approve"])]
    {
        let mut outcome = stack.run(command, args).fails();
        for word in words {
            outcome = outcome.says(word);
        }
        assert_eq!(outcome.stdout, "", "stdout is for data\n{}", outcome.shown());
        assert!(!stack.path().join(".multispace").exists(), "`{command}` left .multispace behind");
    }
}

#[test]
fn a_cycle_is_named() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&["c"], ""));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.write("c/main.tf", &root(&["b"], ""));
    refused(&stack, &["cycle", "a", "b", "c", "main.tf:"]);
}

#[test]
fn a_folder_that_is_not_there() {
    let stack = Stack::empty();
    refused(&stack, &["stack"]);
}

#[test]
fn a_folder_without_terraform_code() {
    let stack = Stack::empty();
    stack.write("notes.txt", "nothing here");
    refused(&stack, &["root module"]);
}

#[test]
fn code_that_does_not_parse_is_shown_with_file_and_line() {
    let stack = Stack::empty();
    stack.write("a/main.tf", "resource \"terraform_data\" \"x\" {\n  input = [\n}\n");
    refused(&stack, &["a/main.tf"]);
}

#[test]
fn an_unknown_attribute_in_the_stack_file_is_shown_where_it_stands() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("multispace.hcl", "workspace \"a\" {\n  path = \"a\"\n  colour = \"red\"\n}\n");
    refused(&stack, &["colour", "multispace.hcl"]);
}

#[test]
fn a_dependency_on_a_workspace_that_is_not_there() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("multispace.hcl", "workspace \"a\" {\n  path = \"a\"\n  depends_on = [\"nobody\"]\n}\n");
    refused(&stack, &["nobody", "multispace.hcl"]);
}

#[test]
fn a_target_that_is_not_there() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.run("apply", &["--auto-approve", "--target", "nobody"]).fails().says("nobody");
}

#[test]
fn a_terraform_that_is_not_there() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    let run = |path: &str| -> Outcome {
        let mut command = stack.command("apply", &["--auto-approve"]);
        child::run(command.env("PATH", path), "")
    };
    let nothing = tempfile::tempdir().unwrap();
    run(nothing.path().to_str().unwrap()).fails().says("terraform").says("PATH");
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(report.result("a"), "applied", "the failed attempt is no obstacle");
}

#[test]
fn a_command_that_is_not_there_and_a_flag_that_is_not_there() {
    let home = tempfile::tempdir().unwrap();
    run_multispace(home.path(), &["aply"]).exits_with(64);
    run_multispace(home.path(), &["apply", ".", "--concurrency", "none"]).exits_with(64);
    run_multispace(home.path(), &["apply", ".", "--concurrency", "0"]).exits_with(64);
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_is_done() {
    let stack = Stack::empty();
    let made = stack.path().join("made");
    stack.write(
        "a/main.tf",
        &root(&[], &format!("provisioner \"local-exec\" {{\n    command = \"touch {}\"\n  }}", made.display())),
    );
    stack.run("apply", &["--auto-approve", "--report", "/nowhere/r.json"]).fails().says("/nowhere/r.json");
    assert!(!fs::exists(&made).unwrap());
}
