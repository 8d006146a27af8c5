//! How the provider waits: held back by a server that can, politely at others, and no longer than a person wants.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use super::double::Script;
use super::ground::{APPLY, Ground, interrupt, interrupt_group, said};

const RUN: &str =
    "resource \"tfe_workspace_run\" \"one\" {\n workspace_id = \"ws-1\"\n apply { manual_confirm = false }\n}\n";
const FIRST: &str = "terraform {\n required_providers {\n multispace = { source = \"hashicorp/tfe\" }\n }\n}\n\
                     resource \"multispace_run\" \"one\" {\n organization = \"acme\"\n workspace = \"one\"\n}\n";

#[test]
fn a_server_that_can_holds_each_look_until_the_status_is_another() {
    let ground = Ground::new(RUN);
    ground.double.script([Script {
        before: vec!["pending", "planned"],
        after: vec!["queuing_apply", "applying", "applied"],
        log: "",
    }]);
    ground.apply();
    let world = ground.double.world();
    let looks: Vec<_> = world.asked.iter().filter(|asked| asked.call == "GET runs/run-1").collect();
    let known: Vec<_> = looks.iter().map(|look| look.query.as_str()).collect();
    assert_eq!(known, ["unless-status=pending", "unless-status=planned", "unless-status=applying"]);
    assert!(looks.iter().all(|look| look.header("prefer") == "wait=45"));
}

#[test]
fn a_server_that_cannot_is_asked_now_and_then() {
    let ground = Ground::new(RUN);
    ground.double.world().never_holds = true;
    ground.apply();
    let world = ground.double.world();
    let looks: Vec<_> = world.asked.iter().filter(|asked| asked.call == "GET runs/run-1").collect();
    assert!(looks.iter().all(|look| look.header("prefer") == "wait=45"));
    let gaps = looks.windows(2).map(|two| two[1].at - two[0].at);
    assert!(gaps.into_iter().all(|gap| gap > Duration::from_millis(450)));
    assert!(looks.len() <= 6, "{}", looks.len());
}

#[test]
fn an_interrupt_during_a_held_look_ends_it_at_once() {
    let ground = Ground::new(RUN);
    ground.double.script([Script::ends(&["pending"])]);
    let apply = ground.start_apply();
    ground.double.wait_until("a look", |world| world.count("GET runs/run-1") > 0);
    let begun = Instant::now();
    interrupt(apply.id());
    said(&apply.wait_with_output().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn an_interrupt_ends_the_retries_of_every_type_at_once() {
    let made = "resource \"tfe_workspace\" \"w\" { name = \"w\" }\nresource \"tfe_variable_set\" \"s\" { name = \"s\" }\n\
                resource \"tfe_workspace_settings\" \"s\" { workspace_id = \"ws-1\" }\n";
    let found = "data \"tfe_outputs\" \"o\" { workspace = \"one\" }\ndata \"tfe_project\" \"p\" { name = \"p\" }\n\
                 data \"tfe_workspace_ids\" \"i\" { names = [\"*\"] }\n";
    for configuration in [made, found] {
        let ground = Ground::new(configuration);
        ground.double.world().is_broken = true;
        let apply = ground.command(&APPLY).process_group(0).spawn().unwrap();
        ground.double.wait_until("calls in vain", |world| world.calls.len() >= 6);
        let begun = Instant::now();
        // As a terminal does: while an apply plans, Terraform does not pass it on.
        interrupt_group(apply.id());
        assert!(!said(&apply.wait_with_output().unwrap()).0);
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }
}

#[test]
fn an_interrupt_of_the_first_resource_keeps_its_run_for_the_next_apply() {
    let ground = Ground::new(FIRST);
    ground.double.script([Script::ends(&["pending", "planning"])]);
    let apply = ground.start_apply();
    ground.double.wait_until("a look", |world| world.count("GET runs/run-1") > 0);
    interrupt(apply.id());
    said(&apply.wait_with_output().unwrap());
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
    assert!(ground.state()["status"].is_null(), "not broken");
    ground.double.world().runs[0].go_to(&["applying", "applied"]);
    ground.apply();
    assert_eq!(ground.state()["attributes"]["id"], "run-1");
    assert_eq!(ground.double.world().runs.len(), 1);
    ground.succeeds(&["plan", "-no-color", "-detailed-exitcode"]);
}

#[test]
fn the_token_of_the_run_it_works_for_goes_to_the_host_of_that_run_alone() {
    for is_its_host in [true, false] {
        let ground = Ground::new(RUN);
        let port = if is_its_host { ground.double.port } else { 1 };
        let mut apply = ground.command(&APPLY);
        apply.env("MULTISPACE_RUN_TOKEN", "of-the-run").env("MULTISPACE_RUN_HOST", format!("localhost:{port}"));
        assert!(said(&apply.output().unwrap()).0);
        let wanted = if is_its_host { "of-the-run" } else { "" };
        let world = ground.double.world();
        assert!(world.asked.iter().all(|asked| asked.header("x-multispace-run-token") == wanted));
        assert!(world.asked.iter().all(|asked| asked.header("authorization") == "Bearer secret"));
    }
}

#[test]
fn each_wish_has_one_key() {
    let ground = Ground::new(&format!("{RUN}{}", RUN.replace("\"one\"", "\"two\"").replace("ws-1", "ws-2")));
    ground.double.world().lost.push(("POST runs", 502));
    ground.apply();
    let world = ground.double.world();
    assert_eq!(world.runs.len(), 2);
    assert!(world.runs.iter().all(|run| run.key.len() == 32) && world.runs[0].key != world.runs[1].key);
}
