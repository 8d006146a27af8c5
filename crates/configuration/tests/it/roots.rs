//! Which folders are roots, and what they are called.

use std::path::Path;

use configuration::{BackendSetting, Value};
use expect_test::{Expect, expect};

use crate::{describe, describe_problems, folder, read};

fn check(files: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&describe(files));
}

#[test]
fn folders_that_are_called_hidden_or_below_modules_are_not_roots() {
    check(
        &[
            ("stack/live/app/main.tf", r#"module "x" { source = "../../lib/x" }"#),
            ("stack/lib/x/main.tf", ""),
            ("stack/modules/nobody-calls-me/main.tf", ""),
            ("stack/modules/deep/er/main.tf", ""),
            ("stack/.terraform/modules/y/main.tf", "broken {"),
            ("stack/.multispace/runs/main.tf", "broken {"),
            ("stack/node_modules/z/main.tf", "broken {"),
            ("stack/docs/readme.md", ""),
        ],
        expect![[r#"
            live-app in live/app (held, calls lib/x)
        "#]],
    );
}

#[test]
fn a_called_folder_with_a_backend_of_its_own_is_a_root_too() {
    check(
        &[
            ("stack/main.tf", r#"module "network" { source = "./network" }"#),
            (
                "stack/network/main.tf",
                r#"terraform {
  backend "http" {}
}"#,
            ),
            ("stack/multispace.hcl", "workspace \"top\" {\n  path = \".\"\n}"),
        ],
        expect![[r#"
            top in . (held, calls network)
            network in network (own http)
        "#]],
    );
}

#[test]
fn the_settings_file_makes_roots_and_names_them() {
    check(
        &[
            ("stack/modules/x/main.tf", ""),
            ("stack/a/b/main.tf", ""),
            ("stack/a/c/main.tf", ""),
            (
                "stack/multispace.hcl",
                r#"workspace "x" { path = "modules/x" }
                   workspace "named" { path = "./a/b" }
                   workspace "a-c" { terraform_version = "1.11.4" }"#,
            ),
        ],
        expect![[r#"
            named in a/b (held)
            a-c in a/c (held)
            x in modules/x (held)
        "#]],
    );
}

#[test]
fn the_folder_itself_may_be_the_only_root() {
    check(
        &[("stack/main.tf", "")],
        expect![[r#"
        stack in . (held)
    "#]],
    );
}

#[test]
fn two_folders_with_one_name_are_an_error_that_names_both() {
    check(
        &[("stack/a/b/main.tf", ""), ("stack/a-b/main.tf", "")],
        expect![[r#"
        The folders "a/b" and "a-b" would both be workspace "a-b". [configuration/duplicate-name]
          advice: Name one of them in multispace.hcl: `workspace "NAME" { path = "a-b" }`.
    "#]],
    );
}

#[test]
fn a_folder_whose_name_no_workspace_can_have_must_be_named() {
    check(
        &[("stack/über uns/main.tf", "")],
        expect![[r#"
        The folder "über uns" would be a workspace "über uns", which is not a name it can have. [configuration/workspace-name]
          advice: A workspace's name has 1 to 90 letters, digits, `-` and `_`. Name it in multispace.hcl: `workspace "NAME" { path = "über uns" }`.
    "#]],
    );
}

#[test]
fn two_roots_with_one_state_are_an_error() {
    let backend = r#"terraform {
      backend "s3" {
        bucket = "b"
        key    = "k"
      }
    }"#;
    let partial = r#"terraform {
  backend "s3" { key = "k" }
}"#;
    check(
        &[
            ("stack/a/main.tf", backend),
            ("stack/b/main.tf", backend),
            ("stack/c/main.tf", partial),
            ("stack/d/main.tf", partial),
        ],
        expect![[r#"
            The folders "a" and "b" keep their state in one place: backend "s3", bucket "b", key "k". [configuration/shared-state]
              advice: Give each its own state: a run of one would take the other's resources for its own.
        "#]],
    );
}

#[test]
fn everything_about_a_root_is_read() {
    let dir = folder(&[
        (
            "top/main.tf",
            r#"terraform {
                 required_version = "~> 1.11"
                 backend "pg" {
                   conn_str    = "postgres://x"
                   schema_name = "s"
                 }
               }
               variable "a" {}
               variable "b" {
                 default   = null
                 sensitive = true
               }
               output "o" { value = 1 }
               module "m" { source = "./m" }
               module "registry" { source = "terraform-aws-modules/vpc/aws" }"#,
        ),
        ("top/m/main.tf", ""),
        ("top/terraform.tfvars.json", r#"{"a": [1]}"#),
    ]);
    let stack = configuration::read_stack(&dir.path().join("top")).expect("a stack");
    let root = &stack.roots[0];
    assert_eq!(root.path, ".");
    assert_eq!(root.required_version.as_deref(), Some("~> 1.11"));
    let BackendSetting::Own { kind, attributes } = &root.backend else { panic!("not held") };
    assert_eq!((kind.as_str(), attributes["schema_name"].clone()), ("pg", Value::String("s".into())));
    assert_eq!(root.outputs, ["o"]);
    let variables: Vec<_> = root
        .variables
        .iter()
        .map(|v| (v.name.as_str(), v.has_default, v.is_in_tfvars, v.sensitive, v.place.line))
        .collect();
    assert_eq!(variables, [("a", false, true, false, 8), ("b", true, false, true, 9)]);
    let files: Vec<_> = root.files.iter().map(|file| file.strip_prefix(&stack.dir).expect("inside")).collect();
    assert_eq!(files, ["m/main.tf", "main.tf", "terraform.tfvars.json"].map(Path::new));
    assert_eq!(stack.working_directory(root), "");
}

#[test]
fn a_cloud_block_with_tags_leaves_the_name_to_the_path() {
    let stack = read(&[(
        "stack/live/net/main.tf",
        r#"terraform {
             cloud {
               hostname     = "tf.example.com"
               organization = "acme"
               workspaces {
                 tags    = ["net", "live"]
                 project = "core"
               }
             }
           }"#,
    )])
    .expect("a stack");
    let root = &stack.roots[0];
    assert_eq!((root.name.as_str(), &root.backend), ("live-net", &BackendSetting::Held));
    let cloud = root.cloud.as_ref().expect("a cloud block");
    assert_eq!(cloud.hostname.as_deref(), Some("tf.example.com"));
    assert_eq!((cloud.project.as_deref(), cloud.tags.as_slice()), (Some("core"), &["net".into(), "live".into()][..]));
    assert_eq!(root.state_file, None);
}

#[test]
fn a_missing_folder_a_file_and_a_folder_without_code_are_errors() {
    let dir = folder(&[("file", ""), ("empty/readme.md", ""), ("only/modules/x/main.tf", "")]);
    for (name, code) in [
        ("nope", "configuration/no-folder"),
        ("file", "configuration/not-a-folder"),
        ("empty", "configuration/no-roots"),
        ("only", "configuration/no-roots"),
    ] {
        let problems = configuration::read_stack(&dir.path().join(name)).expect_err("an error");
        assert_eq!(problems.len(), 1, "{}", describe_problems(&problems));
        assert_eq!(problems[0].code, code);
        assert!(!problems[0].advice.is_empty());
    }
}
