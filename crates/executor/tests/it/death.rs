//! Terraform, or we, die in the middle of an apply.

use std::sync::Arc;

use executor::{Failure, FailureKind, InDoubt, Stop};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::setting::{Heard, Setting, bad, good, run};

/// `first` is made at once; `slow` waits until somebody writes into the pipe `gate`.
fn gated(gate: &std::path::Path) -> Setting {
    let text = format!(
        "resource \"terraform_data\" \"first\" {{}}\nresource \"terraform_data\" \"slow\" {{\n  depends_on = [terraform_data.first]\n  provisioner \"local-exec\" {{\n    command = \"echo waiting; cat {}\"\n  }}\n}}\n",
        gate.display()
    );
    run(&[("main.tf", &text)])
}

fn gate() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    (folder, gate)
}

async fn begun(setting: &Setting) -> (Arc<Heard>, tokio::task::JoinHandle<Result<executor::Applied, Failure>>) {
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
    assert_eq!(executor::recover(folder.path(), None).await.unwrap_err().code, "executor/nothing");
}
