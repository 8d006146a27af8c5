//! Scenarios of several runs at once, as the original's acceptance tests have them.

use super::double::Script;
use super::ground::{Ground, said};

fn runs(ground: &Ground, workspace: &str) -> Vec<bool> {
    let world = ground.double.world();
    world.runs.iter().filter(|run| run.workspace == workspace).map(|run| run.is_destroy()).collect()
}

#[test]
fn a_parent_that_only_applies_is_not_destroyed_with_its_child() {
    let ground = Ground::new(
        "resource \"tfe_workspace_run\" \"parent\" {\n workspace_id = \"ws-1\"\n apply { manual_confirm = false }\n}\n\
         resource \"tfe_workspace_run\" \"child\" {\n workspace_id = \"ws-2\"\n depends_on = [tfe_workspace_run.parent]\n \
         apply { manual_confirm = false }\n destroy { manual_confirm = false }\n}\n\
         output \"ids\" { value = [tfe_workspace_run.parent.id, tfe_workspace_run.child.id] }\n",
    );
    ground.apply();
    assert_eq!(ground.succeeds(&["output", "-json", "ids"]), "[\"run-1\",\"run-2\"]");
    assert_eq!((runs(&ground, "ws-1"), runs(&ground, "ws-2")), (vec![false], vec![false]));
    assert!(ground.double.world().runs.iter().all(|run| run.status() == "applied"));
    ground.destroy();
    assert_eq!((runs(&ground, "ws-1"), runs(&ground, "ws-2")), (vec![false], vec![false, true]));
}

#[test]
fn the_words_of_each_block_are_on_its_run_in_workspaces_found_by_name() {
    let one = |name: &str| {
        format!(
            "data \"tfe_workspace\" \"{name}\" {{ name = \"{name}\" }}\n\
             resource \"tfe_workspace_run\" \"{name}\" {{\n workspace_id = data.tfe_workspace.{name}.id\n \
             apply {{\n manual_confirm = false\n message = \"up {name}\"\n }}\n \
             destroy {{\n manual_confirm = false\n message = \"down {name}\"\n }}\n}}\n"
        )
    };
    let ground = Ground::new(&format!("{}{}", one("one"), one("two")));
    ground.apply();
    ground.destroy();
    let world = ground.double.world();
    for (workspace, name) in [("ws-1", "one"), ("ws-2", "two")] {
        let words: Vec<_> =
            world.runs.iter().filter(|run| run.workspace == workspace).map(|run| run.message()).collect();
        assert!(
            words[0].starts_with(&format!("up {name} ")) && words[1].starts_with(&format!("down {name} ")),
            "{words:?}"
        );
        assert_eq!(words.len(), 2);
    }
}

#[test]
fn the_first_resource_brings_up_a_tree_with_a_confirmation_by_a_person() {
    let one = |name: &str, workspace: &str, more: &str| {
        format!(
            "resource \"multispace_run\" \"{name}\" {{\n organization = \"acme\"\n workspace = \"{workspace}\"\n {more}\n}}\n"
        )
    };
    let ground = Ground::new(&format!(
        "terraform {{\n required_providers {{\n multispace = {{ source = \"hashicorp/tfe\" }}\n }}\n}}\n{}{}{}{}",
        one("root", "one", ""),
        one("a", "two", "depends_on = [multispace_run.root]\n manual_confirm = true"),
        one("b", "three", "depends_on = [multispace_run.a]"),
        one("c", "four", "depends_on = [multispace_run.a]")
    ));
    ground.double.script([Script::applies(), Script { after: vec!["applying"], ..Script::applies() }]);
    let apply = ground.start_apply();
    ground
        .double
        .wait_until("a plan to confirm", |world| world.runs.get(1).is_some_and(|run| run.status() == "planned"));
    assert_eq!(ground.double.world().runs.len(), 2, "nothing runs before its parent");
    ground.double.world().runs[1].go_to(&["applied"]);
    let (ok, text) = said(&apply.wait_with_output().unwrap());
    assert!(ok, "{text}");
    assert_eq!(ground.double.world().count("POST runs/run-2/actions/apply"), 0);
    ground.destroy();
    let world = ground.double.world();
    let order: Vec<_> = world.runs.iter().map(|run| run.workspace.as_str()).collect();
    assert_eq!((order[0], order[1], order[6], order[7]), ("ws-1", "ws-2", "ws-2", "ws-1"));
    assert_eq!(order.len(), 8);
}

#[test]
fn a_person_who_discards_ends_the_wait_for_a_confirmation() {
    let ground = Ground::new(
        "resource \"tfe_workspace_run\" \"x\" {\n workspace_id = \"ws-1\"\n apply { manual_confirm = true }\n}\n",
    );
    let apply = ground.start_apply();
    ground.double.wait_until("a plan", |world| world.runs.first().is_some_and(|run| run.status() == "planned"));
    ground.double.world().runs[0].go_to(&["discarded"]);
    let (ok, text) = said(&apply.wait_with_output().unwrap());
    assert!(!ok && text.contains("has been discarded"), "{text}");
}

#[test]
fn fire_and_forget_with_a_confirmation_leaves_the_plan_to_a_person() {
    let ground = Ground::new(
        "resource \"tfe_workspace_run\" \"x\" {\n workspace_id = \"ws-1\"\n \
         apply {\n manual_confirm = true\n wait_for_run = false\n }\n destroy {\n manual_confirm = false\n wait_for_run = false\n }\n}\n",
    );
    ground.apply();
    ground.destroy();
    let world = ground.double.world();
    let auto: Vec<_> = world.runs.iter().map(|run| run.body["data"]["attributes"]["auto-apply"].clone()).collect();
    assert_eq!(auto, [false, true]);
    assert_eq!(world.count("GET runs/run-2"), 0);
}

#[test]
fn a_run_that_was_stopped_in_any_phase_is_said_to_be_stopped() {
    for phase in ["pending", "planning", "cost_estimating", "policy_override", "applying"] {
        let ground = Ground::new(
            "resource \"tfe_workspace_run\" \"x\" {\n workspace_id = \"ws-1\"\n apply { manual_confirm = false }\n}\n",
        );
        ground.double.script([Script::ends(&[phase, "canceled"])]);
        let text = ground.fails(&super::ground::APPLY);
        assert!(text.contains("has been canceled"), "{phase}: {text}");
        assert_eq!(ground.double.world().runs.len(), 1, "{phase}");
    }
}

#[test]
fn a_replacement_of_a_resource_that_destroys_destroys_first_and_then_applies() {
    let ground = Ground::new(
        "resource \"tfe_workspace_run\" \"x\" {\n workspace_id = \"ws-1\"\n apply { manual_confirm = false }\n destroy { manual_confirm = false }\n}\n",
    );
    ground.apply();
    ground.succeeds(&["apply", "-auto-approve", "-no-color", "-replace=tfe_workspace_run.x"]);
    assert_eq!(runs(&ground, "ws-1"), [false, true, false]);
}

#[test]
fn a_destroy_block_that_was_taken_away_lets_go_of_the_workspace() {
    let with = "resource \"tfe_workspace_run\" \"x\" {\n workspace_id = \"ws-1\"\n apply { manual_confirm = false }\n destroy { manual_confirm = false }\n}\n";
    let ground = Ground::new(with);
    ground.apply();
    ground.write(&with.replace("destroy { manual_confirm = false }", ""));
    ground.apply();
    ground.write("");
    ground.apply();
    assert_eq!(runs(&ground, "ws-1"), [false]);
}

#[test]
fn a_chain_is_brought_up_one_after_the_other() {
    let one = |n: usize| {
        let after = if n > 1 { format!("depends_on = [tfe_workspace_run.r{}]", n - 1) } else { String::new() };
        format!(
            "resource \"tfe_workspace_run\" \"r{n}\" {{\n workspace_id = \"ws-{n}\"\n {after}\n apply {{ manual_confirm = false }}\n}}\n"
        )
    };
    let ground = Ground::new(&(1..=5).map(one).collect::<String>());
    ground.succeeds(&["apply", "-auto-approve", "-no-color", "-input=false", "-parallelism=1"]);
    let world = ground.double.world();
    assert_eq!(
        world.runs.iter().map(|run| run.workspace.as_str()).collect::<Vec<_>>(),
        ["ws-1", "ws-2", "ws-3", "ws-4", "ws-5"]
    );
}
