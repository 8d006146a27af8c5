//! Terraform, or we, die in the middle of an apply.

use std::sync::Arc;

use executor::{Failure, FailureKind, InDoubt, Stop};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::keeper::kept;
use crate::setting::{Heard, Setting, archive, bad, good, run};

/// `first` is made at once; `slow` waits until somebody writes into the pipe `gate`.
fn gated(gate: &std::path::Path) -> Setting {
    run(&[("main.tf", &gated_code(gate))])
}

/// The same among 200 others.
fn crowded(gate: &std::path::Path) -> executor::Source {
    let many = "resource \"terraform_data\" \"many\" {\n  count = 200\n}\n";
    executor::Source::Archive(archive(&[("main.tf", &gated_code(gate)), ("many.tf", many)]))
}

fn gated_code(gate: &std::path::Path) -> String {
    format!(
        "resource \"terraform_data\" \"first\" {{}}\nresource \"terraform_data\" \"slow\" {{\n  depends_on = [terraform_data.first]\n  provisioner \"local-exec\" {{\n    command = \"echo waiting; cat {}\"\n  }}\n}}\n",
        gate.display()
    )
}

fn gate() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    (folder, gate)
}

/// Plans, begins to apply, and returns when the provisioner has begun.
pub(crate) async fn begun(
    setting: &Setting,
) -> (Arc<Heard>, tokio::task::JoinHandle<Result<executor::Applied, Failure>>) {
    let (planned, log) = setting.plan().await;
    good(planned, &log);
    let heard = Heard::new();
    let applying = tokio::spawn({
        let (work, heard) = (setting.work.clone(), heard.clone());
        async move { executor::apply(&work, heard, Stop::new()).await }
    });
    heard.until("(local-exec):\u{1b}[0m waiting").await;
    (heard, applying)
}

fn recorded_pid(setting: &Setting) -> i32 {
    let text = std::fs::read(setting.work.folder.join("phase.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(record["step"], "apply");
    i32::try_from(record["pid"].as_i64().unwrap()).unwrap()
}

fn slow_in_doubt() -> Vec<InDoubt> {
    vec![InDoubt { address: "terraform_data.slow".into(), action: "create".into() }]
}

#[tokio::test]
async fn a_killed_terraform_leaves_what_was_done_and_what_is_in_doubt() {
    let (_keep, gate) = gate();
    let setting = gated(&gate);
    let (_heard, applying) = begun(&setting).await;
    killpg(Pid::from_raw(recorded_pid(&setting)), Signal::SIGKILL).unwrap();
    let failure = bad(applying.await.unwrap());
    assert_eq!(failure.kind, FailureKind::Terraform);
    assert_eq!(failure.message, "`apply` was killed by somebody else.");
    let state = String::from_utf8(failure.recovery.state.unwrap().to_vec()).unwrap();
    assert!(state.contains("\"first\"") && !state.contains("\"slow\""), "{state}");
    assert!(failure.recovery.unsaved.is_empty());
    assert_eq!(failure.recovery.in_doubt, slow_in_doubt());
}

#[tokio::test]
async fn an_apply_that_outlived_us_is_waited_for_and_found_complete() {
    let (_keep, gate) = gate();
    let setting = gated(&gate);
    let (_heard, applying) = begun(&setting).await;
    // We die: nobody follows the apply any more.
    applying.abort();
    assert!(applying.await.is_err_and(|problem| problem.is_cancelled()));
    let pid = recorded_pid(&setting);
    assert_eq!(executor::leftover(&setting.work.folder).map(|left| i32::try_from(left.pid).unwrap()), Some(pid));

    let folder = setting.work.folder.clone();
    let recovering = tokio::spawn(async move { executor::recover(&folder, None).await });
    tokio::task::yield_now().await;
    assert!(!recovering.is_finished());
    tokio::task::spawn_blocking(move || std::fs::write(gate, "on\n")).await.unwrap().unwrap();
    let recovered = recovering.await.unwrap().unwrap();
    assert!(recovered.complete);
    assert_eq!(recovered.counts.additions, 2);
    assert!(recovered.recovery.in_doubt.is_empty() && recovered.recovery.unsaved.is_empty());
    let state = String::from_utf8(recovered.recovery.state.unwrap().to_vec()).unwrap();
    assert!(state.contains("\"slow\""), "{state}");
    let log = crate::setting::plain(std::str::from_utf8(&recovered.log).unwrap());
    assert!(log.starts_with("Terraform v"), "{log}");
    assert!(log.contains("Apply complete! Resources: 2 added"), "{log}");
}

#[tokio::test]
async fn an_apply_that_outlived_us_can_be_interrupted() {
    let (_keep, gate) = gate();
    let setting = gated(&gate);
    let (_heard, applying) = begun(&setting).await;
    applying.abort();
    assert!(applying.await.is_err());
    executor::leftover(&setting.work.folder).unwrap().interrupt();
    let recovered = executor::recover(&setting.work.folder, None).await.unwrap();
    assert!(!recovered.complete);
    let state = String::from_utf8(recovered.recovery.state.unwrap().to_vec()).unwrap();
    assert!(state.contains("\"first\""), "{state}");
}

#[tokio::test]
async fn a_terraform_nobody_wrote_down_is_found_by_its_lock_and_killed() {
    let (_keep, gate) = gate();
    let setting = gated(&gate);
    let (_heard, applying) = begun(&setting).await;
    applying.abort();
    assert!(applying.await.is_err());
    let pid = recorded_pid(&setting);
    std::fs::remove_file(setting.work.folder.join("phase.json")).unwrap();
    assert_eq!(executor::leftover(&setting.work.folder).map(|left| i32::try_from(left.pid).unwrap()), Some(pid));
    executor::kill_leftover(&setting.work.folder).await.unwrap();
    assert!(executor::leftover(&setting.work.folder).is_none());
}

#[tokio::test]
async fn a_folder_without_an_apply_recovers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!executor::recover(folder.path(), None).await.unwrap().begun);
}

#[tokio::test]
async fn a_grandchild_of_a_provisioner_does_not_outlive_the_run() {
    let (_keep, gate) = gate();
    let text = format!(
        "resource \"terraform_data\" \"a\" {{\n  provisioner \"local-exec\" {{\n    command = \"(trap '' INT TERM; exec sleep 100000) > {} & echo waiting; wait\"\n  }}\n}}\n",
        gate.display()
    );
    let setting = run(&[("main.tf", &text)]);
    let (planned, log) = setting.plan().await;
    good(planned, &log);
    // The grandchild opens the pipe for writing; reading it ends when nobody has it open any more.
    let reading = tokio::task::spawn_blocking(move || std::fs::read(gate));
    let (heard, stop) = (Heard::new(), Stop::new());
    let applying = tokio::spawn({
        let (work, heard, stop) = (setting.work.clone(), heard.clone(), stop.clone());
        async move { executor::apply(&work, heard, stop).await }
    });
    heard.until("(local-exec):\u{1b}[0m waiting").await;
    stop.interrupt();
    assert_eq!(bad(applying.await.unwrap()).kind, FailureKind::Canceled);
    reading.await.unwrap().unwrap();
}

/// Many resources, so that terraform writes its state without pause; killed after `completed` of them.
async fn killed_while_busy(completed: usize) {
    let text = "resource \"terraform_data\" \"many\" {\n  count = 120\n  input = join(\"\", [for i in range(200) : \"some words to make it long\"])\n}\n";
    let setting = run(&[("main.tf", text)]);
    let (planned, log) = setting.plan().await;
    good(planned, &log);
    let heard = Heard::new();
    let applying = tokio::spawn({
        let (work, heard) = (setting.work.clone(), heard.clone());
        async move { executor::apply(&work, heard, Stop::new()).await }
    });
    heard.until_count("Creation complete", completed).await;
    let text = std::fs::read(setting.work.folder.join("phase.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    if let Some(pid) = record["pid"].as_i64() {
        let _ = killpg(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL);
    }
    let Err(failure) = applying.await.unwrap() else { return };
    let recovery = failure.recovery;
    // Killed at its very first save terraform may leave no state at all.
    let state: serde_json::Value =
        recovery.state.map(|state| serde_json::from_slice(&state).unwrap()).unwrap_or_default();
    let saved: std::collections::BTreeSet<u64> = state["resources"][0]["instances"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|instance| instance["index_key"].as_u64().unwrap())
        .collect();
    let log = std::fs::read_to_string(setting.work.folder.join("log/apply")).unwrap();
    let mut lost = 0;
    for line in log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
        if line["type"] == "apply_complete" {
            let resource = &line["hook"]["resource"];
            if !saved.contains(&resource["resource_key"].as_u64().unwrap()) {
                lost += 1;
                let unsaved = recovery.unsaved.iter().find(|unsaved| resource["addr"] == unsaved.address.as_str());
                assert_eq!(unsaved.unwrap().id_value, line["hook"]["id_value"].as_str().unwrap());
            }
        }
    }
    assert_eq!(recovery.unsaved.len(), lost);
}

#[tokio::test]
async fn nothing_that_was_done_is_forgotten_whenever_terraform_is_killed() {
    for completed in [1, 30, 60, 90, 110] {
        killed_while_busy(completed).await;
    }
}

/// Names the folder of the one who is to die, for the process that plays it.
const VICTIM: &str = "EXECUTOR_TEST_VICTIM";
/// Says that its run has so many resources that their state is kept at an endpoint.
const VICTIM_KEEPS: &str = "EXECUTOR_TEST_VICTIM_KEEPS";

/// Plays the one who dies: plans and applies in a folder that somebody else names, and is killed in the middle of it.
#[tokio::test]
async fn the_one_who_dies() {
    let Some(gate) = std::env::var_os(VICTIM).map(std::path::PathBuf::from) else { return };
    let mut setting = gated(&gate);
    setting.work.folder = gate.with_file_name("run");
    if std::env::var_os(VICTIM_KEEPS).is_some() {
        setting = kept(setting);
        setting.work.source = crowded(&gate);
    }
    let (_heard, applying) = begun(&setting).await;
    std::fs::write(gate.with_file_name("begun"), "").unwrap();
    let _ = applying.await;
}

#[tokio::test]
async fn a_kill_of_ours_neither_ends_nor_stalls_a_running_apply() {
    assert_outlives_us(false, 2).await;
}

#[tokio::test]
async fn a_kill_of_ours_takes_no_endpoint_from_a_running_apply() {
    assert_outlives_us(true, 202).await;
}

/// Kills who applies, and lets terraform go on.
async fn assert_outlives_us(keeps: bool, additions: u32) {
    let (keep, gate) = gate();
    let mut victim = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "death::the_one_who_dies", "--nocapture"])
        .env(VICTIM, &gate)
        .envs(keeps.then_some((VICTIM_KEEPS, "1")))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (told, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |_| {
        let _ = told.send(());
    })
    .unwrap();
    notify::Watcher::watch(&mut watcher, keep.path(), notify::RecursiveMode::NonRecursive).unwrap();
    while !keep.path().join("begun").exists() {
        begun.recv().await.unwrap();
    }
    victim.kill().await.unwrap();

    let folder = keep.path().join("run");
    assert!(executor::leftover(&folder).is_some());
    tokio::task::spawn_blocking(move || std::fs::write(gate, "on\n")).await.unwrap().unwrap();
    let recovered = executor::recover(&folder, None).await.unwrap();
    assert!(recovered.begun && recovered.complete);
    assert_eq!(recovered.counts.additions, additions);
    assert_eq!(folder.join("kept").is_dir(), keeps);
    let state = String::from_utf8(recovered.recovery.state.unwrap().to_vec()).unwrap();
    assert!(state.contains("\"slow\""), "{state}");
    assert!(executor::leftover(&folder).is_none());
}

#[tokio::test]
async fn a_log_that_is_read_after_our_death_has_no_secret_either() {
    let (_keep, gate) = gate();
    let text = format!(
        "resource \"terraform_data\" \"slow\" {{\n  provisioner \"local-exec\" {{\n    command = \"echo waiting $SECRET; cat {}\"\n  }}\n}}\n",
        gate.display()
    );
    let mut setting = run(&[("main.tf", &text)]);
    setting.work.variables.push(executor::Variable { sensitive: true, ..crate::setting::env("SECRET", "swordfish") });
    let (heard, applying) = begun(&setting).await;
    heard.until("waiting (sensitive value)").await;
    applying.abort();
    assert!(applying.await.is_err());
    tokio::task::spawn_blocking(move || std::fs::write(gate, "on\n")).await.unwrap().unwrap();
    let recovered = executor::recover(&setting.work.folder, None).await.unwrap();
    assert!(recovered.complete);
    let log = std::str::from_utf8(&recovered.log).unwrap();
    assert!(log.contains("waiting (sensitive value)") && !log.contains("swordfish"), "{log}");
    assert!(log.starts_with(&heard.text()), "the receiver has the beginning of it: {log}");
}

#[tokio::test]
async fn an_apply_at_an_endpoint_can_be_interrupted_by_us_and_when_it_outlived_us() {
    for outlives in [false, true] {
        let (_keep, gate) = gate();
        let mut setting = kept(gated(&gate));
        setting.work.source = crowded(&gate);
        let (planned, log) = setting.plan().await;
        good(planned, &log);
        let (heard, stop) = (Heard::new(), Stop::new());
        let applying = tokio::spawn({
            let (work, heard, stop) = (setting.work.clone(), heard.clone(), stop.clone());
            async move { executor::apply(&work, heard, stop).await }
        });
        heard.until("(local-exec):\u{1b}[0m waiting").await;
        heard.until_count("Creation complete", 201).await;
        let recovery = if outlives {
            applying.abort();
            assert!(applying.await.is_err());
            executor::leftover(&setting.work.folder).unwrap().interrupt();
            let recovered = executor::recover(&setting.work.folder, None).await.unwrap();
            assert!(!recovered.complete);
            recovered.recovery
        } else {
            stop.interrupt();
            let failure = bad(applying.await.unwrap());
            assert_eq!(failure.kind, FailureKind::Canceled);
            failure.recovery
        };
        assert!(recovery.unsaved.is_empty(), "{:?}", recovery.unsaved);
        let state = String::from_utf8(recovery.state.unwrap().to_vec()).unwrap();
        assert!(state.contains("\"first\"") && state.matches("\"index_key\"").count() == 200, "{state}");
    }
}
