//! What is there already and comes into a state: by import, by `moved`, and from states of the original provider.

use serde_json::{Value, json};

use super::ground::{Ground, PLAN};

fn item(kind: &str, id: &str, attributes: Value, related: &[(&str, &str, &str)]) -> Value {
    let relations =
        related.iter().map(|(name, kind, id)| ((*name).to_owned(), json!({ "data": { "id": id, "type": kind } })));
    json!({ "id": id, "type": kind, "attributes": attributes, "relationships": Value::Object(relations.collect()) })
}

fn imports(kind: &str, arguments: &str, id: &str, there: &[(&str, Value)]) {
    let ground = Ground::new(&format!(
        "resource \"{kind}\" \"x\" {{\n {arguments}\n}}\nimport {{\n to = {kind}.x\n id = \"{id}\"\n}}\n"
    ));
    for (key, item) in there {
        ground.double.world().items.insert((*key).to_owned(), item.clone());
    }
    let text = ground.apply();
    assert!(text.contains("1 imported, 0 added") && text.contains("0 destroyed"), "{kind} {id}: {text}");
    ground.succeeds(&PLAN);
}

const ACME: (&str, &str, &str) = ("organization", "organizations", "acme");

#[test]
fn a_workspace_is_imported_by_its_id() {
    let there = item("workspaces", "workspaces-9", json!({ "name": "w", "queue-all-runs": true }), &[ACME]);
    imports("tfe_workspace", "name = \"w\"", "workspaces-9", &[("workspaces/workspaces-9", there)]);
}

#[test]
fn a_workspace_is_imported_by_organization_and_name() {
    let ground = Ground::new(
        "resource \"tfe_workspace\" \"x\" { name = \"one\" }\nimport {\n to = tfe_workspace.x\n id = \"acme/one\"\n}\n",
    );
    assert!(ground.succeeds(&["plan", "-no-color"]).contains("[id=ws-1]"));
}

#[test]
fn a_run_trigger_is_imported_by_its_id() {
    let related = [("workspace", "workspaces", "ws-1"), ("sourceable", "workspaces", "ws-2")];
    let there = item("run-triggers", "rt-1", json!({}), &related);
    imports(
        "tfe_run_trigger",
        "workspace_id = \"ws-1\"\n sourceable_id = \"ws-2\"",
        "rt-1",
        &[("run-triggers/rt-1", there)],
    );
}

#[test]
fn a_variable_is_imported_by_organization_workspace_and_id() {
    let there = item("vars", "var-1", json!({ "key": "k", "value": "v", "category": "terraform" }), &[]);
    let arguments = "key = \"k\"\n value = \"v\"\n category = \"terraform\"\n workspace_id = \"ws-1\"";
    imports("tfe_variable", arguments, "acme/one/var-1", &[("workspaces/ws-1/vars/var-1", there)]);
}

#[test]
fn a_variable_of_a_set_is_imported_by_organization_set_and_id() {
    let there = item("vars", "var-1", json!({ "key": "k", "value": "v", "category": "env" }), &[]);
    let arguments = "key = \"k\"\n value = \"v\"\n category = \"env\"\n variable_set_id = \"varset-1\"";
    imports("tfe_variable", arguments, "acme/varset-1/var-1", &[("varsets/varset-1/relationships/vars/var-1", there)]);
}

#[test]
fn a_variable_set_a_project_and_an_organization_are_imported_by_their_ids() {
    let set = item("varsets", "varset-1", json!({ "name": "s" }), &[ACME]);
    imports("tfe_variable_set", "name = \"s\"", "varset-1", &[("varsets/varset-1", set)]);
    let project = item("projects", "prj-1", json!({ "name": "p" }), &[ACME]);
    imports("tfe_project", "name = \"p\"", "prj-1", &[("projects/prj-1", project)]);
    let organization = item("organizations", "other", json!({ "name": "other", "email": "a@b" }), &[]);
    imports(
        "tfe_organization",
        "name = \"other\"\n email = \"a@b\"",
        "other",
        &[("organizations/other", organization)],
    );
}

#[test]
fn a_team_is_imported_by_organization_and_id_or_name() {
    let team = item("teams", "team-1", json!({ "name": "t", "visibility": "secret" }), &[ACME]);
    for id in ["acme/team-1", "acme/t"] {
        imports("tfe_team", "name = \"t\"", id, &[("teams/team-1", team.clone())]);
    }
}

#[test]
fn an_access_and_a_connection_are_imported() {
    let related = [("workspace", "workspaces", "ws-1"), ("team", "teams", "team-1")];
    let access = item("team-workspaces", "tws-1", json!({ "access": "write" }), &related);
    let arguments = "access = \"write\"\n team_id = \"team-1\"\n workspace_id = \"ws-1\"";
    imports("tfe_team_access", arguments, "acme/one/tws-1", &[("team-workspaces/tws-1", access)]);
    let attributes = json!({ "api-url": "https://a", "http-url": "https://h", "service-provider": "github", "organization-scoped": true });
    let mut connection = item("oauth-clients", "oc-1", attributes, &[ACME]);
    connection["relationships"]["oauth-tokens"] = json!({ "data": [{ "id": "ot-1", "type": "oauth-tokens" }] });
    let arguments =
        "api_url = \"https://a\"\n http_url = \"https://h\"\n service_provider = \"github\"\n oauth_token = \"secret\"";
    imports("tfe_oauth_client", arguments, "oc-1", &[("oauth-clients/oc-1", connection)]);
}

#[test]
fn an_id_of_another_form_is_refused_with_the_form_that_is_meant() {
    let ground =
        Ground::new("resource \"tfe_team\" \"x\" { name = \"t\" }\nimport {\n to = tfe_team.x\n id = \"team-1\"\n}\n");
    assert!(ground.fails(&["plan", "-no-color"]).contains("Write it as organization/name or id"));
}

#[test]
fn a_moved_run_is_not_run_again() {
    let run = |name: &str| {
        format!(
            "resource \"tfe_workspace_run\" \"{name}\" {{\n workspace_id = \"ws-1\"\n apply {{ manual_confirm = false }}\n}}\n"
        )
    };
    let ground = Ground::new(&run("old"));
    ground.apply();
    ground.write(&format!("{}moved {{\n from = tfe_workspace_run.old\n to = tfe_workspace_run.new\n}}\n", run("new")));
    assert!(ground.apply().contains("0 added, 0 changed, 0 destroyed"));
    assert_eq!(ground.double.world().runs.len(), 1);
}

#[test]
fn states_of_the_original_of_each_version_are_taken_over_without_a_change() {
    for version in [0, 1] {
        let ground = Ground::new(
            "resource \"tfe_team_access\" \"x\" {\n access = \"write\"\n team_id = \"team-1\"\n workspace_id = \"ws-1\"\n}\n",
        );
        let related = [("workspace", "workspaces", "ws-1"), ("team", "teams", "team-1")];
        let there = item("team-workspaces", "tws-1", json!({ "access": "write" }), &related);
        ground.double.world().items.insert("team-workspaces/tws-1".into(), there);
        let permissions = json!([{ "runs": "apply", "variables": "write", "state_versions": "write", "sentinel_mocks": "read",
            "workspace_locking": true, "run_tasks": false }]);
        ground.put_state(
            "tfe_team_access",
            version,
            &json!({ "id": "tws-1", "access": "write", "team_id": "team-1", "workspace_id": "ws-1", "permissions": permissions }),
        );
        ground.succeeds(&PLAN);
    }
}
