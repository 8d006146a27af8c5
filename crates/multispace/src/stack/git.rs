//! What changed in git, asked of the `git` of whoever sits here: files that differ between the merge base of two commits and the newer
//! one, and, up to HEAD, what is changed or untracked in the working tree, which is what runs get.
//!
//! Absent: whose the files are (`configuration`), files that git ignores, and fetching.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use domain::Problem;
use domain::stack::Range;

/// What in the environment leads git to another repository or to other files than those of the folder it is started in, or changes
/// how it answers. A git hook sets some of these.
const UNSET: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];
/// Paths as they are, and nothing started in the background to find them.
const SETTINGS: &[&str] = &["core.quotepath=off", "core.fsmonitor=false", "diff.autoRefreshIndex=true"];
/// Both names of a file that was renamed; submodules that differ; all of the repository, whatever the settings say.
const DIFF: &[&str] =
    &["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-relative", "--ignore-submodules=none"];
/// What changes are compared with when nobody says: branches in the order in which they are looked for.
const BASES: &[(&str, &str)] = &[
    ("refs/remotes/origin/main", "origin/main"),
    ("refs/heads/main", "main"),
    ("refs/remotes/origin/master", "origin/master"),
    ("refs/heads/master", "master"),
];

/// The repository around a folder, with its working tree.
pub(crate) struct Repository {
    top: PathBuf,
}

impl Repository {
    /// Finds it.
    ///
    /// # Errors
    /// `stack/git-missing`, `stack/no-repository`, `stack/git-failed`.
    pub(crate) fn around(dir: &Path) -> Result<Self, Problem> {
        let output = git(dir, &["rev-parse", "--show-toplevel"])?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let is_none = ["not a git repository", "must be run in a work tree"].iter().any(|it| words.contains(it));
            return Err(if is_none { no_repository(dir) } else { failed(dir, &output) });
        }
        let top = PathBuf::from(OsStr::from_bytes(output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout)));
        Ok(Self { top: top.canonicalize().unwrap_or(top) })
    }

    /// The files that changed from the merge base of a range's commits on, absolute, also those that are gone. A submodule is its
    /// folder.
    ///
    /// # Errors
    /// `stack/no-commit`, `stack/no-merge-base`, `stack/git-failed`.
    pub(crate) fn changed(&self, range: &Range) -> Result<BTreeSet<PathBuf>, Problem> {
        let (from, to) = (self.commit(&range.from)?, self.commit(&range.to)?);
        let base = self.merge_base(range, &from, &to)?;
        let mut changed = self.paths(&[DIFF, &[&base, &to, "--"]].concat())?;
        if matches!(range.to.as_str(), "HEAD" | "@") {
            changed.extend(self.paths(&[DIFF, &["HEAD", "--"]].concat())?);
            changed.extend(self.paths(&["ls-files", "--others", "--exclude-standard", "-z"])?);
        }
        Ok(changed)
    }

    /// The branch that changes are compared with when nobody names one: the remote's default branch, else `main`, else `master`.
    ///
    /// # Errors
    /// `stack/no-commit`, `stack/git-failed`.
    pub(crate) fn base(&self) -> Result<String, Problem> {
        let default = self.ask(&["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"])?;
        if let Some(default) = default
            && self.resolved(&format!("refs/remotes/{default}"))?.is_some()
        {
            return Ok(default);
        }
        for (full, name) in BASES {
            if self.resolved(full)?.is_some() {
                return Ok((*name).to_owned());
            }
        }
        let message = format!("The repository in {} has no branch to compare with.", self.top.display());
        Err(Problem::not_found("stack/no-commit", message).advice(
            "Name it: --affected=FROM...HEAD. Without a name it is the default branch of the remote \"origin\", main or master.",
        ))
    }

    fn commit(&self, name: &str) -> Result<String, Problem> {
        let absent = || {
            let message = format!("The repository in {} has no commit \"{name}\".", self.top.display());
            Problem::not_found("stack/no-commit", message)
                .advice("Fetch it, or name another; a checkout in CI may have to be told to fetch all history.")
        };
        self.resolved(name)?.ok_or_else(absent)
    }

    fn resolved(&self, name: &str) -> Result<Option<String>, Problem> {
        let id = self.ask(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])?;
        // Of a name like ^main, git says more than the id.
        Ok(id.filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit())))
    }

    fn merge_base(&self, range: &Range, from: &str, to: &str) -> Result<String, Problem> {
        if let Some(base) = self.ask(&["merge-base", from, to])? {
            return Ok(base);
        }
        let is_shallow = self.ask(&["rev-parse", "--is-shallow-repository"])?.is_some_and(|it| it == "true");
        let message = format!("\"{}\" and \"{}\" have no commit in common", range.from, range.to);
        Err(match is_shallow {
            true => Problem::invalid("stack/no-merge-base", format!("{message} in this shallow clone."))
                .advice("Fetch their history: git fetch --unshallow, or in CI a checkout of all history."),
            false => Problem::invalid("stack/no-merge-base", format!("{message}.")).advice("Name two of one history."),
        })
    }

    /// One line of an answer; `None` when git says no.
    fn ask(&self, arguments: &[&str]) -> Result<Option<String>, Problem> {
        let output = git(&self.top, arguments)?;
        match output.status.code() {
            Some(0) => Ok(Some(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())),
            Some(1) => Ok(None),
            _ => Err(failed(&self.top, &output)),
        }
    }

    /// Paths of an answer, which git gives as seen from the top.
    fn paths(&self, arguments: &[&str]) -> Result<BTreeSet<PathBuf>, Problem> {
        let output = git(&self.top, arguments)?;
        if !output.status.success() {
            return Err(failed(&self.top, &output));
        }
        let paths = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| self.top.join(OsStr::from_bytes(path))).collect())
    }
}

fn git(dir: &Path, arguments: &[&str]) -> Result<Output, Problem> {
    let mut command = Command::new("git");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    for name in UNSET {
        command.env_remove(name);
    }
    let command = command.args(arguments).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    let output = command.current_dir(dir).stdin(Stdio::null()).output();
    output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Problem::invalid("stack/git-missing", "There is no git on PATH to say what changed.")
            .advice("Install git, or select by name."),
        _ => Problem::invalid("stack/git-failed", format!("Git cannot be started: {error}."))
            .advice("Look at the git on PATH."),
    })
}

fn no_repository(dir: &Path) -> Problem {
    let message = format!("{} is not in the working tree of a git repository.", dir.display());
    Problem::invalid("stack/no-repository", message).advice("Select by name, or walk a checkout of the repository.")
}

fn failed(dir: &Path, output: &Output) -> Problem {
    let words = String::from_utf8_lossy(&output.stderr);
    let line = words.lines().find(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
    let line = line.or_else(|| words.lines().next()).unwrap_or("it does not say why").trim_end_matches('.');
    let message = format!("Git cannot say what changed in {}: {line}.", dir.display());
    Problem::invalid("stack/git-failed", message).advice("See to it that `git status` works there.").because(words)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A repository on branch `feature`, which left `main` before the last commit there.
    struct Sandbox(TempDir);

    impl Sandbox {
        fn new() -> Self {
            let sandbox = Self(tempfile::tempdir().unwrap());
            sandbox.git(&["init", "--quiet", "-b", "main"]);
            for name in ["kept", "edited", "removed", "old name", "reverted"] {
                sandbox.write(name, name);
            }
            sandbox.write(".gitignore", "ignored\n");
            sandbox.commit();
            sandbox.git(&["branch", "feature"]);
            sandbox.write("of main", "");
            sandbox.commit();
            sandbox.git(&["checkout", "--quiet", "feature"]);
            sandbox
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("a repository")
        }

        fn write(&self, name: &str, text: &str) {
            let file = self.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }

        fn git(&self, arguments: &[&str]) {
            std::fs::create_dir_all(self.path()).unwrap();
            let person = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"];
            let output = Command::new("git").args(person).args(arguments).current_dir(self.path()).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }

        fn commit(&self) {
            self.git(&["add", "--all"]);
            self.git(&["commit", "--quiet", "--message", "."]);
        }

        fn around(&self, folder: &str) -> Repository {
            Repository::around(&self.path().join(folder)).unwrap()
        }

        fn changed(&self, range: &str) -> Vec<String> {
            let top = self.path().canonicalize().unwrap();
            let name = |path: &PathBuf| path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
            self.around("").changed(&Range::parse(range).unwrap()).unwrap().iter().map(name).collect()
        }

        fn told(&self, range: &str) -> Problem {
            self.around("").changed(&Range::parse(range).unwrap()).unwrap_err()
        }
    }

    #[test]
    fn what_changed_is_told_from_the_merge_base_on_with_both_names_of_what_was_renamed() {
        let sandbox = Sandbox::new();
        assert!(sandbox.changed("main...HEAD").is_empty());
        sandbox.write("edited", "more");
        sandbox.write("ünïcode \"quoted\"\n.tf", "");
        sandbox.git(&["rm", "--quiet", "removed"]);
        sandbox.git(&["mv", "old name", "new name"]);
        sandbox.commit();
        let expected = ["edited", "new name", "old name", "removed", "ünïcode \"quoted\"\n.tf"];
        assert_eq!(sandbox.changed("main...HEAD"), expected);
        assert_eq!(sandbox.changed("main...feature"), expected);
        assert_eq!(sandbox.changed("feature...main"), ["of main"]);
        assert_eq!(sandbox.changed("HEAD~1"), expected);
        assert!(sandbox.changed("HEAD").is_empty());
    }

    #[test]
    fn up_to_head_what_is_not_committed_counts_as_well() {
        let sandbox = Sandbox::new();
        sandbox.write("reverted", "changed");
        sandbox.commit();
        sandbox.write("reverted", "reverted");
        sandbox.write("edited", "in the working tree");
        sandbox.write("staged", "");
        sandbox.git(&["add", "staged"]);
        sandbox.write("deep/er/untracked", "");
        sandbox.write("ignored", "");
        std::fs::remove_file(sandbox.path().join("removed")).unwrap();
        let expected = ["deep/er/untracked", "edited", "removed", "reverted", "staged"];
        assert_eq!(sandbox.changed("main...HEAD"), expected);
        assert_eq!(sandbox.changed("main"), expected);
        assert_eq!(sandbox.changed("main...feature"), ["reverted"], "of a commit, what is committed");
    }

    #[test]
    fn a_submodule_is_its_folder() {
        let (sandbox, other) = (Sandbox::new(), Sandbox::new());
        sandbox.git(&["submodule", "--quiet", "add", other.path().to_str().unwrap(), "vendor/other"]);
        sandbox.commit();
        assert_eq!(sandbox.changed("main...HEAD"), [".gitmodules", "vendor/other"]);
        sandbox.write("vendor/other/edited", "by hand");
        assert_eq!(sandbox.changed("HEAD"), ["vendor/other"]);
    }

    #[test]
    fn settings_of_the_user_change_nothing() {
        let sandbox = Sandbox::new();
        sandbox.write("folder/new", "");
        sandbox.git(&["mv", "old name", "new name"]);
        sandbox.commit();
        for (name, value) in [("diff.relative", "true"), ("diff.renames", "copies"), ("diff.external", "false")] {
            sandbox.git(&["config", name, value]);
        }
        let changed = sandbox.around("folder").changed(&Range::parse("main").unwrap()).unwrap();
        assert_eq!(changed.len(), 3, "{changed:?}");
    }

    #[test]
    fn the_base_is_the_default_branch_of_the_remote_else_main_else_master() {
        let sandbox = Sandbox::new();
        assert_eq!(sandbox.around("").base().unwrap(), "main");
        let clone = Sandbox(tempfile::tempdir().unwrap());
        clone.git(&["clone", "--quiet", sandbox.path().to_str().unwrap(), "."]);
        assert_eq!(clone.around("").base().unwrap(), "origin/feature");
        clone.git(&["remote", "set-head", "origin", "--delete"]);
        assert_eq!(clone.around("").base().unwrap(), "origin/main");
        sandbox.git(&["branch", "--move", "main", "master"]);
        assert_eq!(sandbox.around("").base().unwrap(), "master");
        sandbox.git(&["branch", "--move", "master", "trunk"]);
        let problem = sandbox.around("").base().map(drop).unwrap_err();
        assert_eq!(problem.code, "stack/no-commit");
        assert!(problem.advice.contains("--affected=FROM...HEAD"), "{problem}");
    }

    #[test]
    fn what_is_not_there_is_told() {
        let sandbox = Sandbox::new();
        for range in ["nowhere...HEAD", "main...nowhere", "^main...HEAD", "main:kept...HEAD"] {
            assert_eq!(sandbox.told(range).code, "stack/no-commit", "{range}");
        }
        assert!(sandbox.told("nowhere").message.ends_with("has no commit \"nowhere\"."));
        let nowhere = tempfile::tempdir().unwrap();
        let problem = Repository::around(nowhere.path()).map(drop).unwrap_err();
        assert_eq!(problem.code, "stack/no-repository");
        let problem = Repository::around(&sandbox.path().join(".git")).map(drop).unwrap_err();
        assert_eq!(problem.code, "stack/no-repository");
    }

    #[test]
    fn commits_without_one_in_common_are_refused_and_a_shallow_clone_is_named() {
        let sandbox = Sandbox::new();
        sandbox.write("edited", "more");
        sandbox.commit();
        let clone = Sandbox(tempfile::tempdir().unwrap());
        let address = format!("file://{}", sandbox.path().display());
        clone.git(&["clone", "--quiet", "--depth=1", "--no-single-branch", &address, "."]);
        let problem = clone.told("origin/main...origin/feature");
        assert_eq!(problem.code, "stack/no-merge-base");
        assert!(problem.advice.contains("git fetch --unshallow"), "{problem}");

        sandbox.git(&["checkout", "--quiet", "--orphan", "alone"]);
        sandbox.commit();
        let problem = sandbox.told("main...HEAD");
        assert_eq!(problem.code, "stack/no-merge-base");
        assert!(!problem.message.contains("shallow"), "{problem}");
    }
}
