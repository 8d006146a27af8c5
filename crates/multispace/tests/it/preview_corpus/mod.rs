//! The plan of a whole stack against what happens: small stacks are planned as a whole, then applied in order by the stock
//! `terraform`, and each workspace's real plan is compared with what was foreseen. Beside it stands what `terraform plan`
//! in each folder says before anything is applied.
//!
//! A stack is text: `== NAME`, files as `-- FILE --`, and after `== then` the files that change. `@read X` is a block that
//! reads the state of X, `$ NAME=VALUE` a variable of the command line, `deferred:` and `failed:` what is expected of a
//! workspace. Folders are in the order of the graph.

#![allow(clippy::print_stdout, reason = "the report of the corpus is its output")]

mod seen;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use self::seen::{Node, Seen, differences, of_report, of_show};
use crate::harness::child::{self, Outcome};
use crate::harness::path;
use crate::harness::stack::Stack;

const CORPUS: [&str; 3] = [include_str!("shapes.txt"), include_str!("values.txt"), include_str!("changes.txt")];

#[derive(Default)]
struct Case {
    name: String,
    deferred: String,
    failed: String,
    variable: Option<(String, String)>,
    /// Files as they are first, if the stack was applied before, and as they are then.
    steps: Vec<Vec<(String, String)>>,
}

#[derive(Default, Debug)]
struct Tally {
    stacks: usize,
    workspaces: usize,
    matched: usize,
    deferred: Vec<String>,
    wrong: Vec<String>,
    plain_wrong: usize,
    plain_failed: usize,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in CORPUS.iter().flat_map(|text| text.lines()) {
        if let Some(name) = line.strip_prefix("== ").filter(|name| *name != "then") {
            cases.push(Case { name: name.to_owned(), steps: vec![Vec::new()], ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a name comes first");
        let files = case.steps.last_mut().expect("a step");
        if line == "== then" {
            case.steps.push(Vec::new());
        } else if let Some(file) = line.strip_prefix("-- ").and_then(|line| line.strip_suffix(" --")) {
            files.push((file.to_owned(), String::new()));
        } else if let Some(name) = line.strip_prefix("deferred: ") {
            name.clone_into(&mut case.deferred);
        } else if let Some(name) = line.strip_prefix("failed: ") {
            name.clone_into(&mut case.failed);
        } else if let Some((name, value)) = line.strip_prefix("$ ").and_then(|line| line.split_once('=')) {
            case.variable = Some((name.to_owned(), value.to_owned()));
        } else if let Some((_, text)) = files.last_mut() {
            let read = |name: &str| {
                format!(
                    "data \"terraform_remote_state\" \"{name}\" {{\n  backend = \"local\"\n  config = {{\n    path = \"../{name}/terraform.tfstate\"\n  }}\n}}\n"
                )
            };
            text.push_str(&line.strip_prefix("@read ").map_or_else(|| format!("{line}\n"), read));
        }
    }
    cases
}

impl Case {
    fn terraform(&self, stack: &Stack, folder: &str, args: &[&str]) -> Outcome {
        let mut command = Command::new("terraform");
        command.args(args).current_dir(stack.path().join(folder)).env_clear();
        command.env("PATH", path()).env("HOME", stack.path()).env("CHECKPOINT_DISABLE", "1");
        command.env("TF_CLI_ARGS", "-no-color");
        if let Some((name, value)) = &self.variable {
            command.env(format!("TF_VAR_{name}"), value);
        }
        child::run(&mut command, "")
    }

    fn plan(&self, stack: &Stack, folder: &str, file: &str) -> Option<Seen> {
        let planned = self.terraform(stack, folder, &["plan", &format!("-out={file}")]);
        (planned.code == Some(0)).then(|| {
            let shown = self.terraform(stack, folder, &["show", "-json", file]).succeeds();
            of_show(&serde_json::from_str(&shown.stdout).expect("JSON"))
        })
    }

    fn write(&self, stack: &Stack, step: usize, folders: &BTreeSet<&str>) {
        self.steps[step].iter().for_each(|(name, text)| stack.write(name, text));
        let text: String = self.steps.iter().flatten().map(|(_, text)| text.as_str()).collect();
        if text.contains("module \"") || text.contains("backend \"local\"") {
            folders.iter().for_each(|folder| drop(self.terraform(stack, folder, &["init"]).succeeds()));
        }
    }

    /// Plans the stack as a whole and then applies it, and counts.
    fn walk(&self) -> Tally {
        let stack = Stack::empty();
        let files = self.steps.iter().flatten().filter_map(|(name, _)| name.split('/').next());
        let folders: BTreeSet<&str> = files.filter(|folder| *folder != "modules").collect();
        self.write(&stack, 0, &folders);
        if self.steps.len() > 1 {
            for folder in &folders {
                self.terraform(&stack, folder, &["apply", "-auto-approve"]).succeeds();
            }
            self.write(&stack, 1, &folders);
        }
        let given = self.variable.as_ref().map(|(name, value)| format!("{name}={value}"));
        let args: Vec<&str> = given.iter().flat_map(|it| ["--var", it]).collect();
        let (_, report) = stack.reported("plan", &args);
        let plain: Vec<_> = folders.iter().map(|folder| self.plan(&stack, folder, "plain.tfplan")).collect();

        let mut tally = Tally { stacks: 1, workspaces: folders.len(), ..Tally::default() };
        for (folder, plain) in folders.iter().zip(plain) {
            let foreseen = &report.of(folder)["plan"];
            let real = self.plan(&stack, folder, "real.tfplan");
            let place = format!("{}: {folder}", self.name);
            if real.is_some() {
                self.terraform(&stack, folder, &["apply", "real.tfplan"]).succeeds();
            }
            match (&plain, &real) {
                (None, Some(_)) => tally.plain_failed += 1,
                (Some(plain), Some(real)) => tally.plain_wrong += usize::from(!differences(plain, real).is_empty()),
                (Some(_), None) => tally.plain_wrong += 1,
                (None, None) => {}
            }
            assert_eq!(real.is_none(), self.failed == **folder, "{place}: whether terraform fails");
            match (foreseen["status"].as_str(), real) {
                (Some("planned"), Some(real)) => match differences(&of_report(foreseen), &real) {
                    none if none.is_empty() => tally.matched += 1,
                    some => tally.wrong.push(format!("{place}: {}", some.join("; "))),
                },
                (Some("deferred"), Some(_)) => {
                    tally.deferred.push(place.clone());
                    let awaited = foreseen["deferred_until"].as_array().is_some_and(|until| !until.is_empty());
                    let refused = foreseen["reason"].as_str().is_some_and(|reason| reason.starts_with("Invalid"));
                    if self.deferred != **folder || !awaited || !refused {
                        tally.wrong.push(format!("{place}: {foreseen}"));
                    }
                }
                // It is foreseen that there is no plan.
                (Some("deferred" | "failed"), None) => tally.matched += 1,
                (status, real) => tally.wrong.push(format!("{place}: {status:?}, in truth {real:?}")),
            }
        }
        tally
    }
}

#[test]
fn what_is_foreseen_for_a_stack_is_what_happens() {
    let cases = cases();
    let expected: Vec<String> = cases
        .iter()
        .filter(|case| !case.deferred.is_empty())
        .map(|case| format!("{}: {}", case.name, case.deferred))
        .collect();
    let (todo, done) = (Mutex::new(cases.iter()), Mutex::new(Tally::default()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(case) = todo.lock().unwrap().next() else { return };
                    let one = case.walk();
                    println!(
                        "{}: {} of {} right, deferred {:?}, wrong {:#?}; plain wrong {}, failed {}",
                        case.name,
                        one.matched,
                        one.workspaces,
                        one.deferred,
                        one.wrong,
                        one.plain_wrong,
                        one.plain_failed
                    );
                    let mut all = done.lock().unwrap();
                    all.stacks += one.stacks;
                    all.workspaces += one.workspaces;
                    all.matched += one.matched;
                    all.deferred.extend(one.deferred);
                    all.wrong.extend(one.wrong);
                    all.plain_wrong += one.plain_wrong;
                    all.plain_failed += one.plain_failed;
                }
            });
        }
    });
    let mut all = done.into_inner().unwrap();
    all.deferred.sort();
    println!("{all:#?}");
    assert!(all.stacks >= 40);
    assert!(all.wrong.is_empty(), "{:#?}", all.wrong);
    let mut expected = expected;
    expected.sort();
    assert_eq!(all.deferred, expected);
    let figures = format!(
        "In the {} stacks ({} workspaces) of the test suite the plan of the whole stack is right for {} workspaces and deferred for {}; plain `terraform plan` in each folder is wrong for {} and fails for {}.",
        all.stacks,
        all.workspaces,
        all.matched,
        all.deferred.len(),
        all.plain_wrong,
        all.plain_failed
    );
    println!("{figures}");
    let readme = include_str!("../../../../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&figures), "README.md does not say: {figures}");
}

#[test]
fn a_plan_that_is_falsified_is_found_out() {
    let plan = |text: &str| of_show(&serde_json::from_str::<Value>(text).unwrap());
    let real = plan(
        r#"{"resource_changes": [{"address": "t.a", "change": {"actions": ["update"], "after": {"in": ["x"]}, "after_unknown": {"out": true}}}],
            "output_changes": {"n": {"actions": ["create"], "after": 1, "after_unknown": false, "after_sensitive": false}}}"#,
    );
    assert_eq!(differences(&real, &real), Vec::<String>::new());
    let falsified: [fn(&mut Seen); 5] = [
        |it| it.changes.clear(),
        |it| it.changes.get_mut("t.a").unwrap().0 = "replace".to_owned(),
        |it| it.changes.get_mut("t.a").unwrap().2 = Node::Leaf(Value::Null),
        |it| it.outputs.get_mut("n").unwrap().1 = Node::Leaf(2.into()),
        |it| it.outputs.get_mut("n").unwrap().0 = true,
    ];
    for falsify in falsified {
        let mut foreseen = real.clone();
        falsify(&mut foreseen);
        assert!(!differences(&foreseen, &real).is_empty(), "{foreseen:?}");
    }
    let mut foreseen = real.clone();
    foreseen.outputs.get_mut("n").unwrap().1 = Node::Unknown;
    assert!(differences(&foreseen, &real).is_empty(), "an unknown may be anything");
    assert!(!differences(&real, &foreseen).is_empty(), "what is said to be known must be known");
}
