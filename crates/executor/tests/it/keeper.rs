//! Runs whose state is kept at an endpoint, because it is large: that nothing is lost which the ring would have kept or the log knows.

use executor::Keeper;
use std::os::unix::fs::PermissionsExt;

use crate::setting::{Setting, bad, good, outputs, run, terraform};

/// Arguments of the keeper that a process of this executable is to play, a line for each.
const PLAYED: &str = "EXECUTOR_TEST_KEEPER";

/// Plays the keeper, which is a command of multispace's executable, and of no other.
#[test]
fn the_keeper() {
    let Ok(arguments) = std::env::var(PLAYED) else { return };
    let mut arguments = arguments.lines();
    assert_eq!(arguments.next(), Some(executor::KEEP));
    let spec = arguments.next().unwrap();
    let program: Vec<_> = arguments.map(std::ffi::OsString::from).collect();
    std::process::exit(executor::keep(spec, &program).unwrap());
}

/// A keeper for this run.
pub(crate) fn kept(mut setting: Setting) -> Setting {
    let program = setting.work.folder.with_file_name("keeper");
    let own = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\n{PLAYED}=\"$(printf '%s\\n' \"$@\")\" exec '{}' --exact keeper::the_keeper --nocapture\n",
        own.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    setting.work.keeper = Some(Keeper { program, secret: "onlythisrunknowsit".into() });
    // What the test says of itself stands before the answer of `show`.
    setting.work.operation.described = false;
    setting
}

/// Whether the state of the run is at an endpoint.
fn is_kept(setting: &Setting) -> bool {
    setting.work.folder.join("kept").is_dir()
}

const MANY: &str = "variable \"n\" {\n  default = 200\n}\nresource \"terraform_data\" \"many\" {\n  count = var.n\n  input = count.index\n}\noutput \"n\" {\n  value = length(terraform_data.many)\n}\n";

fn many(count: &str) -> Setting {
    let mut setting = kept(run(&[("main.tf", MANY)]));
    setting.work.variables.push(terraform("n", count));
    setting
}

#[tokio::test]
async fn a_large_workspace_is_planned_applied_and_destroyed_with_its_state_at_the_endpoint() {
    let first = many("200");
    let (planned, applied, log) = first.done().await;
    assert!(is_kept(&first));
    assert_eq!((planned.counts.additions, applied.counts.additions), (200, 200));
    assert!(!log.contains("onlythisrunknowsit"), "{log}");
    let state = applied.state.unwrap();
    assert_eq!(outputs(&state)["n"]["value"], 200);

    // The state is large, whatever the code says by now.
    let mut second = first.next(Some(state));
    second.work.variables.clear();
    second.work.variables.push(terraform("n", "3"));
    let (outcome, heard) = second.at_once().await;
    let applied = good(outcome, &heard.text()).applied.unwrap();
    assert!(is_kept(&second));
    assert_eq!(applied.counts.destructions, 197);
    let state = applied.state.unwrap();
    assert_eq!(outputs(&state)["n"]["value"], 3);
    assert!(heard.snapshots.lock().unwrap().last().is_none_or(|last| *last == state));

    let mut third = second.next(Some(state));
    third.work.operation.destroy = true;
    let (outcome, heard) = third.at_once().await;
    assert_eq!(good(outcome, &heard.text()).applied.unwrap().counts.destructions, 3);
    assert!(!is_kept(&third), "it is small now");
}

#[tokio::test]
async fn a_small_workspace_and_one_that_asks_for_its_name_stay_with_the_local_backend() {
    let small = many("199");
    small.done().await;
    assert!(!is_kept(&small));
    let named = kept(run(&[("main.tf", MANY), ("name.tf", "output \"w\" {\n  value = terraform.workspace\n}\n")]));
    let (_, applied, _) = named.done().await;
    assert!(!is_kept(&named));
    assert_eq!(outputs(&applied.state.unwrap())["w"]["value"], "production");
    let mut default = named.next(None);
    default.work.names.workspace = "default".into();
    let (_, applied, _) = default.done().await;
    assert!(is_kept(&default), "this is the name that terraform has without workspaces");
    assert_eq!(outputs(&applied.state.unwrap())["w"]["value"], "default");
}

#[tokio::test]
async fn a_plan_of_a_large_workspace_is_applied_in_a_folder_that_is_made_anew() {
    let mut setting = many("200");
    let (planned, log) = setting.plan().await;
    setting.work.plan_file = good(planned, &log).plan_file;
    std::fs::remove_dir_all(&setting.work.folder).unwrap();
    // What the code says now is not what counts: the plan is of an endpoint.
    let (applied, log) = setting.apply().await;
    assert_eq!(good(applied, &log).counts.additions, 200);
    assert!(is_kept(&setting));
}

#[tokio::test]
async fn an_apply_that_fails_leaves_all_that_it_made_in_the_state() {
    let fails = "resource \"terraform_data\" \"fails\" {\n  depends_on = [terraform_data.many]\n  provisioner \"local-exec\" {\n    command = \"exit 3\"\n  }\n}\n";
    let setting = kept(run(&[("main.tf", MANY), ("fails.tf", fails)]));
    let (outcome, _) = setting.at_once().await;
    let recovery = bad(outcome).recovery;
    assert!(is_kept(&setting));
    assert!(recovery.unsaved.is_empty() && recovery.in_doubt.is_empty());
    assert_eq!(instances(&recovery.state.unwrap()), 201);
}

#[tokio::test]
async fn where_the_endpoint_cannot_store_the_state_terraform_leaves_it_elsewhere_and_it_is_found() {
    let mut setting = many("200");
    // A folder where the endpoint would write.
    let in_the_way = setting.work.folder.join("kept/terraform.new");
    let breaks = format!(
        "resource \"terraform_data\" \"breaks\" {{\n  provisioner \"local-exec\" {{\n    command = \"mkdir {}\"\n  }}\n}}\n",
        in_the_way.display()
    );
    let files = [("main.tf", MANY), ("breaks.tf", breaks.as_str())];
    setting.work.source = executor::Source::Archive(crate::setting::archive(&files));
    let (outcome, heard) = setting.at_once().await;
    let failure = bad(outcome);
    let log = crate::setting::plain(&heard.text());
    assert!(log.contains("errored.tfstate"), "{log}");
    assert!(!log.contains("onlythisrunknowsit"), "{log}");
    assert!(failure.recovery.unsaved.is_empty() && failure.recovery.in_doubt.is_empty());
    assert_eq!(instances(&failure.recovery.state.unwrap()), 201);
}

fn instances(state: &bytes::Bytes) -> usize {
    let state: serde_json::Value = serde_json::from_slice(state).unwrap();
    state["resources"].as_array().unwrap().iter().map(|it| it["instances"].as_array().unwrap().len()).sum()
}
