//! How often terraform is started. A start costs more than a small plan, so this is what a run costs; and unlike time it is the same on
//! every machine, so it can fail a test. `cargo xtask bench` measures what it comes to.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::harness::child::{self, Outcome};
use crate::harness::path;
use crate::harness::stack::Stack;
use crate::stack::root;

/// Most starts per workspace of an apply that nobody is asked about.
const AUTO: usize = 1;
/// Most starts per workspace of an apply whose plan is asked about.
const REVIEWED: usize = 2;

/// Most starts per workspace of a plan of the whole, where it changes nothing.
const PLANNED: usize = 1;

/// A chain of three, with a `terraform` first on `PATH` that notes its first argument and becomes the real one.
struct Counted {
    stack: Stack,
}

const ROOTS: [&str; 3] = ["a", "b", "c"];

impl Counted {
    fn new() -> Self {
        let stack = Stack::empty();
        stack.write("a/main.tf", &root(&[], ""));
        stack.write("b/main.tf", &root(&["a"], ""));
        stack.write("c/main.tf", &root(&["b"], ""));
        let counted = Self { stack };
        let real = std::env::split_paths(&path())
            .map(|folder| folder.join("terraform"))
            .find(|file| file.is_file())
            .expect("terraform is on PATH");
        let script = counted.folder().join("terraform");
        fs::create_dir(counted.folder()).expect("the folder is made");
        let text =
            format!("#!/bin/sh\necho \"$1\" >> '{}'\nexec '{}' \"$@\"\n", counted.log().display(), real.display());
        fs::write(&script, text).expect("the script is written");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it can be run");
        counted
    }

    fn folder(&self) -> PathBuf {
        self.stack.path().parent().expect("a stack is in a folder").join("first")
    }

    fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// Runs multispace, and returns what was started by name. `version`, which each command asks a script, is left out.
    #[track_caller]
    fn run(&self, command: &str, args: &[&str], answer: &str) -> (Outcome, BTreeMap<String, usize>) {
        let (outcome, mut starts) = self.run_all(command, args, answer);
        let versions = starts.remove("version").unwrap_or_default();
        assert!(versions <= 1, "the version was asked {versions} times");
        (outcome, starts)
    }

    #[track_caller]
    fn run_all(&self, command: &str, args: &[&str], answer: &str) -> (Outcome, BTreeMap<String, usize>) {
        let _ = fs::remove_file(self.log());
        let mut multispace = self.stack.command(command, args);
        multispace.env("PATH", format!("{}:{}", self.folder().display(), path()));
        let outcome = child::run(&mut multispace, answer).succeeds();
        let mut starts = BTreeMap::new();
        for line in fs::read_to_string(self.log()).unwrap_or_default().lines() {
            *starts.entry(line.to_owned()).or_default() += 1;
        }
        (outcome, starts)
    }

    /// The roots have the same providers and no modules: one `init` does for all of them, and none for roots that were run before.
    #[track_caller]
    fn assert_at_most(&self, starts: &mut BTreeMap<String, usize>, inits: usize, each: usize) {
        let init = starts.remove("init").unwrap_or_default();
        assert!(init <= inits, "{init} starts of init");
        let others: usize = starts.values().sum();
        assert!(others > 0, "nothing was counted");
        assert!(others <= each * ROOTS.len(), "more than {each} for each of {}: {starts:?}", ROOTS.len());
    }
}

#[test]
fn an_apply_that_nobody_is_asked_about_starts_terraform_no_more_often_than_it_must() {
    let counted = Counted::new();
    let (_, mut starts) = counted.run("apply", &["--auto-approve"], "");
    counted.assert_at_most(&mut starts, 1, AUTO);

    for name in ROOTS {
        counted.stack.write(&format!("{name}/more.tf"), "output \"more\" {\n  value = 1\n}\n");
    }
    let (_, mut starts) = counted.run("apply", &["--auto-approve"], "");
    counted.assert_at_most(&mut starts, 0, AUTO);

    let (_, mut starts) = counted.run("destroy", &["--auto-approve"], "");
    counted.assert_at_most(&mut starts, 0, AUTO);
}

#[test]
fn an_apply_whose_plans_are_asked_about_starts_terraform_no_more_often_than_it_must() {
    let counted = Counted::new();
    let asked = |name: &str| format!("workspace \"{name}\" {{\n  apply {{\n    manual_confirm = true\n  }}\n}}\n");
    counted.stack.write("multispace.hcl", &ROOTS.map(asked).concat());
    let (_, mut starts) = counted.run("apply", &["--auto-approve"], &"yes\n".repeat(ROOTS.len()));
    counted.assert_at_most(&mut starts, 1, REVIEWED);
}

#[test]
fn a_wrapper_is_asked_for_its_version_by_each_command_and_terraform_itself_once() {
    let counted = Counted::new();
    let asked = || {
        let versions = |command: &[&str]| counted.run_all(command[0], &command[1..], "").1.remove("version");
        [&["apply", "--auto-approve"][..], &["plan"], &["plan"]].map(|command| versions(command).unwrap_or_default())
    };
    assert_eq!(asked(), [1, 1, 1]);

    // What only terraform itself has in it.
    let script = counted.folder().join("terraform");
    let text = fs::read_to_string(&script).expect("the script is there");
    fs::write(&script, format!("{text}# github.com/hashicorp/terraform/internal/command\n")).expect("it is written");
    assert_eq!(asked(), [1, 0, 0]);
}

#[test]
fn what_has_not_changed_starts_no_terraform() {
    let counted = Counted::new();
    counted.run("apply", &["--auto-approve"], "");
    for command in [&["apply", "--auto-approve"][..], &["plan"]] {
        let (_, starts) = counted.run(command[0], &command[1..], "");
        assert!(starts.is_empty(), "{command:?}: {starts:?}");
    }
}

#[test]
fn a_plan_of_the_whole_asks_terraform_what_it_would_do_only_where_that_is_something() {
    let counted = Counted::new();
    counted.run("apply", &["--auto-approve"], "");
    let (_, mut starts) = counted.run("plan", &["--all"], "");
    counted.assert_at_most(&mut starts, 0, PLANNED);

    counted.stack.write("b/more.tf", "output \"more\" {\n  value = 1\n}\n");
    let (outcome, starts) = counted.run("plan", &["--all"], "");
    outcome.says("more");
    assert_eq!(starts, BTreeMap::from([("plan".to_owned(), 3), ("show".to_owned(), 1)]));
}
