//! Who may read a workspace's state: on `tfe_workspace` and on `tfe_workspace_settings`.

use serde_json::{Value, json};

use super::ground::{Ground, PLAN};

fn with(kind: &str, name: &str, arguments: &str) -> String {
    let first =
        if kind == "tfe_workspace" { "name = \"w\"".to_owned() } else { "workspace_id = \"workspaces-0\"".to_owned() };
    format!("resource \"{kind}\" \"{name}\" {{\n {first}\n {arguments}\n}}\n")
}

fn workspace(arguments: &str) -> String {
    with("tfe_workspace", "x", arguments)
}

fn settings(arguments: &str) -> String {
    with("tfe_workspace_settings", "x", arguments)
}

/// A ground with a workspace that somebody else made.
fn there(configuration: &str) -> Ground {
    let ground = Ground::new(configuration);
    let item = json!({ "id": "workspaces-0", "type": "workspaces", "attributes": { "name": "there", "global-remote-state": false,
        "project-remote-state": false, "auto-apply": true, "execution-mode": "remote", "description": "", "assessments-enabled": false },
        "relationships": { "organization": { "data": { "id": "acme", "type": "organizations" } } } });
    ground.double.world().items.insert("workspaces/workspaces-0".into(), item);
    ground
}

fn consumers(ground: &Ground, id: &str) -> Vec<String> {
    let world = ground.double.world();
    let there = world.items[&format!("workspaces/{id}")]["relationships"]["remote-state-consumers"]["data"].clone();
    let mut ids: Vec<_> =
        there.as_array().into_iter().flatten().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn said(ground: &Ground, id: &str, name: &str) -> Value {
    ground.double.world().items[&format!("workspaces/{id}")]["attributes"][name].clone()
}

#[test]
fn sharing_with_all_changes_in_place() {
    let ground = Ground::new(&workspace("global_remote_state = false"));
    ground.apply();
    ground.write(&workspace("global_remote_state = true"));
    assert!(ground.apply().contains("0 added, 1 changed, 0 destroyed"));
    assert_eq!(said(&ground, "workspaces-1", "global-remote-state"), true);
}

#[test]
fn readers_come_and_go_between_all_and_some() {
    let some = |ids: &str| workspace(&format!("global_remote_state = false\n remote_state_consumer_ids = [{ids}]"));
    let ground = Ground::new(&workspace("global_remote_state = true"));
    ground.apply();
    for (ids, expected) in
        [("\"ws-1\"", vec!["ws-1"]), ("\"ws-1\", \"ws-2\"", vec!["ws-1", "ws-2"]), ("\"ws-2\"", vec!["ws-2"])]
    {
        ground.write(&some(ids));
        ground.apply();
        assert_eq!(consumers(&ground, "workspaces-1"), expected);
        ground.succeeds(&PLAN);
    }
    ground.write(&workspace("global_remote_state = true\n remote_state_consumer_ids = []"));
    ground.apply();
    assert!(consumers(&ground, "workspaces-1").is_empty());
}

#[test]
fn a_workspace_is_made_with_its_readers() {
    let ground = Ground::new(&workspace("remote_state_consumer_ids = [\"ws-1\", \"ws-2\"]"));
    ground.apply();
    assert_eq!(consumers(&ground, "workspaces-1"), ["ws-1", "ws-2"]);
    ground.succeeds(&PLAN);
}

#[test]
fn more_readers_than_a_page_holds_are_no_drift() {
    let ids = (0..105).map(|n| format!("\"ws-{n:03}\"")).collect::<Vec<_>>().join(", ");
    let ground = Ground::new(&workspace(&format!("remote_state_consumer_ids = [{ids}]")));
    ground.apply();
    assert_eq!(consumers(&ground, "workspaces-1").len(), 105);
    ground.succeeds(&PLAN);
}

#[test]
fn settings_share_with_some_with_none_with_all_or_with_the_project() {
    let ground = there(&settings("remote_state_consumer_ids = [\"ws-1\"]"));
    ground.apply();
    assert_eq!(consumers(&ground, "workspaces-0"), ["ws-1"]);
    ground.write(&settings(""));
    ground.apply();
    assert!(consumers(&ground, "workspaces-0").is_empty());
    ground.write(&settings("global_remote_state = true"));
    ground.apply();
    assert_eq!(said(&ground, "workspaces-0", "global-remote-state"), true);
    let refused = |arguments: &str, words: &str| {
        ground.write(&settings(arguments));
        let text = ground.fails(&["plan", "-no-color"]);
        assert!(text.contains(words), "{text}");
    };
    refused("global_remote_state = true\n remote_state_consumer_ids = [\"ws-1\"]", "Invalid remote_state_consumer_ids");
    refused(
        "project_remote_state = true\n remote_state_consumer_ids = [\"ws-1\"]",
        "Invalid remote_state_consumer_ids",
    );
    refused("global_remote_state = true\n project_remote_state = true", "Invalid configuration");
    refused("remote_state_consumer_ids = [\"workspaces-0\"]", "Invalid remote_state_consumer_ids");
    ground.write(&settings("global_remote_state = false\n project_remote_state = true"));
    ground.apply();
    assert_eq!(said(&ground, "workspaces-0", "project-remote-state"), true);
}

#[test]
fn settings_that_were_cleared_stay_without_drift() {
    let ground = there(&settings("remote_state_consumer_ids = [\"ws-1\"]"));
    ground.apply();
    ground.write(&settings(""));
    ground.apply();
    ground.succeeds(&PLAN);
}

#[test]
fn settings_that_are_imported_take_away_readers_that_the_configuration_does_not_name() {
    let import = "import {\n to = tfe_workspace_settings.x\n id = \"workspaces-0\"\n}\n";
    let ground = there(&format!("{}{import}", settings("")));
    ground.double.world().items.get_mut("workspaces/workspaces-0").unwrap()["relationships"]["remote-state-consumers"] =
        json!({ "data": [{ "id": "ws-7", "type": "workspaces" }] });
    ground.apply();
    assert!(consumers(&ground, "workspaces-0").is_empty());
}

#[test]
fn readers_that_are_not_made_yet_are_taken() {
    let ground = there(&format!(
        "{}{}",
        with("tfe_workspace", "new", ""),
        settings("remote_state_consumer_ids = [tfe_workspace.new.id]")
    ));
    ground.apply();
    assert_eq!(consumers(&ground, "workspaces-0").len(), 1);
}

#[test]
fn settings_without_arguments_only_read() {
    let ground = there(&format!("{}output \"auto\" {{ value = tfe_workspace_settings.x.auto_apply }}\n", settings("")));
    ground.apply();
    assert_eq!(ground.succeeds(&["output", "-json", "auto"]), "true");
    ground.succeeds(&PLAN);
}

#[test]
fn settings_are_imported_by_id_and_by_name() {
    for (id, workspace) in [("workspaces-0", "workspaces-0"), ("acme/one", "ws-1")] {
        let text = settings("").replace("workspaces-0", workspace);
        let ground = there(&format!("{text}import {{\n to = tfe_workspace_settings.x\n id = \"{id}\"\n}}\n"));
        let text = ground.succeeds(&["plan", "-no-color"]);
        assert!(text.contains("1 to import") && text.contains("0 to add"), "{text}");
    }
}
