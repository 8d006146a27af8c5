//! `backend "remote"`, the older way: by name and by prefix.

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

fn remote(server: &Server, workspaces: &str) -> Root {
    let settings = format!(
        "terraform {{\n  backend \"remote\" {{\n    hostname     = \"{}\"\n    organization = \"{}\"\n    workspaces {{\n      \
         {workspaces}\n    }}\n  }}\n}}\n",
        server.hostname(),
        server.organization()
    );
    Root::new(server, &settings, CODE)
}

#[test]
fn a_workspace_by_name_is_planned_applied_and_destroyed_with_text_and_not_json() {
    let server = Server::start();
    let root = remote(&server, r#"name = "by-name""#).initialized();
    root.terraform(&["plan"]).succeeds().says("# terraform_data.this will be created").never_says("\"@level\"");
    root.answered(&["apply"], "yes\n").succeeds().says("1 added").never_says("\"@level\"");
    assert_eq!(root.outputs()["workspace"]["value"], "by-name");
    root.terraform(&["state", "list"]).succeeds().says("terraform_data.this");
    root.terraform(&["destroy", "-auto-approve"]).succeeds().says("1 destroyed");
}

#[test]
fn workspaces_by_prefix_are_made_selected_and_deleted() {
    let server = Server::start();
    let root = remote(&server, r#"prefix = "app-""#);
    // Terraform's own words for a prefix that nothing has: the first workspace is made by hand.
    root.terraform(&["init"]).fails().says("No existing workspaces");
    root.terraform(&["workspace", "new", "dev"]).succeeds();
    root.terraform(&["init"]).succeeds();
    root.terraform(&["workspace", "new", "prod"]).succeeds();
    root.terraform(&["workspace", "list"]).succeeds().says("dev").says("prod").never_says("app-");
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    assert_eq!(server.workspace("app-prod")["attributes"]["resource-count"], 1);
    root.terraform(&["destroy", "-auto-approve"]).succeeds();
    root.terraform(&["workspace", "select", "dev"]).succeeds();
    root.terraform(&["workspace", "delete", "prod"]).succeeds();
    root.terraform(&["workspace", "list"]).succeeds().never_says("prod");
}
