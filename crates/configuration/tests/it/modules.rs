//! References in modules that a root calls, in override files and in JSON.

use expect_test::{Expect, expect};

use crate::describe;

fn check(files: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&describe(files));
}

const READS_NETWORK: &str = r#"
data "terraform_remote_state" "network" {
  backend = "local"
  config = {
    path = "../network/terraform.tfstate"
  }
}
"#;

#[test]
fn a_module_reads_relative_to_the_root_that_calls_it() {
    check(
        &[
            ("stack/network/main.tf", ""),
            ("stack/live/dns/main.tf", r#"module "upstream" { source = "../../modules/upstream" }"#),
            ("stack/modules/upstream/main.tf", r#"module "inner" { source = "./inner" }"#),
            (
                "stack/modules/upstream/inner/main.tf",
                r#"data "terraform_remote_state" "net" {
                     backend = "local"
                     config  = { path = "../../network/terraform.tfstate" }
                   }"#,
            ),
        ],
        expect![[r#"
            live-dns in live/dns (held, calls modules/upstream modules/upstream/inner)
            network in network (held)
            network -> live-dns
              modules/upstream/inner/main.tf:1:1: data.terraform_remote_state.net (backend "local", path "../../network/terraform.tfstate")
            reader: live-dns reads network by net in "modules/upstream/inner"
        "#]],
    );
}

#[test]
fn modules_outside_the_folder_move_the_top_of_the_packed_stack() {
    check(
        &[
            ("stack/network/main.tf", ""),
            ("stack/dns/main.tf", r#"module "upstream" { source = "../../shared/upstream" }"#),
            ("shared/upstream/main.tf", READS_NETWORK),
        ],
        expect![[r#"
            dns in dns (held, calls shared/upstream)
            network in network (held)
            network -> dns
              ../shared/upstream/main.tf:2:1: data.terraform_remote_state.network (backend "local", path "../network/terraform.tfstate")
            reader: dns reads network by network in "shared/upstream"
        "#]],
    );
}

#[test]
fn arguments_of_module_calls_are_known_inside() {
    let module = r#"
        variable "upstream" {}
        variable "organization" { default = "acme" }
        locals { config = { organization = var.organization, workspaces = { name = "net-${var.upstream}" } } }
        data "terraform_remote_state" "it" {
          backend = "remote"
          config  = local.config
        }
    "#;
    check(
        &[
            (
                "stack/a/main.tf",
                r#"terraform {
  cloud {
    workspaces { name = "net-a" }
  }
}"#,
            ),
            (
                "stack/b/main.tf",
                r#"terraform {
  cloud {
    workspaces { name = "net-b" }
  }
}"#,
            ),
            (
                "stack/c/main.tf",
                r#"locals { which = "a" }
                   module "x" {
                     source   = "../modules/read"
                     upstream = local.which
                   }
                   module "y" {
                     source   = "../modules/read"
                     upstream = "b"
                   }
                   module "z" {
                     source   = "../modules/read"
                     upstream = terraform_data.z.output
                   }"#,
            ),
            ("stack/modules/read/main.tf", module),
        ],
        expect![[r#"
            net-a in a (held)
            net-b in b (held)
            c in c (held, calls modules/read)
            net-a -> c
              modules/read/main.tf:5:9: data.terraform_remote_state.it (backend "remote", workspace "net-a")
            net-b -> c
              modules/read/main.tf:5:9: data.terraform_remote_state.it (backend "remote", workspace "net-b")
            reader: c reads net-a by it in "modules/read"
            reader: c reads net-b by it in "modules/read"
            Unresolved (c): modules/read/main.tf:5:9: data.terraform_remote_state.it: which workspace it reads is not known from the code: var.upstream is given a value that is known only when Terraform runs.
            Ambiguous (c): modules/read/main.tf:5:9: data.terraform_remote_state.it reads net-a or net-b depending on who calls its module, and can be answered with one of them only.
        "#]],
    );
}

#[test]
fn json_syntax_is_read_as_well() {
    check(
        &[
            ("stack/network/main.tf.json", r#"{"terraform": {"backend": {"local": {"path": "net.tfstate"}}}}"#),
            (
                "stack/dns/main.tf.json",
                r#"{
                  "//": "a comment",
                  "variable": {"dir": {"default": "network"}},
                  "data": [{"terraform_remote_state": {"net": {
                    "backend": "local",
                    "config": {"path": "../${var.dir}/net.tfstate"}
                  }}}]
                }"#,
            ),
        ],
        expect![[r#"
            dns in dns (held)
            network in network (own local)
            network -> dns
              dns/main.tf.json:1:1: data.terraform_remote_state.net (backend "local", path "../network/net.tfstate")
            reader: dns reads network by net in "dns"
        "#]],
    );
}

#[test]
fn override_files_have_the_last_word() {
    check(
        &[
            (
                "stack/a/main.tf",
                r#"terraform {
  backend "s3" {}
}"#,
            ),
            (
                "stack/a/override.tf",
                r#"terraform {
  backend "local" {}
}"#,
            ),
            (
                "stack/b/main.tf",
                r#"data "terraform_remote_state" "a" {
                     backend = "s3"
                     config  = { key = "x" }
                   }"#,
            ),
            (
                "stack/b/main_override.tf",
                r#"data "terraform_remote_state" "a" {
                     backend = "local"
                     config  = { path = "../a/terraform.tfstate" }
                   }"#,
            ),
        ],
        expect![[r#"
            a in a (held)
            b in b (held)
            a -> b
              b/main.tf:1:1: data.terraform_remote_state.a (backend "local", path "../a/terraform.tfstate")
            reader: b reads a by a in "b"
        "#]],
    );
}

#[test]
fn a_block_that_reads_different_workspaces_by_caller_is_pointed_out() {
    let module = r#"
        variable "dir" {}
        data "terraform_remote_state" "it" {
          backend = "local"
          config  = { path = "../${var.dir}/terraform.tfstate" }
        }
    "#;
    check(
        &[
            ("stack/a/main.tf", ""),
            ("stack/b/main.tf", ""),
            (
                "stack/c/main.tf",
                "module \"a\" {\n  source = \"./read\"\n  dir = \"a\"\n}\nmodule \"b\" {\n  source = \"./read\"\n  dir = \"b\"\n}",
            ),
            ("stack/c/read/main.tf", module),
        ],
        expect![[r#"
            a in a (held)
            b in b (held)
            c in c (held, calls c/read)
            a -> c
              c/read/main.tf:3:9: data.terraform_remote_state.it (backend "local", path "../a/terraform.tfstate")
            b -> c
              c/read/main.tf:3:9: data.terraform_remote_state.it (backend "local", path "../b/terraform.tfstate")
            reader: c reads a by it in "c/read"
            reader: c reads b by it in "c/read"
            Ambiguous (c): c/read/main.tf:3:9: data.terraform_remote_state.it reads a or b depending on who calls its module, and can be answered with one of them only.
        "#]],
    );
}

#[test]
fn a_module_that_is_called_twice_reads_once() {
    check(
        &[
            ("stack/network/main.tf", ""),
            (
                "stack/dns/main.tf",
                "module \"a\" {\n  source = \"./read\"\n  x = 1\n}\nmodule \"b\" {\n  source = \"./read\"\n  x = 2\n}",
            ),
            ("stack/dns/read/main.tf", READS_NETWORK),
        ],
        expect![[r#"
            dns in dns (held, calls dns/read)
            network in network (held)
            network -> dns
              dns/read/main.tf:2:1: data.terraform_remote_state.network (backend "local", path "../network/terraform.tfstate")
            reader: dns reads network by network in "dns/read"
        "#]],
    );
}
