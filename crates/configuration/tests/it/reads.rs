//! Which outputs of which workspaces a root reads.

use std::collections::BTreeMap;
use std::fmt::Write;

use configuration::{Value, read_outputs};
use expect_test::{Expect, expect};

use crate::folder;

fn check(files: &[(&str, &str)], given: &[(&str, Option<&str>)], expected: Expect) {
    let dir = folder(files);
    let value = |text: &str| Value::String(text.to_owned());
    let given: BTreeMap<_, _> = given.iter().map(|(name, text)| ((*name).to_owned(), text.map(value))).collect();
    let reading = read_outputs(dir.path(), "", "own", &given);
    let mut text = String::new();
    for read in &reading.reads {
        let outputs = match &read.outputs {
            Some(names) => names.iter().cloned().collect::<Vec<_>>().join(" "),
            None => "all".to_owned(),
        };
        writeln!(text, "{}: [{outputs}] by {} at {}", read.workspace, read.what, read.place).expect("a line");
    }
    writeln!(text, "{}", if reading.is_complete { "complete" } else { "not complete" }).expect("a line");
    expected.assert_eq(&text);
}

const A: &str = "data \"tfe_outputs\" \"a\" {\n  organization = \"acme\"\n  workspace = \"net\"\n}\n";

fn with(rest: &str) -> String {
    format!("{A}{rest}")
}

#[test]
fn outputs_are_told_by_where_their_values_are_used() {
    let code = with(
        r#"
locals { ip = data.tfe_outputs.a.values.ip }
resource "x" "y" {
  zone = "z-${data.tfe_outputs.a.nonsensitive_values.zone.name}"
  nested { key = [for k in [1] : data.tfe_outputs.a.values["key"]] }
  all = "%{for x in data.tfe_outputs.a.values.list}${x}%{endfor}"
}
"#,
    );
    check(
        &[("main.tf", &code)],
        &[],
        expect!["net: [ip key list zone] by data.tfe_outputs.a at main.tf:1:1\ncomplete\n"],
    );
}

#[test]
fn the_whole_object_is_all_outputs() {
    for used in [
        "data.tfe_outputs.a.values",
        "data.tfe_outputs.a",
        "data.tfe_outputs.a.values[var.name]",
        "one(data.tfe_outputs.a[*].values)",
        "keys(data.tfe_outputs.a.values)",
    ] {
        let code = with(&format!("output \"o\" {{ value = {used} }}\n"));
        check(&[("main.tf", &code)], &[], expect!["net: [all] by data.tfe_outputs.a at main.tf:1:1\ncomplete\n"]);
    }
}

#[test]
fn a_condition_of_the_block_itself_may_read_all_outputs() {
    let code =
        A.replace("}\n", "  lifecycle {\n    postcondition {\n      condition = self.values.ok\n    }\n  }\n}\n");
    check(&[("main.tf", &code)], &[], expect!["net: [all] by data.tfe_outputs.a at main.tf:1:1\ncomplete\n"]);
}

#[test]
fn an_order_is_no_use() {
    let code = with("resource \"x\" \"y\" {\n  depends_on = [data.tfe_outputs.a]\n}\n");
    check(&[("main.tf", &code)], &[], expect!["net: [] by data.tfe_outputs.a at main.tf:1:1\ncomplete\n"]);
}

#[test]
fn remote_states_of_a_server_count_and_others_do_not() {
    let code = r#"
data "terraform_remote_state" "r" {
  backend = "remote"
  config = { organization = "acme", workspaces = { name = "net" } }
}
data "terraform_remote_state" "s" {
  backend = "s3"
  config = { bucket = var.unknown, key = "k" }
}
output "o" { value = data.terraform_remote_state.r.outputs.ip + data.terraform_remote_state.s.outputs.x }
"#;
    let expected = expect!["net: [ip] by data.terraform_remote_state.r at main.tf:2:1\ncomplete\n"];
    check(&[("main.tf", code)], &[], expected);
}

#[test]
fn each_instance_reads_its_own_workspace() {
    let code = r#"
data "tfe_outputs" "e" {
  for_each  = toset(["a", "b"])
  workspace = "net-${each.key}"
}
output "o" { value = data.tfe_outputs.e["a"].values.ip }
output "p" { value = data.tfe_outputs.e[*].values.id }
"#;
    check(
        &[("main.tf", code)],
        &[],
        expect![[r#"
            net-a: [id ip] by data.tfe_outputs.e at main.tf:2:1
            net-b: [id ip] by data.tfe_outputs.e at main.tf:2:1
            complete
        "#]],
    );
}

#[test]
fn a_local_module_reads_what_its_caller_names() {
    let module = "variable \"from\" {}\ndata \"tfe_outputs\" \"a\" {\n  workspace = var.from\n}\noutput \"o\" { value = data.tfe_outputs.a.values.ip }\n";
    let root = "module \"m\" {\n  source = \"./m\"\n  from = \"net\"\n}\n";
    check(
        &[("main.tf", root), ("m/main.tf", module)],
        &[],
        expect!["net: [ip] by data.tfe_outputs.a at m/main.tf:2:1\ncomplete\n"],
    );
}

#[test]
fn a_given_variable_wins_over_its_default() {
    let code = "variable \"from\" { default = \"net\" }\ndata \"tfe_outputs\" \"a\" {\n  workspace = var.from\n}\n";
    check(&[("main.tf", code)], &[], expect!["net: [] by data.tfe_outputs.a at main.tf:2:1\ncomplete\n"]);
    check(
        &[("main.tf", code)],
        &[("from", Some("dns"))],
        expect!["dns: [] by data.tfe_outputs.a at main.tf:2:1\ncomplete\n"],
    );
    check(&[("main.tf", code)], &[("from", None)], expect!["not complete\n"]);
}

#[test]
fn what_cannot_be_read_is_not_complete() {
    check(&[("main.tf", "module \"m\" { source = \"acme/net/aws\" }\n")], &[], expect!["not complete\n"]);
    check(&[("main.tf", "module \"m\" { source = \"./gone\" }\n")], &[], expect!["not complete\n"]);
    check(&[("main.tf", "this is not {\n")], &[], expect!["not complete\n"]);
    check(&[], &[], expect!["not complete\n"]);
    check(&[("main.tf", "")], &[], expect!["complete\n"]);
}

#[test]
fn json_syntax_is_read_as_well() {
    let code = r#"{
      "data": { "tfe_outputs": { "a": { "workspace": "net" } } },
      "resource": { "x": { "y": { "ip": "${data.tfe_outputs.a.values.ip}", "nested": [{ "z": "${data.tfe_outputs.a.values.z}" }] } } }
    }"#;
    let expected = expect!["net: [ip z] by data.tfe_outputs.a at main.tf.json:1:1\ncomplete\n"];
    check(&[("main.tf.json", code)], &[], expected);
}
