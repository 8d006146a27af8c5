//! Text in, text out.

use domain::planned::{PlannedValue, Type, Unknown};
use expect_test::{Expect, expect};

use super::*;
use PlannedValue as V;

fn output(value: V) -> PlannedOutput {
    PlannedOutput { value, sensitive: false, ty: None }
}

fn text(text: &str) -> V {
    V::Text(text.to_owned())
}

/// `id` is not known, `region` is, `secret` is known and sensitive.
fn outputs() -> PlannedOutputs {
    PlannedOutputs::from([
        ("id".to_owned(), output(V::Unknown(Unknown { ty: Type::String, not_null: true, prefix: String::new() }))),
        ("region".to_owned(), output(text("eu"))),
        ("secret".to_owned(), PlannedOutput { sensitive: true, ..output(text("s")) }),
    ])
}

struct Case {
    folder: tempfile::TempDir,
    blocks: Vec<(&'static str, ReadBlock, &'static str, Option<&'static str>)>,
    variables: BTreeMap<String, PlannedOutput>,
}

fn case(files: &[(&str, &str)]) -> Case {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Case { folder, blocks: vec![("", ReadBlock::RemoteState, "up", None)], variables: BTreeMap::new() }
}

impl Case {
    fn rewrite(&self) -> Rewritten {
        let outputs = outputs();
        let dir = self.folder.path().canonicalize().unwrap();
        let answers = self.blocks.iter().map(|(folder, block, name, instance)| PlannedAnswer {
            folder: dir.join(folder),
            block: *block,
            name,
            instance: *instance,
            outputs: &outputs,
        });
        let answers = answers.collect();
        let preview = Preview { dir: &dir, root: &dir, answers, variables: &self.variables, may_drop_tfe: true };
        rewrite(&preview).unwrap()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

/// What becomes of one file of a module that reads `up`, and the locals.
fn check(text: &str, expected: &Expect) {
    let case = case(&[("main.tf", text)]);
    case.rewrite();
    expected.assert_eq(&format!("{}---\n{}", case.file("main.tf"), case.file(FILE)));
}

#[test]
fn a_block_goes_and_its_references_name_an_object() {
    check(
        r#"# before
data "terraform_remote_state" "up" {
  backend = "local" # how
  config = {
    path = "../up"
  }
} # after

resource "terraform_data" "a" {
  input   =   data.terraform_remote_state.up.outputs.id   # kept
  depends_on = [data.terraform_remote_state.up, terraform_data.b]
}
"#,
        &expect![[r##"
            # before





             # after

            resource "terraform_data" "a" {
              input   =   local.multispace_remote_state_up.outputs.id   # kept
              depends_on = [local.multispace_remote_state_up, terraform_data.b]
            }
            ---
            # What upstreams are planned to give.
            locals {
              multispace_remote_state_up = { outputs = { "id" = timestamp(), "region" = "eu", "secret" = "s" } }
            }
        "##]],
    );
}

#[test]
fn references_are_found_wherever_an_expression_may_be() {
    check(
        r#"
locals {
  a = "x-${data.terraform_remote_state.up.outputs.region}-${"${data.terraform_remote_state.up.outputs["id"]}"}"
  b = <<-EOT
    %{for x in data.terraform_remote_state.up.outputs.l~}
    ${x} ${ data.terraform_remote_state.up.outputs.id }
    %{endfor~}
    %{if data.terraform_remote_state.up.outputs.id == ""}ü${data.terraform_remote_state.up.outputs.id}%{endif}
  EOT
  c = [for k, v in data.terraform_remote_state.up.outputs : k if try(data.terraform_remote_state.up.outputs.x, null) == null]
  d = { (data.terraform_remote_state.up.outputs.id) = -(data.terraform_remote_state.up.outputs.n) }
  e = values(data.terraform_remote_state.up.outputs.m)[*].id
  f = local.l[data.terraform_remote_state.up.outputs.n].x
  g = (true ? data.terraform_remote_state.up : null).outputs[local.k]
}
module "m" {
  up = data.terraform_remote_state.up
}
resource "x" "y" {
  dynamic "z" {
    for_each = data . terraform_remote_state . up . outputs.l
    content { v = data.terraform_remote_state.up.outputs.id }
  }
}
"#,
        &expect![[r#"

            locals {
              a = "x-${local.multispace_remote_state_up.outputs.region}-${"${local.multispace_remote_state_up.outputs["id"]}"}"
              b = <<-EOT
                %{for x in local.multispace_remote_state_up.outputs.l~}
                ${x} ${ local.multispace_remote_state_up.outputs.id }
                %{endfor~}
                %{if local.multispace_remote_state_up.outputs.id == ""}ü${local.multispace_remote_state_up.outputs.id}%{endif}
              EOT
              c = [for k, v in local.multispace_remote_state_up.outputs : k if try(local.multispace_remote_state_up.outputs.x, null) == null]
              d = { (local.multispace_remote_state_up.outputs.id) = -(local.multispace_remote_state_up.outputs.n) }
              e = values(local.multispace_remote_state_up.outputs.m)[*].id
              f = local.l[local.multispace_remote_state_up.outputs.n].x
              g = (true ? local.multispace_remote_state_up : null).outputs[local.k]
            }
            module "m" {
              up = local.multispace_remote_state_up
            }
            resource "x" "y" {
              dynamic "z" {
                for_each = local.multispace_remote_state_up . outputs.l
                content { v = local.multispace_remote_state_up.outputs.id }
              }
            }
            ---
            # What upstreams are planned to give.
            locals {
              multispace_remote_state_up = { outputs = { "id" = timestamp(), "region" = "eu", "secret" = "s" } }
            }
        "#]],
    );
}

#[test]
fn what_only_looks_like_a_reference_stays() {
    check(
        r#"
# data.terraform_remote_state.up.outputs.id
locals {
  a = "data.terraform_remote_state.up.outputs.id"
  b = "$${data.terraform_remote_state.up.outputs.id}"
  c = data.terraform_remote_state.upper.outputs.id
  d = module.data.terraform_remote_state.up
  e = var.up
}
data "terraform_remote_state" "upper" {
  backend = "local"
}
"#,
        &expect![[r#"

            # data.terraform_remote_state.up.outputs.id
            locals {
              a = "data.terraform_remote_state.up.outputs.id"
              b = "$${data.terraform_remote_state.up.outputs.id}"
              c = data.terraform_remote_state.upper.outputs.id
              d = module.data.terraform_remote_state.up
              e = var.up
            }
            data "terraform_remote_state" "upper" {
              backend = "local"
            }
            ---
            # What upstreams are planned to give.
            locals {
              multispace_remote_state_up = { outputs = { "id" = timestamp(), "region" = "eu", "secret" = "s" } }
            }
        "#]],
    );
}

#[test]
fn defaults_and_arguments_that_are_read_are_kept() {
    check(
        r#"
data "terraform_remote_state" "up" {
  backend  = "local"
  config   = { path = var.path }
  defaults = {
    region = "none"
    more   = data.terraform_remote_state.up2.outputs.x
  }
}
output "path" { value = data.terraform_remote_state.up.config.path }
"#,
        &expect![[r#"









            output "path" { value = local.multispace_remote_state_up.config.path }
            ---
            # What upstreams are planned to give.
            locals {
              multispace_remote_state_up = { config = ({ path = var.path }), outputs = merge(({
                region = "none"
                more   = data.terraform_remote_state.up2.outputs.x
              }), { "id" = timestamp(), "region" = "eu", "secret" = "s" }) }
            }
        "#]],
    );
}

#[test]
fn a_block_with_count_or_for_each_has_its_instances() {
    let mut case = case(&[(
        "main.tf",
        r#"
data "terraform_remote_state" "up" {
  for_each = toset(["a", "b"])
  backend  = "local"
}
data "terraform_remote_state" "some" {
  count   = data.terraform_remote_state.up["a"].outputs.region == "eu" ? 1 : 0
  backend = "local"
}
data "terraform_remote_state" "all" {
  for_each = local.all
  backend  = "local"
}
output "a" { value = [for up in data.terraform_remote_state.up : up.outputs.id] }
output "b" { value = data.terraform_remote_state.some[*].outputs.id }
output "c" { value = data.terraform_remote_state.all[each.key].outputs.id }
"#,
    )]);
    case.blocks = vec![
        ("", ReadBlock::RemoteState, "up", Some("a")),
        ("", ReadBlock::RemoteState, "up", Some("b")),
        ("", ReadBlock::RemoteState, "some", None),
        ("", ReadBlock::RemoteState, "all", None),
    ];
    case.rewrite();
    expect![[r#"













        output "a" { value = [for up in local.multispace_remote_state_up : up.outputs.id] }
        output "b" { value = local.multispace_remote_state_some[*].outputs.id }
        output "c" { value = local.multispace_remote_state_all[each.key].outputs.id }
        ---
        # What upstreams are planned to give.
        locals {
          multispace_remote_state_all = { for multispace_key, multispace_value in (local.all) : multispace_key => { outputs = { "id" = timestamp(), "region" = "eu", "secret" = "s" } } }
          multispace_remote_state_some = [for multispace_index in range((local.multispace_remote_state_up["a"].outputs.region == "eu" ? 1 : 0)) : { outputs = { "id" = timestamp(), "region" = "eu", "secret" = "s" } }]
          multispace_remote_state_up = { for multispace_key, multispace_value in (toset(["a", "b"])) : multispace_key => { "a" = { outputs = { "id" = timestamp(), "region" = "eu", "secret" = "s" } }, "b" = { outputs = { "id" = timestamp(), "region" = "eu", "secret" = "s" } } }[multispace_key] }
        }
    "#]].assert_eq(&format!("{}---\n{}", case.file("main.tf"), case.file(FILE)));
}

#[test]
fn each_module_has_its_own_locals() {
    let block = "data \"terraform_remote_state\" \"up\" {\n  backend = \"local\"\n}\noutput \"id\" { value = data.terraform_remote_state.up.outputs.id }\n";
    let mut case = case(&[("main.tf", "module \"m\" { source = \"./m\" }\n"), ("m/main.tf", block)]);
    case.blocks = vec![("m", ReadBlock::RemoteState, "up", None)];
    let rewritten = case.rewrite();
    assert_eq!((case.file("main.tf").as_str(), case.file(FILE).as_str()), ("module \"m\" { source = \"./m\" }\n", ""));
    expect![[r#"



        output "id" { value = local.multispace_remote_state_up.outputs.id }
        ---
        # What upstreams are planned to give.
        locals {
          multispace_remote_state_up = { outputs = { "id" = timestamp(), "region" = "eu", "secret" = "s" } }
        }
    "#]]
    .assert_eq(&format!("{}---\n{}", case.file("m/main.tf"), case.file(&format!("m/{FILE}"))));
    assert_eq!(
        rewritten.names,
        [("local.multispace_remote_state_up".to_owned(), "data.terraform_remote_state.up".to_owned())],
    );
}

const TFE_ROOT: &str = r#"
terraform {
  required_providers {
    tfe   = { source = "hashicorp/tfe" }
    other = { source = "acme/other" }
  }
}
provider "tfe" {
  token = var.token
}
module "m" {
  source    = "./m"
  providers = { other = other, tfe = tfe }
}
data "tfe_outputs" "net" {
  organization = "acme"
  workspace    = "net"
}
output "r" { value = data.tfe_outputs.net.nonsensitive_values.region }
output "i" { value = data.tfe_outputs.net.values["id"] }
output "o" { value = data.tfe_outputs.net.organization }
"#;

#[test]
fn tfe_outputs_are_answered_and_the_provider_goes() {
    let mut case = case(&[("main.tf", TFE_ROOT), ("m/main.tf", "terraform {\n  required_providers { tfe = {} }\n}\n")]);
    case.blocks = vec![("", ReadBlock::TfeOutputs, "net", None)];
    assert!(case.rewrite().dropped_tfe);
    expect![[r#"

        terraform {
          required_providers {
    
            other = { source = "acme/other" }
          }
        }



        module "m" {
          source    = "./m"
          providers = {other = other}
        }




        output "r" { value = local.multispace_outputs_net.nonsensitive_values.region }
        output "i" { value = local.multispace_outputs_net.values["id"] }
        output "o" { value = local.multispace_outputs_net.organization }
        ---
        terraform {
          required_providers {  }
        }
        ---
        # What upstreams are planned to give.
        locals {
          multispace_outputs_net = { organization = ("acme"), values = sensitive({ "id" = timestamp(), "region" = "eu", "secret" = "s" }), nonsensitive_values = { "id" = timestamp(), "region" = "eu" } }
        }
    "#]].assert_eq(&format!(
        "{}---\n{}---\n{}",
        case.file("main.tf").replace("    \n", "\n"),
        case.file("m/main.tf"),
        case.file(FILE)
    ));
}

#[test]
fn a_provider_that_something_else_needs_stays() {
    for more in
        ["resource \"tfe_team\" \"t\" {}", "data \"tfe_outputs\" \"other\" {}", "module \"r\" { source = \"a/b/c\" }"]
    {
        let mut case = case(&[("main.tf", TFE_ROOT), ("m/main.tf", more)]);
        case.blocks = vec![("", ReadBlock::TfeOutputs, "net", None)];
        assert!(!case.rewrite().dropped_tfe, "{more}");
        assert!(case.file("main.tf").contains("provider \"tfe\""), "{more}");
        assert!(!case.file("main.tf").contains("data.tfe_outputs"), "{more}");
    }
}

#[test]
fn a_variable_of_the_root_becomes_a_local_of_its_type() {
    let mut case = case(&[(
        "main.tf",
        r#"
variable "ids" {
  type      = list(string)
  sensitive = true
  validation {
    condition = length(var.ids) > 0
  }
}
variable "port" { type = string }
variable "same" {}
output "a" { value = [var.ids, "${var.port}", var.same, var.portal] }
"#,
    )]);
    case.blocks = vec![];
    case.variables = BTreeMap::from([
        ("ids".to_owned(), output(V::Tuple(vec![V::unknown(), V::Number("1".into())]))),
        ("port".to_owned(), output(V::Number("80".into()))),
    ]);
    case.rewrite();
    expect![[r#"









        variable "same" {}
        output "a" { value = [local.multispace_variable_ids, "${local.multispace_variable_port}", var.same, var.portal] }
        ---
        # What upstreams are planned to give.
        locals {
          multispace_variable_ids = sensitive(tolist([(timestamp() == "" ? "" : null), "1"]))
          multispace_variable_port = "80"
        }
    "#]].assert_eq(&format!("{}---\n{}", case.file("main.tf"), case.file(FILE)));
}

#[test]
fn json_syntax_is_rewritten_as_well() {
    let mut case = case(&[(
        "main.tf.json",
        r#"{
  "data": {"terraform_remote_state": {
    "up": {"backend": "local", "count": "${var.n}", "defaults": {"x": "${var.n}", "y": 1}},
    "other": {"backend": "local"}
  }},
  "variable": {"n": {"type": "number"}},
  "output": {
    "a": {"value": "${data.terraform_remote_state.up[0].outputs.id}", "depends_on": ["data.terraform_remote_state.up"]},
    "b": {"value": ["x-${data.terraform_remote_state.up[0].outputs.region}", "data.terraform_remote_state.up", 1]}
  }
}"#,
    )]);
    case.variables = BTreeMap::from([("n".to_owned(), output(V::Number("1".into())))]);
    case.rewrite();
    expect![[r#"
        {
          "data": {
            "terraform_remote_state": {
              "other": {
                "backend": "local"
              }
            }
          },
          "output": {
            "a": {
              "depends_on": [
                "local.multispace_remote_state_up"
              ],
              "value": "${local.multispace_remote_state_up[0].outputs.id}"
            },
            "b": {
              "value": [
                "x-${local.multispace_remote_state_up[0].outputs.region}",
                "data.terraform_remote_state.up",
                1
              ]
            }
          }
        }
        ---
        # What upstreams are planned to give.
        locals {
          multispace_remote_state_up = [for multispace_index in range((local.multispace_variable_n)) : { outputs = merge({"x" = "${local.multispace_variable_n}","y" = 1,}, { "id" = timestamp(), "region" = "eu", "secret" = "s" }) }]
          multispace_variable_n = 1
        }
    "#]].assert_eq(&format!("{}\n---\n{}", case.file("main.tf.json"), case.file(FILE)));
}

#[test]
fn a_file_that_cannot_be_parsed_is_left_to_terraform() {
    let case =
        case(&[("main.tf", "output {"), ("b.tf", "output \"a\" { value = data.terraform_remote_state.up }\r\n")]);
    case.rewrite();
    assert_eq!(case.file("main.tf"), "output {");
    assert_eq!(case.file("b.tf"), "output \"a\" { value = local.multispace_remote_state_up }\r\n");
}
