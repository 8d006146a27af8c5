//! The server as a process: how it starts, what it refuses, what it keeps.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::harness::http;
use crate::harness::server::{Server, run_multispace};

const CODE: &str = "resource \"terraform_data\" \"this\" {\n  input = \"kept\"\n}\n\noutput \"this\" {\n  value = terraform_data.this.output\n}\n";

#[test]
fn the_owner_token_is_in_a_file_that_only_its_owner_reads() {
    let server = Server::start();
    let mut with_token = Vec::new();
    let mut folders = vec![server.data()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if fs::read(entry.path())
                .unwrap()
                .windows(server.token().len())
                .any(|part| part == server.token().as_bytes())
            {
                with_token.push(entry.path());
            }
        }
    }
    assert!(!with_token.is_empty(), "the token is kept somewhere");
    for file in with_token {
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
}

#[test]
fn what_was_there_before_a_kill_is_there_after_it() {
    let mut server = Server::start();
    let root = server.root("kept", CODE).initialized();
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    let token = server.token().to_owned();
    server.kill();
    server.start_again();
    assert_eq!(server.token(), token, "a second start makes no second owner");
    assert_eq!(root.outputs()["this"]["value"], "kept");
    root.terraform(&["plan", "-detailed-exitcode"]).exits_with(0);
}

#[test]
fn a_port_in_use_is_one_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    run_multispace(home.path(), &["serve", "--listen", &address, "--data-dir", data.to_str().unwrap()])
        .fails()
        .says(&address)
        .says("in use");
}

#[test]
fn a_public_address_without_tls_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    run_multispace(home.path(), &["serve", "--listen", "0.0.0.0:0", "--data-dir", data.to_str().unwrap()])
        .fails()
        .says("--tls-cert");
    assert!(!data.exists(), "a refused start leaves nothing behind");
}

#[test]
fn a_wrong_token_is_refused_with_words() {
    let server = Server::start();
    let answer = http::request(server.address(), "GET", "/api/v2/account/details", Some("wrong"), None);
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(answer.json()["errors"][0]["status"], "401");

    let config = fs::read_to_string(&server.environment()["TF_CLI_CONFIG_FILE"]).unwrap();
    let root = server.root("wrong", CODE);
    root.write("wrong.tfrc", &config.replace(server.token(), "wrong"));
    let file = root.file("wrong.tfrc").to_str().unwrap().to_owned();
    let root = root.with("TF_CLI_CONFIG_FILE", &file);
    root.terraform(&["init"]).fails().says("unauthorized");
}

#[test]
fn what_is_not_there_is_404_with_a_code() {
    let server = Server::start();
    let answer = server.get(&format!("organizations/{}/workspaces/nowhere", server.organization()));
    assert_eq!(answer.status, 404);
    assert!(answer.headers.contains("application/vnd.api+json"), "{answer:?}");
    let error = answer.json()["errors"][0].clone();
    assert_eq!(error["status"], "404", "a status is text");
    assert!(error["code"].as_str().is_some_and(|code| code.contains('/')), "{error}");
    assert_eq!(server.get("no/such/thing").status, 404);
}

#[test]
fn a_name_that_is_taken_and_a_name_that_is_wrong_are_told_apart() {
    let server = Server::start();
    let create = |name: &str| {
        let body = json!({ "data": { "type": "workspaces", "attributes": { "name": name } } });
        server.send("POST", &format!("organizations/{}/workspaces", server.organization()), &body)
    };
    assert_eq!(create("one").status, 201);
    for name in ["one", "not a name"] {
        let answer = create(name);
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(answer.json()["errors"][0]["source"]["pointer"], "/data/attributes/name");
    }
}
