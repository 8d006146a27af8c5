//! One git process: an environment of its own, no settings but ours, a limit on its output, its files and its time.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use domain::{Fault, Problem};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::reach::Pinned;
use super::remote::missing;
use super::{Git, Remote};

/// Most bytes of what git says of an error.
const STDERR: u64 = 64 * 1024;
/// What of the server's environment leads to the network.
const NETWORK: &[&str] =
    &["PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy"];
/// Starts git with a limit on the size of its files, which git itself has no setting for. The unit is 512 bytes.
const LIMITED: &str = "ulimit -f \"$1\" && shift && exec git \"$@\"";
/// Settings of every git. Hooks, maintenance in the background and file system monitors are ways to run something.
const SETTINGS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.fsckObjects", "true"),
    // Old tools wrote commits with these; they do no harm.
    ("fetch.fsck.badTimezone", "ignore"),
    ("fetch.fsck.missingEmail", "ignore"),
    ("fetch.fsck.missingNameBeforeEmail", "ignore"),
    ("fetch.fsck.zeroPaddedFilemode", "ignore"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    // A host that was judged could send git to one that was not; addresses in a pack or of a bundle could as well.
    ("http.followRedirects", "false"),
    ("fetch.uriProtocols", ""),
    ("transfer.bundleURI", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    ("log.showSignature", "false"),
    ("protocol.version", "2"),
    ("protocol.allow", "never"),
    ("submodule.recurse", "false"),
    ("tar.umask", "0022"),
];

/// What git is to do.
pub(super) struct Call<'a> {
    /// Its arguments.
    pub(super) arguments: Vec<OsString>,
    /// The repository that it works in, if any.
    pub(super) mirror: Option<&'a Path>,
    /// The host that it asks, if any.
    pub(super) remote: Option<&'a Remote>,
    /// Most bytes of its output.
    pub(super) output: u64,
    /// How long it may take.
    pub(super) time: Duration,
}

/// Most bytes of what git says of a mirror.
const OUTPUT: u64 = 1024 * 1024;
/// How long git may take for a mirror.
const TIME: Duration = Duration::from_secs(120);

impl<'a> Call<'a> {
    /// A call of these arguments that asks no host.
    pub(super) fn local<S: AsRef<OsStr>>(mirror: &'a Path, arguments: &[S]) -> Self {
        let arguments = arguments.iter().map(|it| it.as_ref().to_owned()).collect();
        Self { arguments, mirror: Some(mirror), remote: None, output: OUTPUT, time: TIME }
    }

    /// The same without a repository.
    pub(super) fn nowhere(arguments: Vec<OsString>) -> Self {
        Self { arguments, mirror: None, remote: None, output: OUTPUT, time: TIME }
    }
}

/// The part of an environment that git gets, with certificates under the names that it knows.
pub(super) fn environment(all: &[(String, String)]) -> Vec<(String, String)> {
    let renamed = |name: &str| match name {
        "SSL_CERT_FILE" => Some("GIT_SSL_CAINFO".to_owned()),
        "SSL_CERT_DIR" => Some("GIT_SSL_CAPATH".to_owned()),
        name if NETWORK.contains(&name) => Some(name.to_owned()),
        _ => None,
    };
    all.iter().filter_map(|(name, value)| Some((renamed(name)?, value.clone()))).collect()
}

impl Git {
    /// Runs git to its end and returns its output.
    ///
    /// # Errors
    /// `git/…`, by what git says; a process over its time or its limits is killed with all that it started.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Vec<u8>, Problem> {
        let key = match call.remote {
            Some(remote) => self.key_file(remote)?,
            None => None,
        };
        let pinned = match call.remote {
            Some(remote) => self.pinned(remote).await?,
            None => None,
        };
        let mut command = self.command(&call, key.as_ref().map(NamedTempFile::path), pinned.as_ref());
        let mut child = command.spawn().map_err(|error| absent(&error))?;
        let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let (out, err) = tokio::join!(read(stdout, call.output), read(stderr, STDERR));
            // Whoever wrote more than it may is not waited for.
            match out.1 {
                true => Ok((None, out.0, err.0)),
                false => child.wait().await.map(|status| (Some(status), out.0, err.0)),
            }
        };
        let ended = tokio::time::timeout(call.time, work).await;
        drop(group);
        drop(key);
        let url = call.remote.map_or("", |remote| remote.url.as_str());
        let Ok(ended) = ended else { return Err(slow(url, call.time)) };
        let (status, out, err) =
            ended.map_err(|error| Problem::ours("git/failed", "Git could not be waited for.", error))?;
        match status {
            Some(status) if status.success() => Ok(out),
            Some(status) => Err(explained(status, &redacted(&err, call.remote), url)),
            None => Err(too_large(url)),
        }
    }

    fn command(&self, call: &Call<'_>, key: Option<&Path>, pinned: Option<&Pinned>) -> Command {
        let inner = &self.0;
        let mut settings: Vec<(String, String)> =
            SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        settings.extend(call.remote.map(Remote::settings).unwrap_or_default());
        settings.extend(pinned.map(Pinned::resolved));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", LIMITED, "git"]).arg(inner.limits.file.div_ceil(512).to_string());
        if let Some(mirror) = call.mirror {
            command.arg("--git-dir").arg(mirror);
        }
        command
            .args(&call.arguments)
            .env_clear()
            .envs(inner.environment.iter().cloned())
            .env("LC_ALL", "C")
            .env("HOME", &inner.folder)
            .env("XDG_CONFIG_HOME", &inner.folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", self.settings_file(call))
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (at, (name, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{at}"), name).env(format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        if let Some(remote) = call.remote {
            command.envs(remote.environment(key, &inner.folder.join("known_hosts"), pinned));
        }
        command
            .current_dir(&inner.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// Repositories below a root may belong to another user; that they may be read is what the root says. Git takes this from a file
    /// alone.
    fn settings_file(&self, call: &Call<'_>) -> PathBuf {
        let is_local = call.remote.is_some_and(|remote| remote.base.scheme == domain::vcs::Scheme::File);
        let file = self.0.folder.join("local.gitconfig");
        let is_there = file.is_file() || std::fs::write(&file, "[safe]\n\tdirectory = *\n").is_ok();
        if is_local && is_there { file } else { PathBuf::from("/dev/null") }
    }

    /// Writes the SSH key for as long as the process lasts; SSH takes it from a file alone.
    fn key_file(&self, remote: &Remote) -> Result<Option<NamedTempFile>, Problem> {
        if remote.base.scheme != domain::vcs::Scheme::Ssh || remote.ssh_key.is_empty() {
            return Ok(None);
        }
        let text = format!("{}\n", remote.ssh_key.trim_end());
        let file = self.passing_file("key")?;
        std::fs::write(file.path(), text)
            .map_err(|error| Problem::ours("git/failed", "The SSH key could not be put in place.", error))?;
        Ok(Some(file))
    }
}

/// A process group that ends with its owner, whatever it still does.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Reads to the end or to the limit, and says whether there was more.
async fn read<R: AsyncRead + Unpin>(stream: Option<R>, limit: u64) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // A stream that breaks off ends here as well; the exit code says the rest.
        let _ = stream.take(limit + 1).read_to_end(&mut bytes).await;
    }
    let more = bytes.len() as u64 > limit;
    (bytes, more)
}

/// What git said, for the log: without the secrets, which a host could have sent back.
fn redacted(stderr: &[u8], remote: Option<&Remote>) -> String {
    let mut text = String::from_utf8_lossy(stderr).into_owned();
    for secret in remote.into_iter().flat_map(Remote::secrets) {
        text = text.replace(secret, "***");
    }
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(4000).collect()
}

/// What a person is told of a git that failed. Git has no codes, so its words decide; `LC_ALL=C` keeps them English.
fn explained(status: ExitStatus, stderr: &str, url: &str) -> Problem {
    const NOT_FOUND: i32 = 127;
    let says = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    let problem = if status.code() == Some(NOT_FOUND) && !says(&["fatal:"]) {
        absent(&stderr)
    } else if status.signal() == Some(Signal::SIGXFSZ as i32) || says(&["File too large", "signal 25"]) {
        too_large(url)
    } else if says(&[
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "Permission denied",
        "returned error: 401",
        "returned error: 403",
        "Host key verification failed",
    ]) {
        Problem::forbidden("git/refused", format!("The host did not let the connection read {url}."))
            .advice("Give the connection a token or key that is valid and may read the repository.")
    } else if says(&["returned error: 301", "returned error: 302", "returned error: 307", "returned error: 308"]) {
        Problem::new(Fault::Unavailable, "git/redirected", format!("The host sends git elsewhere for {url}."))
            .advice("Name the repository, and its host, as they are called now: a redirect is not followed.")
    } else if says(&["not our ref", "couldn't find remote ref", "unadvertised object"]) {
        Problem::not_found("git/commit-missing", format!("The commit is not in {url} any more."))
            .advice("Start a new run, which takes the newest commit.")
    } else if says(&["not found", "returned error: 404", "does not appear to be a git repository", "does not exist"]) {
        missing(url)
    } else if says(&[
        "Could not resolve",
        "Failed to connect",
        "Couldn't connect",
        "Connection refused",
        "Connection reset",
        "Connection timed out",
        "Operation too slow",
        "certificate",
        "returned error: 5",
        "Empty reply",
    ]) {
        Problem::new(Fault::Unavailable, "git/unreachable", format!("The host of {url} did not answer as it should."))
            .advice("Try again once it does.")
    } else {
        Problem::new(Fault::Unavailable, "git/failed", format!("The repository {url} could not be fetched."))
            .advice("Look at the server's log for what git said.")
    };
    problem.because(stderr)
}

fn absent(cause: &dyn std::fmt::Display) -> Problem {
    Problem::new(Fault::Unavailable, "git/missing", "The server has no git to fetch repositories with.")
        .advice("Install git where the server runs, on its PATH.")
        .because(cause)
}

fn slow(url: &str, time: Duration) -> Problem {
    Problem::new(Fault::Unavailable, "git/slow", format!("Git took longer than {} seconds for {url}.", time.as_secs()))
        .advice("Try again; if it stays so, make the repository smaller.")
}

pub(super) fn too_large(url: &str) -> Problem {
    Problem::new(Fault::TooLarge, "git/too-large", format!("The repository {url} is larger than the server fetches."))
        .advice("Keep large files out of the repository that a workspace reads.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(stderr: &str) -> &'static str {
        explained(ExitStatus::from_raw(128 << 8), stderr, "https://h/a.git").code
    }

    #[test]
    fn what_git_says_becomes_one_clear_problem() {
        assert_eq!(code("fatal: Authentication failed for 'https://h/a.git/'"), "git/refused");
        assert_eq!(code("fatal: could not read Username for 'https://h': terminal prompts disabled"), "git/refused");
        assert_eq!(
            code("remote: Repository not found.\nfatal: repository 'https://h/a.git/' not found"),
            "git/repository-missing"
        );
        assert_eq!(code("fatal: remote error: upload-pack: not our ref 1234"), "git/commit-missing");
        assert_eq!(code("fatal: unable to access 'https://h/': Could not resolve host: h"), "git/unreachable");
        assert_eq!(code("error: something else"), "git/failed");
        assert_eq!(explained(ExitStatus::from_raw(25), "", "u").code, "git/too-large");
        assert_eq!(explained(ExitStatus::from_raw(127 << 8), "git: git: not found", "u").code, "git/missing");
    }

    #[test]
    fn of_the_environment_only_what_leads_to_the_network_is_passed_on() {
        let all = [("PATH", "/bin"), ("TFE_TOKEN", "x"), ("SSL_CERT_FILE", "/ca"), ("GIT_DIR", "/x")];
        let all: Vec<_> = all.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let kept = environment(&all);
        assert_eq!(kept, [("PATH".to_owned(), "/bin".to_owned()), ("GIT_SSL_CAINFO".to_owned(), "/ca".to_owned())]);
    }
}
