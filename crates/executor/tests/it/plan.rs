use std::path::{Path, PathBuf};
use std::time::Duration;

use executor::{FailureKind, Output, Product, Stop};

use crate::setting::{Heard, bad, env, good, plain, run};

#[tokio::test]
async fn broken_code_fails_with_terraforms_own_words() {
    let setting = run(&[("main.tf", "resource \"terraform_data\" {\n")]);
    let (planned, log) = setting.plan().await;
    assert_eq!(bad(planned).kind, FailureKind::Terraform);
    assert!(plain(&log).contains("Error: "), "{log}");
    assert!(log.contains("main.tf"), "{log}");
}

#[tokio::test]
async fn a_plan_that_cannot_be_made_says_why_in_both_outputs() {
    for output in [Output::Human, Output::Json] {
        let mut setting = run(&[("main.tf", "output \"a\" {\n  value = file(\"missing\")\n}\n")]);
        setting.work.output = output;
        let (planned, log) = setting.plan().await;
        let failure = bad(planned);
        assert_eq!(failure.kind, FailureKind::Terraform);
        assert_eq!(failure.message, "`plan` failed with exit code 1; the log says why.");
        assert!(log.contains("Invalid function argument"), "{log}");
    }
}

#[tokio::test]
async fn what_is_not_an_archive_is_refused() {
    let mut setting = run(&[]);
    setting.work.source = executor::Source::Archive(bytes::Bytes::from_static(b"hello"));
    assert_eq!(bad(setting.plan().await.0).kind, FailureKind::Executor);
}

#[tokio::test]
async fn a_working_directory_is_inside_the_archive_or_refused() {
    for directory in ["missing", "../x", "a/../../x"] {
        let mut setting = run(&[("main.tf", "")]);
        setting.work.working_directory = directory.into();
        let failure = bad(setting.plan().await.0);
        assert_eq!(failure.kind, FailureKind::Executor);
        assert!(failure.message.contains(directory), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_missing_terraform_is_named() {
    let mut setting = run(&[("main.tf", "")]);
    setting.work.terraform = PathBuf::from("no-such-terraform");
    let failure = bad(setting.plan().await.0);
    assert_eq!(
        failure.message,
        "There is no executable \"no-such-terraform\". Install it, or name one with --terraform."
    );
    let problem = executor::terraform_version(Path::new("no-such-terraform"), None).await.unwrap_err();
    assert_eq!(problem.code, "terraform/not-found");
    let problem = executor::terraform_version(Path::new("true"), None).await.unwrap_err();
    assert_eq!(problem.code, "terraform/unusable");
}

#[tokio::test]
async fn the_real_terraform_says_what_it_is() {
    let version = executor::terraform_version(Path::new("terraform"), None).await.expect("terraform must be on PATH");
    assert_eq!(version.product, Product::Terraform);
    assert!(version.version.starts_with("1."));
    assert!(version.platform.starts_with("linux_"));
}

#[tokio::test]
async fn a_stop_before_the_start_starts_nothing() {
    let setting = run(&[("main.tf", "")]);
    let stop = Stop::new();
    stop.interrupt();
    let failure = bad(executor::plan(&setting.work, None, Heard::new(), stop).await);
    assert_eq!(failure.kind, FailureKind::Canceled);
}

/// A plan that hangs in reading a pipe, so that nothing but a signal ends it.
async fn hanging(grace: Duration, end: impl FnOnce(&Stop)) {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut setting = run(&[("main.tf", &format!("output \"a\" {{\n  value = file(\"{}\")\n}}\n", gate.display()))]);
    setting.work.grace = grace;
    let stop = Stop::new();
    let planning = tokio::spawn({
        let (work, stop) = (setting.work.clone(), stop.clone());
        async move { executor::plan(&work, None, Heard::new(), stop).await }
    });
    // A pipe opens for writing when somebody has opened it for reading.
    let open = tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(gate));
    let _held = open.await.unwrap().unwrap();
    assert!(executor::leftover(&setting.work.folder).is_some());
    end(&stop);
    assert_eq!(bad(planning.await.unwrap()).kind, FailureKind::Canceled);
    assert!(executor::leftover(&setting.work.folder).is_none());
}

#[tokio::test]
async fn a_killed_plan_leaves_no_process() {
    hanging(Duration::from_secs(3600), Stop::kill).await;
}

#[tokio::test]
async fn a_plan_that_does_not_heed_an_interrupt_is_killed_after_its_grace() {
    hanging(Duration::from_millis(10), Stop::interrupt).await;
}

#[tokio::test]
async fn no_secret_is_in_the_redacted_plan() {
    let text = "variable \"s\" {\n  sensitive = true\n}\nresource \"terraform_data\" \"a\" {\n  input = { word = var.s, list = [var.s, \"open\"] }\n}\noutput \"s\" {\n  value     = var.s\n  sensitive = true\n}\n";
    for output in [Output::Human, Output::Json] {
        let mut setting = run(&[("main.tf", text)]);
        setting.work.output = output;
        setting.work.variables = vec![crate::setting::terraform("s", "s3cret")];
        let (planned, log) = setting.plan().await;
        let planned = good(planned, &log);
        assert!(String::from_utf8_lossy(&planned.description.as_ref().unwrap().json).contains("s3cret"));
        let redacted = String::from_utf8_lossy(&planned.description.as_ref().unwrap().redacted).into_owned();
        assert!(!redacted.contains("s3cret") && redacted.contains("open"), "{redacted}");
        assert!(!log.contains("s3cret"));
    }
}

#[tokio::test]
async fn a_refused_variable_is_named() {
    let mut setting = run(&[("main.tf", "")]);
    setting.work.variables = vec![env("TF_CLI_ARGS_plan", "-out=/tmp/x")];
    let failure = bad(setting.plan().await.0);
    assert_eq!(failure.kind, FailureKind::Executor);
    assert!(failure.message.contains("TF_CLI_ARGS_plan"));
}
