//! `tfe_workspace_run` in all its situations.

use std::process::Command;

use serde_json::json;

use super::double::Script;
use super::ground::{APPLY, Ground, interrupt, said};

const BOTH: &str = "apply {\n manual_confirm = false\n retry_backoff_min = 0\n retry_backoff_max = 0\n }\n destroy { manual_confirm = false }";

fn run(blocks: &str) -> String {
    format!("resource \"tfe_workspace_run\" \"one\" {{\n workspace_id = \"ws-1\"\n {blocks}\n}}\n")
}

fn ground(blocks: &str) -> Ground {
    Ground::new(&run(blocks))
}

#[test]
fn apply_waits_for_the_run_and_destroy_for_another() {
    let ground = ground(
        "apply {\n manual_confirm = false\n message = \"up\"\n }\n destroy {\n manual_confirm = false\n message = \"down\"\n }",
    );
    ground.double.world().outputs = vec![json!({ "id": "wsout-1", "type": "workspace-outputs",
        "attributes": { "name": "greeting", "sensitive": false, "value": "hello" } })];
    ground.apply();
    let state = ground.state()["attributes"].clone();
    assert_eq!(state["id"], "run-1");
    assert_eq!(state["outputs"]["value"]["greeting"], "hello");
    assert!(state["run_url"].as_str().unwrap().ends_with("/app/acme/one/runs/run-1"), "{state}");
    ground.destroy();
    let world = ground.double.world();
    assert_eq!(world.runs.iter().map(|run| run.is_destroy()).collect::<Vec<_>>(), [false, true]);
    assert!(world.runs[0].message().starts_with("up ") && world.runs[1].message().starts_with("down "));
    assert_eq!(world.runs[0].body["data"]["attributes"]["auto-apply"], false);
}

#[test]
fn neither_block_is_an_error_of_the_plan() {
    assert!(ground("").fails(&["plan", "-no-color"]).contains("one of `apply,destroy` must be specified"));
}

#[test]
fn without_a_workspace_the_plan_says_so() {
    let ground = Ground::new("resource \"tfe_workspace_run\" \"one\" {\n apply { manual_confirm = true }\n}\n");
    assert!(ground.fails(&["plan", "-no-color"]).contains("The argument \"workspace_id\" is required"));
}

#[test]
fn fire_and_forget_starts_a_run_that_the_server_applies() {
    let ground = ground("apply {\n manual_confirm = false\n wait_for_run = false\n }");
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
    let world = ground.double.world();
    assert_eq!(world.runs[0].body["data"]["attributes"]["auto-apply"], true);
    assert_eq!(world.count("GET runs/run-1"), 0);
}

#[test]
fn a_manual_confirmation_between_two_looks_is_no_failure() {
    let ground = ground("apply { manual_confirm = true }");
    ground.double.script([Script { before: vec!["pending", "planned"], after: vec!["applying"], log: "" }]);
    let apply = ground.start_apply();
    ground
        .double
        .wait_until("a plan to confirm", |world| world.runs.first().is_some_and(|run| run.status() == "planned"));
    ground.double.world().runs[0].go_to(&["applied"]);
    assert!(said(&apply.wait_with_output().unwrap()).0);
    assert_eq!(ground.double.world().count("POST runs/run-1/actions/apply"), 0);
}

#[test]
fn every_status_is_survived_also_one_that_nobody_knows() {
    let ground = ground(BOTH);
    let before = vec![
        "pending",
        "fetching_completed",
        "pre_plan_awaiting_decision",
        "planned",
        "tf_policy_checked",
        "post_plan_awaiting_decision",
        "cost_estimated",
        "policy_override",
        "holding_its_breath",
        "policy_checked",
    ];
    let after = vec!["pre_apply_running", "post_apply_completed", "applied"];
    ground.double.script([Script { before, after, log: "" }]);
    ground.apply();
    assert_eq!(ground.double.world().count("POST runs/run-1/actions/apply"), 1);
}

#[test]
fn a_plan_without_changes_is_a_success() {
    let ground = ground(BOTH);
    ground.double.script([Script::ends(&["planning", "planned", "planned_and_finished"])]);
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
}

#[test]
fn an_error_that_may_pass_is_tried_again_as_often_as_wanted() {
    let ground = ground(BOTH);
    let failed = || Script::ends(&["planning", "errored"]).log("Error: connection reset\n");
    ground.double.script([failed(), failed(), Script::applies()]);
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-3");
}

#[test]
fn an_error_after_all_attempts_names_workspace_phase_address_and_reason() {
    let ground = ground("apply {\n manual_confirm = false\n retry_attempts = 1\n retry_backoff_min = 0\n }");
    let failed = Script { after: vec!["applying", "errored"], ..Script::applies() }
        .log("Error: quota exceeded\n  by 3 machines\n");
    ground.double.script([failed.clone(), failed]);
    let text = ground.fails(&APPLY);
    for words in [
        "run errored during apply",
        "run-2",
        "one (ws-1)",
        "/app/acme/one/runs/run-2",
        "quota exceeded",
        "by 3 machines",
        "tried 2 times",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(ground.state().is_null());
}

#[test]
fn an_error_in_the_code_is_not_tried_again() {
    let ground = ground(BOTH);
    ground.double.script([Script::ends(&["errored"]).log("Error: Reference to undeclared input variable\n")]);
    let text = ground.fails(&APPLY);
    assert!(text.contains("run errored during plan") && text.contains("the error is in the configuration"), "{text}");
    assert_eq!(ground.double.world().runs.len(), 1);
}

#[test]
fn a_run_that_somebody_stopped_is_not_tried_again() {
    for status in ["canceled", "discarded"] {
        let ground = ground(BOTH);
        ground
            .double
            .script([Script::ends(&["planning", if status == "canceled" { "canceled" } else { "discarded" }])]);
        assert!(ground.fails(&APPLY).contains(&format!("has been {status}")));
        assert_eq!(ground.double.world().runs.len(), 1);
    }
}

#[test]
fn removal_without_a_destroy_block_or_with_forget_destroys_nothing() {
    for blocks in [
        "apply { manual_confirm = false }",
        "on_removal = \"forget\"\n apply { manual_confirm = false }\n destroy { manual_confirm = false }",
    ] {
        let ground = ground(blocks);
        ground.apply();
        ground.destroy();
        assert_eq!(ground.double.world().runs.len(), 1);
    }
}

#[test]
fn a_destroy_only_resource_asks_nothing_until_it_is_removed() {
    let ground = ground("destroy { manual_confirm = false }");
    ground.apply();
    assert!(ground.double.world().calls.is_empty());
    ground.destroy();
    assert!(ground.double.world().runs[0].is_destroy());
}

#[test]
fn a_workspace_that_is_gone_or_has_no_configuration_is_destroyed_already() {
    let gone = ground(BOTH);
    gone.apply();
    gone.double.world().workspace_is_gone = true;
    gone.destroy();
    let empty = ground("destroy { manual_confirm = false }");
    empty.apply();
    empty.double.world().refused.push(("POST runs", 422, "Configuration version is missing"));
    empty.destroy();
}

#[test]
fn an_apply_without_configuration_fails_with_the_servers_words() {
    let ground = ground(BOTH);
    ground.double.world().refused.push(("POST runs", 422, "Configuration version is missing"));
    let text = ground.fails(&APPLY);
    assert!(
        text.contains("error creating run for workspace") && text.contains("Configuration version is missing"),
        "{text}"
    );
}

#[test]
fn a_plan_that_will_destroy_says_how_many_resources() {
    let ground = ground(BOTH);
    ground.apply();
    ground.double.world().workspace.insert("resource-count".into(), json!(7));
    assert!(ground.succeeds(&["plan", "-destroy", "-no-color"]).contains("one will be destroyed: 7 resources"));
}

#[test]
fn a_change_of_a_trigger_applies_again_without_destroying() {
    let ground = ground(&format!("triggers = {{ a = \"1\" }}\n {BOTH}"));
    ground.apply();
    ground.write(&run(&format!("triggers = {{ a = \"2\" }}\n {BOTH}")));
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-2");
    assert!(ground.double.world().runs.iter().all(|run| !run.is_destroy()));
}

#[test]
fn an_apply_block_that_is_added_later_runs_at_once() {
    let ground = ground("destroy { manual_confirm = false }");
    ground.apply();
    ground.write(&run(BOTH));
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
}

#[test]
fn other_arguments_change_without_a_run() {
    let ground = ground(BOTH);
    ground.apply();
    ground.write(&run("apply {\n manual_confirm = true\n }\n destroy { manual_confirm = false }"));
    ground.apply();
    assert_eq!(ground.double.world().runs.len(), 1);
}

#[test]
fn a_lost_answer_to_the_create_never_makes_two_runs() {
    let ground = ground(BOTH);
    ground.double.world().lost.push(("POST runs", 502));
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
    assert_eq!(ground.double.world().runs.len(), 1);
}

#[test]
fn a_lost_answer_to_a_look_or_a_confirmation_is_only_a_wait() {
    let ground = ground(BOTH);
    ground.double.world().lost.extend([
        ("GET runs/run-1", 503),
        ("POST runs/run-1/actions/apply", 504),
        ("GET workspaces*", 500),
    ]);
    ground.apply();
    assert_eq!(ground.double.world().runs.len(), 1);
}

#[test]
fn an_interrupt_ends_the_wait_and_the_next_apply_takes_the_run_up() {
    let ground = ground(BOTH);
    ground.double.script([Script { before: vec!["pending", "planning"], after: vec!["applied"], log: "" }]);
    ground.double.script([Script::applies()]);
    ground.double.world().workspace.insert("locked".into(), json!(true));
    let apply = ground.start_apply();
    ground.double.world().scripts.clear();
    ground.double.wait_until("a run", |world| world.count("GET runs/run-1") > 0);
    ground.double.world().runs[0].go_to(&["planning"]);
    interrupt(apply.id());
    let output = apply.wait_with_output().unwrap();
    let _ = said(&output);
    assert_eq!(ground.state()["status"], serde_json::Value::Null, "not broken");
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
    ground.double.world().runs[0].go_to(&["applying", "applied"]);
    ground.apply();
    assert_eq!(ground.double.world().runs.len(), 1);
    ground.succeeds(&["plan", "-no-color", "-detailed-exitcode"]);
}

#[test]
fn an_interrupt_cancels_the_run_where_that_is_wanted() {
    let ground = ground(&format!("on_interrupt = \"cancel\"\n {BOTH}"));
    ground.double.script([Script::ends(&["pending", "planning"])]);
    let apply = ground.start_apply();
    ground.double.wait_until("a run", |world| world.count("GET runs/run-1") > 0);
    interrupt(apply.id());
    assert!(!said(&apply.wait_with_output().unwrap()).0);
    assert!(ground.double.world().runs[0].is_stopped);
}

#[test]
fn a_killed_terraform_leaves_a_run_that_the_next_apply_takes_up() {
    for ending in [vec!["applying", "applied"], vec!["applied"]] {
        let ground = ground(BOTH);
        ground.double.script([Script::ends(&["pending", "applying"])]);
        let mut apply = ground.start_apply();
        ground.double.wait_until("a run", |world| world.count("GET runs/run-1") > 0);
        apply.kill().unwrap();
        apply.wait().unwrap();
        ground.double.world().runs[0].go_to(&ending);
        ground.succeeds(&["apply", "-auto-approve", "-no-color", "-lock-timeout=30s"]);
        assert_eq!(ground.state()["attributes"]["id"], "run-1");
        assert_eq!(ground.double.world().runs.len(), 1);
    }
}

#[test]
fn a_run_that_is_in_a_state_is_not_taken_up_by_a_replacement() {
    let ground = ground("apply { manual_confirm = false }");
    ground.apply();
    ground.succeeds(&["apply", "-auto-approve", "-no-color", "-replace=tfe_workspace_run.one"]);
    assert_eq!(ground.state()["attributes"]["id"], "run-2");
}

#[test]
fn a_timeout_says_who_is_in_the_way() {
    let ground = ground(&format!("{BOTH}\n timeouts {{ create = \"2s\" }}"));
    ground.double.script([Script::ends(&["pending"])]);
    let mut world = ground.double.world();
    world.workspace.insert("locked".into(), json!(true));
    world.workspace.insert("locked-reason".into(), json!("spring cleaning"));
    world.workspace_relationships.insert("locked-by".into(), json!({ "data": { "id": "user-ann", "type": "users" } }));
    drop(world);
    let text = ground.fails(&APPLY);
    for words in ["did not end within 2 s", "locked by user-ann", "spring cleaning", "run-1 is pending"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_run_that_was_deleted_while_terraform_waits_is_said_to_be_gone() {
    let ground = ground(BOTH);
    ground.double.script([Script::ends(&["pending"])]);
    ground.double.world().refused.push(("GET runs/run-1", 404, ""));
    assert!(ground.fails(&APPLY).contains("deleted while Terraform waited"));
}

#[test]
fn a_run_that_the_server_forgot_is_made_again() {
    let ground = ground(BOTH);
    ground.apply();
    ground.double.world().runs.clear();
    ground.apply();
    assert_eq!(ground.double.world().runs.len(), 1);
}

#[test]
fn a_killed_provider_leaves_a_run_that_the_next_apply_takes_up() {
    let ground = ground(BOTH);
    ground.double.script([Script::ends(&["pending", "applying"])]);
    let apply = ground.start_apply();
    ground.double.wait_until("a run", |world| world.count("GET runs/run-1") > 0);
    let children = Command::new("pgrep").args(["-P", &apply.id().to_string()]).output().unwrap();
    for child in String::from_utf8_lossy(&children.stdout).split_whitespace() {
        assert!(Command::new("kill").args(["-KILL", child]).status().unwrap().success());
    }
    assert!(!said(&apply.wait_with_output().unwrap()).0);
    ground.double.world().runs[0].go_to(&["applying", "applied"]);
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
    assert_eq!(ground.double.world().runs.len(), 1);
}

#[test]
fn a_killed_destroy_is_taken_up_as_well() {
    let ground = ground(BOTH);
    ground.apply();
    ground.double.script([Script::ends(&["pending", "applying"])]);
    let mut destroy = ground.command(&["destroy", "-auto-approve", "-no-color"]).spawn().unwrap();
    ground.double.wait_until("a destroy run", |world| world.count("GET runs/run-2") > 0);
    destroy.kill().unwrap();
    destroy.wait().unwrap();
    ground.double.world().runs[1].go_to(&["applied"]);
    ground.succeeds(&["destroy", "-auto-approve", "-no-color", "-lock-timeout=30s"]);
    assert_eq!(ground.double.world().runs.len(), 2);
}

#[test]
fn without_retry_the_first_failure_is_the_last() {
    let ground = ground("apply {\n manual_confirm = false\n retry = false\n }");
    ground.double.script([Script::ends(&["planning", "errored"]).log("Error: connection reset\n")]);
    assert!(ground.fails(&APPLY).contains("run errored during plan"));
    assert_eq!(ground.double.world().runs.len(), 1);
}

#[test]
fn a_policy_that_failed_softly_is_tried_again() {
    let ground = ground(BOTH);
    ground.double.script([Script::ends(&["planning", "policy_soft_failed"]), Script::applies()]);
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-2");
}

#[test]
fn a_confirmation_that_stays_refused_fails_with_the_status() {
    let ground = ground(BOTH);
    ground.double.world().refused.extend([("POST runs/run-1/actions/apply", 403, "no permission to apply")]);
    let text = ground.fails(&APPLY);
    assert!(text.contains("run errored while applying") && text.contains("no permission to apply"), "{text}");
}

#[test]
fn a_server_that_asks_for_patience_is_given_it() {
    let ground = ground(BOTH);
    ground.double.world().refused.extend([
        ("GET workspaces/ws-1", 429, ""),
        ("POST runs", 429, ""),
        ("GET runs/run-1", 429, ""),
    ]);
    ground.apply();
    assert_eq!(ground.double.world().runs.len(), 1);
}

#[test]
fn a_wait_costs_one_call_for_each_look() {
    let ground = ground(BOTH);
    ground.apply();
    let world = ground.double.world();
    let others = world.calls.iter().filter(|call| !call.starts_with("GET runs/run-1")).count();
    assert!(others <= 8, "{:#?}", world.calls);
}

#[test]
fn a_state_of_the_original_provider_is_taken_over_without_a_run() {
    let ground = ground(BOTH);
    ground.apply();
    let path = ground.root().join("terraform.tfstate");
    let mut state: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let attributes = state["resources"][0]["instances"][0]["attributes"].as_object_mut().unwrap();
    for ours in ["triggers", "on_removal", "on_interrupt", "outputs", "run_url", "timeouts"] {
        attributes.remove(ours);
    }
    std::fs::write(&path, state.to_string()).unwrap();
    ground.succeeds(&["plan", "-no-color", "-detailed-exitcode"]);
    ground.destroy();
    assert_eq!(ground.double.world().runs.len(), 2);
}

#[test]
fn parents_apply_before_children_and_are_destroyed_after_them() {
    let one = |name: &str, more: &str| {
        format!("resource \"tfe_workspace_run\" \"{name}\" {{\n workspace_id = \"ws-1\"\n {more}\n}}\n")
    };
    let block = |words: &str| {
        format!(
            "apply {{\n manual_confirm = false\n message = \"{words}\"\n }}\n destroy {{\n manual_confirm = false\n message = \"{words}\"\n }}"
        )
    };
    let child = format!("depends_on = [tfe_workspace_run.parent]\n {}", block("child"));
    let ground = Ground::new(&format!("{}{}", one("parent", &block("parent")), one("child", &child)));
    ground.apply();
    ground.destroy();
    let world = ground.double.world();
    let words: Vec<_> = world.runs.iter().map(|run| run.message().split(' ').next().unwrap()).collect();
    assert_eq!(words, ["parent", "child", "child", "parent"]);
}

#[test]
fn a_refused_destroy_keeps_the_resource_for_another_try() {
    let ground = ground(BOTH);
    ground.apply();
    ground.double.world().refused.push(("POST runs", 422, "destroy plans are not allowed"));
    assert!(ground.fails(&["destroy", "-auto-approve", "-no-color"]).contains("destroy plans are not allowed"));
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
    ground.destroy();
}

#[test]
fn an_update_that_fails_is_tried_again_by_the_next_apply() {
    let ground = ground(&format!("triggers = {{ a = \"1\" }}\n {BOTH}"));
    ground.apply();
    ground.write(&run(&format!("triggers = {{ a = \"2\" }}\n {BOTH}")));
    ground.double.script([Script::ends(&["canceled"])]);
    ground.fails(&APPLY);
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-3");
}
