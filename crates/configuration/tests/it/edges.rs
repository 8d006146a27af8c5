//! Which references make edges.

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
fn a_local_state_file_is_that_of_the_root_in_its_folder() {
    check(
        &[("stack/network/main.tf", "output \"id\" { value = 1 }"), ("stack/dns/main.tf", READS_NETWORK)],
        expect![[r#"
            dns in dns (held)
            network in network (held)
            network -> dns
              dns/main.tf:2:1: data.terraform_remote_state.network (backend "local", path "../network/terraform.tfstate")
            reader: dns reads network by network in "dns"
        "#]],
    );
}

#[test]
fn a_local_backend_with_a_path_of_its_own_is_found_by_that_path() {
    check(
        &[
            (
                "stack/network/main.tf",
                r#"terraform {
  backend "local" { path = "state/net.tfstate" }
}"#,
            ),
            (
                "stack/dns/main.tf",
                r#"data "terraform_remote_state" "a" {
                     backend = "local"
                     config  = { path = "${path.module}/../network/state/net.tfstate" }
                   }
                   data "terraform_remote_state" "b" {
                     backend = "local"
                     config  = { path = "../network/terraform.tfstate" }
                   }"#,
            ),
        ],
        expect![[r#"
            dns in dns (held)
            network in network (own local)
            network -> dns
              dns/main.tf:1:1: data.terraform_remote_state.a (backend "local", path "./../network/state/net.tfstate")
            reader: dns reads network by a in "dns"
            Outside (dns): dns/main.tf:5:20: data.terraform_remote_state.b reads a state that is no workspace's of this stack (backend "local", path "../network/terraform.tfstate").
        "#]],
    );
}

#[test]
fn a_local_backend_without_settings_is_held() {
    check(
        &[
            (
                "stack/network/main.tf",
                r#"terraform {
  backend "local" {}
}"#,
            ),
            ("stack/dns/main.tf", READS_NETWORK),
        ],
        expect![[r#"
            dns in dns (held)
            network in network (held)
            network -> dns
              dns/main.tf:2:1: data.terraform_remote_state.network (backend "local", path "../network/terraform.tfstate")
            reader: dns reads network by network in "dns"
        "#]],
    );
}

#[test]
fn remote_and_cloud_names_and_organizations_are_matched() {
    check(
        &[
            (
                "stack/network/main.tf",
                r#"terraform {
                     cloud {
                       organization = "acme"
                       workspaces { name = "prod-network" }
                     }
                   }"#,
            ),
            (
                "stack/dns/main.tf",
                r#"terraform {
                     backend "remote" {
                       organization = "acme"
                       workspaces { name = "prod-dns" }
                     }
                   }
                   data "terraform_remote_state" "network" {
                     backend = "remote"
                     config = {
                       organization = "acme"
                       workspaces   = { name = "prod-network" }
                     }
                   }
                   data "terraform_remote_state" "foreign" {
                     backend = "remote"
                     config = {
                       organization = "other"
                       workspaces   = { name = "prod-network" }
                     }
                   }
                   data "terraform_remote_state" "prefixed" {
                     backend   = "remote"
                     workspace = "network"
                     config    = { organization = "acme", workspaces = { prefix = "prod-" } }
                   }"#,
            ),
        ],
        expect![[r#"
            prod-dns in dns (held)
            prod-network in network (held)
            prod-network -> prod-dns
              dns/main.tf:7:20: data.terraform_remote_state.network (backend "remote", workspace "prod-network")
              dns/main.tf:21:20: data.terraform_remote_state.prefixed (backend "remote", workspace "prod-network")
            reader: prod-dns reads prod-network by network in "dns"
            reader: prod-dns reads prod-network by prefixed in "dns"
            Outside (prod-dns): dns/main.tf:14:20: data.terraform_remote_state.foreign reads workspace "prod-network", which is not in this stack.
        "#]],
    );
}

#[test]
fn tfe_outputs_name_a_workspace() {
    check(
        &[
            ("stack/network/main.tf", ""),
            (
                "stack/dns/main.tf",
                r#"variable "env" { default = "net" }
                   data "tfe_outputs" "network" { workspace = "${var.env}work" }
                   ephemeral "tfe_outputs" "again" {
                     organization = var.nobody_knows
                     workspace    = "network"
                   }
                   data "tfe_outputs" "elsewhere" { workspace = "billing" }
                   data "tfe_outputs" "unknown" { workspace = var.which }
                   variable "which" {}
                   data "tfe_outputs" "me" { workspace = terraform.workspace }"#,
            ),
        ],
        expect![[r#"
            dns in dns (held)
            network in network (held)
            network -> dns
              dns/main.tf:2:20: data.tfe_outputs.network (workspace "network")
              dns/main.tf:3:20: ephemeral.tfe_outputs.again (workspace "network")
            reader: dns reads network by tfe_outputs network in "dns"
            Outside (dns): dns/main.tf:7:20: data.tfe_outputs.elsewhere reads workspace "billing", which is not in this stack.
            SelfRead (dns): dns/main.tf:10:20: data.tfe_outputs.me reads the outputs of its own workspace.
            Unresolved (dns): dns/main.tf:8:20: data.tfe_outputs.unknown: which workspace it reads is not known from the code: var.which has no value in the code.
        "#]],
    );
}

#[test]
fn object_stores_are_compared_by_what_identifies_a_state() {
    check(
        &[
            (
                "stack/s3/main.tf",
                r#"terraform {
                     backend "s3" {
                       bucket = "states"
                       key    = "net"
                       region = "eu-west-1"
                     }
                   }"#,
            ),
            (
                "stack/gcs/main.tf",
                r#"terraform {
  backend "gcs" { bucket = "states" }
}"#,
            ),
            (
                "stack/azure/main.tf",
                r#"terraform {
                     backend "azurerm" {
                       storage_account_name = "acct"
                       container_name       = "tf"
                       key                  = "a"
                     }
                   }"#,
            ),
            (
                "stack/http/main.tf",
                r#"terraform {
  backend "http" { address = "https://x/a" }
}"#,
            ),
            (
                "stack/pg/main.tf",
                r#"terraform {
  backend "pg" { conn_str = "postgres://x" }
}"#,
            ),
            (
                "stack/reader/main.tf",
                r#"data "terraform_remote_state" "s3" {
                     backend = "s3"
                     config  = { bucket = "states", key = "net", region = var.region }
                   }
                   data "terraform_remote_state" "gcs" {
                     backend = "gcs"
                     config  = { bucket = "states", prefix = "" }
                   }
                   data "terraform_remote_state" "azurerm" {
                     backend = "azurerm"
                     config  = { storage_account_name = "acct", container_name = "tf", key = "a", resource_group_name = "g" }
                   }
                   data "terraform_remote_state" "http" {
                     backend = "http"
                     config  = { address = "https://x/a" }
                   }
                   data "terraform_remote_state" "pg" {
                     backend = "pg"
                     config  = { conn_str = "postgres://x", schema_name = "terraform_remote_state" }
                   }
                   data "terraform_remote_state" "other_key" {
                     backend = "s3"
                     config  = { bucket = "states", key = "other" }
                   }"#,
            ),
        ],
        expect![[r#"
            azure in azure (own azurerm)
            gcs in gcs (own gcs)
            http in http (own http)
            pg in pg (own pg)
            reader in reader (held)
            s3 in s3 (own s3)
            azure -> reader
              reader/main.tf:9:20: data.terraform_remote_state.azurerm (backend "azurerm", storage_account_name "acct", container_name "tf", key "a")
            gcs -> reader
              reader/main.tf:5:20: data.terraform_remote_state.gcs (backend "gcs", bucket "states", prefix "")
            http -> reader
              reader/main.tf:13:20: data.terraform_remote_state.http (backend "http", address "https://x/a")
            pg -> reader
              reader/main.tf:17:20: data.terraform_remote_state.pg (backend "pg", schema_name "terraform_remote_state")
            s3 -> reader
              reader/main.tf:1:1: data.terraform_remote_state.s3 (backend "s3", bucket "states", key "net")
            reader: reader reads azure by azurerm in "reader"
            reader: reader reads gcs by gcs in "reader"
            reader: reader reads http by http in "reader"
            reader: reader reads pg by pg in "reader"
            reader: reader reads s3 by s3 in "reader"
            Outside (reader): reader/main.tf:21:20: data.terraform_remote_state.other_key reads a state that is no workspace's of this stack (backend "s3", bucket "states", key "other").
        "#]],
    );
}

#[test]
fn a_for_each_of_literals_makes_an_edge_for_each() {
    check(
        &[
            ("stack/u1/main.tf", ""),
            ("stack/u2/main.tf", ""),
            (
                "stack/d/main.tf",
                r#"data "terraform_remote_state" "up" {
                     for_each = toset(["u1", "u2"])
                     backend  = "local"
                     config   = { path = "../${each.key}/terraform.tfstate" }
                   }"#,
            ),
        ],
        expect![[r#"
            d in d (held)
            u1 in u1 (held)
            u2 in u2 (held)
            u1 -> d
              d/main.tf:1:1: data.terraform_remote_state.up (backend "local", path "../u1/terraform.tfstate")
            u2 -> d
              d/main.tf:1:1: data.terraform_remote_state.up (backend "local", path "../u2/terraform.tfstate")
            reader: d reads u1 by up["u1"] in "d" repeated
            reader: d reads u2 by up["u2"] in "d" repeated
        "#]],
    );
}

#[test]
fn what_only_terraform_can_know_is_a_notice_and_no_edge() {
    check(
        &[
            ("stack/network/main.tf", ""),
            (
                "stack/dns/main.tf",
                r#"variable "path" {}
                   data "terraform_remote_state" "a" {
                     backend = "local"
                     config  = { path = var.path }
                   }
                   data "terraform_remote_state" "b" {
                     backend = "local"
                     config  = merge({}, { path = "x" })
                   }
                   data "terraform_remote_state" "c" {
                     backend   = "local"
                     workspace = "staging"
                     config    = { path = "../network/terraform.tfstate" }
                   }
                   locals {
                     x = local.y
                     y = local.x
                   }
                   data "tfe_outputs" "circle" { workspace = local.x }"#,
            ),
        ],
        expect![[r#"
            dns in dns (held)
            network in network (held)
            Unresolved (dns): dns/main.tf:2:20: data.terraform_remote_state.a: which workspace it reads is not known from the code: var.path has no value in the code.
            Unresolved (dns): dns/main.tf:6:20: data.terraform_remote_state.b: which workspace it reads is not known from the code: it calls merge().
            Unresolved (dns): dns/main.tf:10:20: data.terraform_remote_state.c: which workspace it reads is not known from the code: it reads the terraform workspace "staging" of a backend, and a stack has only the default ones.
            Unresolved (dns): dns/main.tf:19:20: data.tfe_outputs.circle: which workspace it reads is not known from the code: its names refer to one another too often.
        "#]],
    );
}

#[test]
fn values_come_from_tfvars_and_from_the_settings_over_them() {
    let reads = r#"
        variable "one" { default = "nobody" }
        variable "two" { default = "nobody" }
        data "tfe_outputs" "one" { workspace = var.one }
        data "tfe_outputs" "two" { workspace = var.two }
    "#;
    check(
        &[
            ("stack/a/main.tf", ""),
            ("stack/b/main.tf", ""),
            ("stack/c/main.tf", reads),
            ("stack/c/terraform.tfvars", "one = \"a\"\ntwo = \"a\""),
            ("stack/multispace.hcl", "workspace \"c\" {\n  variables = { two = \"b\" }\n}"),
        ],
        expect![[r#"
            a in a (held)
            b in b (held)
            c in c (held)
            a -> c
              c/main.tf:4:9: data.tfe_outputs.one (workspace "a")
            b -> c
              c/main.tf:5:9: data.tfe_outputs.two (workspace "b")
            reader: c reads a by tfe_outputs one in "c"
            reader: c reads b by tfe_outputs two in "c"
        "#]],
    );
}

#[test]
fn depends_on_in_the_settings_is_an_edge_with_its_place() {
    check(
        &[
            ("stack/a/main.tf", ""),
            ("stack/b/main.tf", ""),
            ("stack/multispace.hcl", "workspace \"b\" {\n  depends_on = [\"a\"]\n}\n"),
        ],
        expect![[r#"
            a in a (held)
            b in b (held)
            a -> b
              multispace.hcl:2:17: depends_on of workspace "b" in multispace.hcl
        "#]],
    );
}

#[test]
fn a_check_block_reads_too_but_cannot_be_answered() {
    check(
        &[
            ("stack/network/main.tf", ""),
            (
                "stack/dns/main.tf",
                "check \"up\" {\n  data \"tfe_outputs\" \"n\" {\n    workspace = \"network\"\n  }\n}\ncheck \"up2\" {\n  data \"terraform_remote_state\" \"n\" {\n    backend = \"local\"\n    config = { path = \"../network/terraform.tfstate\" }\n  }\n}",
            ),
        ],
        expect![[r#"
            dns in dns (held)
            network in network (held)
            network -> dns
              dns/main.tf:7:3: data.terraform_remote_state.n (backend "local", path "../network/terraform.tfstate")
              dns/main.tf:2:3: data.tfe_outputs.n (workspace "network")
        "#]],
    );
}

#[test]
fn what_may_hold_a_password_is_not_shown() {
    check(
        &[
            ("stack/a/main.tf", "terraform {\n  backend \"pg\" {\n    conn_str = \"postgres://u:secret@db/x\"\n  }\n}"),
            ("stack/b/main.tf", "terraform {\n  backend \"http\" {\n    address = \"https://u:secret@host/x\"\n  }\n}"),
            (
                "stack/c/main.tf",
                r#"data "terraform_remote_state" "a" {
                     backend = "pg"
                     config  = { conn_str = "postgres://u:secret@db/x" }
                   }
                   data "terraform_remote_state" "b" {
                     backend = "http"
                     config  = { address = "https://u:secret@host/x", password = "secret" }
                   }
                   data "terraform_remote_state" "other" {
                     backend = "artifactory"
                     config  = { password = "secret" }
                   }"#,
            ),
        ],
        expect![[r#"
            a in a (own pg)
            b in b (own http)
            c in c (held)
            a -> c
              c/main.tf:1:1: data.terraform_remote_state.a (backend "pg", schema_name "terraform_remote_state")
            b -> c
              c/main.tf:5:20: data.terraform_remote_state.b (backend "http", address "https://host/x")
            reader: c reads a by a in "c"
            reader: c reads b by b in "c"
            Outside (c): c/main.tf:9:20: data.terraform_remote_state.other reads a state that is no workspace's of this stack (backend "artifactory").
        "#]],
    );
}
