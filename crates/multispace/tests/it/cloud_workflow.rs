//! The everyday commands of the stock CLI against `cloud {}`: init, plan, apply, output, show, destroy.

use crate::harness::server::Server;

const GREETING: &str = r#"
variable "who" {
  default = "world"
}

resource "terraform_data" "greeting" {
  input = "hello ${var.who}"
}

output "greeting" {
  value = terraform_data.greeting.output
}

output "secret" {
  value     = "s3cr3t-${var.who}"
  sensitive = true
}

output "list" {
  value = ["a", "b"]
}
"#;

#[test]
fn a_workspace_is_made_planned_applied_read_and_destroyed() {
    let server = Server::start();
    let root = server.root("greeting", GREETING);

    root.terraform(&["init"]).succeeds().says("has been successfully initialized");
    assert_eq!(server.workspace("greeting")["attributes"]["resource-count"], 0);

    // Structured output renders the diff, so the CLI shows more than a summary.
    root.terraform(&["plan"])
        .succeeds()
        .says("# terraform_data.greeting will be created")
        .says(r#"+ input = "hello world""#)
        .says("Plan: 1 to add, 0 to change, 0 to destroy.");
    assert!(server.runs("greeting").is_empty(), "a speculative plan is not among the runs of a workspace");
    assert_eq!(root.terraform(&["state", "list"]).stdout, "", "a speculative plan changes nothing");

    root.terraform(&["apply", "-auto-approve"])
        .succeeds()
        .says("terraform_data.greeting: Creation complete")
        .says("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.")
        .says(r#"greeting = "hello world""#)
        .says("secret = (sensitive value)")
        .never_says("s3cr3t");

    let outputs = root.outputs();
    assert_eq!(outputs["greeting"]["value"], "hello world");
    assert_eq!(outputs["secret"]["value"], "s3cr3t-world");
    assert_eq!(outputs["secret"]["sensitive"], true);
    assert_eq!(outputs["list"]["value"], serde_json::json!(["a", "b"]));
    root.terraform(&["output"]).succeeds().says("secret = <sensitive>").never_says("s3cr3t");
    assert_eq!(root.terraform(&["output", "-raw", "secret"]).succeeds().stdout, "s3cr3t-world");
    root.terraform(&["show"]).succeeds().says("# terraform_data.greeting:");

    root.terraform(&["apply", "-auto-approve"]).succeeds().says("No changes");
    root.terraform(&["plan", "-detailed-exitcode"]).exits_with(0);

    root.terraform(&["destroy", "-auto-approve"]).succeeds().says("0 added, 0 changed, 1 destroyed");
    assert_eq!(root.terraform(&["state", "list"]).stdout, "");
    assert_eq!(server.workspace("greeting")["attributes"]["resource-count"], 0);
}

#[test]
fn an_apply_asks_and_goes_on_with_yes() {
    let server = Server::start();
    let root = server.root("asked", GREETING).initialized();
    root.answered(&["apply"], "yes\n").succeeds().says("Do you want to perform these actions").says("1 added");
    assert_eq!(server.runs("asked")[0]["attributes"]["status"], "applied");
}

#[test]
fn an_apply_that_is_not_approved_is_discarded_and_frees_the_workspace() {
    let server = Server::start();
    let root = server.root("declined", GREETING).initialized();
    root.answered(&["apply"], "no\n").exits_with(1).says("Apply discarded");
    assert_eq!(server.runs("declined")[0]["attributes"]["status"], "discarded");
    assert_eq!(server.workspace("declined")["attributes"]["locked"], false);
    root.terraform(&["apply", "-auto-approve"]).succeeds().says("1 added");
}

#[test]
fn a_saved_plan_is_shown_applied_once_and_refused_the_second_time() {
    let server = Server::start();
    let root = server.root("saved", GREETING).initialized();
    root.terraform(&["plan", "-out=plan"]).succeeds().says("terraform_data.greeting will be created");
    root.terraform(&["show", "plan"]).succeeds().says("terraform_data.greeting will be created");
    let json = root.terraform(&["show", "-json", "plan"]).succeeds();
    assert!(json.stdout.contains("terraform_data.greeting"), "{}", json.shown());
    root.terraform(&["apply", "plan"]).succeeds().says("1 added");
    root.terraform(&["apply", "plan"]).fails().says("Saved plan is already applied");
}

#[test]
fn a_saved_plan_is_stale_once_another_run_was_applied() {
    let server = Server::start();
    let root = server.root("stale", GREETING).initialized();
    root.terraform(&["plan", "-out=plan"]).succeeds();
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    root.terraform(&["apply", "plan"]).fails().says("discarded");
}

#[test]
fn a_destroy_asks_too() {
    let server = Server::start();
    let root = server.root("gone", GREETING).initialized();
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    root.answered(&["destroy"], "no\n").exits_with(1);
    root.terraform(&["state", "list"]).succeeds().says("terraform_data.greeting");
    root.answered(&["destroy"], "yes\n").succeeds().says("1 destroyed");
}

#[test]
fn what_terraform_says_of_broken_code_reaches_the_user() {
    let server = Server::start();
    let root = server.root("broken", GREETING).initialized();
    root.write("main.tf", "resource \"terraform_data\" \"x\" {\n  input = local.nowhere\n}\n");
    root.terraform(&["plan"]).exits_with(1).says("Reference to undeclared local value");

    root.write(
        "main.tf",
        "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"exit 7\"\n  }\n}\n",
    );
    root.terraform(&["apply", "-auto-approve"]).exits_with(1).says("exit status 7");
    assert_eq!(server.runs("broken")[0]["attributes"]["status"], "errored");
    // The resource is there, tainted: the state of a failed apply is kept.
    root.terraform(&["state", "list"]).succeeds().says("terraform_data.x");
}
