//! Teams and what they may do, and variables whose values are never stored.

use serde_json::json;

use super::ground::{Ground, PLAN};

#[test]
fn a_team_may_do_in_its_organization_what_the_block_says() {
    let team = |rights: &str| {
        format!("resource \"tfe_team\" \"x\" {{\n name = \"t\"\n organization_access {{ {rights} }}\n}}\n")
    };
    let ground = Ground::new(&team("manage_workspaces = true"));
    ground.apply();
    let said = || ground.double.world().items["teams/teams-1"]["attributes"]["organization-access"].clone();
    assert_eq!((said()["manage-workspaces"].clone(), said()["manage-policies"].clone()), (json!(true), json!(false)));
    ground.succeeds(&PLAN);
    ground.write(&team("read_projects = true"));
    ground.apply();
    assert_eq!((said()["manage-workspaces"].clone(), said()["read-projects"].clone()), (json!(false), json!(true)));
    ground.double.world().items.get_mut("teams/teams-1").unwrap()["attributes"]["organization-access"]["manage-modules"] =
        json!(true);
    assert!(ground.fails(&PLAN).contains("manage_modules = true -> false"));
}

#[test]
fn a_team_has_the_permissions_that_are_given_one_by_one() {
    let access = |what: &str| {
        format!("resource \"tfe_team_access\" \"x\" {{\n team_id = \"team-1\"\n workspace_id = \"ws-1\"\n {what}\n}}\n")
    };
    let own = "permissions {\n runs = \"apply\"\n variables = \"none\"\n state_versions = \"read-outputs\"\n sentinel_mocks = \"none\"\n \
               workspace_locking = true\n run_tasks = false\n }";
    let ground = Ground::new(&access("access = \"read\""));
    ground.apply();
    ground.write(&access(own));
    ground.apply();
    let said =
        |name: &str| ground.double.world().items["team-workspaces/team-workspaces-1"]["attributes"][name].clone();
    assert_eq!(
        (said("access"), said("state-versions"), said("workspace-locking")),
        (json!("custom"), json!("read-outputs"), json!(true))
    );
    ground.succeeds(&PLAN);
    ground.write(&access("access = \"plan\""));
    ground.apply();
    assert_eq!(said("access"), "plan");
    ground.succeeds(&PLAN);
    for (wrong, words) in [
        (own.replace("apply", "everything"), "Say one of: read, plan, apply"),
        (format!("access = \"read\"\n {own}"), "access and permissions exclude each other"),
        (String::new(), "One of access and permissions must be given"),
        ("access = \"custom\"".to_owned(), "Say one of: read, plan, write, admin"),
    ] {
        ground.write(&access(&wrong));
        let text = ground.fails(&["plan", "-no-color"]);
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_write_only_value_is_sent_and_never_stored() {
    let variable = |value: &str, version: &str| {
        format!(
            "resource \"tfe_variable\" \"x\" {{\n key = \"k\"\n category = \"env\"\n workspace_id = \"ws-9\"\n value_wo = \"{value}\"\n {version}\n}}\n"
        )
    };
    for version in ["value_wo_version = 1", ""] {
        let ground = Ground::new(&variable("hush", version));
        ground.apply();
        let said = || ground.double.world().items.values().next().unwrap()["attributes"]["value"].clone();
        assert_eq!(said(), "hush");
        ground.succeeds(&PLAN);
        ground.succeeds(&["apply", "-refresh-only", "-auto-approve", "-no-color"]);
        let state = std::fs::read_to_string(ground.root().join("terraform.tfstate")).unwrap();
        assert!(!state.contains("hush"), "{state}");
        if !version.is_empty() {
            ground.write(&variable("hush again", "value_wo_version = 2"));
            ground.apply();
            assert_eq!(said(), "hush again");
        }
    }
}

#[test]
fn a_variable_has_one_place_and_one_value() {
    for (arguments, words) in [
        ("value = \"v\"", "One of workspace_id and variable_set_id must be given"),
        ("workspace_id = \"ws-1\"\n variable_set_id = \"varset-1\"", "exclude each other"),
        ("workspace_id = \"ws-1\"\n value = \"a\"\n value_wo = \"b\"", "exclude each other"),
    ] {
        let ground = Ground::new(&format!(
            "resource \"tfe_variable\" \"x\" {{\n key = \"k\"\n category = \"env\"\n {arguments}\n}}\n"
        ));
        let text = ground.fails(&["plan", "-no-color"]);
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_variable_set_has_the_workspaces_that_it_names() {
    let set = |arguments: &str| format!("resource \"tfe_variable_set\" \"x\" {{\n name = \"s\"\n {arguments}\n}}\n");
    let ground = Ground::new(&set("workspace_ids = [\"ws-1\", \"ws-2\"]"));
    ground.apply();
    ground.succeeds(&PLAN);
    ground.write(&set("workspace_ids = [\"ws-2\"]"));
    ground.apply();
    let there = ground.double.world().items["varsets/varsets-1"]["relationships"]["workspaces"]["data"].clone();
    assert_eq!(there, json!([{ "id": "ws-2", "type": "workspaces" }]));
}

#[test]
fn triggers_that_the_server_makes_one_at_a_time_are_all_made() {
    let ground = Ground::new(
        "resource \"tfe_run_trigger\" \"x\" {\n count = 10\n workspace_id = \"ws-1\"\n sourceable_id = \"ws-${count.index + 10}\"\n}\n",
    );
    for _ in 0..4 {
        ground.double.world().refused.push((
            "POST workspaces/ws-1/run-triggers",
            422,
            "Run Trigger creation locked, try again",
        ));
    }
    ground.apply();
    assert_eq!(ground.double.world().items.len(), 10);
    ground.destroy();
    assert!(ground.double.world().items.is_empty());
}

#[test]
fn a_trigger_whose_answer_was_lost_is_looked_for_among_the_inbound_ones() {
    let ground =
        Ground::new("resource \"tfe_run_trigger\" \"x\" {\n workspace_id = \"ws-1\"\n sourceable_id = \"ws-2\"\n}\n");
    ground.double.world().lost.push(("POST workspaces/ws-1/run-triggers", 502));
    ground.apply();
    let world = ground.double.world();
    let listed: Vec<_> = world.asked.iter().filter(|asked| asked.call == "GET workspaces/ws-1/run-triggers").collect();
    assert!(!listed.is_empty());
    let says_which = |asked: &&super::double::Asked| asked.query.contains("filter%5Brun-trigger%5D%5Btype%5D=inbound");
    assert!(listed.iter().all(says_which), "the server refuses a list that does not say which");
    assert_eq!(world.items.len(), 1);
}
