//! Plan and apply in one process: what is told when, what is kept, and what is left when somebody dies.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use executor::{AtOnce, Counts, Failure, FailureKind, Foreseen, InDoubt, Stop};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::setting::{Heard, Setting, bad, good, outputs, plain, run};

const ONE: &str =
    "resource \"terraform_data\" \"a\" {\n  input = \"x\"\n}\noutput \"id\" {\n  value = terraform_data.a.id\n}\n";

fn adds(additions: u32) -> Foreseen {
    Foreseen { has_changes: true, counts: Counts { additions, ..Counts::default() } }
}

/// The log of the plan and that of the apply.
fn logs(heard: &Heard) -> (String, String) {
    let text = heard.text();
    let (_, at) = heard.planned.lock().unwrap()[0];
    let (plan, apply) = text.split_at(at);
    (plain(plan), plain(apply))
}

/// The same run with a terraform that writes down what it is asked to do.
fn counted(setting: &mut Setting) -> std::path::PathBuf {
    let folder = setting.work.folder.parent().unwrap().to_owned();
    let (script, calls) = (folder.join("terraform"), folder.join("calls"));
    let text = format!("#!/bin/sh\necho \"$1\" >> {}\nexec terraform \"$@\"\n", calls.display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    setting.work.terraform = script;
    calls
}

#[tokio::test]
async fn one_process_plans_and_applies_and_each_has_its_log() {
    let mut setting = run(&[("main.tf", ONE)]);
    let calls = counted(&mut setting);
    let (outcome, heard) = setting.at_once().await;
    let AtOnce { foreseen, applied } = good(outcome, &heard.text());
    assert_eq!(foreseen, adds(1));
    let applied = applied.unwrap();
    assert_eq!(applied.counts.additions, 1);
    assert!(outputs(&applied.state.unwrap())["id"]["value"].is_string());
    assert_eq!(heard.planned.lock().unwrap()[0].0, adds(1));
    let (plan, apply) = logs(&heard);
    for said in ["Terraform v", "# terraform_data.a will be created", "Plan: 1 to add", "Changes to Outputs:\n  + id\n"]
    {
        assert!(plan.contains(said), "{plan}");
    }
    assert!(apply.starts_with("Terraform v"), "{apply}");
    for said in ["terraform_data.a: Creating...", "Apply complete! Resources: 1 added"] {
        assert!(apply.contains(said) && !plan.contains(said), "{apply}");
    }
    assert_eq!(std::fs::read_to_string(calls).unwrap(), "version\napply\n");
}

#[tokio::test]
async fn init_runs_where_it_would_make_something() {
    let provider = r#"provider["registry.terraform.io/hashicorp/null"]"#;
    let other = format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"a","outputs":{{}},"resources":[{{"mode":"managed","type":"null_resource","name":"n","provider":"{}","instances":[]}}]}}"#,
        provider.replace('"', "\\\"")
    );
    let module = format!("{ONE}module \"m\" {{\n  source = \"./m\"\n}}\n");
    let backend = ("backend.tf", "terraform {\n  cloud {}\n}\n");
    let roots = [
        (vec![("main.tf", ONE)], None, false),
        (vec![("main.tf", &module), ("m/main.tf", "")], None, true),
        (vec![("main.tf", ONE), backend], None, true),
        (vec![("main.tf", ONE)], Some(&other), true),
    ];
    for (files, state, is_asked) in roots {
        let mut setting = run(&files);
        setting.work.state = state.map(|state| bytes::Bytes::from(state.clone()));
        let calls = counted(&mut setting);
        // Where it has to install something it may fail here.
        let _ = setting.at_once().await;
        let calls = std::fs::read_to_string(calls).unwrap();
        assert_eq!(calls.contains("init"), is_asked, "{files:?} {state:?}: {calls}");
    }
}

#[tokio::test]
async fn where_there_is_nothing_to_do_nothing_is_taken_for_an_apply() {
    let setting = run(&[("main.tf", ONE)]);
    let (outcome, heard) = setting.at_once().await;
    let state = good(outcome, &heard.text()).applied.unwrap().state;
    let (outcome, heard) = setting.next(state.clone()).at_once().await;
    let again = good(outcome, &heard.text());
    assert_eq!(again.foreseen, Foreseen::default());
    assert!(again.applied.is_none());
    assert!(heard.planned.lock().unwrap().is_empty());
    let log = plain(&heard.text());
    assert!(log.contains("No changes. Your infrastructure matches the configuration."), "{log}");
    assert!(!log.contains("Apply complete!"), "{log}");

    let mut destroys = setting.next(state);
    destroys.work.operation.destroy = true;
    let (outcome, heard) = destroys.at_once().await;
    let destroyed = good(outcome, &heard.text());
    assert_eq!(destroyed.foreseen.counts.destructions, 1);
    assert_eq!(destroyed.applied.unwrap().counts.destructions, 1);
    assert!(logs(&heard).0.contains("# terraform_data.a will be destroyed"), "{}", heard.text());
}

#[tokio::test]
async fn a_workspace_without_anything_needs_no_state() {
    let (outcome, heard) = run(&[("main.tf", "locals {\n  a = 1\n}\n")]).at_once().await;
    assert!(good(outcome, &heard.text()).applied.is_none());
}

#[tokio::test]
async fn a_change_of_outputs_alone_is_a_change() {
    let setting = run(&[("main.tf", "output \"a\" {\n  value = 1\n}\n")]);
    let (outcome, heard) = setting.at_once().await;
    let done = good(outcome, &heard.text());
    assert_eq!(done.foreseen, adds(0));
    assert_eq!(outputs(&done.applied.unwrap().state.unwrap())["a"]["value"], 1);
}

#[tokio::test]
async fn a_plan_that_fails_is_told_as_one_and_leaves_everything_as_it_was() {
    let setting = run(&[("main.tf", ONE)]);
    let (outcome, heard) = setting.at_once().await;
    let state = good(outcome, &heard.text()).applied.unwrap().state;
    let mut next = setting.next(state);
    next.work.source =
        executor::Source::Archive(crate::setting::archive(&[("main.tf", "output \"a\" {\n  value = var.no\n}\n")]));
    let (outcome, heard) = next.at_once().await;
    let failure = bad(outcome);
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (FailureKind::Terraform, "`plan` failed with exit code 1; the log says why.")
    );
    assert!(failure.recovery.state.is_none() && failure.recovery.in_doubt.is_empty());
    assert!(heard.planned.lock().unwrap().is_empty());
    assert!(plain(&heard.text()).contains("Reference to undeclared input variable"), "{}", heard.text());
}

/// `first` is made at once; `slow` waits until somebody writes into the pipe.
fn gated() -> (tempfile::TempDir, std::path::PathBuf, Setting) {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let text = format!(
        "resource \"terraform_data\" \"first\" {{}}\nresource \"terraform_data\" \"slow\" {{\n  depends_on = [terraform_data.first]\n  provisioner \"local-exec\" {{\n    command = \"echo waiting; cat {}\"\n  }}\n}}\n",
        gate.display()
    );
    let setting = run(&[("main.tf", &text)]);
    (folder, gate, setting)
}

async fn begun(setting: &Setting, stop: Stop) -> (Arc<Heard>, tokio::task::JoinHandle<Result<AtOnce, Failure>>) {
    let heard = Heard::new();
    let running = tokio::spawn({
        let (work, heard) = (setting.work.clone(), heard.clone());
        async move { executor::plan_and_apply(&work, None, heard, stop).await }
    });
    heard.until("(local-exec):\u{1b}[0m waiting").await;
    (heard, running)
}

fn slow_in_doubt() -> Vec<InDoubt> {
    vec![InDoubt { address: "terraform_data.slow".into(), action: "create".into() }]
}

#[tokio::test]
async fn a_killed_terraform_leaves_what_was_done_and_what_is_in_doubt() {
    let (_keep, _gate, setting) = gated();
    let (_heard, running) = begun(&setting, Stop::new()).await;
    let leftover = executor::leftover(&setting.work.folder).unwrap();
    killpg(Pid::from_raw(i32::try_from(leftover.pid).unwrap()), Signal::SIGKILL).unwrap();
    let failure = bad(running.await.unwrap());
    assert_eq!(failure.message, "`apply` was killed by somebody else.");
    let state = String::from_utf8(failure.recovery.state.unwrap().to_vec()).unwrap();
    assert!(state.contains("\"first\"") && !state.contains("\"slow\""), "{state}");
    assert_eq!(failure.recovery.in_doubt, slow_in_doubt());
    // It is never begun again.
    let (again, heard) = setting.at_once().await;
    assert!(bad(again).message.contains("was begun before"), "{}", heard.text());
}

#[tokio::test]
async fn an_interrupted_one_saves_what_it_did() {
    let (_keep, _gate, setting) = gated();
    let stop = Stop::new();
    let (heard, running) = begun(&setting, stop.clone()).await;
    stop.interrupt();
    let failure = bad(running.await.unwrap());
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Canceled, "`apply` was interrupted."));
    assert!(String::from_utf8_lossy(&failure.recovery.state.unwrap()).contains("\"first\""));
    assert!(!heard.snapshots.lock().unwrap().is_empty());
}

#[tokio::test]
async fn one_that_outlived_us_is_waited_for_and_found_complete_with_its_plan() {
    let (_keep, gate, setting) = gated();
    let (_heard, running) = begun(&setting, Stop::new()).await;
    running.abort();
    assert!(running.await.is_err_and(|problem| problem.is_cancelled()));
    assert_eq!(executor::foreseen(&setting.work.folder).unwrap(), Some(adds(2)));
    let folder = setting.work.folder.clone();
    let recovering = tokio::spawn(async move { executor::recover(&folder, None).await });
    tokio::task::spawn_blocking(move || std::fs::write(gate, "on\n")).await.unwrap().unwrap();
    let recovered = recovering.await.unwrap().unwrap();
    assert!(recovered.begun && recovered.complete);
    assert_eq!(recovered.counts.additions, 2);
    let plan = recovered.plan.unwrap();
    assert_eq!(plan.foreseen, Some(adds(2)));
    let (plan, apply) = (plain(&String::from_utf8_lossy(&plan.log)), plain(&String::from_utf8_lossy(&recovered.log)));
    assert!(
        plan.starts_with("Terraform v") && plan.contains("Plan: 2 to add") && !plan.contains("Creating..."),
        "{plan}"
    );
    assert!(apply.starts_with("Terraform v") && apply.contains("Apply complete! Resources: 2 added"), "{apply}");
}
