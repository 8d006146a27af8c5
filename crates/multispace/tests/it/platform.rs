//! A stack as people have it, on a server: a network, what stands on it, and apps on top, all with the real terraform. What a run
//! of it looks like is what the pictures in the documents show.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::server::Server;
use crate::harness::stack::Stack;

/// The workspaces, each after those that it reads.
const ROOTS: [(&str, &[&str], &str); 5] = [
    ("network", &[], NETWORK),
    ("cluster", &["network"], CLUSTER),
    ("database", &["network"], DATABASE),
    ("dns", &["cluster"], DNS),
    ("apps", &["cluster", "database"], APPS),
];

const NETWORK: &str = r#"
variable "zones" {
  type    = list(string)
  default = ["a", "b", "c"]
}

resource "terraform_data" "vpc" {
  input = { name = "platform", cidr = "10.20.0.0/16" }
}

resource "terraform_data" "subnet" {
  for_each = toset(var.zones)
  input    = { zone = each.key, cidr = cidrsubnet(terraform_data.vpc.output.cidr, 4, index(var.zones, each.key)) }
}

output "vpc" {
  value = terraform_data.vpc.output.name
}

output "subnets" {
  value = { for zone, subnet in terraform_data.subnet : zone => subnet.output.cidr }
}
"#;

const CLUSTER: &str = r#"
variable "kubernetes_version" {
  type    = string
  default = "1.33.4"
}

variable "workers" {
  type    = list(string)
  default = ["worker-1", "worker-2", "worker-3"]
}

resource "terraform_data" "control_plane" {
  input = {
    vpc      = local.network.vpc
    version  = var.kubernetes_version
    endpoint = "https://api.${local.network.vpc}.example.com:6443"
  }
}

resource "terraform_data" "worker" {
  for_each         = toset(var.workers)
  input            = { name = each.key, version = var.kubernetes_version, size = "large" }
  triggers_replace = local.network.vpc
}

output "endpoint" {
  value = terraform_data.control_plane.output.endpoint
}

output "join_token" {
  value     = sha256(terraform_data.control_plane.id)
  sensitive = true
}
"#;

const DATABASE: &str = r#"
resource "terraform_data" "instance" {
  input = { engine = "postgres", version = "17.2", subnets = values(local.network.subnets) }
}

output "url" {
  value     = "postgres://app@db.${local.network.vpc}.example.com/app"
  sensitive = true
}
"#;

const DNS: &str = r#"
resource "terraform_data" "record" {
  for_each = toset(["api", "*.apps"])
  input    = { name = "${each.key}.platform.example.com", target = local.cluster.endpoint }
}

output "names" {
  value = sort([for record in terraform_data.record : record.output.name])
}
"#;

const APPS: &str = r#"
variable "replicas" {
  type    = number
  default = 2
}

resource "terraform_data" "release" {
  for_each = toset(["shop", "billing", "search"])
  input    = { name = each.key, replicas = var.replicas, cluster = local.cluster.endpoint, database = sha256(local.database.url) }

  lifecycle {
    precondition {
      condition     = var.replicas >= 2
      error_message = "${each.key} has to survive the loss of a node: it needs two replicas or more, not ${var.replicas}."
    }
  }
}

output "releases" {
  value = sort([for release in terraform_data.release : release.output.name])
}
"#;

/// Another zone of the network and more replicas of the apps, as somebody would change the code.
pub(crate) fn grow(stack: &Stack) {
    for (root, from, to) in
        [("network", "[\"a\", \"b\", \"c\"]", "[\"a\", \"b\", \"d\"]"), ("apps", "default = 2", "default = 3")]
    {
        let file = stack.path().join(root).join("main.tf");
        let code = std::fs::read_to_string(&file).unwrap();
        assert!(code.contains(from), "{code}");
        std::fs::write(&file, code.replace(from, to)).unwrap();
    }
}

/// The code of the stack, whose workspaces read each other on this server.
pub(crate) fn stack(server: &Server) -> Stack {
    let stack = Stack::empty();
    for (name, reads, code) in ROOTS {
        stack.write(&format!("{name}/main.tf"), &format!("{}{code}", blocks(server, reads)));
    }
    stack
}

fn blocks(server: &Server, reads: &[&str]) -> String {
    let mut code = String::new();
    for upstream in reads {
        code += &format!(
            "data \"terraform_remote_state\" \"{upstream}\" {{\n  backend = \"remote\"\n  config = {{\n    hostname     = \"{}\"\n    \
             organization = \"{}\"\n    workspaces   = {{ name = \"{upstream}\" }}\n  }}\n}}\n\n",
            server.hostname(),
            server.organization()
        );
    }
    let locals: String =
        reads.iter().map(|it| format!("  {it} = data.terraform_remote_state.{it}.outputs\n")).collect();
    format!("{code}locals {{\n{locals}}}\n")
}

/// `multispace COMMAND` of the stack on the server, not started.
pub(crate) fn command(server: &Server, stack: &Stack, command: &str, more: &[&str]) -> Command {
    let args = [&["--host", server.hostname(), "--organization", server.organization()][..], more].concat();
    let mut command = stack.command(command, &args);
    command.envs(server.environment());
    command
}

/// Makes a stack of all its workspaces on the server, which has no end.
#[track_caller]
pub(crate) fn group(server: &Server, name: &str) {
    let ids: Vec<_> = ROOTS.iter().map(|(name, ..)| server.workspace(name)["id"].clone()).collect();
    let attributes = json!({ "name": name, "workspace-ids": ids });
    let body = json!({ "data": { "type": "stacks", "attributes": attributes } });
    let answer = server.send("POST", &format!("organizations/{}/stacks", server.organization()), &body);
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// Sets a variable of a workspace.
#[track_caller]
pub(crate) fn set(server: &Server, workspace: &str, key: &str, value: &str) {
    let id = server.workspace(workspace)["id"].as_str().unwrap().to_owned();
    let attributes = json!({ "key": key, "value": value, "category": "terraform", "hcl": true });
    let body = json!({ "data": { "type": "vars", "attributes": attributes } });
    let answer = server.send("POST", &format!("workspaces/{id}/vars"), &body);
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// Starts a run of the code that the workspace has; returns its id.
#[track_caller]
pub(crate) fn run(server: &Server, workspace: &str, attributes: Value) -> String {
    let id = server.workspace(workspace)["id"].as_str().unwrap().to_owned();
    let body = json!({ "data": {
        "type": "runs",
        "attributes": attributes,
        "relationships": { "workspace": { "data": { "type": "workspaces", "id": id } } },
    } });
    let answer = server.send("POST", "runs", &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["data"]["id"].as_str().unwrap().to_owned()
}

/// Waits until a run has this status.
#[track_caller]
pub(crate) fn until(server: &Server, run: &str, status: &str) {
    let is_so = || server.get(&format!("runs/{run}")).json()["data"]["attributes"]["status"] == status;
    server.until(&format!("{run} is {status}"), is_so);
}
