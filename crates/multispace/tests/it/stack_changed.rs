//! Only what changed runs, and why is said of every workspace: `apply`, `plan` and `status`.

use std::collections::{BTreeMap, BTreeSet};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::stack::{Report, Stack};
use crate::stack::root;

/// A root of a layered stack: it makes one resource of what it reads, and has an output that says its size and one that
/// never changes. `reads` names the output that it uses of each upstream.
fn layer(size: u32, reads: &[(String, &str)]) -> String {
    let mut code = String::new();
    let mut inputs = Vec::new();
    for (name, output) in reads {
        code += &format!(
            "data \"terraform_remote_state\" \"{name}\" {{\n  backend = \"local\"\n  config = {{\n    path = \"../{name}/terraform.tfstate\"\n  }}\n}}\n"
        );
        inputs.push(format!("data.terraform_remote_state.{name}.outputs.{output}"));
    }
    code += &format!(
        "resource \"terraform_data\" \"this\" {{\n  input = [{}]\n}}\noutput \"size\" {{\n  value = {size}\n}}\noutput \"kind\" {{\n  value = \"layer\"\n}}\n",
        inputs.join(", ")
    );
    code
}

/// Three layers of ten. Of its upstream of the same number each reads the size, of the one after it only the kind.
fn thirty() -> Stack {
    let stack = Stack::empty();
    for number in 0..10 {
        stack.write(&format!("a{number}/main.tf"), &layer(1, &[]));
        for (layer_name, above) in [("b", "a"), ("c", "b")] {
            let reads = [(format!("{above}{number}"), "size"), (format!("{above}{}", (number + 1) % 10), "kind")];
            stack.write(&format!("{layer_name}{number}/main.tf"), &layer(1, &reads));
        }
    }
    stack
}

fn why(entry: &Value) -> Vec<String> {
    entry["why"].as_array().expect("a list").iter().map(|it| it.as_str().expect("a text").to_owned()).collect()
}

/// The workspaces that had a run, each with why; every other one says that nothing has changed.
fn ran(report: &Report) -> BTreeMap<String, Vec<String>> {
    let mut ran = BTreeMap::new();
    for entry in report.workspaces() {
        let name = entry["workspace"].as_str().expect("a name").to_owned();
        if entry["run_id"].is_null() {
            assert_eq!(entry["result"], "unchanged", "{entry:#}");
            assert_eq!(entry["reason"], "nothing that goes into it has changed", "{entry:#}");
            assert!(why(entry).is_empty(), "{entry:#}");
        } else {
            assert!(!why(entry).is_empty(), "{entry:#}");
            ran.insert(name, why(entry));
        }
    }
    ran
}

fn named(names: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
    names.iter().map(|(name, why)| ((*name).to_owned(), vec![(*why).to_owned()])).collect()
}

#[test]
fn one_file_of_a_stack_of_thirty_makes_only_its_workspace_run_and_what_reads_the_outputs_that_changed() {
    let stack = thirty();
    let (outcome, first) = stack.reported("apply", &["--auto-approve", "--concurrency", "8"]);
    outcome.succeeds();
    let first = ran(&first);
    assert_eq!(first.len(), 30);
    assert!(first.values().all(|why| why == &["first apply"]), "{first:#?}");

    // Nothing has changed: nothing runs.
    let (outcome, again) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds().says("30 unchanged");
    assert_eq!((again.workspaces().len(), ran(&again)), (30, BTreeMap::new()));

    // Its size is another: b4 reads it, b3 reads only its kind, and the size of b4 stays.
    stack.write("a4/main.tf", &layer(2, &[]));
    let expected = named(&[("a4", "own code (a4/main.tf)"), ("b4", "output size of a4")]);
    let (outcome, planned) = stack.reported("plan", &["--detailed-exitcode"]);
    outcome.exits_with(2).says("28 workspaces are not planned: nothing that goes into them has changed");
    assert_eq!(ran(&planned), expected);
    let (outcome, applied) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds().says("output size of a4");
    assert_eq!(ran(&applied), expected);
    assert_eq!((applied.result("a4"), applied.result("b4")), ("applied", "applied"));

    // A file that changes nothing of the outputs: its workspace alone, and once.
    stack.write("a7/more.tf", "# nothing\n");
    let (outcome, applied) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(ran(&applied), named(&[("a7", "own code (a7/more.tf)")]));
    let (outcome, again) = stack.reported("plan", &["--detailed-exitcode"]);
    outcome.exits_with(0);
    assert_eq!(ran(&again), BTreeMap::new());

    // Whoever wants it can have everything run.
    let (outcome, all) = stack.reported("apply", &["--auto-approve", "--all", "--concurrency", "8"]);
    outcome.succeeds();
    let all = ran(&all);
    assert_eq!(all.len(), 30);
    assert!(all.values().all(|why| why == &["--all"]), "{all:#?}");
}

#[test]
fn a_module_a_variable_and_a_failure_before_are_reasons_too() {
    let stack = Stack::empty();
    stack.write("modules/words/main.tf", "output \"word\" {\n  value = \"one\"\n}\n");
    let code = "module \"words\" {\n  source = \"../modules/words\"\n}\nvariable \"size\" {\n  default = 1\n}\nresource \"terraform_data\" \"this\" {\n  input = [module.words.word, var.size]\n}\n";
    stack.write("with/main.tf", code);
    stack.write("without/main.tf", &root(&[], ""));
    stack.run("apply", &["--auto-approve"]).succeeds();

    stack.write("modules/words/main.tf", "output \"word\" {\n  value = \"two\"\n}\n");
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(ran(&report), named(&[("with", "own code (modules/words/main.tf)")]));

    let (outcome, report) = stack.reported("apply", &["--auto-approve", "--var", "size=2"]);
    outcome.succeeds();
    assert_eq!(ran(&report), named(&[("with", "variable size")]));
    // The one that was given is gone again.
    let (outcome, report) = stack.reported("plan", &[]);
    outcome.succeeds();
    assert_eq!(ran(&report), named(&[("with", "variable size")]));

    let broken = "provisioner \"local-exec\" {\n    command = \"exit 1\"\n  }";
    stack.write("without/main.tf", &root(&[], broken).replace("\"this\"", "\"that\"").replace(".this", ".that"));
    stack.run("apply", &["--auto-approve", "--var", "size=2"]).exits_with(1);
    // The same code again: that it failed is reason enough.
    let (outcome, report) = stack.reported("plan", &["--var", "size=2"]);
    outcome.succeeds();
    assert_eq!(ran(&report), named(&[("without", "failed before")]));
}

#[test]
fn a_plan_that_was_approved_and_changes_nothing_is_not_made_again() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.answered("apply", &[], "yes\n").succeeds();
    stack.write("a/main.tf", &format!("# a word\n{}", root(&[], "")));
    stack.write("c/main.tf", &root(&["b"], ""));
    // Nothing to make and nothing to ask about, but it has to be seen once.
    stack.write("empty/main.tf", "locals {\n  one = 1\n}\n");
    // What changes nothing is left as it is, and what is new is made.
    stack.answered("apply", &[], "yes\n").succeeds();
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(ran(&report), BTreeMap::new());
    // Where nothing at all changes, nobody is asked.
    stack.write("a/main.tf", &format!("# another word\n{}", root(&[], "")));
    stack.write("nothing/main.tf", "locals {\n  one = 1\n}\n");
    stack.answered("apply", &[], "").succeeds().never_says("Apply this?");
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(ran(&report), BTreeMap::new());
}

#[test]
fn what_was_destroyed_comes_back_and_what_reads_it_runs() {
    let stack = Stack::empty();
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.run("apply", &["--auto-approve"]).succeeds();
    stack.run("destroy", &["--auto-approve"]).succeeds();
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(ran(&report), named(&[("a", "destroyed before"), ("b", "destroyed before")]));
}

#[test]
fn status_says_where_each_workspace_stands_and_what_the_next_apply_would_run() {
    let stack = Stack::empty();
    stack.run("status", &[]).fails().says("Nothing was ever applied");
    stack.write("a/main.tf", &root(&[], ""));
    stack.write("b/main.tf", &root(&["a"], ""));
    stack.write("broken/main.tf", &root(&[], "provisioner \"local-exec\" {\n    command = \"exit 1\"\n  }"));
    stack.write("behind/main.tf", &root(&["broken"], ""));
    stack.run("apply", &["--auto-approve"]).exits_with(1);
    stack.write("b/main.tf", &format!("# a word\n{}", root(&["a"], "")));

    let all = stack.run("status", &["--json"]).succeeds();
    let all: Value = serde_json::from_str(&all.stdout).expect("stdout is JSON");
    let of = |name: &str| {
        let all = all["workspaces"].as_array().expect("a list");
        all.iter().find(|it| it["workspace"] == name).cloned().unwrap_or_else(|| panic!("no {name} in {all:#?}"))
    };
    for (name, status, resources, reasons) in [
        ("a", "applied", 1, &[][..]),
        ("b", "applied", 1, &["own code (b/main.tf)"]),
        ("broken", "failed", 1, &["failed before"]),
        ("behind", "never applied", 0, &["first apply"]),
    ] {
        let standing = of(name);
        assert_eq!(standing["status"], status, "{standing:#}");
        assert_eq!(standing["resources"], resources, "{standing:#}");
        assert_eq!(why(&standing), reasons, "{standing:#}");
        assert_eq!(standing["runs"], !reasons.is_empty(), "{standing:#}");
    }
    stack
        .run("status", &[])
        .succeeds()
        .says("nothing to do")
        .says("own code (b/main.tf)")
        .says("multispace log apply-");
}

#[test]
fn fail_fast_starts_nothing_after_a_failure_and_keep_going_is_the_default() {
    let stack = Stack::empty();
    let failing = root(&[], "provisioner \"local-exec\" {\n    command = \"exit 1\"\n  }");
    stack.write("multispace.hcl", "workspace \"a\" {\n  apply {\n    retry = false\n  }\n}\n");
    stack.write("a/main.tf", &failing);
    stack.write("b/main.tf", &root(&["a"], ""));
    for other in ["x", "y", "z"] {
        stack.write(&format!("{other}/main.tf"), &root(&[], ""));
    }
    let args = ["--auto-approve", "--concurrency", "1"];
    let (outcome, report) = stack.reported("apply", &[&args[..], &["--fail-fast"]].concat());
    outcome.exits_with(1);
    assert_eq!(report.result("a"), "failed");
    let of_others = |report: &Report| BTreeSet::from(["x", "y", "z"].map(|it| report.result(it).to_owned()));
    assert_eq!(of_others(&report), BTreeSet::from(["skipped".to_owned()]));
    assert_eq!(report.of("x")["reason"], "not started: another one failed");
    let (outcome, report) = stack.reported("apply", &[&args[..], &["--keep-going"]].concat());
    outcome.exits_with(1);
    assert_eq!((report.result("a"), report.result("b")), ("failed", "skipped"));
    assert_eq!(of_others(&report), BTreeSet::from(["applied".to_owned()]));
}

#[test]
fn to_look_at_a_stack_does_not_disturb_the_terraform_that_a_killed_apply_left_at_work() {
    let stack = Stack::empty();
    let go_on = stack.path().join("go-on");
    let waits = format!(
        "provisioner \"local-exec\" {{\n    command = \"until [ -e {} ]; do sleep 0.1; done\"\n  }}",
        go_on.display()
    );
    stack.write("a/main.tf", &root(&[], &waits));
    let mut apply = stack.start("apply", &["--auto-approve"]);
    apply.wait_for("applying");
    apply.signal(Signal::SIGKILL);
    apply.finish();
    stack.run("status", &[]).succeeds().says("cut off").says("its last run has not ended");
    stack.run("output", &[]).succeeds();
    stack.write("go-on", "");
    let (outcome, report) = stack.reported("apply", &["--auto-approve"]);
    outcome.succeeds();
    assert_eq!(report.of("a")["resources"]["destroyed"], 0, "what was made stays: {:#}", report.0);
    stack.run("status", &[]).succeeds().says("applied").says("nothing to do");
}
