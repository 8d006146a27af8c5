//! A folder of root modules, and `multispace apply` and its siblings in front of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::child::{self, Outcome, Running};
use super::example;
use super::server::multispace;

/// A stack in a temporary folder.
pub(crate) struct Stack {
    folder: TempDir,
}

impl Stack {
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A copy of one of the examples.
    pub(crate) fn example(name: &str) -> Self {
        let stack = Self::empty();
        copy(&example(name), &stack.path());
        stack
    }

    /// Where the roots are. Its parent is the home of the processes.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("stack")
    }

    /// Writes a file of the stack, making its folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("the folder is made");
        fs::write(file, text).expect("the file is written");
    }

    /// Runs git in the stack's folder.
    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) {
        let person = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
        let mut git = Command::new("git");
        child::run(git.args(person).args(args).current_dir(self.path()), "").succeeds();
    }

    /// Commits all that is there.
    #[track_caller]
    pub(crate) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "."]);
    }

    /// `multispace COMMAND STACK ARGS`, not started.
    pub(crate) fn command(&self, command: &str, args: &[&str]) -> Command {
        let mut multispace = multispace(self.folder.path());
        multispace.arg(command).arg(self.path()).args(args).current_dir(self.folder.path());
        multispace
    }

    /// Runs it to the end with nothing to read.
    #[track_caller]
    pub(crate) fn run(&self, command: &str, args: &[&str]) -> Outcome {
        child::run(&mut self.command(command, args), "")
    }

    /// Runs it to the end with an answer on its stdin.
    #[track_caller]
    pub(crate) fn answered(&self, command: &str, args: &[&str], answer: &str) -> Outcome {
        child::run(&mut self.command(command, args), answer)
    }

    /// Starts it, to be watched.
    pub(crate) fn start(&self, command: &str, args: &[&str]) -> Running {
        Running::start(&mut self.command(command, args))
    }

    /// Runs it with a report, and returns both. The exit code is the caller's to judge.
    #[track_caller]
    pub(crate) fn reported(&self, command: &str, args: &[&str]) -> (Outcome, Report) {
        let file = self.folder.path().join("report.json");
        let _ = fs::remove_file(&file);
        let mut all = vec!["--report", file.to_str().expect("a path in UTF-8")];
        all.extend_from_slice(args);
        let outcome = self.run(command, &all);
        let text = fs::read_to_string(&file).unwrap_or_else(|_| panic!("no report\n{}", outcome.shown()));
        let report = Report(serde_json::from_str(&text).expect("the report is JSON"));
        report.assert_as_published();
        (outcome, report)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is made");
    for entry in fs::read_dir(from).expect("the folder is listed") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_owned();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("the file is copied");
        }
    }
}

/// What `--report` wrote.
pub(crate) struct Report(pub(crate) Value);

impl Report {
    /// What `docs/report.schema.json` says is always there must be there, and results must be ones that it lists.
    #[track_caller]
    fn assert_as_published(&self) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/report.schema.json");
        let schema: Value =
            serde_json::from_str(&fs::read_to_string(file).expect("the schema is there")).expect("JSON");
        let has_all = |value: &Value, schema: &Value| {
            for name in schema["required"].as_array().expect("a list of names") {
                assert!(value.get(name.as_str().expect("a name")).is_some(), "no {name} in {value:#}");
            }
        };
        has_all(&self.0, &schema);
        let workspace = &schema["$defs"]["workspace"];
        for entry in self.workspaces() {
            has_all(entry, workspace);
            has_all(&entry["resources"], &workspace["properties"]["resources"]);
            let results = workspace["properties"]["result"]["enum"].as_array().expect("a list of results");
            assert!(results.contains(&entry["result"]), "{} is no published result", entry["result"]);
        }
    }

    /// The entry of each workspace.
    pub(crate) fn workspaces(&self) -> &Vec<Value> {
        self.0["workspaces"].as_array().unwrap_or_else(|| panic!("no workspaces in {}", self.0))
    }

    /// The entry of one workspace.
    #[track_caller]
    pub(crate) fn of(&self, workspace: &str) -> &Value {
        self.workspaces()
            .iter()
            .find(|entry| entry["workspace"] == workspace)
            .unwrap_or_else(|| panic!("no {workspace} in {}", self.0))
    }

    /// The result of one workspace, as the report says it.
    #[track_caller]
    pub(crate) fn result(&self, workspace: &str) -> &str {
        self.of(workspace)["result"].as_str().expect("a result")
    }

    /// Whether `later` started only after `earlier` had ended.
    #[track_caller]
    pub(crate) fn assert_order(&self, earlier: &str, later: &str) {
        let ended = self.time(earlier, "ended_at");
        let started = self.time(later, "started_at");
        assert!(ended <= started, "{later} started at {started}, before {earlier} ended at {ended}\n{:#}", self.0);
    }

    fn time(&self, workspace: &str, what: &str) -> chrono::DateTime<chrono::Utc> {
        let text =
            self.of(workspace)[what].as_str().unwrap_or_else(|| panic!("no {what} of {workspace} in {}", self.0));
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }
}
