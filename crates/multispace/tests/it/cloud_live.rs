//! What a user sees while a run is under way: lines as they are written, the queue, and Ctrl-C.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::DEADLINE;
use crate::harness::root::Root;
use crate::harness::server::Server;

/// Says "first", then goes on only when the file `go` is there, and says "second".
fn waiting(server: &Server, workspace: &str) -> Root {
    let root = server.root(workspace, "");
    let go = root.file("go");
    root.write(
        "main.tf",
        &format!(
            r#"
resource "terraform_data" "before" {{}}

resource "terraform_data" "waits" {{
  depends_on = [terraform_data.before]
  provisioner "local-exec" {{
    command = "echo first; while ! test -e {}; do sleep 0.05; done; echo second"
  }}
}}
"#,
            go.display()
        ),
    );
    root.initialized()
}

#[test]
fn lines_reach_the_terminal_while_the_apply_runs() {
    let server = Server::start();
    let root = waiting(&server, "live");
    let mut apply = root.start(&["apply", "-auto-approve"]);
    apply.wait_for("(local-exec): first");
    assert_eq!(server.runs("live")[0]["attributes"]["status"], "applying");
    assert!(apply.is_running());
    fs::write(root.file("go"), "").unwrap();
    apply.finish().succeeds().says("(local-exec): second").says("2 added");
}

#[test]
fn an_interrupted_apply_is_canceled_and_its_state_is_kept() {
    let server = Server::start();
    let root = waiting(&server, "interrupted");
    let mut apply = root.start(&["apply", "-auto-approve"]);
    apply.wait_for("(local-exec): first");
    apply.signal(Signal::SIGINT);
    // Terraform's own exit code here is 0: what was asked for, the cancel, went well.
    apply.finish().says("The remote operation was successfully cancelled.");

    // The CLI does not wait for the server to have stopped the run.
    until(|| server.runs("interrupted")[0]["attributes"]["status"] == "canceled");
    root.terraform(&["state", "list"]).succeeds().says("terraform_data.before");
    assert_eq!(server.workspace("interrupted")["attributes"]["locked"], false);

    fs::write(root.file("go"), "").unwrap();
    root.terraform(&["apply", "-auto-approve"]).succeeds();
    root.terraform(&["plan", "-detailed-exitcode"]).exits_with(0);
}

#[test]
fn a_second_apply_waits_for_the_first_and_both_end() {
    let server = Server::start();
    let root = waiting(&server, "queued");
    let mut first = root.start(&["apply", "-auto-approve"]);
    first.wait_for("(local-exec): first");
    let mut second = root.start(&["apply", "-auto-approve"]);
    second.wait_for("Waiting for");
    assert_eq!(server.runs("queued")[0]["attributes"]["status"], "pending");
    fs::write(root.file("go"), "").unwrap();
    first.finish().succeeds().says("2 added");
    second.finish().succeeds().says("No changes");
}

#[test]
fn a_plan_runs_while_an_apply_holds_the_workspace() {
    let server = Server::start();
    let root = waiting(&server, "beside");
    let mut apply = root.start(&["apply", "-auto-approve"]);
    apply.wait_for("(local-exec): first");
    root.terraform(&["plan"]).succeeds().says("Plan:");
    fs::write(root.file("go"), "").unwrap();
    apply.finish().succeeds();
}

/// Waits for something of which the server tells nobody at this moment.
#[track_caller]
fn until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come true in time");
        std::thread::sleep(Duration::from_millis(50));
    }
}
