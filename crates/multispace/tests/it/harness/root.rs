//! A root module in a folder, and the stock `terraform` in front of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::child::{self, Outcome, Running};
use super::path;
use super::server::Server;

/// A folder with Terraform code and the environment of a shell that evaluated `multispace env`.
pub(crate) struct Root {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Root {
    /// `settings` is the `terraform` block, `code` the rest.
    pub(crate) fn new(server: &Server, settings: &str, code: &str) -> Self {
        let root = Self::empty(server);
        root.write("settings.tf", settings);
        root.write("main.tf", code);
        root
    }

    /// A folder without code.
    pub(crate) fn empty(server: &Server) -> Self {
        let environment = server.environment().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { folder: tempfile::tempdir_in(server.shared()).expect("a temporary folder"), environment }
    }

    /// As [`Root::new`], and initialized.
    #[track_caller]
    pub(crate) fn initialized(self) -> Self {
        self.terraform(&["init"]).succeeds();
        self
    }

    /// Writes a file of the root.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("the file is written");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the root.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Sets a variable of the shell's environment.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command, not started. Only what the shell has is in its environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command.args(args).current_dir(self.path()).env_clear();
        command
            .env("PATH", path())
            .env("HOME", self.path())
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_CLI_ARGS", "-no-color");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs to the end with nothing to read.
    #[track_caller]
    pub(crate) fn terraform(&self, args: &[&str]) -> Outcome {
        child::run(&mut self.command(args), "")
    }

    /// Runs to the end with an answer on its stdin.
    #[track_caller]
    pub(crate) fn answered(&self, args: &[&str], answer: &str) -> Outcome {
        child::run(&mut self.command(args), answer)
    }

    /// Starts it, to be watched.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(&mut self.command(args))
    }

    /// `terraform output -json`.
    #[track_caller]
    pub(crate) fn outputs(&self) -> Value {
        let outcome = self.terraform(&["output", "-json"]).succeeds();
        serde_json::from_str(&outcome.stdout).expect("outputs are JSON")
    }

    /// `terraform state pull`.
    #[track_caller]
    pub(crate) fn state(&self) -> Value {
        let outcome = self.terraform(&["state", "pull"]).succeeds();
        serde_json::from_str(&outcome.stdout).expect("the state is JSON")
    }
}
