//! A terraform that is held at its gate: nothing of it before the gate is opened, and everything as without one.

use executor::{AtOnce, Held, Holding, Phase, Stop, Variables};

use crate::mirror::{self, LOCK, Mirror};
use crate::setting::{Heard, Setting, good, outputs, plain, run, terraform};

const CODE: &str = "terraform {\n  required_version = \">= 1.5\"\n}\nvariable \"x\" {\n  default = \"none\"\n}\ndata \"terraform_remote_state\" \"up\" {\n  backend = \"local\"\n  config = {\n    path = \"../up/terraform.tfstate\"\n  }\n}\nresource \"terraform_data\" \"a\" {\n  input = [var.x, data.terraform_remote_state.up.outputs.v]\n  provisioner \"local-exec\" {\n    command = \"echo made >> $LEDGER\"\n  }\n}\noutput \"all\" {\n  value = terraform_data.a.output\n}\n";

/// The outputs of the upstream, as a state that says `v` is this.
fn upstream(v: &str) -> executor::UpstreamOutputs {
    executor::UpstreamOutputs {
        module: String::new(),
        block: executor::ReadBlock::RemoteState,
        name: "up".into(),
        instance: None,
        answer: executor::Answer::State(bytes::Bytes::from(format!(
            r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"u","outputs":{{"v":{{"value":"{v}","type":"string"}}}},"resources":[]}}"#
        ))),
    }
}

/// A run whose `init` is kept, what it will be given, and the file in which it writes down what it makes.
async fn setting() -> (Setting, std::path::PathBuf) {
    let mut setting = run(&[("main.tf", CODE)]);
    let home = setting.work.folder.parent().unwrap().to_owned();
    let ledger = home.join("ledger");
    setting.work.initialised = Some(home.join("initialised"));
    setting.work.environment.push(("LEDGER".into(), ledger.display().to_string()));
    setting.work.operation.described = false;
    setting.work.upstream_outputs = vec![upstream("before")];
    let mut first = setting.next(None);
    first.work.operation.destroy = true;
    let (outcome, heard) = first.at_once().await;
    assert!(good(outcome, &heard.text()).applied.is_none());
    (setting, ledger)
}

async fn held(setting: &Setting) -> Held {
    held_for(setting, Phase::Apply).await
}

async fn held_for(setting: &Setting, phase: Phase) -> Held {
    held_with(setting, phase, Variables::ToCome).await
}

async fn held_with(setting: &Setting, phase: Phase, variables: Variables) -> Held {
    match executor::hold(&setting.work, phase, variables).await.unwrap() {
        Holding::Held(held) => *held,
        Holding::NotYet => panic!("its init is not kept"),
        Holding::Never => panic!("it cannot be held"),
    }
}

/// Waits until a terraform has locked its state, which it does between its variables and its validation.
async fn has_locked(setting: &Setting) {
    let states = setting.work.folder.join("source/terraform.tfstate.d").join(&setting.work.names.workspace);
    while !states.join(".terraform.tfstate.lock.info").exists() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn is_link(setting: &Setting, file: &str) -> bool {
    std::fs::symlink_metadata(setting.work.folder.join(file)).is_ok_and(|found| found.is_symlink())
}

async fn let_in(setting: &Setting, held: Held) -> (AtOnce, String) {
    let heard = Heard::new();
    let outcome = executor::plan_and_apply(&setting.work, Some(held), heard.clone(), Stop::new()).await;
    (good(outcome, &heard.text()), plain(&heard.text()))
}

/// The id of the terraform that works in the folder.
fn process(setting: &Setting) -> u32 {
    executor::leftover(&setting.work.folder).expect("it has started").pid
}

#[tokio::test]
async fn what_is_read_is_of_the_moment_at_which_the_gate_is_opened() {
    let (mut setting, ledger) = setting().await;
    let held = held(&setting).await;
    let before = process(&setting);
    assert!(is_link(&setting, "variables.tfvars") && !is_link(&setting, "gate.json"));
    setting.work.upstream_outputs = vec![upstream("after")];
    setting.work.variables = vec![terraform("x", "later")];
    let (done, log) = let_in(&setting, held).await;
    let applied = done.applied.unwrap();
    assert_eq!(outputs(&applied.state.unwrap())["all"]["value"], serde_json::json!(["later", "after"]));
    assert_eq!(std::fs::read_to_string(&ledger).unwrap(), "made\n");
    assert!(log.contains("# terraform_data.a will be created") && log.contains("Apply complete!"), "{log}");
    let record = std::fs::read_to_string(setting.work.folder.join("phase.json")).unwrap();
    assert!(record.contains("\"ended\""), "{record}");
    assert!(before > 0);
    let variables = setting.work.folder.join("variables.tfvars");
    assert!(std::fs::symlink_metadata(&variables).unwrap().is_file(), "it is there for whoever reads it once more");
    assert!(std::fs::read_to_string(variables).unwrap().contains("later"));
}

#[tokio::test]
async fn one_whose_variables_are_known_is_held_in_the_middle_of_its_validation_and_reads_its_upstreams_after_that() {
    for destroy in [false, true] {
        let (mut setting, ledger) = setting().await;
        setting.work.variables = vec![terraform("x", "known")];
        setting.work.operation.destroy = destroy;
        let held = held_with(&setting, Phase::Apply, Variables::Known).await;
        assert!(is_link(&setting, "gate.json") && !is_link(&setting, "variables.tfvars"));
        has_locked(&setting).await;
        assert!(!setting.work.folder.join("upstreams/0.tfstate").metadata().unwrap().is_dir());
        setting.work.upstream_outputs = vec![upstream("after")];
        let (done, log) = let_in(&setting, held).await;
        assert!(!is_link(&setting, "gate.json"), "it is there for whoever reads it once more");
        if destroy {
            assert!(done.applied.is_none(), "there is nothing: {log}");
            continue;
        }
        assert_eq!(
            outputs(&done.applied.unwrap().state.unwrap())["all"]["value"],
            serde_json::json!(["known", "after"])
        );
        assert_eq!(std::fs::read_to_string(&ledger).unwrap(), "made\n");
        assert!(log.contains("# terraform_data.a will be created") && log.contains("Apply complete!"), "{log}");
    }
}

#[tokio::test]
async fn only_what_can_have_read_nothing_that_changes_is_held_in_its_validation() {
    let elsewhere = format!("{CODE}locals {{\n  it = fileexists(\"/etc/hostname\")\n}}\n");
    let in_module = "data \"terraform_remote_state\" \"up\" {\n  backend = \"local\"\n  config  = {}\n}\n";
    let called = format!(
        "{}module \"m\" {{\n  source = \"./m\"\n}}\n",
        CODE.replace("data.terraform_remote_state.up.outputs.v", "1")
    );
    let called = called.replace(&CODE[CODE.find("data ").unwrap()..CODE.find("resource ").unwrap()], "");
    for (files, module) in [
        (vec![("main.tf", elsewhere.as_str())], ""),
        (vec![("main.tf", called.as_str()), ("m/main.tf", in_module)], "m"),
    ] {
        let (mut setting, _ledger) = setting().await;
        setting.work.source = executor::Source::Archive(crate::setting::archive(&files));
        setting.work.upstream_outputs[0].module = module.to_owned();
        let (outcome, heard) = {
            let mut first = setting.next(None);
            first.work.operation.destroy = true;
            first.at_once().await
        };
        good(outcome, &heard.text());
        let held = held_with(&setting, Phase::Apply, Variables::Known).await;
        assert!(is_link(&setting, "variables.tfvars") && !is_link(&setting, "gate.json"), "{module}");
        assert!(let_in(&setting, held).await.0.applied.is_some());
    }
}

#[tokio::test]
async fn a_plan_that_is_held_is_of_the_moment_at_which_its_gate_is_opened_and_is_applied_as_any_other() {
    let (mut setting, ledger) = setting().await;
    let held = held_for(&setting, Phase::Plan).await;
    setting.work.upstream_outputs = vec![upstream("after")];
    setting.work.variables = vec![terraform("x", "later")];
    let heard = Heard::new();
    let planned = good(executor::plan(&setting.work, Some(held), heard.clone(), Stop::new()).await, &heard.text());
    assert!(planned.has_changes && planned.counts.additions == 1);
    let log = plain(&heard.text());
    assert!(log.starts_with("Terraform v") && log.contains("# terraform_data.a will be created"), "{log}");
    assert!(!ledger.exists(), "it was only planned");
    let heard = Heard::new();
    let applied = good(executor::apply(&setting.work, heard.clone(), Stop::new()).await, &heard.text());
    assert_eq!(outputs(&applied.state.unwrap())["all"]["value"], serde_json::json!(["later", "after"]));
    assert_eq!(std::fs::read_to_string(&ledger).unwrap(), "made\n");
}

#[tokio::test]
async fn what_reads_nobody_is_held_in_its_validation_when_it_is_destroyed() {
    for phase in [Phase::Apply, Phase::Plan] {
        let (mut setting, ledger) = setting().await;
        let code = "terraform {\n  required_version = \">= 1.5\"\n}\nresource \"terraform_data\" \"a\" {}\noutput \"id\" {\n  value = terraform_data.a.id\n}\n";
        setting.work.source = executor::Source::Archive(crate::setting::archive(&[("main.tf", code)]));
        setting.work.upstream_outputs = Vec::new();
        let (outcome, heard) = setting.at_once().await;
        let state = good(outcome, &heard.text()).applied.unwrap().state;
        let mut setting = setting.next(state);
        let held = held_with(&setting, Phase::Apply, Variables::Known).await;
        assert!(is_link(&setting, "variables.tfvars"), "it would be in what it makes");
        held.give_up().await;

        setting.work.operation.destroy = true;
        let held = held_with(&setting, phase, Variables::Known).await;
        assert!(is_link(&setting, "gate.json") && !is_link(&setting, "variables.tfvars"));
        has_locked(&setting).await;
        let state = match phase {
            Phase::Apply => let_in(&setting, held).await.0.applied.unwrap().state.unwrap(),
            Phase::Plan => {
                let heard = Heard::new();
                let planned = executor::plan(&setting.work, Some(held), heard.clone(), Stop::new()).await;
                assert_eq!(good(planned, &heard.text()).counts.destructions, 1);
                good(executor::apply(&setting.work, heard.clone(), Stop::new()).await, &heard.text()).state.unwrap()
            }
        };
        let state: serde_json::Value = serde_json::from_slice(&state).unwrap();
        assert_eq!((&state["resources"], &state["check_results"]), (&serde_json::json!([]), &serde_json::Value::Null));
        assert!(!ledger.exists());
    }
}

#[tokio::test]
async fn a_plan_that_was_held_in_its_validation_is_applied_also_where_its_folder_is_made_anew() {
    for is_anew in [false, true] {
        let (mut setting, ledger) = setting().await;
        let held = held_with(&setting, Phase::Plan, Variables::Known).await;
        assert!(is_link(&setting, "gate.json") && !is_link(&setting, "variables.tfvars"));
        has_locked(&setting).await;
        setting.work.upstream_outputs = vec![upstream("after")];
        let heard = Heard::new();
        let planned = good(executor::plan(&setting.work, Some(held), heard.clone(), Stop::new()).await, &heard.text());
        assert!(planned.has_changes && planned.counts.additions == 1 && !ledger.exists());
        if is_anew {
            let elsewhere = setting.work.folder.with_file_name("elsewhere");
            std::fs::remove_dir_all(std::mem::replace(&mut setting.work.folder, elsewhere)).unwrap();
            setting.work.plan_file = planned.plan_file;
        }
        let heard = Heard::new();
        let applied = good(executor::apply(&setting.work, heard.clone(), Stop::new()).await, &heard.text());
        assert_eq!(outputs(&applied.state.unwrap())["all"]["value"], serde_json::json!(["none", "after"]));
        assert_eq!(std::fs::read_to_string(&ledger).unwrap(), "made\n");
    }
}

#[tokio::test]
async fn a_plan_that_is_held_is_not_taken_for_one_that_is_applied_at_once_nor_the_other_way_round() {
    let (setting, ledger) = setting().await;
    let held = held_for(&setting, Phase::Plan).await;
    let (done, _) = let_in(&setting, held).await;
    assert!(done.applied.is_some());
    assert_eq!(std::fs::read_to_string(&ledger).unwrap(), "made\n");

    let other = setting.next(None);
    let held = held_for(&other, Phase::Apply).await;
    let heard = Heard::new();
    let planned = good(executor::plan(&other.work, Some(held), heard.clone(), Stop::new()).await, &heard.text());
    assert!(planned.has_changes);
    assert_eq!(std::fs::read_to_string(ledger).unwrap(), "made\n", "nothing more was made");
}

#[tokio::test]
async fn a_plan_that_is_interrupted_before_its_gate_is_opened_ends_as_canceled() {
    let (setting, _ledger) = setting().await;
    let held = held_for(&setting, Phase::Plan).await;
    let stop = Stop::new();
    stop.interrupt();
    let outcome = executor::plan(&setting.work, Some(held), Heard::new(), stop).await;
    assert_eq!(crate::setting::bad(outcome).kind, executor::FailureKind::Canceled);
}

#[tokio::test]
async fn one_that_is_given_up_or_whose_holder_dies_has_done_nothing_and_is_gone() {
    for variables in [Variables::ToCome, Variables::Known] {
        let (setting, ledger) = setting().await;
        let given_up = held_with(&setting, Phase::Apply, variables).await;
        given_up.give_up().await;
        assert!(!setting.work.folder.exists());
        // Nobody is left who could open the gate. What is opened next must not be taken for the rest of what it reads.
        let held = held_with(&setting, Phase::Apply, variables).await;
        if variables == Variables::Known {
            has_locked(&setting).await;
        }
        let empty = setting.work.folder.parent().unwrap().join("empty");
        std::fs::write(&empty, "").unwrap();
        drop(held);
        let _others: Vec<_> = (0..64).map(|_| std::fs::File::open(&empty).unwrap()).collect();
        executor::ended(&setting.work.folder).await.unwrap();
        assert!(!ledger.exists());
        let recovered = executor::recover(&setting.work.folder, None).await.unwrap();
        assert!(recovered.recovery.state.is_none() && recovered.recovery.in_doubt.is_empty() && !recovered.complete);
        assert_eq!(recovered.plan.unwrap().foreseen, None);
    }
}

#[tokio::test]
async fn one_that_was_held_for_something_else_is_given_up_and_its_run_starts_by_itself() {
    for (change, variables) in
        [0, 1, 2, 3, 4].map(|it| (it, Variables::ToCome)).into_iter().chain([(5, Variables::Known)])
    {
        let (mut setting, ledger) = setting().await;
        let held = held_with(&setting, Phase::Apply, variables).await;
        match change {
            0 => {
                setting.work.source =
                    executor::Source::Archive(crate::setting::archive(&[("main.tf", &format!("{CODE}# more\n"))]))
            }
            1 => setting.work.environment.push(("MORE".into(), "1".into())),
            2 => setting.work.variables = vec![crate::setting::env("MORE", "1")],
            3 => setting.work.names.project = "another".into(),
            4 => setting.work.variables = vec![terraform("x", &"long".repeat(10_000))],
            _ => setting.work.variables = vec![terraform("x", "another")],
        }
        let (done, log) = let_in(&setting, held).await;
        assert!(done.applied.is_some(), "{change}: {log}");
        assert_eq!(std::fs::read_to_string(&ledger).unwrap(), "made\n", "{change}");
    }
}

#[tokio::test]
async fn a_run_that_is_interrupted_before_its_gate_is_opened_does_nothing() {
    let (setting, ledger) = setting().await;
    for variables in [Variables::ToCome, Variables::Known] {
        let held = held_with(&setting, Phase::Apply, variables).await;
        let stop = Stop::new();
        stop.interrupt();
        let outcome = executor::plan_and_apply(&setting.work, Some(held), Heard::new(), stop).await;
        assert_eq!(crate::setting::bad(outcome).kind, executor::FailureKind::Canceled);
        assert!(!ledger.exists());
        std::fs::remove_dir_all(&setting.work.folder).unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_held_is_not() {
    let (mut setting, _ledger) = setting().await;
    setting.work.initialised = Some(setting.work.folder.parent().unwrap().join("empty"));
    assert!(
        matches!(executor::hold(&setting.work, Phase::Apply, Variables::ToCome).await.unwrap(), Holding::NotYet),
        "its init was not kept yet"
    );
    assert!(!setting.work.folder.exists());
    setting.work.initialised = None;
    assert!(
        matches!(executor::hold(&setting.work, Phase::Apply, Variables::ToCome).await.unwrap(), Holding::Never),
        "its init is not kept"
    );
    assert!(!setting.work.folder.exists());
    setting.work.upstream_outputs[0].answer = executor::Answer::Planned(Default::default());
    assert!(
        matches!(executor::hold(&setting.work, Phase::Apply, Variables::ToCome).await.unwrap(), Holding::Never),
        "it takes values to answer its block"
    );
}

#[tokio::test]
async fn what_asks_nothing_of_init_is_held_before_any_init_has_run() {
    let (mut setting, ledger) = setting().await;
    let home = setting.work.folder.parent().unwrap().to_owned();
    let bare = run(&[("main.tf", CODE.split_once("}\n").unwrap().1)]);
    setting.work.source = bare.work.source.clone();
    setting.work.initialised = Some(home.join("empty"));
    let held = held(&setting).await;
    setting.work.upstream_outputs = vec![upstream("after")];
    let (done, _) = let_in(&setting, held).await;
    assert_eq!(outputs(&done.applied.unwrap().state.unwrap())["all"]["value"][1], "after");
    assert_eq!(std::fs::read_to_string(ledger).unwrap(), "made\n");
    assert!(!home.join("empty").exists(), "nothing was initialised");
}

#[tokio::test]
async fn an_opentofu_is_not_held() {
    let (mut setting, _ledger) = setting().await;
    let tofu = script(&setting, "echo 'OpenTofu v1.8.0'\necho 'on linux_amd64'");
    setting.work.terraform = tofu;
    assert!(matches!(executor::hold(&setting.work, Phase::Apply, Variables::ToCome).await.unwrap(), Holding::Never));
}

#[tokio::test]
async fn whoever_reads_the_variables_twice_finds_the_same_twice() {
    let (mut setting, _ledger) = setting().await;
    let home = setting.work.folder.parent().unwrap().to_owned();
    let reads = format!(
        "for it; do case $it in -var-file=*) cat \"${{it#-var-file=}}\" > {} ;; esac; done\nexec terraform \"$@\"",
        home.join("read").display()
    );
    setting.work.terraform = script(&setting, &reads);
    setting.work.variables = vec![terraform("x", "later")];
    let held = held(&setting).await;
    let (done, _) = let_in(&setting, held).await;
    assert_eq!(outputs(&done.applied.unwrap().state.unwrap())["all"]["value"][0], "later");
    let first = std::fs::read_to_string(home.join("read")).unwrap();
    // The script may have come to it before or after the gate was opened.
    assert!(first.contains("later") && (first.starts_with("/**/") || !first.contains("*/")), "{first}");
}

#[tokio::test]
async fn a_provider_says_what_it_knows_before_the_gate_is_opened_and_is_configured_after_that() {
    let mirror = Mirror::new().await;
    let started = mirror.noting();
    let code = format!(
        "terraform {{\n  required_providers {{\n    x = {{\n      source = \"example.com/acme/x\"\n    }}\n  }}\n}}\nprovider \"x\" {{\n  token = \"none\"\n}}\ndata \"tfe_workspace\" \"none\" {{\n  provider = x\n  count = 0\n  organization = \"acme\"\n  name = \"none\"\n}}\n{}",
        CODE.split_once("}\n").unwrap().1
    );
    let lock = mirror.locked(&code);
    let (mut setting, ledger) = setting().await;
    setting.work.source = executor::Source::Archive(crate::setting::archive(&[("main.tf", &code), (LOCK, &lock)]));
    setting.work.cli_config = mirror.cli_config();
    let mut first = setting.next(None);
    first.work.operation.destroy = true;
    let (outcome, heard) = first.at_once().await;
    good(outcome, &heard.text());
    let starts = || std::fs::read_to_string(&started).unwrap_or_default().lines().count();
    let in_all = starts();
    std::fs::remove_file(&started).unwrap();

    let held = held_with(&setting, Phase::Apply, Variables::Known).await;
    // For its schemas, and to look at the code.
    while starts() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    setting.work.upstream_outputs = vec![upstream("after")];
    assert_eq!(starts(), 2);
    let (done, log) = let_in(&setting, held).await;
    assert_eq!(outputs(&done.applied.unwrap().state.unwrap())["all"]["value"][1], "after", "{log}");
    assert!(starts() > 2, "the plan has one of its own: {} of {in_all}", starts());
    assert_eq!(std::fs::read_to_string(ledger).unwrap(), "made\n");
}

/// An executable in the home of a run.
fn script(setting: &Setting, text: &str) -> std::path::PathBuf {
    let file = setting.work.folder.parent().unwrap().join("terraform.sh");
    mirror::script(&file, &format!("#!/bin/sh\n{text}\n"));
    file
}
