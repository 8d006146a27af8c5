//! `multispace run` and `multispace queue`: runs of a server from the command line of a person.

use crate::harness::child::{self, Outcome};
use crate::harness::server::{Server, multispace};

const CODE: &str = "resource \"terraform_data\" \"this\" {\n  input = \"kept\"\n}\n";

/// Runs `multispace` in a shell that `multispace env` has set up.
fn shell(server: &Server, args: &[&str]) -> Outcome {
    let home = tempfile::tempdir().unwrap();
    child::run(multispace(home.path()).args(args).envs(server.environment()), "")
}

/// A server with a workspace that has a configuration and nothing made of it yet.
fn with_workspace() -> Server {
    let server = Server::start();
    let root = server.root("net", CODE).initialized();
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    root.terraform(&["destroy", "-auto-approve"]).succeeds();
    server
}

#[test]
fn a_run_is_started_followed_approved_and_shown() {
    let server = with_workspace();
    let id = shell(&server, &["run", "start", "net", "--message", "by hand"]).succeeds().stdout.trim().to_owned();
    assert!(id.starts_with("run-"), "{id}");
    shell(&server, &["run", "logs", &id]).succeeds().says("1 to add").says(&format!("multispace run approve {id}"));
    shell(&server, &["run", "show", &id]).succeeds().says("by hand").says("approved, discarded");

    shell(&server, &["run", "approve", &id, "--comment", "go"]).succeeds();
    shell(&server, &["run", "logs", &id]).succeeds().says("Apply complete!");
    let shown = shell(&server, &["run", "show", &id]).succeeds().says("1 to add").says("comment      go");
    assert!(shown.stdout.contains("status       applied"), "{shown:?}");
    let list = shell(&server, &["run", "list", "net", "--limit", "1"]).succeeds();
    assert_eq!(list.stdout.lines().count(), 2, "a head and one run: {list:?}");
    assert!(list.stdout.contains(&id) && list.stdout.contains("by hand"), "{list:?}");
    shell(&server, &["run", "approve", &id]).fails().says("cannot be applied");
}

#[test]
fn a_run_is_followed_to_its_end_and_its_end_is_the_exit_code() {
    let server = with_workspace();
    let follow = ["run", "start", "net", "--auto-approve", "--follow"];
    shell(&server, &follow).succeeds().says("Apply complete! Resources: 1 added");
    shell(&server, &[&follow[..], &["--destroy"]].concat()).succeeds().says("1 destroyed");

    let waits = shell(&server, &["run", "start", "net"]).succeeds().stdout.trim().to_owned();
    shell(&server, &["run", "logs", &waits]).succeeds();
    let behind = shell(&server, &["run", "start", "net"]).succeeds().stdout.trim().to_owned();
    shell(&server, &["queue"]).succeeds().says(&behind);
    shell(&server, &["run", "cancel", &behind]).succeeds();
    shell(&server, &["run", "discard", &waits]).succeeds();
    shell(&server, &["run", "logs", &waits]).fails().says("the run is discarded");
    shell(&server, &["queue"]).succeeds().says("nothing is under way");
}

#[test]
fn a_server_on_this_machine_is_found_by_its_data_folder() {
    let server = with_workspace();
    let home = tempfile::tempdir().unwrap();
    let data = server.data();
    let args = ["run", "list", "--json", "--data-dir", data.to_str().unwrap()];
    let list = child::run(multispace(home.path()).args(args), "").succeeds();
    let list: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2);
    child::run(multispace(home.path()).args(["run", "list"]), "").fails().says("No server is named");
}

#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    let server = Server::start();
    shell(&server, &["run", "show", "run-aaaaaaaaaaaaaaaa"]).fails().says("no such run");
    shell(&server, &["run", "start", "nowhere"]).fails().says("workspace");
}
