//! How many terraforms work at once where memory is short. Their terraform notes when it begins and ends, and takes as long as it is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use executor::{Holding, Memory, Stop};

use crate::setting::{Heard, Setting, good, run};

const CODE: &str = "resource \"terraform_data\" \"a\" {}\n";
const MIB: u64 = 1024 * 1024;

/// A terraform that notes its beginning and its end around `plan`, and looks a while whether another begins.
fn noting(folder: &Path) -> (PathBuf, PathBuf) {
    let (script, noted) = (folder.join("terraform"), folder.join("noted"));
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = plan ] || exec terraform \"$@\"\necho begins >> '{0}'\nterraform \"$@\"\ncode=$?\necho ends >> '{0}'\nexit $code\n",
        noted.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    (script, noted)
}

fn with(terraform: &Path, memory: &Memory) -> Setting {
    let mut setting = run(&[("main.tf", CODE)]);
    setting.work.terraform = terraform.to_owned();
    setting.work.memory = memory.clone();
    setting
}

#[tokio::test]
async fn with_memory_for_one_they_work_one_after_the_other_also_when_that_is_less_than_one_needs() {
    for budget in [100 * MIB, MIB] {
        let folder = tempfile::tempdir().unwrap();
        let (terraform, noted) = noting(folder.path());
        let memory = Memory::of(budget);
        let runs: Vec<Setting> = (0..4).map(|_| with(&terraform, &memory)).collect();
        let planning: Vec<_> = runs.into_iter().map(|run| tokio::spawn(async move { run.plan().await })).collect();
        for planned in planning {
            let (planned, log) = planned.await.unwrap();
            good(planned, &log);
        }
        let noted = fs::read_to_string(noted).unwrap();
        assert_eq!(noted, "begins\nends\n".repeat(4), "{budget}");
    }
}

#[tokio::test]
async fn a_run_that_is_canceled_while_it_waits_for_memory_does_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    let (terraform, noted) = noting(folder.path());
    let memory = Memory::of(MIB);
    let other = with(&terraform, &memory);
    // Its terraform works until it is let go on.
    let go_on = folder.path().join("go-on");
    nix::unistd::mkfifo(&go_on, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let waits =
        format!("#!/bin/sh\n[ \"$1\" = plan ] && cat '{}' >/dev/null\nexec terraform \"$@\"\n", go_on.display());
    let slow = folder.path().join("slow");
    fs::write(&slow, waits).unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();
    let mut first = with(&slow, &memory);
    first.work.terraform = slow;
    let working = tokio::spawn(async move { first.plan().await });
    // Opened when both ends are there.
    let gate = tokio::task::spawn_blocking(move || fs::File::options().write(true).open(go_on)).await.unwrap().unwrap();
    let stop = Stop::new();
    let canceled = tokio::spawn({
        let (work, stop) = (other.work.clone(), stop.clone());
        async move { executor::plan(&work, None, Heard::new(), stop).await }
    });
    stop.interrupt();
    assert_eq!(crate::setting::bad(canceled.await.unwrap()).kind, executor::FailureKind::Canceled);
    assert!(!noted.exists());
    drop(gate);
    let (planned, log) = working.await.unwrap();
    good(planned, &log);
}

#[tokio::test]
async fn one_that_is_held_is_ended_when_a_run_needs_its_memory_and_its_own_run_starts_by_itself() {
    let kept = tempfile::tempdir().unwrap();
    let memory = Memory::of(100 * MIB);
    let setting = || {
        let mut setting = with(Path::new("terraform"), &memory);
        setting.work.initialised = Some(kept.path().join("initialised"));
        setting.work.operation.described = false;
        setting
    };
    let (first, heard) = setting().at_once().await;
    good(first, &heard.text());
    let next = setting();
    let Holding::Held(held) =
        executor::hold(&next.work, executor::Phase::Apply, executor::Variables::ToCome).await.unwrap()
    else {
        panic!("it is not held")
    };
    let another = setting();
    assert!(
        matches!(
            executor::hold(&another.work, executor::Phase::Apply, executor::Variables::ToCome).await.unwrap(),
            Holding::NotYet
        ),
        "there is no room for a second"
    );
    let (done, heard) = setting().at_once().await;
    good(done, &heard.text());
    executor::ended(&next.work.folder).await.unwrap();
    let heard = Heard::new();
    let done = executor::plan_and_apply(&next.work, Some(*held), heard.clone(), Stop::new()).await;
    assert!(good(done, &heard.text()).applied.is_some());

    // And one for which there is room goes on, and has all that there is.
    let next = setting();
    let Holding::Held(held) =
        executor::hold(&next.work, executor::Phase::Apply, executor::Variables::ToCome).await.unwrap()
    else {
        panic!("it is not held")
    };
    let done = executor::plan_and_apply(&next.work, Some(*held), heard.clone(), Stop::new()).await;
    assert!(good(done, &heard.text()).applied.is_some());
}
