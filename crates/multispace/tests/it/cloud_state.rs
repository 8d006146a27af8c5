//! State through the stock CLI: list, pull, push, mv, rm, import, and the lock that guards it.

use serde_json::json;

use crate::harness::root::Root;
use crate::harness::server::Server;

const PAIR: &str = r#"
resource "terraform_data" "one" {
  input = 1
}

resource "terraform_data" "two" {
  input = 2
}
"#;

fn applied(server: &Server, workspace: &str) -> Root {
    let root = server.root(workspace, PAIR).initialized();
    root.terraform(&["apply", "-auto-approve"]).succeeds().says("2 added");
    root
}

#[test]
fn resources_are_listed_shown_renamed_and_forgotten() {
    let server = Server::start();
    let root = applied(&server, "moves");
    assert_eq!(root.terraform(&["state", "list"]).succeeds().stdout, "terraform_data.one\nterraform_data.two\n");
    root.terraform(&["state", "show", "terraform_data.one"]).succeeds().says("input = 1");

    root.terraform(&["state", "mv", "terraform_data.two", "terraform_data.three"]).succeeds();
    assert_eq!(root.terraform(&["state", "list"]).stdout, "terraform_data.one\nterraform_data.three\n");

    root.terraform(&["state", "rm", "terraform_data.one"]).succeeds();
    assert_eq!(root.terraform(&["state", "list"]).stdout, "terraform_data.three\n");
    assert_eq!(server.workspace("moves")["attributes"]["locked"], false);
    assert_eq!(server.workspace("moves")["attributes"]["resource-count"], 1);
}

#[test]
fn a_pulled_state_can_be_pushed_back_and_an_older_one_is_refused() {
    let server = Server::start();
    let root = applied(&server, "push");
    let older = root.terraform(&["state", "pull"]).succeeds().stdout;
    root.terraform(&["state", "rm", "terraform_data.two"]).succeeds();

    root.write("older.json", &older);
    root.terraform(&["state", "push", "older.json"]).fails().says("serial");

    let mut newer: serde_json::Value = serde_json::from_str(&older).unwrap();
    newer["serial"] = json!(newer["serial"].as_u64().unwrap() + 10);
    root.write("newer.json", &newer.to_string());
    root.terraform(&["state", "push", "newer.json"]).succeeds();
    root.terraform(&["state", "list"]).succeeds().says("terraform_data.two");
}

#[test]
fn what_exists_already_is_imported() {
    let server = Server::start();
    let root = server.root("import", "resource \"terraform_data\" \"known\" {}\n").initialized();
    root.terraform(&["import", "terraform_data.known", "made-before"]).succeeds().says("Import successful");
    let state = root.state();
    assert_eq!(state["resources"][0]["instances"][0]["attributes"]["id"], "made-before");
    root.terraform(&["plan", "-detailed-exitcode"]).exits_with(0);
}

#[test]
fn a_locked_workspace_refuses_and_force_unlock_opens_it() {
    let server = Server::start();
    let root = applied(&server, "locked");
    let id = server.workspace("locked")["id"].as_str().unwrap().to_owned();
    let answer = server.send("POST", &format!("workspaces/{id}/actions/lock"), &json!({ "reason": "by hand" }));
    assert_eq!(answer.status, 200, "{answer:?}");
    let again = server.send("POST", &format!("workspaces/{id}/actions/lock"), &json!({ "reason": "twice" }));
    assert_eq!(again.status, 409, "{again:?}");

    root.terraform(&["state", "rm", "terraform_data.two"]).fails().says("already locked");
    root.terraform(&["force-unlock", "-force", "wrong"]).fails();
    root.terraform(&["force-unlock", "-force", &format!("{}/locked", server.organization())]).succeeds();
    root.terraform(&["state", "rm", "terraform_data.two"]).succeeds();
}

#[test]
fn a_state_that_was_local_moves_to_the_server() {
    let server = Server::start();
    let root = server.root("migrated", PAIR);
    let settings = std::fs::read_to_string(root.file("settings.tf")).unwrap();
    root.write("settings.tf", "");
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    root.write("settings.tf", &settings);
    root.answered(&["init"], "yes\n").succeeds();
    root.terraform(&["state", "list"]).succeeds().says("terraform_data.one");
    root.terraform(&["plan", "-detailed-exitcode"]).exits_with(0);
}
