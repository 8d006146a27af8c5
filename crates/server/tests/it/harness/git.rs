//! Git repositories for tests, made with the git of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{ORGANIZATION, Server};

/// A repository with a working tree, which a host could serve.
pub(crate) struct Repository {
    pub(crate) folder: PathBuf,
}

impl Repository {
    /// A new one with one commit on `main`.
    pub(crate) fn make(folder: &Path, files: &[(&str, &str)]) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let repository = Self { folder: folder.to_owned() };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit(files, "The first commit\n\nWith more words.");
        repository
    }

    /// Writes files and commits everything; returns the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)], message: &str) -> String {
        for (name, text) in files {
            let file = self.folder.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in it and returns what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always"];
        let output = Command::new("git")
            .args(who)
            .args(arguments)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Server {
    /// The folder of this machine below which the server reads repositories.
    pub(crate) fn git_root(&self) -> PathBuf {
        self.folder.path().join("git").canonicalize().unwrap()
    }

    /// Makes a repository there.
    pub(crate) fn repository(&self, name: &str, files: &[(&str, &str)]) -> Repository {
        Repository::make(&self.git_root().join(name), files)
    }

    /// Connects a host and returns the id of its credentials.
    pub(crate) async fn connection(&self, http_url: &str, attributes: Value) -> String {
        let mut all = json!({ "service-provider": "github", "http-url": http_url, "api-url": http_url });
        all.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        let body = json!({ "data": { "type": "oauth-clients", "attributes": all } });
        let made = self.post(&format!("/organizations/{ORGANIZATION}/oauth-clients"), body).await.is(201);
        made.text_at("/data/relationships/oauth-tokens/data/0/id").to_owned()
    }

    /// Connects the folder of repositories.
    pub(crate) async fn local_connection(&self) -> String {
        self.connection(&format!("file://{}", self.git_root().display()), json!({})).await
    }

    /// Makes a workspace that a repository feeds, with more attributes; returns its id.
    pub(crate) async fn fed(&self, name: &str, repository: Value, attributes: Value) -> String {
        let mut all = json!({ "name": name, "vcs-repo": repository });
        all.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        self.workspace_with(all).await
    }
}
