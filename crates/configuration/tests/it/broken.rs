//! Code that cannot be read: every broken file is reported, at its place.

use expect_test::{Expect, expect};

use crate::{describe, folder};

fn check(files: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&describe(files));
}

#[test]
fn every_broken_file_is_reported() {
    check(
        &[
            ("stack/a/main.tf", "resource \"x\" \"y\" {\n  a = \n}\n"),
            ("stack/b/main.tf", "output \"x\" { value = 1 }\nvariable {{\n"),
            ("stack/c/main.tf.json", "{\n  \"output\": \n}"),
            ("stack/d/terraform.tfvars", "a = [1,\n"),
            ("stack/d/main.tf", ""),
            ("stack/multispace.hcl", "workspace \"a\" {"),
        ],
        expect![[r#"
            multispace.hcl:1:15: This is not valid HCL: invalid block body; expected `}`, newline or identifier. [configuration/syntax]
              at: "{"
            a/main.tf:2:7: This is not valid HCL: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit. [configuration/syntax]
              at: "\n"
              advice: `terraform fmt` and `terraform validate` say more about the same place.
            b/main.tf:2:11: This is not valid HCL: invalid block body; expected `}`, newline or identifier. [configuration/syntax]
              at: "{"
              advice: `terraform fmt` and `terraform validate` say more about the same place.
            c/main.tf.json:3:1: This is not valid JSON: expected value at line 3 column 1. [configuration/syntax]
              at: ""
            d/terraform.tfvars:1:8: This is not valid HCL: expected `]`. [configuration/syntax]
              at: "\n"
              advice: `terraform fmt` and `terraform validate` say more about the same place.
        "#]],
    );
}

#[test]
fn a_module_folder_that_is_missing_or_empty_is_reported_once() {
    let calls = "module \"m\" {\n  source = \"../nope\"\n}\nmodule \"n\" {\n  source = \"../empty\"\n}\n";
    check(
        &[
            ("stack/a/main.tf", "module \"shared\" {\n  source = \"../modules/shared\"\n}"),
            ("stack/b/main.tf", "module \"shared\" {\n  source = \"../modules/shared\"\n}"),
            ("stack/modules/shared/main.tf", calls),
            ("stack/modules/empty/readme.md", ""),
        ],
        expect![[r#"
            modules/shared/main.tf:2:12: There is no module folder "modules/nope". [configuration/no-module]
              at: "\"../nope\""
              advice: `source` is relative to the folder of the file it stands in.
            modules/shared/main.tf:5:12: There is no Terraform code in the module folder "modules/empty". [configuration/no-module]
              at: "\"../empty\""
              advice: `source` is relative to the folder of the file it stands in.
        "#]],
    );
}

#[test]
fn modules_that_call_one_another_in_a_circle_are_an_error() {
    check(
        &[
            ("stack/a/main.tf", "module \"x\" {\n  source = \"../modules/x\"\n}"),
            ("stack/modules/x/main.tf", "module \"y\" {\n  source = \"../y\"\n}"),
            ("stack/modules/y/main.tf", "module \"x\" {\n  source = \"../x\"\n}"),
        ],
        expect![[r#"
            modules/y/main.tf:2:12: Module "x" calls itself in the end. [configuration/module-circle]
              at: "\"../x\""
              advice: Let no module call a module that calls it.
        "#]],
    );
}

#[test]
fn bytes_that_are_not_text_are_an_error_that_names_the_file() {
    let dir = folder(&[("a/ok.tf", "")]);
    std::fs::write(dir.path().join("a/bad.tf"), b"a = \"\xff\"").expect("a file");
    let problems = configuration::read_stack(dir.path()).expect_err("an error");
    assert_eq!(problems[0].to_string(), "a/bad.tf: This file is not UTF-8 text.");
}

#[test]
fn a_diagnostic_renders_with_its_source() {
    let dir = folder(&[("a/main.tf", "output \"x\" {\n  value = \"${\"\n}\n")]);
    let problems = configuration::read_stack(dir.path()).expect_err("an error");
    let report = miette::Report::new(problems[0].clone());
    let mut text = String::new();
    miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none())
        .render_report(&mut text, report.as_ref())
        .expect("rendered");
    expect![[r#"
        configuration/syntax

          x a/main.tf:2:3: This is not valid HCL: invalid block body; expected `}`, newline or identifier.
           ,-[a/main.tf:2:3]
         1 | output "x" {
         2 |   value = "${"
           :   |
           :   `-- here
         3 | }
           `----
          help: `terraform fmt` and `terraform validate` say more about the same place.
    "#]]
    .assert_eq(&text);
}

#[test]
fn code_that_terraform_accepts_is_read() {
    let odd =
        "locals {\r\n  a = <<-EOT\r\n    hi ${\"x\"}\r\n  EOT\r\n  b = [for k, v in { a = 1 } : k => v...]\r\n}\r\n";
    let modern = r#"
        resource "terraform_data" "x" {
          for_each = toset(["a"])
          input    = provider::terraform::encode_tfvars({ a = 1 })
          lifecycle {
            precondition {
              condition     = length(each.key) > 0 && !contains([], each.key) || true ? true : false
              error_message = "no"
            }
          }
        }
        removed {
          from = terraform_data.old
          lifecycle { destroy = false }
        }
        import {
          to = terraform_data.x["a"]
          id = "1"
        }
        moved {
          from = terraform_data.y
          to   = terraform_data.x
        }
        check "c" {
          assert {
            condition     = terraform_data.x["a"].output != null
            error_message = "%{ if true }a%{ else }b%{ endif }"
          }
        }
        output "o" {
          value     = { for k, v in terraform_data.x : k => v.output... if k != "b" }
          ephemeral = false
        }
        # comment
        // comment
        /* comment */
        output "splat" { value = values(terraform_data.x)[*].output }
        output "legacy" { value = terraform_data.x.*.output }
        output "neg" { value = -(1 + 2) % 3 }
    "#;
    let bom = "\u{feff}output \"bom\" {\n  value = 1\n}";
    let dir = folder(&[
        ("a/bom.tf", bom),
        ("a/no-end.tf", "# only a comment"),
        ("a/odd.tf", odd.replace("k => v...", "k").as_str()),
        ("a/modern.tf", modern),
    ]);
    let stack = configuration::read_stack(dir.path());
    assert!(stack.is_ok(), "{}", crate::describe_problems(&stack.expect_err("problems")));
}

#[test]
fn code_that_is_nested_or_chained_without_end_is_read_or_refused_and_never_crashes() {
    let many = 50_000;
    let inputs = [
        ("parentheses", format!("a = {}1{}", "(".repeat(many), ")".repeat(many))),
        ("lists", format!("a = {}", "[".repeat(many))),
        ("objects", format!("a = {}", "{a=".repeat(many))),
        ("blocks", "a {\n".repeat(many)),
        ("not", format!("a = {}true", "!".repeat(many))),
        ("minus", format!("a = {}1", "-".repeat(many))),
        ("sum", format!("a = 1{}", " + 1".repeat(many))),
        ("condition", format!("a = {}1", "true ? 1 : ".repeat(many))),
        ("condition inside", format!("a = {}1{}", "true ? ".repeat(many), " : 1".repeat(many))),
        ("template", format!("a = {}", "\"${".repeat(many))),
        ("directive", format!("a = \"{}\"", "%{ if true }".repeat(many))),
        ("calls", format!("a = {}", "f(".repeat(many))),
        ("for", format!("a = {}", "[for a in ".repeat(many))),
        ("index", format!("a = b{}", "[b".repeat(many))),
        ("attributes", format!("a = b{}", ".b".repeat(many))),
        ("indexes", format!("a = b{}", "[0]".repeat(many))),
        ("splats", format!("a = b{}", "[*]".repeat(many))),
        ("references", (0..many).map(|n| format!("a{n} = local.a{}\n", n + 1)).collect()),
    ];
    for (name, input) in inputs {
        let code = format!("locals {{\n{input}\n}}\ndata \"tfe_outputs\" \"x\" {{\n  workspace = local.a\n}}\n");
        let dir = folder(&[("root/main.tf", &code)]);
        if let Err(problems) = configuration::read_stack(dir.path()) {
            assert_eq!(problems[0].code, "configuration/syntax", "{name}");
        }
    }
    let json = format!("{{\"locals\": {}", "[".repeat(many));
    assert!(configuration::read_stack(folder(&[("root/main.tf.json", &json)]).path()).is_err());
}
