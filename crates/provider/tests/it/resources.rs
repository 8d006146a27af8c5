//! The other types: what is applied stays without drift, changes in place, is imported and goes again.

use serde_json::json;

use super::ground::{APPLY, Ground, PLAN};

const STACK: &str = r#"
resource "tfe_project" "p" {
  name = "project"
}
resource "tfe_workspace" "up" {
  name       = "up"
  project_id = tfe_project.p.id
  tags       = { team = "a" }
  vcs_repo {
    identifier     = "acme/up"
    oauth_token_id = tfe_oauth_client.git.oauth_token_id
  }
}
resource "tfe_workspace" "down" {
  name           = "down"
  execution_mode = "remote"
  auto_apply     = AUTO
}
resource "tfe_workspace_settings" "up" {
  workspace_id              = tfe_workspace.up.id
  remote_state_consumer_ids = [tfe_workspace.down.id]
}
resource "tfe_variable" "plain" {
  key          = "region"
  value        = "VALUE"
  category     = "terraform"
  workspace_id = tfe_workspace.up.id
}
resource "tfe_variable" "secret" {
  key             = "TFE_TOKEN"
  value           = tfe_team_token.t.token
  category        = "env"
  sensitive       = true
  variable_set_id = tfe_variable_set.s.id
}
resource "tfe_variable_set" "s" {
  name = "set"
}
resource "tfe_workspace_variable_set" "s" {
  variable_set_id = tfe_variable_set.s.id
  workspace_id    = tfe_workspace.up.id
}
resource "tfe_project_variable_set" "s" {
  variable_set_id = tfe_variable_set.s.id
  project_id      = tfe_project.p.id
}
resource "tfe_run_trigger" "t" {
  workspace_id  = tfe_workspace.down.id
  sourceable_id = tfe_workspace.up.id
}
resource "tfe_team" "t" {
  name       = "runners"
  visibility = "secret"
}
resource "tfe_team_access" "t" {
  access       = "write"
  team_id      = tfe_team.t.id
  workspace_id = tfe_workspace.up.id
}
resource "tfe_team_token" "t" {
  team_id = tfe_team.t.id
}
resource "tfe_organization" "other" {
  name  = "other"
  email = "a@example.com"
}
resource "tfe_oauth_client" "git" {
  api_url          = "https://git.example.com/api"
  http_url         = "https://git.example.com"
  service_provider = "github"
  oauth_token      = "secret"
}
"#;

fn stack(auto: bool, value: &str) -> String {
    STACK.replace("AUTO", &auto.to_string()).replace("VALUE", value)
}

#[test]
fn every_type_is_made_stays_without_drift_changes_in_place_and_goes() {
    let ground = Ground::new(&stack(false, "here"));
    ground.apply();
    ground.succeeds(&PLAN);
    ground.write(&stack(true, "there"));
    let text = ground.apply();
    assert!(text.contains("0 added, 2 changed, 0 destroyed"), "{text}");
    ground.succeeds(&PLAN);
    {
        let world = ground.double.world();
        let secret = world.items.values().find(|item| item["attributes"]["key"] == "TFE_TOKEN").unwrap();
        assert!(secret["attributes"]["value"].is_null());
        let down = world.items.values().find(|item| item["attributes"]["name"] == "down").unwrap();
        assert_eq!(down["attributes"]["auto-apply"], true);
    }
    ground.destroy();
    assert!(ground.double.world().items.is_empty(), "{:#?}", ground.double.world().items);
}

#[test]
fn a_project_and_a_variable_are_imported() {
    let ground = Ground::new(
        "resource \"tfe_project\" \"p\" { name = \"kept\" }\nimport {\n to = tfe_project.p\n id = \"projects-9\"\n}\n",
    );
    let project = json!({ "id": "projects-9", "type": "projects", "attributes": { "name": "kept", "description": "" },
        "relationships": { "organization": { "data": { "id": "acme", "type": "organizations" } } } });
    ground.double.world().items.insert("projects/projects-9".into(), project);
    assert!(ground.apply().contains("1 imported, 0 added, 0 changed"));
    ground.succeeds(&PLAN);
}

#[test]
fn data_sources_find_what_there_is() {
    let ground = Ground::new(
        r#"
data "tfe_workspace" "w" { name = "one" }
data "tfe_outputs" "o" { workspace = "one" }
data "tfe_workspace_ids" "i" { names = ["o*"] }
data "tfe_project" "p" { name = "Project" }
data "tfe_team" "t" { name = "runners" }
data "tfe_oauth_client" "c" { service_provider = "github" }
data "tfe_organization" "a" { name = "acme" }
output "found" {
  value = [data.tfe_workspace.w.resource_count, data.tfe_outputs.o.nonsensitive_values.list, data.tfe_workspace_ids.i.ids,
    data.tfe_project.p.id, data.tfe_team.t.id, data.tfe_oauth_client.c.oauth_token_id, data.tfe_organization.a.email]
}
output "secret" {
  value     = data.tfe_outputs.o.values.secret
  sensitive = true
}
"#,
    );
    {
        let mut world = ground.double.world();
        let mut put = |key: &str, item| world.items.insert(key.to_owned(), item);
        put("projects/p", json!({ "id": "p", "type": "projects", "attributes": { "name": "project" } }));
        put("teams/t", json!({ "id": "t", "type": "teams", "attributes": { "name": "runners" } }));
        put("workspaces/o", json!({ "id": "ws-1", "type": "workspaces", "attributes": { "name": "one" } }));
        put("workspaces/t", json!({ "id": "ws-2", "type": "workspaces", "attributes": { "name": "two" } }));
        put("organizations/acme", json!({ "id": "acme", "type": "organizations", "attributes": { "email": "a@b" } }));
        put(
            "state-version-outputs/s",
            json!({ "id": "s", "type": "state-version-outputs", "attributes": { "value": "hush" } }),
        );
        put(
            "oauth-clients/c",
            json!({ "id": "c", "type": "oauth-clients", "attributes": { "service-provider": "github" },
            "relationships": { "oauth-tokens": { "data": [{ "id": "ot-1", "type": "oauth-tokens" }] } } }),
        );
        world.outputs = vec![
            json!({ "id": "l", "type": "workspace-outputs", "attributes": { "name": "list", "sensitive": false, "value": ["a", 1, null] } }),
            json!({ "id": "s", "type": "workspace-outputs", "attributes": { "name": "secret", "sensitive": true, "value": null } }),
        ];
        world.workspace.insert("resource-count".into(), json!(3));
    }
    ground.apply();
    let found = ground.succeeds(&["output", "-json", "found"]);
    assert_eq!(found, "[3,[\"a\",1,null],{\"one\":\"ws-1\"},\"p\",\"t\",\"ot-1\",\"a@b\"]");
    assert_eq!(ground.succeeds(&["output", "-raw", "secret"]), "hush");
}

#[test]
fn a_workspace_with_resources_is_not_deleted() {
    let ground = Ground::new("resource \"tfe_workspace\" \"w\" { name = \"full\" }\n");
    ground.apply();
    for item in ground.double.world().items.values_mut() {
        item["attributes"]["resource-count"] = json!(2);
    }
    assert!(
        ground
            .fails(&["destroy", "-auto-approve", "-no-color"])
            .contains("resources under management and must be force deleted")
    );
}

#[test]
fn wrong_arguments_are_named_before_anything_is_asked() {
    let workspace =
        Ground::new("resource \"tfe_workspace\" \"w\" {\n name = \"w\"\n auto_destroy_activity_duration = \"1w\"\n}\n");
    assert!(workspace.fails(&["plan", "-no-color"]).contains("1-4 digits followed by d or h"));
    let settings = Ground::new(
        "resource \"tfe_workspace_settings\" \"w\" {\n workspace_id = \"ws-1\"\n global_remote_state = true\n remote_state_consumer_ids = [\"ws-2\"]\n}\n",
    );
    assert!(settings.fails(&["plan", "-no-color"]).contains("Invalid remote_state_consumer_ids"));
    assert!(workspace.double.world().calls.is_empty() && settings.double.world().calls.is_empty());
}

#[test]
fn the_first_resource_of_the_pattern_applies_and_destroys() {
    let ground = Ground::new(
        "terraform {\n required_providers {\n multispace = { source = \"hashicorp/tfe\" }\n }\n}\n\
         resource \"multispace_run\" \"one\" {\n organization = \"acme\"\n workspace = \"one\"\n retry_backoff_min = 0\n}\n",
    );
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
    ground.destroy();
    assert_eq!(ground.double.world().runs.iter().map(|run| run.is_destroy()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn without_a_token_the_plan_says_where_one_is_looked_for() {
    let ground = Ground::new("data \"tfe_workspace\" \"w\" { name = \"one\" }\n");
    let mut command = ground.command(&APPLY);
    let rc = std::fs::read_to_string(ground.path().join("rc")).unwrap();
    std::fs::write(ground.path().join("rc"), rc.split("credentials").next().unwrap()).unwrap();
    let (ok, text) = super::ground::said(&command.output().unwrap());
    assert!(!ok && text.contains("required token could not be found"), "{text}");
}
