//! Workspaces by tags: the CLI lists, makes, selects and deletes them.

use crate::harness::root::Root;
use crate::harness::server::Server;

const CODE: &str = r#"
resource "terraform_data" "this" {
  input = terraform.workspace
}

output "workspace" {
  value = terraform_data.this.output
}
"#;

fn tagged(server: &Server) -> Root {
    Root::new(server, &server.cloud(r#"tags = ["web", "team:red"]"#), CODE)
}

/// The names in `terraform workspace list`, without the mark of the selected one.
fn listed(root: &Root) -> Vec<String> {
    let outcome = root.terraform(&["workspace", "list"]).succeeds();
    outcome
        .stdout
        .lines()
        .map(|line| line.trim_start_matches('*').trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn workspaces_with_a_tag_are_made_listed_selected_and_deleted() {
    let server = Server::start();
    let root = tagged(&server);
    // There is none yet: init asks for the name of the first.
    root.answered(&["init"], "web-one\n").succeeds();
    root.terraform(&["workspace", "new", "web-two"]).succeeds();
    server.root("other", CODE).initialized();
    assert_eq!(listed(&root), ["web-one", "web-two"], "the untagged workspace is not among them");

    root.terraform(&["workspace", "select", "web-one"]).succeeds();
    assert_eq!(root.terraform(&["workspace", "show"]).succeeds().stdout.trim(), "web-one");
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    assert_eq!(root.outputs()["workspace"]["value"], "web-one", "terraform.workspace is the remote name");

    root.terraform(&["workspace", "select", "web-two"]).succeeds();
    root.terraform(&["workspace", "delete", "web-one"]).fails();
    root.terraform(&["workspace", "delete", "-force", "web-one"]).succeeds();
    assert_eq!(listed(&root), ["web-two"]);
}

#[test]
fn a_second_init_changes_no_tags() {
    let server = Server::start();
    let root = tagged(&server);
    root.answered(&["init"], "only\n").succeeds();
    let before = server.workspace("only")["attributes"].clone();
    let mut names: Vec<&str> =
        before["tag-names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["team:red", "web"]);
    root.terraform(&["init"]).succeeds();
    assert_eq!(server.workspace("only")["attributes"]["updated-at"], before["updated-at"]);
}

#[test]
fn tags_with_values_select_too() {
    let server = Server::start();
    let root = Root::new(&server, &server.cloud(r#"tags = { tier = "web" }"#), CODE);
    root.answered(&["init"], "valued\n").succeeds();
    assert_eq!(listed(&root), ["valued"]);
    let other = Root::new(&server, &server.cloud(r#"tags = { tier = "db" }"#), CODE);
    other.answered(&["init"], "other\n").succeeds();
    assert_eq!(listed(&other), ["other"]);
}

#[test]
fn more_workspaces_than_one_page_are_all_listed() {
    let server = Server::start();
    for number in 0..25 {
        let body = serde_json::json!({ "data": { "type": "workspaces", "attributes": { "name": format!("many-{number:02}") },
            "relationships": { "tag-bindings": { "data": [{ "type": "tag-bindings", "attributes": { "key": "many" } }] } } } });
        let answer = server.send("POST", &format!("organizations/{}/workspaces", server.organization()), &body);
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let root = Root::new(&server, &server.cloud(r#"tags = ["many"]"#), CODE).with("TF_WORKSPACE", "many-24");
    root.terraform(&["init"]).succeeds();
    // With TF_WORKSPACE set, the CLI adds a remark to the list.
    let names: Vec<String> = listed(&root).into_iter().filter(|line| line.starts_with("many-")).collect();
    assert_eq!(names.len(), 25, "{names:?}");
}
