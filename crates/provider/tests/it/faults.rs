//! Something dies or is lost at a random moment of an apply or a destroy: there are never two runs for one wish, the
//! next command finishes the job, and a destroy leaves nothing.
//!
//! Three moments for each fault, or as many as `MULTISPACE_TEST_MOMENTS` says (`cargo xtask test --moments 50`); from 50
//! on the server is away for as long as a restart may take.

use std::hash::{BuildHasher, RandomState};
use std::process::{Child, Command};
use std::time::Duration;

use super::ground::{APPLY, Ground, interrupt};

const DESTROY: [&str; 4] = ["destroy", "-auto-approve", "-no-color", "-input=false"];
const CHAIN: &str = r#"
resource "tfe_workspace_run" "one" {
  workspace_id = "ws-1"
  apply { manual_confirm = false }
  destroy { manual_confirm = false }
}
resource "tfe_workspace_run" "two" {
  workspace_id = "ws-2"
  depends_on   = [tfe_workspace_run.one]
  apply { manual_confirm = false }
  destroy { manual_confirm = false }
}
"#;
/// As many calls as an apply or a destroy of the chain makes, about.
const CALLS: u64 = 16;
/// The most milliseconds between a call and the fault.
const DELAY: u64 = 30;
/// How many moments are tried at once.
const AT_ONCE: usize = 8;

#[derive(Clone, Copy, Debug)]
enum Fault {
    Interrupt,
    ProviderKilled,
    TerraformKilled,
    ServerAway(Duration),
    AnswerLost,
}

/// When a fault happens: after so many calls of the command, and a little later.
#[derive(Clone, Copy, Debug)]
struct Moment {
    is_destroy: bool,
    call: usize,
    delay: Duration,
}

impl Moment {
    fn random() -> Self {
        let drawn = |below: u64| RandomState::new().hash_one(0) % below;
        let (call, delay) = (drawn(CALLS), drawn(DELAY));
        Self { is_destroy: drawn(2) == 1, call: usize::try_from(call).unwrap(), delay: Duration::from_millis(delay) }
    }
}

fn moments() -> usize {
    std::env::var("MULTISPACE_TEST_MOMENTS").ok().and_then(|number| number.parse().ok()).unwrap_or(3 * figures::scale())
}

fn survives(fault: Fault) {
    let mut left = moments();
    while left > 0 {
        let now = left.min(if moments() > 3 { AT_ONCE } else { 1 });
        left -= now;
        std::thread::scope(|scope| {
            let tried: Vec<_> = (0..now).map(|_| scope.spawn(|| one(fault, Moment::random()))).collect();
            for one in tried {
                one.join().unwrap();
            }
        });
    }
    // What is looked for after each of them is asserted.
    figures::Figures::of("provider", moments(), moments()).with("doubled", 0).with("unexplained", 0).report();
}

fn one(fault: Fault, moment: Moment) {
    let ground = Ground::new(CHAIN);
    if moment.is_destroy {
        ground.apply();
        strike(&ground, fault, moment, &DESTROY);
    } else {
        strike(&ground, fault, moment, &APPLY);
        ground.succeeds(&[APPLY.as_slice(), &["-lock-timeout=30s"]].concat());
    }
    ground.succeeds(&[DESTROY.as_slice(), &["-lock-timeout=30s"]].concat());
    assert!(ground.state().is_null(), "{fault:?} {moment:?}: {}", ground.state());
    for workspace in ["ws-1", "ws-2"] {
        assert_eq!(wishes(&ground, workspace), [false, true], "{fault:?} {moment:?} {workspace}");
    }
    assert!(ground.double.world().runs.iter().all(|run| run.status() == "applied"), "{fault:?} {moment:?}");
}

/// The runs of a workspace, by whether they destroy.
fn wishes(ground: &Ground, workspace: &str) -> Vec<bool> {
    let world = ground.double.world();
    world.runs.iter().filter(|run| run.workspace == workspace).map(|run| run.is_destroy()).collect()
}

/// Runs a command and lets the fault happen to it. How the command ends does not matter.
fn strike(ground: &Ground, fault: Fault, moment: Moment, command: &[&str]) {
    let begun = ground.double.world().calls.len();
    if matches!(fault, Fault::AnswerLost) {
        ground.double.world().cut_at = Some(begun + moment.call);
    }
    let mut terraform = ground.command(command).spawn().unwrap();
    while ground.double.world().calls.len() < begun + moment.call && terraform.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(moment.delay);
    match fault {
        Fault::Interrupt if terraform.try_wait().unwrap().is_none() => interrupt(terraform.id()),
        Fault::ProviderKilled => kill_children(&terraform),
        Fault::TerraformKilled => terraform.kill().unwrap(),
        Fault::ServerAway(how_long) => {
            ground.double.is_away(true);
            std::thread::sleep(how_long);
            ground.double.is_away(false);
        }
        Fault::Interrupt | Fault::AnswerLost => {}
    }
    terraform.wait_with_output().unwrap();
    ground.double.world().cut_at = None;
    mend_state(ground);
}

/// Terraform does not replace its state file at once: killed while it writes, it leaves half a file. A person then takes
/// the backup, which is older than what was done.
fn mend_state(ground: &Ground) {
    let (state, backup) = (ground.root().join("terraform.tfstate"), ground.root().join("terraform.tfstate.backup"));
    let is_whole = |text: String| serde_json::from_str::<serde_json::Value>(&text).is_ok();
    if !state.exists() || std::fs::read_to_string(&state).is_ok_and(is_whole) {
        return;
    }
    if backup.exists() {
        std::fs::copy(backup, state).unwrap();
    } else {
        std::fs::remove_file(state).unwrap();
    }
}

fn kill_children(parent: &Child) {
    let children = Command::new("pgrep").args(["-P", &parent.id().to_string()]).output().unwrap();
    for child in String::from_utf8_lossy(&children.stdout).split_whitespace() {
        // It may have ended by itself meanwhile.
        let _ = Command::new("kill").args(["-KILL", child]).output().unwrap();
    }
}

#[test]
fn an_interrupt_at_any_moment() {
    survives(Fault::Interrupt);
}

#[test]
fn a_kill_of_the_provider_at_any_moment() {
    survives(Fault::ProviderKilled);
}

#[test]
fn a_kill_of_terraform_at_any_moment() {
    survives(Fault::TerraformKilled);
}

#[test]
fn a_server_that_is_away_for_a_while_at_any_moment() {
    let how_long = if moments() < 50 { Duration::from_millis(400) } else { Duration::from_secs(30) };
    survives(Fault::ServerAway(how_long));
}

#[test]
fn a_lost_answer_to_any_call() {
    survives(Fault::AnswerLost);
}

#[test]
fn a_run_that_bears_no_mark_is_run_again_by_a_terraform_that_lost_its_state() {
    let ground = Ground::new(CHAIN);
    let forget = || {
        for file in ["terraform.tfstate", "terraform.tfstate.backup"] {
            let _ = std::fs::remove_file(ground.root().join(file));
        }
    };
    ground.apply();
    forget();
    ground.apply();
    assert_eq!(wishes(&ground, "ws-1"), [false], "the mark says that it was done");
    for run in &mut ground.double.world().runs {
        run.body["data"]["attributes"]["message"] = "".into();
        run.comments.clear();
    }
    forget();
    ground.apply();
    assert_eq!(wishes(&ground, "ws-1"), [false, false]);
    figures::control("provider");
}
