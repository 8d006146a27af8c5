//! `tfe_outputs`, as a data source and as an ephemeral resource.

use serde_json::{Value, json};

use super::ground::Ground;

const DATA: &str = r#"
data "tfe_outputs" "o" { workspace = "one" }
output "open" { value = data.tfe_outputs.o.nonsensitive_values }
output "all" {
  value     = data.tfe_outputs.o.values
  sensitive = true
}
"#;

/// Only write-only arguments may get what is ephemeral.
fn ephemeral(values: &str) -> String {
    format!(
        "ephemeral \"tfe_outputs\" \"o\" {{ workspace = \"one\" }}\n\
         resource \"tfe_variable\" \"v\" {{\n key = \"v\"\n category = \"terraform\"\n workspace_id = \"ws-9\"\n \
         value_wo = jsonencode(ephemeral.tfe_outputs.o.{values})\n value_wo_version = 1\n}}\n"
    )
}

fn of_every_type() -> Vec<(&'static str, bool, Value)> {
    vec![
        ("list", false, json!(["a", "b"])),
        ("tuple", false, json!([1, "b", true])),
        ("object", false, json!({ "name": "n", "nothing": null })),
        ("number", false, json!(1.5)),
        ("flag", false, json!(true)),
        ("text", false, json!("hello")),
        ("secret", true, json!("hush")),
    ]
}

fn give(ground: &Ground, outputs: &[(&'static str, bool, Value)]) {
    let mut world = ground.double.world();
    for (name, is_sensitive, value) in outputs {
        let shown = if *is_sensitive { &Value::Null } else { value };
        world.outputs.push(json!({ "id": format!("wsout-{name}"), "type": "workspace-outputs",
            "attributes": { "name": name, "sensitive": is_sensitive, "value": shown } }));
        world.items.insert(
            format!("state-version-outputs/wsout-{name}"),
            json!({ "id": format!("wsout-{name}"), "type": "state-version-outputs", "attributes": { "value": value } }),
        );
    }
}

fn expected(with_sensitive: bool) -> Value {
    let shown = of_every_type().into_iter().filter(|(_, is_sensitive, _)| with_sensitive || !is_sensitive);
    Value::Object(shown.map(|(name, _, value)| (name.to_owned(), value)).collect())
}

fn output(ground: &Ground, name: &str) -> Value {
    serde_json::from_str(&ground.succeeds(&["output", "-json", name])).unwrap()
}

fn written(ground: &Ground) -> Value {
    let world = ground.double.world();
    let variable = world.items.values().find(|item| item["attributes"]["key"] == "v").unwrap();
    serde_json::from_str(variable["attributes"]["value"].as_str().unwrap()).unwrap()
}

#[test]
fn outputs_of_every_type_arrive_as_they_are() {
    let ground = Ground::new(DATA);
    give(&ground, &of_every_type());
    ground.apply();
    assert_eq!(output(&ground, "all"), expected(true));
}

#[test]
fn sensitive_outputs_are_not_among_the_open_ones() {
    let ground = Ground::new(DATA);
    give(&ground, &of_every_type());
    ground.apply();
    assert_eq!(output(&ground, "open"), expected(false));
}

#[test]
fn a_workspace_without_outputs_has_an_empty_object() {
    let ground = Ground::new(DATA);
    ground.apply();
    assert_eq!((output(&ground, "all"), output(&ground, "open")), (json!({}), json!({})));
}

#[test]
fn ephemeral_outputs_of_every_type_arrive_and_are_in_no_state() {
    let ground = Ground::new(&ephemeral("values"));
    give(&ground, &of_every_type());
    ground.apply();
    assert_eq!(written(&ground), expected(true));
    let state = std::fs::read_to_string(ground.root().join("terraform.tfstate")).unwrap();
    assert!(!state.contains("hush") && !state.contains("hello"), "{state}");
    ground.succeeds(&super::ground::PLAN);
}

#[test]
fn ephemeral_sensitive_outputs_are_not_among_the_open_ones() {
    let ground = Ground::new(&ephemeral("nonsensitive_values"));
    give(&ground, &of_every_type());
    ground.apply();
    assert_eq!(written(&ground), expected(false));
}

#[test]
fn a_workspace_without_outputs_has_an_empty_ephemeral_object() {
    let ground = Ground::new(&ephemeral("values"));
    ground.apply();
    assert_eq!(written(&ground), json!({}));
}
