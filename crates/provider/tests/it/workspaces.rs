//! `tfe_workspace`: how it is deleted, when it destroys itself, and what of a configuration is wrong.

use serde_json::{Value, json};

use super::ground::{APPLY, Ground, PLAN};

const DESTROY: [&str; 3] = ["destroy", "-auto-approve", "-no-color"];

fn workspace(arguments: &str) -> String {
    format!("resource \"tfe_workspace\" \"x\" {{\n name = \"w\"\n {arguments}\n}}\n")
}

fn set(ground: &Ground, name: &str, value: Value) {
    for item in ground.double.world().items.values_mut() {
        item["attributes"][name] = value.clone();
    }
}

fn said(ground: &Ground, name: &str) -> Value {
    ground.double.world().items["workspaces/workspaces-1"]["attributes"][name].clone()
}

#[test]
fn a_locked_workspace_is_deleted_only_after_it_was_unlocked() {
    let ground = Ground::new(&workspace(""));
    ground.apply();
    set(&ground, "locked", json!(true));
    assert!(ground.fails(&DESTROY).contains("currently locked"));
    assert_eq!(ground.double.world().items.len(), 1);
    set(&ground, "locked", json!(false));
    ground.destroy();
    assert!(ground.double.world().items.is_empty());
}

#[test]
fn a_locked_workspace_is_deleted_by_force() {
    let ground = Ground::new(&workspace("force_delete = true"));
    ground.apply();
    set(&ground, "locked", json!(true));
    ground.destroy();
    assert!(ground.double.world().items.is_empty());
}

#[test]
fn a_server_without_safe_deletion_deletes_by_force_alone() {
    for count in [2, 0] {
        let ground = Ground::new(&workspace(""));
        ground.double.world().is_old = true;
        ground.apply();
        set(&ground, "resource-count", json!(count));
        assert!(ground.fails(&DESTROY).contains("does not support workspace safe-delete"));
        ground.write(&workspace("force_delete = true"));
        ground.apply();
        ground.destroy();
        assert!(ground.double.world().items.is_empty());
    }
}

#[test]
fn whoever_may_not_force_is_told_so_and_may_delete_safely() {
    let ground = Ground::new(&workspace("force_delete = true"));
    ground.apply();
    set(&ground, "permissions", json!({ "can-force-delete": false }));
    assert!(ground.fails(&DESTROY).contains("missing required permissions to set force delete"));
    ground.write(&workspace(""));
    ground.apply();
    ground.destroy();
}

#[test]
fn a_time_to_be_destroyed_is_kept_as_it_was_said() {
    let ground = Ground::new(&workspace("auto_destroy_at = \"2100-01-01T00:00:00Z\""));
    ground.apply();
    assert_eq!(said(&ground, "auto-destroy-at"), "2100-01-01T00:00:00Z");
    ground.succeeds(&PLAN);
}

#[test]
fn a_time_to_be_destroyed_comes_and_goes() {
    let ground = Ground::new(&workspace(""));
    ground.apply();
    assert!(said(&ground, "auto-destroy-at").is_null());
    ground.write(&workspace("auto_destroy_at = \"2100-01-01T00:00:00Z\""));
    ground.apply();
    assert_eq!(said(&ground, "auto-destroy-at"), "2100-01-01T00:00:00Z");
    ground.write(&workspace(""));
    ground.apply();
    assert!(said(&ground, "auto-destroy-at").is_null());
    ground.succeeds(&PLAN);
}

#[test]
fn a_time_to_lie_idle_is_set_when_it_is_made() {
    let ground = Ground::new(&workspace("auto_destroy_activity_duration = \"1d\""));
    ground.apply();
    assert_eq!(said(&ground, "auto-destroy-activity-duration"), "1d");
    ground.succeeds(&PLAN);
}

#[test]
fn a_time_and_a_duration_take_turns() {
    let (at, duration) = ("auto_destroy_at = \"2100-01-01T00:00:00Z\"", "auto_destroy_activity_duration = \"1d\"");
    let ground = Ground::new(&workspace(duration));
    ground.apply();
    ground.write(&workspace(at));
    ground.apply();
    assert_eq!(
        (said(&ground, "auto-destroy-at"), said(&ground, "auto-destroy-activity-duration")),
        (json!("2100-01-01T00:00:00Z"), Value::Null)
    );
    ground.write(&workspace(duration));
    ground.apply();
    assert_eq!(
        (said(&ground, "auto-destroy-at"), said(&ground, "auto-destroy-activity-duration")),
        (Value::Null, json!("1d"))
    );
    ground.write(&workspace(""));
    ground.apply();
    assert_eq!(
        (said(&ground, "auto-destroy-at"), said(&ground, "auto-destroy-activity-duration")),
        (Value::Null, Value::Null)
    );
}

#[test]
fn a_duration_that_is_none_is_named_with_its_place() {
    for duration in ["d", "1w", "1d1", "123456h"] {
        let ground = Ground::new(&workspace(&format!("auto_destroy_activity_duration = \"{duration}\"")));
        let text = ground.fails(&["plan", "-no-color"]);
        assert!(text.contains("must be 1-4 digits followed by d or h") && text.contains("on main.tf line 3"), "{text}");
    }
}

fn inherits(ground: &Ground) -> Value {
    ground.state()["attributes"]["inherits_project_auto_destroy"].clone()
}

#[test]
fn a_workspace_with_a_duration_of_its_own_does_not_inherit() {
    let ground = Ground::new(&workspace("auto_destroy_activity_duration = \"3d\""));
    ground.apply();
    assert_eq!((inherits(&ground), said(&ground, "auto-destroy-activity-duration")), (json!(false), json!("3d")));
}

#[test]
fn a_workspace_whose_duration_is_taken_away_inherits() {
    let ground = Ground::new(&workspace("auto_destroy_activity_duration = \"5d\""));
    ground.apply();
    ground.write(&workspace(""));
    ground.apply();
    assert_eq!(inherits(&ground), true);
    assert!(said(&ground, "auto-destroy-activity-duration").is_null());
}

#[test]
fn a_workspace_with_a_time_of_its_own_does_not_inherit() {
    let ground = Ground::new(&workspace("auto_destroy_at = \"2100-01-01T00:00:00Z\""));
    ground.apply();
    assert_eq!(inherits(&ground), false);
}

#[test]
fn a_workspace_whose_time_is_taken_away_inherits() {
    let ground = Ground::new(&workspace("auto_destroy_at = \"2100-01-01T00:00:00Z\""));
    ground.apply();
    ground.write(&workspace(""));
    ground.apply();
    assert_eq!(inherits(&ground), true);
}

#[test]
fn every_argument_of_the_original_is_taken() {
    let ground = Ground::new(&workspace(
        "organization = \"acme\"\n description = \"d\"\n allow_destroy_plan = false\n assessments_enabled = true\n auto_apply = true\n \
         auto_apply_run_trigger = true\n execution_mode = \"remote\"\n file_triggers_enabled = false\n force_delete = true\n \
         global_remote_state = true\n ignore_additional_tag_names = true\n ignore_additional_tags = true\n queue_all_runs = false\n \
         source_name = \"s\"\n source_url = \"https://s.example\"\n speculative_enabled = false\n structured_run_output_enabled = false\n \
         tag_names = [\"a\"]\n tags = { b = \"c\" }\n terraform_version = \"1.11.0\"\n trigger_patterns = [\"/x/**\"]\n \
         working_directory = \"w\"\n hyok_enabled = false\n \
         vcs_repo {\n identifier = \"a/b\"\n branch = \"main\"\n ingress_submodules = true\n oauth_token_id = \"ot-1\"\n tags_regex = \"v.*\"\n }",
    ));
    ground.apply();
    assert_eq!(said(&ground, "vcs-repo")["tags-regex"], "v.*");
    assert_eq!(said(&ground, "working-directory"), "w");
}

#[test]
fn arguments_that_exclude_each_other_are_named() {
    for (arguments, words) in [
        (
            "trigger_patterns = [\"a\"]\n trigger_prefixes = [\"b\"]",
            "trigger_prefixes and trigger_patterns exclude each other",
        ),
        ("execution_mode = \"here\"", "Say one of: remote, local, agent"),
        ("execution_mode = \"local\"\n agent_pool_id = \"apool-1\"", "agent_pool_id is for execution_mode"),
        ("source_name = \"s\"", "source_name is given only together with source_url"),
        ("auto_destroy_at = \"2100-01-01T00:00:00Z\"\n auto_destroy_activity_duration = \"1d\"", "exclude each other"),
    ] {
        let text = Ground::new(&workspace(arguments)).fails(&["plan", "-no-color"]);
        assert!(text.contains(words) && text.contains("on main.tf line"), "{arguments}: {text}");
    }
}

#[test]
fn an_argument_that_the_server_does_not_know_is_told_of() {
    let ground = Ground::new(&workspace("description = \"kept\"\n assessments_enabled = true"));
    ground.double.world().ignores = vec!["assessments-enabled"];
    let text = ground.apply();
    assert!(text.contains("The server does not know assessments_enabled of tfe_workspace"), "{text}");
    assert!(!text.contains("does not know description"), "{text}");
}

#[test]
fn a_create_whose_answer_was_lost_is_found_again_and_not_made_twice() {
    let ground = Ground::new(&format!(
        "{}resource \"tfe_project\" \"p\" {{ name = \"p\" }}\nresource \"tfe_team\" \"t\" {{ name = \"t\" }}\n\
         resource \"tfe_variable_set\" \"s\" {{ name = \"s\" }}\n",
        workspace("")
    ));
    ground.double.world().cut = vec![
        "POST organizations/acme/workspaces",
        "POST organizations/acme/projects",
        "POST organizations/acme/teams",
        "POST organizations/acme/varsets",
    ];
    ground.apply();
    assert_eq!(ground.double.world().items.len(), 4);
    ground.succeeds(&PLAN);
    ground.destroy();
    assert!(ground.double.world().items.is_empty());
}

#[test]
fn a_create_that_was_lost_beside_another_of_that_name_is_an_error() {
    let ground = Ground::new(&workspace("description = \"mine\""));
    let other =
        json!({ "id": "workspaces-0", "type": "workspaces", "attributes": { "name": "w", "description": "theirs" } });
    ground.double.world().items.insert("workspaces/workspaces-0".into(), other);
    ground.double.world().lost.push(("POST organizations/acme/workspaces", 502));
    assert!(ground.fails(&APPLY).contains("error creating tfe_workspace"));
}
