//! Workspaces with many resources: their state is kept at an endpoint beside terraform, of which nobody notices anything but the time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::harness::server::{Server, run_multispace};
use crate::harness::stack::Stack;

const MANY: &str = "variable \"n\" {\n  default = 300\n}\nresource \"terraform_data\" \"many\" {\n  count = var.n\n}\noutput \"n\" {\n  value = length(terraform_data.many)\n}\n";

/// A stack of one large root, and a `terraform` that notes what it is asked to do and where its state is.
struct Large {
    stack: Stack,
    script: PathBuf,
    calls: PathBuf,
}

impl Large {
    fn new() -> Self {
        let stack = Stack::empty();
        stack.write("a/main.tf", MANY);
        let folder = stack.path().parent().expect("a home").to_owned();
        let (script, calls) = (folder.join("noting-terraform"), folder.join("calls"));
        let text = format!(
            "#!/bin/sh\necho \"$1 ${{TF_HTTP_ADDRESS:+endpoint}} $MULTISPACE_RUN_KEEPER\" >> {}\nexec terraform \"$@\"\n",
            calls.display()
        );
        fs::write(&script, text).expect("the script is written");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it may be run");
        Self { stack, script, calls }
    }

    fn with<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["--terraform", self.script.to_str().expect("a path")], more].concat()
    }

    /// What was asked since it was asked last, but for the version.
    fn asked(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.calls).unwrap_or_default();
        fs::write(&self.calls, "").expect("the list is emptied");
        text.lines().map(|line| line.trim_end().to_owned()).filter(|line| line != "version").collect()
    }

    fn checked(&self) {
        let data = self.stack.path().join(".multispace").display().to_string();
        let home = self.stack.path().parent().expect("a home").to_owned();
        run_multispace(&home, &["fsck", "--data-dir", &data]).succeeds();
    }
}

#[test]
fn a_large_workspace_costs_as_many_processes_as_a_small_one() {
    let large = Large::new();
    let auto = large.with(&["--auto-approve"]);
    let (outcome, report) = large.stack.reported("apply", &auto);
    outcome.succeeds();
    assert_eq!(report.of("a")["resources"]["added"], 300, "{:#}", report.0);
    assert_eq!(large.asked(), ["init", "apply endpoint"]);
    large.stack.run("output", &[]).succeeds().says("300");
    large.stack.run("plan", &large.with(&["--all", "--detailed-exitcode"])).exits_with(0);

    large.stack.write("a/more.tf", "output \"more\" {\n  value = 1\n}\n");
    let _ = large.asked();
    large.stack.answered("apply", &large.with(&[]), "yes\n").succeeds();
    let asked = large.asked();
    assert!(asked.ends_with(&["plan endpoint".into(), "show endpoint".into(), "apply endpoint".into()]), "{asked:?}");

    let (outcome, report) = large.stack.reported("destroy", &auto);
    outcome.succeeds();
    assert_eq!(report.of("a")["resources"]["destroyed"], 300, "{:#}", report.0);
    assert_eq!(large.asked(), ["apply endpoint"]);
    large.checked();
}

#[test]
fn a_command_that_is_killed_in_a_large_apply_loses_nothing_and_the_apply_ends_well_without_it() {
    let large = Large::new();
    let (begun, go_on) = (large.stack.path().with_file_name("begun"), large.stack.path().with_file_name("go-on"));
    nix::unistd::mkfifo(&go_on, nix::sys::stat::Mode::S_IRWXU).expect("a pipe is made");
    let slow = format!(
        "resource \"terraform_data\" \"slow\" {{\n  depends_on = [terraform_data.many]\n  provisioner \"local-exec\" {{\n    command = \"echo begun > {}; cat {}\"\n  }}\n}}\n",
        begun.display(),
        go_on.display()
    );
    nix::unistd::mkfifo(&begun, nix::sys::stat::Mode::S_IRWXU).expect("a pipe is made");
    large.stack.write("a/slow.tf", &slow);
    let auto = large.with(&["--auto-approve"]);
    let apply = large.stack.start("apply", &auto);
    assert_eq!(fs::read_to_string(&begun).expect("it begins"), "begun\n");
    apply.signal(Signal::SIGKILL);
    apply.finish();
    fs::write(&go_on, "on\n").expect("whoever waits goes on");
    large.stack.run("apply", &auto).succeeds();
    large.stack.run("plan", &large.with(&["--all", "--detailed-exitcode"])).exits_with(0);
    large.stack.run("output", &[]).succeeds().says("300");
    large.checked();
}

#[test]
fn a_server_runs_a_large_workspace_behind_its_walls() {
    let server = Server::start();
    let root = server.root("large", MANY).initialized();
    root.answered(&["apply"], "yes\n").succeeds().says("300 added");
    assert_eq!(root.outputs()["n"]["value"], 300);
    root.terraform(&["destroy", "-auto-approve"]).succeeds().says("300 destroyed");
    assert_eq!(root.state()["resources"].as_array().map(Vec::len), Some(0));
}
