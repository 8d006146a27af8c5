//! Terraforms that are started ahead of their runs: that they are, that they do nothing before their time, and that nothing of them is left.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::child::Running;
use crate::harness::processes::alive;
use crate::harness::stack::Stack;
use crate::stack::root;
use crate::stack_at_once::{asked, watched};

/// A chain of three whose `init` is kept, in which everything is to be made, and each writes down that it was.
struct Chain {
    stack: Stack,
    home: PathBuf,
}

impl Chain {
    /// Its `init` has not run.
    fn fresh() -> Self {
        let stack = Stack::empty();
        let home = stack.path().parent().expect("a home").to_owned();
        for (name, reads) in [("a", vec![]), ("b", vec!["a"]), ("c", vec!["b"])] {
            let ledger = home.join("ledger").display().to_string();
            let made = format!("provisioner \"local-exec\" {{\n    command = \"echo {name} >> {ledger}\"\n  }}");
            stack.write(&format!("{name}/main.tf"), &root(&reads, &made));
        }
        Self { stack, home }
    }

    fn new() -> Self {
        let chain = Self::fresh();
        chain.stack.run("apply", &["--auto-approve"]).succeeds();
        chain.stack.run("destroy", &["--auto-approve"]).succeeds();
        assert_eq!(chain.made(), ["a", "b", "c"]);
        fs::remove_file(chain.home.join("ledger")).expect("it is there");
        chain
    }

    fn made(&self) -> Vec<String> {
        let text = fs::read_to_string(self.home.join("ledger")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// A pipe with a name.
    fn pipe(&self, name: &str) -> PathBuf {
        let pipe = self.home.join(name);
        mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
        pipe
    }

    /// A walk with a terraform whose processes for `first` and `second` can be heard while they live, and whose first waits until it may go on.
    /// Both have started when this returns.
    fn walk(&self, command: &str, first: &str, second: &str) -> Walk {
        self.walk_of("apply", command, first, second)
    }

    /// The same for the processes of one command of terraform.
    fn walk_of(&self, process: &str, command: &str, first: &str, second: &str) -> Walk {
        let pipe = |name: &str| self.pipe(&format!("{name}-{command}"));
        let (go, one, two) = (pipe("go"), pipe("first"), pipe("second"));
        let waits = format!(
            "[ \"$1\" = {process} ] && case $PWD in\n*/{first}) exec 9> {}; echo {first} >&9; read -r it < {} ;;\n*/{second}) exec 9> {}; echo {second} >&9 ;;\nesac",
            one.display(),
            go.display(),
            two.display(),
        );
        let terraform = watched(&self.stack, &waits).0;
        let running = self.stack.start(command, &["--terraform", &terraform, "--auto-approve"]);
        Walk { running, first: heard(&one), second: heard(&two), go }
    }
}

/// A walk whose first terraform waits.
struct Walk {
    running: Running,
    first: BufReader<File>,
    second: BufReader<File>,
    go: PathBuf,
}

/// Lets the first of a walk go on.
fn go_on(go: &Path) {
    fs::write(go, "").expect("somebody waits for it");
}

/// Waits until somebody is there, and returns what is still to be heard of it.
fn heard(started: &Path) -> BufReader<File> {
    let mut heard = BufReader::new(File::open(started).expect("a pipe"));
    let mut name = String::new();
    heard.read_line(&mut name).expect("its name");
    assert!(!name.is_empty());
    heard
}

/// Waits until it is gone.
fn is_gone(mut heard: BufReader<File>) {
    heard.read_to_end(&mut Vec::new()).expect("its end");
}

#[test]
fn the_next_of_a_chain_has_started_before_the_one_before_it_has_ended() {
    let chain = Chain::new();
    for (command, first, second) in [("apply", "a", "b"), ("destroy", "c", "b")] {
        let walk = chain.walk(command, first, second);
        let done = if command == "apply" { vec![] } else { vec!["a", "b", "c"] };
        assert_eq!(chain.made(), done, "nobody has gone on");
        go_on(&walk.go);
        is_gone(walk.first);
        is_gone(walk.second);
        walk.running.finish().succeeds();
        assert_eq!(chain.made(), ["a", "b", "c"], "{command}");
    }
    chain.stack.run("output", &[]).succeeds().never_says("id");
    assert!(alive(&chain.stack.path().display().to_string()).is_empty());
}

#[test]
fn the_plan_of_the_next_has_started_before_the_one_before_it_is_approved_and_stands_on_what_that_made() {
    let chain = Chain::new();
    let confirm = "{\n    manual_confirm = true\n  }\n";
    let asked = |name: &str| format!("workspace \"{name}\" {{\n  apply {confirm}  destroy {confirm}}}\n");
    chain.stack.write("multispace.hcl", &["a", "b", "c"].map(asked).concat());
    for (command, first, second) in [("apply", "a", "b"), ("destroy", "c", "b")] {
        let Walk { mut running, first, second, go } = chain.walk_of("plan", command, first, second);
        go_on(&go);
        is_gone(first);
        running.write("yes\nyes\nyes\n");
        is_gone(second);
        running.finish().succeeds();
        assert_eq!(chain.made(), ["a", "b", "c"], "{command}");
    }
    chain.stack.run("output", &[]).succeeds().never_says("id");
    assert!(alive(&chain.stack.path().display().to_string()).is_empty());
}

#[test]
fn the_next_of_a_chain_that_never_ran_is_started_once_init_has_run_for_the_first() {
    let chain = Chain::fresh();
    let walk = chain.walk("apply", "a", "b");
    assert!(chain.made().is_empty(), "nobody has gone on");
    go_on(&walk.go);
    is_gone(walk.first);
    is_gone(walk.second);
    walk.running.finish().succeeds();
    assert_eq!(chain.made(), ["a", "b", "c"]);
}

#[test]
fn one_that_is_held_ends_without_having_done_anything_when_multispace_is_killed() {
    let chain = Chain::new();
    let walk = chain.walk("apply", "a", "b");
    walk.running.signal(Signal::SIGKILL);
    walk.running.finish();
    is_gone(walk.second);
    assert!(chain.made().is_empty());
    // That of a has its ticket, and works on without us.
    go_on(&walk.go);
    is_gone(walk.first);
    chain.stack.run("apply", &["--auto-approve"]).succeeds();
    assert_eq!(chain.made(), ["a", "b", "c"]);
    let runs = chain.stack.path().join(".multispace/runs");
    assert_eq!(fs::read_dir(runs).expect("it is there").count(), 0, "no folder is left");
    assert!(alive(&chain.stack.path().display().to_string()).is_empty());
}

#[test]
fn one_that_is_held_is_let_go_when_the_walk_is_interrupted() {
    let chain = Chain::new();
    let walk = chain.walk("apply", "a", "b");
    walk.running.signal(Signal::SIGINT);
    is_gone(walk.second);
    is_gone(walk.first);
    walk.running.finish().exits_with(130);
    assert!(chain.made().iter().all(|name| name == "a"), "{:?}", chain.made());
    assert!(alive(&chain.stack.path().display().to_string()).is_empty());
}

#[test]
fn a_workspace_behind_one_that_fails_is_held_and_let_go_without_a_trace() {
    let stack = Stack::empty();
    let ledger = stack.path().parent().expect("a home").join("ledger");
    let made = |name: &str, more: &str| {
        format!("provisioner \"local-exec\" {{\n    command = \"echo {name} >> {}{more}\"\n  }}", ledger.display())
    };
    stack.write("a/main.tf", &root(&[], &made("a", "")));
    stack.write("b/main.tf", &root(&["a"], &made("b", "; exit 3")));
    stack.write("c/main.tf", &root(&["b"], &made("c", "")));
    stack.write("d/main.tf", &root(&["c"], &made("d", "")));
    stack.write("multispace.hcl", "workspace \"b\" {\n  apply {\n    retry = false\n  }\n}\n");
    let (terraform, calls) = watched(&stack, "");
    let (outcome, report) = stack.reported("apply", &["--terraform", &terraform, "--auto-approve"]);
    outcome.exits_with(1);
    assert_eq!(report.result("c"), "skipped", "{:#}", report.0);
    assert_eq!(fs::read_to_string(&ledger).expect("a was made"), "a\nb\n");
    let applies = asked(&calls).iter().filter(|it| *it == "apply").count();
    assert!((2..=4).contains(&applies), "one for a, one for b, and perhaps those held for c and d: {applies}");
    assert!(alive(&stack.path().display().to_string()).is_empty(), "whoever was held is gone");
}

#[test]
fn what_may_not_have_to_run_is_started_ahead_once_its_upstream_plans_to_change_what_it_uses() {
    let chain = Chain::new();
    chain.stack.run("apply", &["--auto-approve"]).succeeds();
    fs::remove_file(chain.home.join("ledger")).expect("it is there");
    let (go, started) = (chain.pipe("go"), chain.pipe("started"));
    // Another id: it is made anew, and takes as long as it is told.
    let waits = format!(
        "triggers_replace = 1\n  provisioner \"local-exec\" {{\n    command = \"echo a >> {}; cat {}\"\n  }}",
        chain.home.join("ledger").display(),
        go.display()
    );
    chain.stack.write("a/main.tf", &root(&[], &waits));
    let tells = format!("case $PWD in\n*/b) exec 9> {0}; echo b >&9 ;;\nesac", started.display());
    let (terraform, calls) = watched(&chain.stack, &tells);
    let running = chain.stack.start("apply", &["--terraform", &terraform, "--auto-approve"]);
    let second = heard(&started);
    go_on(&go);
    is_gone(second);
    let said = running.finish().succeeds().stderr;
    assert!(said.contains("b: applied (1 changed)") && said.contains("1 unchanged"), "{said}");
    assert_eq!(chain.made(), ["a"]);
    assert_eq!(asked(&calls), ["apply", "apply"], "what does not use anything that changes is not started");
}

#[test]
fn what_uses_nothing_that_its_upstream_plans_to_change_is_not_started() {
    let chain = Chain::new();
    chain.stack.run("apply", &["--auto-approve"]).succeeds();
    let slow =
        "}\nresource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" {\n    command = \"sleep 0.3\"\n  }";
    chain.stack.write("a/main.tf", &root(&[], slow));
    let (terraform, calls) = watched(&chain.stack, "");
    let outcome = chain.stack.run("apply", &["--terraform", &terraform, "--auto-approve"]);
    let said = outcome.succeeds().stderr;
    assert!(said.contains("2 unchanged"), "{said}");
    assert_eq!(asked(&calls), ["apply"]);
}
