//! The ways to ask for another plan: targets, replacements, refresh only, destroy, variables.

use crate::harness::root::Root;
use crate::harness::server::Server;

const PAIR: &str = r#"
variable "size" {
  type    = number
  default = 1
}

variable "labels" {
  type    = map(string)
  default = {}
}

resource "terraform_data" "one" {
  input = var.size
}

resource "terraform_data" "two" {
  input = merge({ name = "two" }, var.labels)
}
"#;

fn applied(server: &Server, workspace: &str) -> Root {
    let root = server.root(workspace, PAIR).initialized();
    root.terraform(&["apply", "-auto-approve"]).succeeds().says("2 added");
    root
}

#[test]
fn a_target_leaves_the_rest_alone() {
    let server = Server::start();
    let root = server.root("target", PAIR).initialized();
    root.terraform(&["plan", "-target=terraform_data.one"])
        .succeeds()
        .says("Plan: 1 to add")
        .never_says("terraform_data.two");
    root.terraform(&["apply", "-auto-approve", "-target=terraform_data.one"]).succeeds().says("1 added");
    assert_eq!(root.terraform(&["state", "list"]).stdout.trim(), "terraform_data.one");
}

#[test]
fn a_replacement_is_asked_for_by_address() {
    let server = Server::start();
    let root = applied(&server, "replace");
    root.terraform(&["plan", "-replace=terraform_data.two"]).succeeds().says("terraform_data.two will be replaced");
    root.terraform(&["apply", "-auto-approve", "-replace=terraform_data.two"])
        .succeeds()
        .says("1 added, 0 changed, 1 destroyed");
}

#[test]
fn a_refresh_only_plan_proposes_no_change() {
    let server = Server::start();
    let root = applied(&server, "refresh");
    root.terraform(&["plan", "-refresh-only"]).succeeds().says("No changes");
    root.terraform(&["apply", "-refresh-only", "-auto-approve"]).succeeds();
    root.terraform(&["plan", "-refresh=false"]).succeeds().says("No changes");
}

#[test]
fn a_destroy_plan_shows_what_would_go_and_keeps_it() {
    let server = Server::start();
    let root = applied(&server, "destroy-plan");
    root.terraform(&["plan", "-destroy", "-detailed-exitcode"])
        .exits_with(2)
        .says("Plan: 0 to add, 0 to change, 2 to destroy.");
    root.terraform(&["state", "list"]).succeeds().says("terraform_data.one").says("terraform_data.two");
}

#[test]
fn variables_come_from_the_command_line_a_file_the_environment_and_auto_files() {
    let server = Server::start();
    let root = applied(&server, "variables");
    root.terraform(&["plan", "-var=size=5", r#"-var=labels={tier="db"}"#])
        .succeeds()
        .says("1 -> 5")
        .says(r#"+ tier = "db""#);

    root.write("other.tfvars", "size = 6\n");
    root.terraform(&["plan", "-var-file=other.tfvars"]).succeeds().says("1 -> 6");

    let root = root.with("TF_VAR_size", "8");
    root.terraform(&["plan"]).succeeds().says("1 -> 8");

    // Terraform's own order: a file that it loads by itself wins over the environment.
    root.write("size.auto.tfvars", "size = 7\n");
    root.terraform(&["plan"]).succeeds().says("1 -> 7");
}

#[test]
fn variables_of_the_workspace_reach_the_run_and_sensitive_ones_stay_hidden() {
    let server = Server::start();
    let root = server
        .root(
            "stored",
            r#"
variable "plain" {}
variable "list" { type = list(string) }
variable "secret" { sensitive = true }
resource "terraform_data" "this" {
  input = "${var.plain} ${join("+", var.list)}"
  provisioner "local-exec" {
    command = "echo from the environment: $GREETING"
  }
}
output "length" { value = nonsensitive(length(var.secret)) }
"#,
        )
        .initialized();
    let id = server.workspace("stored")["id"].as_str().unwrap().to_owned();
    let variable = |key: &str, value: &str, category: &str, hcl: bool, sensitive: bool| {
        let body = serde_json::json!({ "data": { "type": "vars", "attributes": {
            "key": key, "value": value, "category": category, "hcl": hcl, "sensitive": sensitive
        } } });
        let answer = server.send("POST", &format!("workspaces/{id}/vars"), &body);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["data"]["attributes"].clone()
    };
    variable("plain", "text with \"quotes\"", "terraform", false, false);
    variable("list", r#"["a", "b"]"#, "terraform", true, false);
    let secret = variable("secret", "12345", "terraform", false, true);
    assert!(secret["value"].is_null(), "{secret}");
    variable("GREETING", "good day", "env", false, false);

    root.terraform(&["apply", "-auto-approve"]).succeeds().says("from the environment: good day").never_says("12345");
    assert_eq!(root.outputs()["length"]["value"], 5);
    let listed = server.get(&format!("workspaces/{id}/vars"));
    assert!(!listed.body.contains("12345"), "{listed:?}");
}
