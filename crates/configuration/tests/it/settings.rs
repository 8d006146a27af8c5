//! `multispace.hcl`.

use std::time::Duration;

use configuration::Value;
use expect_test::{Expect, expect};

use crate::{describe, read};

fn check(settings: &str, expected: Expect) {
    let code = "variable \"region\" {}\nvariable \"size\" {}";
    expected.assert_eq(&describe(&[
        ("stack/network/main.tf", code),
        ("stack/dns/main.tf", code),
        ("stack/live/app/main.tf", ""),
        ("stack/multispace.hcl", settings),
    ]));
}

#[test]
fn every_setting_is_read_and_has_the_defaults_of_tfe_workspace_run() {
    let stack = read(&[
        ("stack/network/main.tf", "variable \"region\" {}\nvariable \"size\" {}"),
        ("stack/dns/main.tf", ""),
        (
            "stack/multispace.hcl",
            r#"
            terraform         = "tofu"
            terraform_version = "1.11.4"
            concurrency       = 4
            variables         = { region = "eu", size = 1 }
            environment       = { AWS_PROFILE = "x", TF_LOG = "" }
            workspace "network" {
              path              = "network"
              variables         = { size = [3, { a = "${"b"}" }] }
              environment       = { TF_LOG = "info" }
              terraform_version = "1.10.0"
              apply {
                manual_confirm    = true
                wait_for_run      = true
                retry_attempts    = 0
                retry_backoff_min = 60
              }
              destroy { retry = false }
            }
            workspace "dns" { depends_on = ["network", "network"] }
            "#,
        ),
    ])
    .expect("a stack");
    assert_eq!(stack.terraform(), Some("tofu".into()));
    assert_eq!(stack.settings.terraform_version.as_deref(), Some("1.11.4"));
    assert_eq!(stack.settings.concurrency, Some(4));
    let network = stack.root("network").expect("network");
    let variables = stack.variables(network);
    assert_eq!(variables["region"], Value::String("eu".into()));
    assert_eq!(variables["size"].to_hcl(), r#"[3, { "a" = "b" }]"#);
    assert!(stack.variables(stack.root("dns").expect("dns")).is_empty());
    assert_eq!(stack.environment(network)["TF_LOG"], "info");
    let settings = stack.workspace_settings("network");
    assert_eq!(settings.terraform_version.as_deref(), Some("1.10.0"));
    assert!(settings.apply.manual_confirm && settings.apply.retry && settings.apply.retry_attempts == 0);
    assert_eq!(settings.apply.retry_backoff_min, Duration::from_secs(60));
    assert_eq!(settings.apply.retry_backoff_max, Duration::from_secs(60));
    assert!(!settings.destroy.retry && !settings.destroy.manual_confirm);
    assert_eq!(settings.destroy.retry_attempts, 3);
    assert_eq!(settings.destroy.retry_backoff_max, Duration::from_secs(30));
    assert_eq!(stack.workspace_settings("dns").depends_on, ["network"]);
    assert_eq!(stack.workspace_settings("nobody"), Default::default());
}

#[test]
fn unknown_words_are_errors_at_their_place() {
    check(
        r#"concurency = 4
           stack "x" {}
           workspace "network" {
             paht = "network"
             aply {}
             apply {
               retries = 3
               nested {}
             }
           }
           workspace {}
           workspace "dns" "two" {}"#,
        expect![[r#"
            multispace.hcl:1:1: There is no attribute "concurency" here. [configuration/unknown-attribute]
              at: "concurency"
              advice: Did you mean "concurrency"?
            multispace.hcl:2:12: There is no block "stack" here. [configuration/unknown-block]
              at: "stack"
              advice: Possible are: workspace, approve.
            multispace.hcl:4:14: There is no attribute "paht" here. [configuration/unknown-attribute]
              at: "paht"
              advice: Did you mean "path"?
            multispace.hcl:5:14: There is no block "aply" here. [configuration/unknown-block]
              at: "aply"
              advice: Did you mean "apply"?
            multispace.hcl:7:16: There is no attribute "retries" here. [configuration/unknown-attribute]
              at: "retries"
              advice: Did you mean "retry"?
            multispace.hcl:8:16: There is no block "nested" here. [configuration/unknown-block]
              at: "nested"
              advice: Remove it.
            multispace.hcl:11:12: A workspace block has one label: the workspace's name. [configuration/workspace-label]
              at: "workspace"
              advice: Write `workspace "NAME" { ... }`.
            multispace.hcl:12:12: A workspace block has one label: the workspace's name. [configuration/workspace-label]
              at: "workspace"
              advice: Write `workspace "NAME" { ... }`.
        "#]],
    );
}

#[test]
fn wrong_types_say_what_is_expected() {
    check(
        r#"concurrency = "4"
           terraform   = ""
           variables   = ["region"]
           environment = { A = 1, "B=" = "x" }
           workspace "network" {
             path       = 1
             depends_on = "dns"
             variables  = { region = var.region, size = upper("x") }
             apply {
               manual_confirm    = "yes"
               retry_attempts    = -1
               retry_backoff_min = 1.5
               retry_backoff_max = 1000000
               wait_for_run      = false
             }
             destroy "x" {
               retry_backoff_min = 5
               retry_backoff_max = 2
             }
             destroy {}
           }
           workspace "dns" { depends_on = ["network", 3] }"#,
        expect![[r#"
            multispace.hcl:1:15: "concurrency" must be a whole number from 1 to 1000, and this is a string. [configuration/wrong-type]
              at: "\"4\""
            multispace.hcl:2:26: "terraform" is empty. [configuration/empty]
              at: "\"\""
              advice: Give it a value or remove it.
            multispace.hcl:3:26: "variables" must be a map of variable names to values, and this is a list. [configuration/wrong-type]
              at: "[\"region\"]"
            multispace.hcl:4:28: "environment" must be a map of environment variable names to strings, and the value of "A" is a number. [configuration/wrong-type]
              at: "A"
              advice: Put it in quotes.
            multispace.hcl:4:35: "B=" cannot be an environment variable. [configuration/environment]
              at: "\"B=\""
            multispace.hcl:6:27: "path" must be a string, and this is a number. [configuration/wrong-type]
              at: "1"
            multispace.hcl:7:27: "depends_on" must be a list of workspace names (strings), and this is a string. [configuration/wrong-type]
              at: "\"dns\""
            multispace.hcl:8:27: The value of "variables" is not a literal: var.region has no value in the code. [configuration/not-literal]
              at: "{ region = var.region, size = upper(\"x\") }"
              advice: multispace.hcl has no variables or functions; write the value itself, or for a variable `workspace.NAME.outputs.OUTPUT`.
            multispace.hcl:10:36: "manual_confirm" must be a bool (true or false), and this is a string. [configuration/wrong-type]
              at: "\"yes\""
            multispace.hcl:11:36: "retry_attempts" must be a whole number from 0 to 100, and this is -1. [configuration/out-of-range]
              at: "-1"
            multispace.hcl:12:36: "retry_backoff_min" must be a whole number from 0 to 86400, and this is 1.5. [configuration/out-of-range]
              at: "1.5"
            multispace.hcl:13:36: "retry_backoff_max" must be a whole number from 0 to 86400, and this is 1000000. [configuration/out-of-range]
              at: "1000000"
            multispace.hcl:14:36: A stack waits for every run: wait_for_run cannot be false here. [configuration/wait-for-run]
              at: "false"
              advice: Remove the attribute.
            multispace.hcl:16:22: The block "destroy" has no label. [configuration/label]
              at: "\"x\""
              advice: Remove the label.
            multispace.hcl:18:36: retry_backoff_max is smaller than retry_backoff_min. [configuration/out-of-range]
              at: "2"
              advice: Make it at least as large; both are seconds.
            multispace.hcl:20:14: There are two destroy blocks in one place. [configuration/duplicate-block]
              at: "destroy"
              advice: Make one block of them.
            multispace.hcl:22:55: "depends_on" must be a list of workspace names (strings), and this element is a number. [configuration/wrong-type]
              at: "3"
        "#]],
    );
}

#[test]
fn names_and_paths_that_do_not_exist_are_errors_with_a_suggestion() {
    check(
        r#"variables = { regoin = "eu" }
           workspace "netwrok" {}
           workspace "network" { depends_on = ["dsn", "network", "live-app"] }
           workspace "network" {}
           workspace "a" { path = "network2" }
           workspace "b" { path = "../stack/dns" }
           workspace "c" { path = "../outside" }
           workspace "d" { path = "/etc" }
           workspace "e" { path = "live" }
           workspace "f g" { path = "dns" }
           workspace "dns" { variables = { sise = 1 } }"#,
        expect![[r#"
            multispace.hcl:4:22: There are two blocks for workspace "network". [configuration/duplicate-workspace]
              at: "\"network\""
              advice: Make one block of them.
            multispace.hcl:10:22: "f g" is not a name that a workspace can have. [configuration/workspace-name]
              at: "\"f g\""
              advice: A workspace's name has 1 to 90 letters, digits, `-` and `_`.
            multispace.hcl:5:35: There is no folder "network2". [configuration/path]
              at: "\"network2\""
              advice: Did you mean "network"?
            multispace.hcl:7:35: "../outside" is not inside this stack's folder. [configuration/path]
              at: "\"../outside\""
              advice: Write the path relative to the folder of multispace.hcl.
            multispace.hcl:8:35: "/etc" is not inside this stack's folder. [configuration/path]
              at: "\"/etc\""
              advice: Write the path relative to the folder of multispace.hcl.
            multispace.hcl:9:35: There is no Terraform code in the folder "live". [configuration/path]
              at: "\"live\""
              advice: Name a folder that has *.tf files.
            multispace.hcl:10:37: Workspaces "b" and "f g" have the same folder. [configuration/path]
              at: "\"dns\""
              advice: Give each workspace a folder of its own.
            multispace.hcl:11:22: Workspaces "b" and "dns" have the same folder. [configuration/path]
              at: "\"dns\""
              advice: Give each workspace a folder of its own.
            multispace.hcl:2:22: There is no workspace "netwrok" in this stack, and no folder of that name with Terraform code. [configuration/unknown-workspace]
              at: "\"netwrok\""
              advice: Did you mean "network"? `path` names its folder.
            multispace.hcl:11:22: There is no workspace "dns" in this stack, and no folder of that name with Terraform code. [configuration/unknown-workspace]
              at: "\"dns\""
              advice: Possible are: b, live-app, network. `path` names its folder.
            multispace.hcl:3:48: There is no workspace "dsn" in this stack. [configuration/unknown-workspace]
              at: "\"dsn\""
              advice: Possible are: b, live-app.
            multispace.hcl:3:55: Workspace "network" depends on itself. [configuration/depends-on-itself]
              at: "\"network\""
              advice: Remove the name.
            multispace.hcl:1:15: No workspace of this stack declares a variable "regoin". [configuration/unknown-variable]
              at: "regoin"
              advice: Did you mean "region"?
        "#]],
    );
}

#[test]
fn a_value_that_is_written_twice_is_an_error() {
    check(
        "concurrency = 1\nconcurrency = 2\n",
        expect![[r#"
        multispace.hcl:2:1: This is not valid HCL: invalid attribute; expected unique attribute key; found redefined attribute. [configuration/syntax]
          at: "c"
    "#]],
    );
}

#[test]
fn a_terraform_with_a_slash_is_a_path_from_the_folder_of_the_stack() {
    let stack =
        read(&[("stack/main.tf", ""), ("stack/multispace.hcl", "terraform = \"../bin/tofu\"")]).expect("a stack");
    assert_eq!(stack.terraform(), Some(stack.dir.parent().expect("a parent").join("bin/tofu")));
    let stack = read(&[("stack/main.tf", ""), ("stack/multispace.hcl", "terraform = \"/opt/tofu\"")]).expect("a stack");
    assert_eq!(stack.terraform(), Some("/opt/tofu".into()));
}
