//! Counts how often terraform and providers are started: scripts of their names stand before them, note the start, and become them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder of such scripts.
pub(super) struct Counter {
    folder: PathBuf,
    log: PathBuf,
}

/// How often what was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Starts(pub(super) BTreeMap<String, usize>);

impl Counter {
    /// Makes it in `place`, with a `terraform` that becomes the real one.
    pub(super) fn new(place: &Path, terraform: &Path) -> Result<Self> {
        let folder = place.join("count");
        fs::create_dir_all(&folder)?;
        let counter = Self { log: folder.join("log"), folder };
        counter.script(&counter.folder.join("terraform"), terraform, "$1")?;
        counter.clear()?;
        Ok(counter)
    }

    /// `PATH` with the scripts first.
    pub(super) fn path(&self) -> Result<OsString> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.folder.clone()].into_iter().chain(std::env::split_paths(&path));
        std::env::join_paths(folders).context("PATH cannot be made longer")
    }

    /// A copy of a mirror of providers, in which each provider notes its starts as `provider`.
    pub(super) fn mirror(&self, of: &Path) -> Result<PathBuf> {
        let mirror = self.folder.join("mirror");
        self.mirror_folder(of, &mirror)?;
        Ok(mirror)
    }

    fn mirror_folder(&self, from: &Path, to: &Path) -> Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let source = entry?.path();
            let target = to.join(source.file_name().unwrap_or_default());
            if source.is_dir() {
                self.mirror_folder(&source, &target)?;
            } else if target.to_string_lossy().contains("terraform-provider-") {
                self.script(&target, &source, "provider")?;
            }
        }
        Ok(())
    }

    fn script(&self, file: &Path, real: &Path, noted: &str) -> Result<()> {
        let text = format!(
            "#!/bin/sh\necho \"{noted}\" >> '{}'\nexec '{}' \"$@\"\n",
            self.log.display(),
            real.canonicalize()?.display()
        );
        fs::write(file, text)?;
        fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// Forgets what was started.
    pub(super) fn clear(&self) -> Result<()> {
        fs::write(&self.log, "")?;
        Ok(())
    }

    /// What was started since then.
    pub(super) fn starts(&self) -> Result<Starts> {
        Ok(Starts::read(&fs::read_to_string(&self.log)?))
    }
}

impl Starts {
    fn read(log: &str) -> Self {
        let mut starts = Self::default();
        for word in log.lines() {
            *starts.0.entry(word.to_owned()).or_default() += 1;
        }
        starts
    }

    /// Starts of terraform, but for the question which version it is, which is asked once per command and not per workspace.
    pub(super) fn terraform(&self) -> usize {
        self.0
            .iter()
            .filter(|(word, _)| !["provider", "version"].contains(&word.as_str()))
            .map(|(_, count)| count)
            .sum()
    }

    /// Starts of providers.
    pub(super) fn provider(&self) -> usize {
        self.0.get("provider").copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TemporaryFolder;

    #[test]
    fn starts_are_counted_by_command_and_the_real_one_runs() {
        let place = TemporaryFolder::new("count").unwrap();
        let counter = Counter::new(place.path(), Path::new("/bin/echo")).unwrap();
        let script = counter.folder.join("terraform");
        let run = |word: &str| std::process::Command::new(&script).args([word, "more"]).output().unwrap();
        assert_eq!(run("plan").stdout, b"plan more\n");
        run("plan");
        run("version");
        let starts = counter.starts().unwrap();
        assert_eq!((starts.terraform(), starts.provider()), (2, 0));
        counter.clear().unwrap();
        assert_eq!(counter.starts().unwrap(), Starts::default());
    }
}
