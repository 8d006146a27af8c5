//! `multispace audit`, and the stock terraform against a server that limits how fast it may ask.

use serde_json::Value;

use crate::harness::child::{self, Outcome};
use crate::harness::server::{Server, multispace};

const CODE: &str = "resource \"terraform_data\" \"this\" {\n  input = \"kept\"\n}\n";

fn shell(server: &Server, args: &[&str]) -> Outcome {
    let home = tempfile::tempdir().unwrap();
    child::run(multispace(home.path()).args(args).envs(server.environment()), "")
}

#[test]
fn who_has_done_what_is_told_as_a_table_and_as_lines_and_is_whole() {
    let server = Server::start();
    server.root("net", CODE).initialized().terraform(&["apply", "-auto-approve"]).succeeds();
    shell(&server, &["audit"]).succeeds().says("applied run").says("multispace");
    let lines = shell(&server, &["audit", "--jsonl"]).succeeds().stdout;
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let made = events.iter().find(|event| event["resource"]["type"] == "workspace").expect("the workspace was made");
    assert_eq!((&made["resource"]["action"], &made["resource"]["meta"]["name"]), (&"create".into(), &"net".into()));
    let since = events[events.len() - 2]["timestamp"].as_str().unwrap();
    let later = shell(&server, &["audit", "--jsonl", "--since", since]).succeeds().stdout.lines().count();
    assert!((1..events.len()).contains(&later), "{later} of {}", events.len());
    let array: Vec<Value> = serde_json::from_str(&shell(&server, &["audit", "--json"]).succeeds().stdout).unwrap();
    assert!(array.len() >= events.len());
    shell(&server, &["audit", "--verify"]).succeeds().says("as they were written");
    shell(&server, &["audit", "--server-log"]).succeeds().says("begin");
    shell(&server, &["audit", "--server-log", "--verify"]).succeeds().says("as they were written");
    shell(&server, &["audit", "--since", "yesterday"]).fails().says("is no time");
    shell(&server, &["audit", "--organization", "nobody"]).fails().says("not found");
}

#[test]
fn terraform_goes_as_slowly_as_it_is_told_and_comes_to_its_end() {
    let server = Server::start_with(&["--rate-limit", "10"]);
    let root = server.root("net", CODE).initialized();
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    root.terraform(&["plan", "-detailed-exitcode"]).exits_with(0);
    root.terraform(&["destroy", "-auto-approve"]).succeeds();
}
