//! The four patterns of `examples/patterns`, with the real terraform and git: up, read, down in reverse order, and nothing left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::child;
use crate::harness::root::Root;
use crate::harness::server::{Server, multispace};
use crate::harness::{example, path, provider};

/// A folder of git repositories that has the patterns as `acme/patterns`.
struct Repositories {
    folder: TempDir,
}

impl Repositories {
    /// `source` is the address by which the code asks for the provider.
    fn with_patterns(source: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Self { folder };
        copy(&example("patterns"), &repositories.patterns(), source);
        repositories.committed()
    }

    /// These files as `acme/patterns`.
    fn with(files: &[(&str, &str)]) -> Self {
        let repositories = Self { folder: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            let file = repositories.patterns().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        repositories.committed()
    }

    fn committed(self) -> Self {
        for args in [
            &["init", "--quiet", "--initial-branch", "main"][..],
            &["add", "."],
            &["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "--quiet", "--message", "the patterns"],
        ] {
            let mut git = Command::new("git");
            git.args(args).current_dir(self.patterns()).env_clear().env("PATH", path());
            git.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", self.path());
            assert!(git.status().unwrap().success(), "git {args:?}");
        }
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn patterns(&self) -> PathBuf {
        self.path().join("acme/patterns")
    }

    /// A root of the patterns that a person runs where they are.
    fn root(&self, server: &Server, name: &str) -> Root {
        let root = Root::empty(server);
        copy(&self.patterns().join(name), root.path(), "");
        root.with("TF_VAR_git_url", &format!("file://{}", self.path().display()))
            .with("TF_VAR_repository", "acme/patterns")
            .initialized()
    }
}

/// Copies Terraform code; a `source` that is not empty takes the place of our provider's address.
fn copy(from: &Path, to: &Path, source: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, source);
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let text = if source.is_empty() { text } else { text.replace("\"multispace/tfe\"", &format!("\"{source}\"")) };
        fs::write(target, text).unwrap();
    }
}

/// What a workspace puts out now.
fn outputs(server: &Server, workspace: &str) -> BTreeMap<String, Value> {
    let id = server.workspace(workspace)["id"].as_str().unwrap().to_owned();
    let all = server.get(&format!("workspaces/{id}/current-state-version-outputs")).json();
    let all = all["data"].as_array().unwrap_or_else(|| panic!("{workspace} has no outputs: {all}")).clone();
    let pair = |it: Value| (it["attributes"]["name"].as_str().unwrap().to_owned(), it["attributes"]["value"].clone());
    all.into_iter().map(pair).collect()
}

/// Moments of the one run of a workspace that destroys, or of the one that does not: when it began to plan, and when it was
/// applied.
fn moments(server: &Server, workspace: &str, destroys: bool) -> (String, String) {
    let runs = server.runs(workspace);
    let wanted: Vec<_> = runs.iter().filter(|run| run["attributes"]["is-destroy"] == destroys).collect();
    let [run] = wanted[..] else { panic!("{workspace} has {} such runs: {runs:#?}", wanted.len()) };
    assert_eq!(run["attributes"]["status"], "applied", "{workspace}: {run:#}");
    let at = |name: &str| run["attributes"]["status-timestamps"][name].as_str().unwrap().to_owned();
    (at("planning-at"), at("applied-at"))
}

/// Each of `first` was applied, in its only run, before any of `then` began.
fn in_order(server: &Server, first: &[&str], then: &[&str], destroys: bool) {
    for one in first {
        for other in then {
            let (ended, began) = (moments(server, one, destroys).1, moments(server, other, destroys).0);
            assert!(ended <= began, "{one} ended at {ended}, {other} began at {began}, destroys: {destroys}");
        }
    }
}

fn has_one_applied_run(server: &Server, workspace: &str) -> bool {
    let runs = server.runs(workspace);
    runs.len() == 1 && runs[0]["attributes"]["status"] == "applied"
}

fn the_four_patterns(source: &str, arguments: &[&str]) {
    provider();
    let repositories = Repositories::with_patterns(source);
    let local = repositories.path().to_str().unwrap();
    let server = Server::start_with(&[&["--git-local", local], arguments].concat());

    let bootstrap = repositories.root(&server, "bootstrap");
    bootstrap.terraform(&["apply", "-auto-approve"]).succeeds();
    for workspace in ["triggers-up-1", "triggers-down", "creator", "chain-a", "chain-runner", "mesh-u1", "mesh-runner"]
    {
        assert_eq!(server.runs(workspace), [] as [Value; 0], "{workspace}: the bootstrap starts nothing");
    }
    bootstrap.terraform(&["plan", "-detailed-exitcode"]).exits_with(0);

    let start = repositories.root(&server, "start");
    start.terraform(&["apply", "-auto-approve"]).succeeds();
    server.until("the downstream of the triggers has run", || has_one_applied_run(&server, "triggers-down"));
    server.until("the created workspace has run", || has_one_applied_run(&server, "created"));
    assert_eq!(outputs(&server, "triggers-down")["names"], json!(["triggers-up-1 in demo", "triggers-up-2 in demo"]));
    assert_eq!(outputs(&server, "created")["greeting"], "made by creator, in demo");
    assert_eq!(outputs(&server, "chain-c")["path"], "((chain-a) -> chain-b) -> chain-c");
    assert_eq!(outputs(&server, "mesh-d2")["path"], "(mesh-u1, mesh-u2, mesh-u3) -> mesh-d2");
    in_order(&server, &["triggers-up-1", "triggers-up-2"], &["triggers-down"], false);
    in_order(&server, &["chain-a"], &["chain-b"], false);
    in_order(&server, &["chain-b"], &["chain-c"], false);
    in_order(&server, &["mesh-u1", "mesh-u2", "mesh-u3"], &["mesh-d1", "mesh-d2", "mesh-d3"], false);
    start.terraform(&["plan", "-detailed-exitcode"]).exits_with(0);

    start.terraform(&["destroy", "-auto-approve"]).succeeds();
    in_order(&server, &["chain-c"], &["chain-b"], true);
    in_order(&server, &["chain-b"], &["chain-a"], true);
    in_order(&server, &["mesh-d1", "mesh-d2", "mesh-d3"], &["mesh-u1", "mesh-u2", "mesh-u3"], true);
    let created = server.get(&format!("organizations/{}/workspaces/created", server.organization()));
    assert_eq!(created.status, 404, "the creator destroys what it made, and deletes it");
    assert_eq!(outputs(&server, "triggers-down").len(), 1, "run triggers destroy nothing");

    bootstrap.terraform(&["destroy", "-auto-approve"]).succeeds();
    let organization = format!("organizations/{}", server.organization());
    let names = |what: &str| -> Vec<Value> {
        let list = server.get(&format!("{organization}/{what}")).json();
        list["data"].as_array().unwrap().iter().map(|it| it["attributes"]["name"].clone()).collect()
    };
    assert_eq!(names("workspaces"), [] as [Value; 0]);
    assert_eq!(names("varsets"), [] as [Value; 0]);
    assert_eq!(names("oauth-clients"), [] as [Value; 0]);
    assert_eq!(names("projects"), ["Default Project"]);
    assert_eq!(names("teams"), ["owners"]);
}

#[test]
fn the_four_patterns_come_up_and_go_down_in_order_and_leave_nothing() {
    the_four_patterns("multispace/tfe", &[]);
}

/// One run at a time: a runner that kept its slot while it waits would wait for ever.
#[test]
fn the_four_patterns_work_one_run_at_a_time_and_where_the_code_names_the_original_provider() {
    the_four_patterns("hashicorp/tfe", &["--stand-in", "hashicorp/tfe", "--concurrency", "1"]);
}

/// A workspace that starts a run of the next one, and waits for it.
const LINK: &str = r#"
terraform {
  required_providers {
    tfe = {
      source = "multispace/tfe"
    }
  }
}

variable "next" {
  type    = string
  default = ""
}

data "tfe_workspace" "next" {
  for_each = toset(var.next == "" ? [] : [var.next])
  name     = each.key
}

resource "tfe_workspace_run" "next" {
  for_each     = data.tfe_workspace.next
  workspace_id = each.value.id

  apply {
    manual_confirm = false
  }

  destroy {
    manual_confirm = false
  }
}

resource "terraform_data" "this" {
  depends_on = [tfe_workspace_run.next]
}
"#;

/// The workspaces of a chain of ten, of which each starts the next.
const CHAIN: &str = r#"
terraform {
  required_providers {
    tfe = {
      source = "multispace/tfe"
    }
  }
}

provider "tfe" {}

variable "git_url" {
  type = string
}

variable "repository" {
  type = string
}

locals {
  names = [for number in range(10) : "link-${number}"]
}

resource "tfe_oauth_client" "git" {
  service_provider = "github_enterprise"
  http_url         = var.git_url
  api_url          = var.git_url
  oauth_token      = "none"
}

resource "tfe_workspace" "link" {
  for_each          = toset(local.names)
  name              = each.key
  working_directory = "link"
  queue_all_runs    = false

  vcs_repo {
    identifier     = var.repository
    oauth_token_id = tfe_oauth_client.git.oauth_token_id
  }
}

resource "tfe_variable" "next" {
  for_each     = { for number in range(9) : local.names[number] => local.names[number + 1] }
  workspace_id = tfe_workspace.link[each.key].id
  key          = "next"
  value        = each.value
  category     = "terraform"
}
"#;

#[test]
fn a_chain_of_ten_runners_comes_up_and_goes_down_one_run_at_a_time() {
    provider();
    let repositories = Repositories::with(&[("link/main.tf", LINK), ("chain/main.tf", CHAIN)]);
    let local = repositories.path().to_str().unwrap();
    let server = Server::start_with(&["--git-local", local, "--concurrency", "1"]);
    repositories.root(&server, "chain").terraform(&["apply", "-auto-approve"]).succeeds();

    let start = |more: &[&str]| {
        let args = [&["run", "start", "link-0", "--auto-approve", "--follow"], more].concat();
        child::run(multispace(repositories.path()).args(args).envs(server.environment()), "").succeeds();
    };
    start(&[]);
    for number in 0..9 {
        let (mine, next) = (format!("link-{number}"), format!("link-{}", number + 1));
        let (mine, next) = (moments(&server, &mine, false), moments(&server, &next, false));
        assert!(mine.0 < next.0 && next.1 <= mine.1, "{number}: {mine:?} has {next:?} in it");
    }
    start(&["--destroy"]);
    for number in 0..10 {
        moments(&server, &format!("link-{number}"), true);
        assert_eq!(server.workspace(&format!("link-{number}"))["attributes"]["resource-count"], 0);
    }
}

#[test]
fn a_mesh_finishes_with_two_runs_at_a_time_and_with_eight() {
    provider();
    let repositories = Repositories::with_patterns("multispace/tfe");
    for concurrency in ["2", "8"] {
        let local = repositories.path().to_str().unwrap();
        let server = Server::start_with(&["--git-local", local, "--concurrency", concurrency]);
        repositories.root(&server, "bootstrap").terraform(&["apply", "-auto-approve"]).succeeds();
        for more in [&[][..], &["--destroy"]] {
            let args = [&["run", "start", "mesh-runner", "--auto-approve", "--follow"], more].concat();
            child::run(multispace(repositories.path()).args(args).envs(server.environment()), "").succeeds();
        }
        in_order(&server, &["mesh-u1", "mesh-u2", "mesh-u3"], &["mesh-d1", "mesh-d2", "mesh-d3"], false);
        in_order(&server, &["mesh-d1", "mesh-d2", "mesh-d3"], &["mesh-u1", "mesh-u2", "mesh-u3"], true);
    }
}
