//! `multispace serve` as a process of its own, on a free port, with an empty data folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::child::{self, Outcome, Running};
use super::{DEADLINE, MULTISPACE, http, path, root::Root};

/// Name of the folder that runs share with tests.
const SHARED: &str = "shared";

/// A running server; killed and its folder removed when dropped.
pub(crate) struct Server {
    running: Option<Running>,
    folder: TempDir,
    arguments: Vec<String>,
    address: String,
    environment: BTreeMap<String, String>,
}

impl Server {
    /// Starts it and waits until it says that it listens.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with more arguments.
    #[track_caller]
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|it| (*it).to_owned()).collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(SHARED)).expect("a folder in a temporary one");
        let mut server =
            Self { running: None, folder, arguments, address: String::new(), environment: BTreeMap::new() };
        server.start_again();
        server
    }

    /// Starts it on the same data, after [`Server::kill`].
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        // A port of its own choosing first; the same one again, because terraform remembers it.
        let listen = if self.address.is_empty() { "127.0.0.1:0" } else { &self.address };
        // A test asks as fast as it can.
        let is_limited = self.arguments.iter().any(|it| it == "--rate-limit");
        let unlimited: &[&str] = if is_limited { &[] } else { &["--rate-limit", "0"] };
        let mut running = Running::start(
            multispace(self.folder.path())
                .args(["serve", "--listen", listen, "--data-dir"])
                .arg(self.data())
                .args(self.shares())
                .args(&self.arguments)
                .args(unlimited),
        );
        let line = running.wait_for("listening on ");
        let (_, url) = line.split_once("listening on ").expect("the line was waited for");
        let url = url.split_whitespace().next().expect("an address").trim_end_matches('/');
        self.address = url.trim_start_matches("http://").to_owned();
        self.running = Some(running);
        self.environment = self.shell_environment();
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        drop(self.running.take());
    }

    /// All that it has said since its last start; it is killed.
    pub(crate) fn said(&mut self) -> String {
        let running = self.running.take().expect("it runs");
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.finish().text()
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The folder around its data, which is its home.
    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> nix::unistd::Pid {
        self.running.as_ref().expect("it runs").id()
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Folder in which roots of Terraform code lie, which runs may read and write too: a test opens a gate there, or looks
    /// at what was done.
    pub(crate) fn shared(&self) -> PathBuf {
        self.folder.path().join(SHARED)
    }

    fn shares(&self) -> Vec<String> {
        if self.arguments.iter().any(|it| it == "--no-sandbox") {
            return Vec::new();
        }
        vec!["--sandbox-write".to_owned(), self.shared().display().to_string()]
    }

    /// What `eval "$(multispace env)"` puts into a shell.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// What terraform calls the server.
    pub(crate) fn hostname(&self) -> &str {
        &self.environment["TFE_HOSTNAME"]
    }

    /// The owner's token.
    pub(crate) fn token(&self) -> &str {
        &self.environment["TFE_TOKEN"]
    }

    /// The organization that a new server has.
    pub(crate) fn organization(&self) -> &str {
        &self.environment["TF_CLOUD_ORGANIZATION"]
    }

    /// A root module in a folder of its own whose `cloud` block names a workspace.
    pub(crate) fn root(&self, workspace: &str, code: &str) -> Root {
        Root::new(self, &self.cloud(&format!("name = \"{workspace}\"")), code)
    }

    /// A `cloud` block with this inside its `workspaces`.
    pub(crate) fn cloud(&self, workspaces: &str) -> String {
        format!(
            "terraform {{\n  cloud {{\n    hostname     = \"{}\"\n    organization = \"{}\"\n    workspaces {{\n      \
             {workspaces}\n    }}\n  }}\n}}\n",
            self.hostname(),
            self.organization()
        )
    }

    /// Asks the API as the owner.
    pub(crate) fn get(&self, api_path: &str) -> http::Answer {
        http::request(&self.address, "GET", &format!("/api/v2/{api_path}"), Some(self.token()), None)
    }

    /// Sends to the API as the owner.
    pub(crate) fn send(&self, method: &str, api_path: &str, body: &Value) -> http::Answer {
        http::request(&self.address, method, &format!("/api/v2/{api_path}"), Some(self.token()), Some(body))
    }

    /// A workspace of the organization, as the API shows it.
    pub(crate) fn workspace(&self, name: &str) -> Value {
        let answer = self.get(&format!("organizations/{}/workspaces/{name}", self.organization()));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["data"].clone()
    }

    /// Waits until this is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < DEADLINE, "it never came to this: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The runs of a workspace, newest first, plan-only ones left out.
    pub(crate) fn runs(&self, workspace: &str) -> Vec<Value> {
        let id = self.workspace(workspace)["id"].as_str().expect("an id").to_owned();
        self.get(&format!("workspaces/{id}/runs")).json()["data"].as_array().expect("a list").clone()
    }

    /// Evaluates what `multispace env` prints in a shell, as a user does, and returns what that changed.
    #[track_caller]
    fn shell_environment(&self) -> BTreeMap<String, String> {
        let script = r#"printed=$("$0" env --data-dir "$1") || exit 1; eval "$printed"; env -0"#;
        let outcome =
            child::run(multispace_as("sh", self.folder.path()).args(["-c", script, MULTISPACE]).arg(self.data()), "")
                .succeeds();
        let all = outcome.stdout.split('\0').filter_map(|pair| pair.trim_start_matches('\n').split_once('='));
        all.filter(|(name, _)| name.starts_with("TF"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// The binary under test with a clean environment and its home in `home`.
pub(crate) fn multispace(home: &Path) -> Command {
    multispace_as(MULTISPACE, home)
}

/// Runs `multispace` to the end.
pub(crate) fn run_multispace(home: &Path, args: &[&str]) -> Outcome {
    child::run(multispace(home).args(args), "")
}

fn multispace_as(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path()).env("HOME", home).env("NO_COLOR", "1").env("RUST_BACKTRACE", "1");
    command
}
