//! Packs a commit, with its submodules, as one archive. Nothing is checked out: git writes archives, and they are joined.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufReader, Write};

use bytes::Bytes;
use domain::{Fault, Problem};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::BoxFuture;
use tempfile::NamedTempFile;

use super::process::{Call, too_large};
use super::refs::is_sha;
use super::{Git, Remote};

/// Most bytes of what is packed, compressed.
const ARCHIVE: usize = 100 * 1024 * 1024;

/// A commit on its way into an archive.
pub(super) struct Export {
    /// Author and message.
    pub(super) words: (String, String),
    /// The commit itself and then its submodules.
    pub(super) parts: Vec<Part>,
}

/// The archive of one commit.
pub(super) struct Part {
    /// Folder that it goes to; empty, or with a slash at its end.
    prefix: String,
    file: NamedTempFile,
}

/// A submodule as the commit around it names it.
struct Submodule {
    path: String,
    url: String,
    sha: String,
}

impl Export {
    /// Writes archives of a commit and, if wanted, of its submodules.
    pub(super) async fn of(git: &Git, remote: &Remote, sha: &str, submodules: bool) -> Result<Self, Problem> {
        let turn = git.mirror(remote, sha).await?;
        let words = git.words(&turn.folder, sha).await?;
        drop(turn);
        let mut export = Self { words, parts: Vec::new() };
        export.add(git, remote, sha, String::new(), if submodules { git.0.limits.depth } else { 0 }).await?;
        Ok(export)
    }

    /// Adds a commit below `prefix`, and what is in it `depth` levels deep.
    fn add<'a>(
        &'a mut self,
        git: &'a Git,
        remote: &'a Remote,
        sha: &'a str,
        prefix: String,
        depth: usize,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            if self.parts.len() > git.0.limits.submodules {
                return Err(submodule(format!("The repository {} has too many submodules.", remote.url)));
            }
            let turn = git.mirror(remote, sha).await?;
            let file = git.passing_file("export")?;
            let mut output = OsString::from("--output=");
            output.push(file.path());
            let arguments = ["archive".into(), "--format=tar".into(), output, sha.into()];
            git.call(Call::local(&turn.folder, &arguments)).await?;
            let found = if depth > 0 { git.submodules(&turn.folder, remote, sha).await? } else { Vec::new() };
            drop(turn);
            self.parts.push(Part { prefix: prefix.clone(), file });
            for it in found {
                let path = format!("{prefix}{}/", it.path);
                self.add(git, &remote.at(it.url), &it.sha, path, depth - 1).await?;
            }
            Ok(())
        })
    }
}

impl Git {
    /// The submodules of a commit.
    async fn submodules(
        &self,
        mirror: &std::path::Path,
        remote: &Remote,
        sha: &str,
    ) -> Result<Vec<Submodule>, Problem> {
        let tree = self.call(Call::local(mirror, &["ls-tree", "--full-tree", "-z", sha, "--", ".gitmodules"])).await?;
        if !tree.starts_with(b"100") {
            return Ok(Vec::new());
        }
        let blob = format!("{sha}:.gitmodules");
        let settings = self.call(Call::local(mirror, &["config", "--blob", &blob, "-z", "--list"])).await?;
        let mut found = Vec::new();
        for (path, url) in declared(&String::from_utf8_lossy(&settings)) {
            let is_plain = path.split('/').all(|part| !matches!(part, "" | "." | ".." | ".git"));
            if !is_plain || path.contains(|c: char| c.is_control() || c == '\\') {
                return Err(submodule(format!("The submodule at {path:?} is not inside of {}.", remote.url)));
            }
            // A literal pathspec: what stands in the file is a path and no pattern.
            let arguments = ["--literal-pathspecs", "ls-tree", "--full-tree", "-z", sha, "--", &path];
            let entry = self.call(Call::local(mirror, &arguments)).await?;
            let entry = String::from_utf8_lossy(&entry).into_owned();
            // What is declared and not in the commit is no submodule.
            let Some(commit) = entry.strip_prefix("160000 commit ").and_then(|rest| rest.split('\t').next()) else {
                continue;
            };
            let elsewhere = || submodule(format!("The submodule {path:?} is not on the host of {}.", remote.url));
            let url = domain::vcs::submodule(&remote.base, &remote.url, &url).ok_or_else(elsewhere)?;
            if is_sha(commit) {
                found.push(Submodule { sha: commit.to_owned(), path, url });
            }
        }
        Ok(found)
    }
}

/// Paths and addresses of `.gitmodules`, as `git config -z --list` prints it.
fn declared(settings: &str) -> Vec<(String, String)> {
    let mut modules: BTreeMap<&str, (Option<&str>, Option<&str>)> = BTreeMap::new();
    for setting in settings.split('\0') {
        let Some((key, value)) = setting.split_once('\n') else { continue };
        let Some((name, what)) = key.strip_prefix("submodule.").and_then(|rest| rest.rsplit_once('.')) else {
            continue;
        };
        let module = modules.entry(name).or_default();
        match what {
            "path" => module.0 = Some(value),
            "url" => module.1 = Some(value),
            _ => {}
        }
    }
    modules.into_values().filter_map(|(path, url)| Some((path?.to_owned(), url?.to_owned()))).collect()
}

/// Joins archives into one, compressed; the same bytes for the same parts. What is in them is looked at where every configuration is.
pub(super) fn pack(parts: &[Part]) -> Result<Bytes, Problem> {
    let failed = |error: std::io::Error| Problem::ours("git/failed", "The commit could not be packed.", error);
    let mut tar = tar::Builder::new(Capped(GzEncoder::new(Vec::new(), Compression::default())));
    for part in parts {
        let file = part.file.reopen().map_err(failed)?;
        let mut archive = tar::Archive::new(BufReader::new(file));
        for entry in archive.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Git's note of which commit it is.
            if entry.header().entry_type().is_pax_global_extensions() {
                continue;
            }
            let path = format!("{}{}", part.prefix, String::from_utf8_lossy(&entry.path_bytes()));
            let mut header = entry.header().clone();
            let link = entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
            let added = match link.filter(|_| header.entry_type().is_symlink()) {
                Some(target) => tar.append_link(&mut header, path, target),
                None => tar.append_data(&mut header, path, entry),
            };
            added.map_err(|error| match error.kind() {
                std::io::ErrorKind::FileTooLarge => too_large("of the workspace"),
                _ => failed(error),
            })?;
        }
    }
    let Capped(compressed) = tar.into_inner().map_err(failed)?;
    compressed.finish().map(Bytes::from).map_err(failed)
}

/// Stops when what comes out is larger than an archive may be.
struct Capped(GzEncoder<Vec<u8>>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.get_ref().len() > ARCHIVE {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn submodule(message: String) -> Problem {
    Problem::new(Fault::Invalid, "git/submodule", message).advice(
        "Keep submodules inside of the repository and on the host of its connection, or turn ingress_submodules off.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submodule_has_a_path_and_an_address_and_its_name_may_have_dots() {
        let settings =
            "submodule.a.b.path\nmods/a\0submodule.a.b.url\n../a.git\0submodule.x.url\nonly\0core.bare\ntrue\0";
        assert_eq!(declared(settings), [("mods/a".to_owned(), "../a.git".to_owned())]);
    }
}
