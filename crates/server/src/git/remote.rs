//! A repository at its host, with the credentials that it is read by, and how git is told of them.
//!
//! Credentials reach git through its environment alone, and only for the host of the connection: a redirect or a submodule elsewhere
//! gets none. They are in no argument, address or log.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use aws_lc_rs::digest;
use domain::Problem;
use domain::vcs::{Base, Scheme};

use super::Git;
use super::reach::Pinned;

/// Hands out what the environment holds when git asks for credentials; shell, because git starts helpers so. The only argument that
/// git gives is the operation.
const HELPER: &str = "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' \"$MULTISPACE_GIT_USER\" \"$MULTISPACE_GIT_TOKEN\"; }; f";

/// A repository at its host.
#[derive(Clone)]
pub struct Remote {
    /// The connection: mirrors are shared within it and never beyond, since whoever may read one may not read all.
    pub connection: String,
    /// The host.
    pub base: Base,
    /// The repository's address.
    pub url: String,
    /// User name that goes with the token.
    pub user: &'static str,
    /// The host's token; empty where it asks for none.
    pub token: String,
    /// Private SSH key; empty where there is none.
    pub ssh_key: String,
}

/// Shows no secret.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("connection", &self.connection).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Remote {
    /// The same connection, another repository.
    pub(super) fn at(&self, url: String) -> Self {
        Self { url, ..self.clone() }
    }

    /// Name of the mirror.
    pub(super) fn key(&self) -> String {
        let hash = digest::digest(&digest::SHA256, format!("{}\n{}", self.connection, self.url).as_bytes());
        hex::encode(&hash.as_ref()[..16])
    }

    /// What of its output must not be repeated.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        [self.token.as_str(), self.ssh_key.as_str()].into_iter().filter(|secret| !secret.is_empty())
    }

    /// Settings of git that give it the token, for this host alone.
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let is_http = matches!(self.base.scheme, Scheme::Https | Scheme::Http);
        if !is_http || self.token.is_empty() {
            return Vec::new();
        }
        let host = format!("{}://{}", self.base.scheme.as_str(), self.base.authority);
        vec![(format!("credential.{host}.helper"), HELPER.to_owned())]
    }

    /// Environment that holds the token, or names the file with the key.
    pub(super) fn environment(
        &self,
        key: Option<&Path>,
        known_hosts: &Path,
        pinned: Option<&Pinned>,
    ) -> Vec<(String, OsString)> {
        let mut environment: Vec<(String, OsString)> =
            vec![("GIT_ALLOW_PROTOCOL".into(), self.base.scheme.as_str().into())];
        match self.base.scheme {
            Scheme::Https | Scheme::Http if !self.token.is_empty() => {
                environment.push(("MULTISPACE_GIT_USER".into(), self.user.into()));
                environment.push(("MULTISPACE_GIT_TOKEN".into(), self.token.clone().into()));
            }
            Scheme::Ssh => {
                environment.push(("GIT_SSH_VARIANT".into(), "ssh".into()));
                environment.push(("GIT_SSH_COMMAND".into(), ssh(key, known_hosts, pinned).into()));
            }
            _ => {}
        }
        environment
    }

    /// What git is to be given for an address: for a folder its path, with every link resolved and inside of a root.
    pub(super) fn located(&self, git: &Git) -> Result<OsString, Problem> {
        if self.base.scheme != Scheme::File {
            return Ok(self.url.clone().into());
        }
        let path = self.url.strip_prefix("file://").unwrap_or(&self.url);
        let found = git.inside(Path::new(path)).or_else(|| git.inside(Path::new(&format!("{path}.git"))));
        found.filter(|path| path.is_dir()).map(Into::into).ok_or_else(|| missing(&self.url))
    }
}

/// The command that git reaches an SSH host by: no settings of a user, no agent, no password. The key of a host is remembered when it is
/// first seen, and must be the same ever after.
fn ssh(key: Option<&Path>, known_hosts: &Path, pinned: Option<&Pinned>) -> String {
    let quoted = |path: &Path| format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"));
    let mut command = format!(
        "ssh -F /dev/null -o BatchMode=yes -o IdentityAgent=none -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={}",
        quoted(known_hosts)
    );
    if let Some(options) = pinned.and_then(Pinned::ssh_options) {
        command.push_str(&format!(" {options}"));
    }
    if let Some(key) = key {
        command.push_str(&format!(" -i {}", quoted(key)));
    }
    command
}

pub(super) fn missing(url: &str) -> Problem {
    Problem::not_found(
        "git/repository-missing",
        format!("The repository {url} is not there, or the connection's token may not see it."),
    )
    .advice("Correct the identifier in the workspace's vcs_repo, or let the token read the repository.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(base: &str) -> Remote {
        let base = Base::parse(base).unwrap();
        let url = format!("{}/a/b.git", base.url());
        Remote {
            connection: "ot-1".into(),
            base,
            url,
            user: "x-access-token",
            token: "hunter2".into(),
            ssh_key: String::new(),
        }
    }

    #[test]
    fn a_token_goes_into_the_environment_and_is_for_the_host_alone() {
        let remote = remote("https://git.example:8443");
        let settings = remote.settings();
        assert_eq!(settings[0].0, "credential.https://git.example:8443.helper");
        assert!(!format!("{settings:?}{remote:?}").contains("hunter2"));
        let environment = remote.environment(None, Path::new("/k"), None);
        assert!(environment.contains(&("GIT_ALLOW_PROTOCOL".into(), "https".into())));
        assert!(environment.contains(&("MULTISPACE_GIT_TOKEN".into(), "hunter2".into())));
    }

    #[test]
    fn an_ssh_host_gets_the_key_and_no_token() {
        let remote = remote("ssh://git@git.example");
        assert!(remote.settings().is_empty());
        let environment = remote.environment(Some(Path::new("/it's/key")), Path::new("/k"), None);
        let command = environment.iter().find(|(name, _)| name == "GIT_SSH_COMMAND").unwrap().1.to_string_lossy();
        assert!(command.ends_with("-i '/it'\\''s/key'") && command.contains("-F /dev/null"), "{command}");
        assert!(!environment.iter().any(|(_, value)| value.to_string_lossy().contains("hunter2")));
    }

    #[test]
    fn a_mirror_is_never_shared_between_connections() {
        let one = remote("https://git.example");
        assert_ne!(one.key(), Remote { connection: "ot-2".into(), ..one.clone() }.key());
        assert_eq!(one.key(), one.clone().key());
    }
}
