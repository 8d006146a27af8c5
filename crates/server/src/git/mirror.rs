//! Mirrors: a bare repository for each repository and connection, shallow, with nothing in it but what was asked for.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use domain::Problem;
use tempfile::NamedTempFile;

use super::process::Call;
use super::refs::is_sha;
use super::{Git, Head, Remote, export};

/// A commit as a configuration.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Gzip-compressed tar archive; the same for the same commit.
    pub archive: Bytes,
    /// The commit's whole message.
    pub message: String,
    /// Name of its author.
    pub author: String,
}

/// Attributes of a path that would keep it out of an archive, or change it there, are turned off: the repository decides what is in a
/// commit, not what of it is fetched.
const ATTRIBUTES: &str = "* -export-ignore -export-subst\n";
/// Folder of files that last as long as a process; emptied at the start.
pub(super) const PASSING: &str = "passing";
/// Most characters of a commit's message.
const MESSAGE: usize = 16 * 1024;

impl Git {
    /// Fetches a commit, with its submodules if that is wanted.
    ///
    /// # Errors
    /// `git/…`; `git/submodule` when one is not on the host of the connection.
    pub async fn fetch(&self, remote: &Remote, head: &Head, submodules: bool) -> Result<Fetched, Problem> {
        self.prepare()?;
        let closed = |error| Problem::ours("git/failed", "The server stops.", error);
        let _slot = self.0.slots.acquire().await.map_err(closed)?;
        let export = export::Export::of(self, remote, &head.sha, submodules).await?;
        let (author, message) = export.words;
        let parts = export.parts;
        let packed = tokio::task::spawn_blocking(move || export::pack(&parts)).await;
        let archive =
            packed.map_err(|error| Problem::ours("git/failed", "The commit could not be packed.", error))??;
        Ok(Fetched { archive, message, author })
    }

    /// The mirror of a repository, with a commit in it, and the turn to work there.
    pub(super) async fn mirror(&self, remote: &Remote, sha: &str) -> Result<Turn<'_>, Problem> {
        if !is_sha(sha) {
            return Err(Problem::invalid("git/commit-missing", "That is not the name of a commit.")
                .advice("Start a new run, which takes the newest commit."));
        }
        let key = remote.key();
        let at = usize::from_str_radix(&key[..4], 16).unwrap_or(0) % self.0.turns.len();
        let turn = self.0.turns[at].acquire().await;
        let turn = turn.map_err(|error| Problem::ours("git/failed", "The server stops.", error))?;
        let folder = self.0.folder.join("mirrors").join(key);
        if size(&folder) > self.0.limits.mirror {
            remove(&folder);
        }
        let was_there = folder.exists();
        match self.bring(remote, &folder, sha).await {
            // What a killed git leaves (locks, half a pack) goes with the mirror, which is only a cache.
            Err(problem) if problem.code == "git/failed" && was_there => {
                tracing::warn!(cause = problem.cause, "a mirror is made anew");
                remove(&folder);
                self.bring(remote, &folder, sha).await?;
            }
            brought => brought?,
        }
        Ok(Turn { folder, _permit: turn })
    }

    async fn bring(&self, remote: &Remote, folder: &Path, sha: &str) -> Result<(), Problem> {
        if !folder.join("HEAD").exists() {
            let mut arguments = vec!["init".into(), "--quiet".into(), "--bare".into(), "--template=".into()];
            // The name of a commit tells which hash its repository uses.
            arguments.push(if sha.len() == 64 {
                "--object-format=sha256".into()
            } else {
                "--object-format=sha1".into()
            });
            arguments.push(folder.into());
            self.call(Call::nowhere(arguments)).await?;
            let info = folder.join("info");
            std::fs::create_dir_all(&info)
                .and_then(|()| std::fs::write(info.join("attributes"), ATTRIBUTES))
                .map_err(|error| Problem::ours("git/failed", "The folder of mirrors cannot be written.", error))?;
        }
        let commit = format!("{sha}^{{commit}}");
        if self.call(Call::local(folder, &["cat-file", "-e", &commit])).await.is_ok() {
            return Ok(());
        }
        let mut arguments: Vec<_> =
            ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--force", "--"]
                .map(Into::into)
                .into();
        arguments.push(remote.located(self)?);
        arguments.push(format!("{sha}:refs/multispace/{}", &sha[..16]).into());
        let time = self.0.limits.fetch;
        let call = Call { arguments, mirror: Some(folder), remote: Some(remote), output: 1024 * 1024, time };
        self.call(call).await.map(drop)
    }

    /// Author and message of a commit.
    pub(super) async fn words(&self, mirror: &Path, sha: &str) -> Result<(String, String), Problem> {
        let call = Call::local(mirror, &["show", "--no-patch", "--no-notes", "--format=%an%x00%B", sha, "--"]);
        let output = self.call(call).await?;
        let text = String::from_utf8_lossy(&output);
        let (author, message) = text.split_once('\0').unwrap_or(("", &text));
        let clean = |text: &str| -> String {
            text.trim_end().chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).take(MESSAGE).collect()
        };
        Ok((clean(author), clean(message)))
    }

    /// Makes the folders of the cache.
    pub(super) fn prepare(&self) -> Result<(), Problem> {
        let make = |name: &str| std::fs::create_dir_all(self.0.folder.join(name));
        make("mirrors")
            .and_then(|()| make(PASSING))
            .map_err(|error| Problem::ours("git/failed", "The folder of mirrors cannot be written.", error))
    }

    /// A new file, for its owner alone, that goes when it is dropped.
    pub(super) fn passing_file(&self, prefix: &str) -> Result<NamedTempFile, Problem> {
        tempfile::Builder::new()
            .prefix(prefix)
            .tempfile_in(self.0.folder.join(PASSING))
            .map_err(|error| Problem::ours("git/failed", "The folder of mirrors cannot be written.", error))
    }
}

/// A mirror that nobody else works in.
pub(super) struct Turn<'a> {
    pub(super) folder: PathBuf,
    _permit: tokio::sync::SemaphorePermit<'a>,
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        tracing::warn!(%error, "a mirror could not be removed");
    }
}

/// Bytes of the packs in a mirror.
fn size(folder: &Path) -> u64 {
    let packs = std::fs::read_dir(folder.join("objects/pack")).into_iter().flatten().flatten();
    packs.filter_map(|pack| pack.metadata().ok()).map(|found| found.len()).sum()
}
