//! `multispace stack`: stacks of a server from the command line of a person.

use serde_json::json;

use crate::harness::child::{self, Outcome};
use crate::harness::server::{Server, multispace};

fn shell(server: &Server, args: &[&str], answer: &str) -> Outcome {
    let home = tempfile::tempdir().unwrap();
    child::run(multispace(home.path()).args(args).envs(server.environment()), answer)
}

#[test]
fn a_stack_is_listed_extended_and_destroyed_after_somebody_said_yes() {
    let server = Server::start();
    let root = server.root("net", "resource \"terraform_data\" \"this\" {}\n").initialized();
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    shell(&server, &["stack", "list"], "").succeeds().says("no stacks");
    let workspace = server.workspace("net")["id"].clone();
    let stack = json!({ "data": { "attributes": { "name": "demo", "workspace-ids": [workspace] } } });
    let made = server.send("POST", &format!("organizations/{}/stacks", server.organization()), &stack);
    assert_eq!(made.status, 201, "{made:?}");

    shell(&server, &["stack", "list"], "").succeeds().says("demo");
    shell(&server, &["stack", "extend", "demo", "--until", "2100-01-01T00:00:00Z"], "").succeeds().says("2100-01-01");
    shell(&server, &["stack", "show", "demo"], "").succeeds().says("net");
    shell(&server, &["stack", "show", "other"], "").fails().says("no stack \"other\"");

    shell(&server, &["stack", "destroy", "demo"], "no\n").fails().says("nothing was destroyed");
    assert_eq!(server.workspace("net")["attributes"]["resource-count"], 1);
    shell(&server, &["stack", "destroy", "demo"], "yes\n").succeeds();
    server.until("the stack is gone", || server.workspace("net")["attributes"]["resource-count"] == 0);
    let destroys = server.runs("net").iter().filter(|run| run["attributes"]["is-destroy"] == true).count();
    assert_eq!(destroys, 1);
}
