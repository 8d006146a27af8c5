//! The checksums of providers, compared once instead of by each command of terraform: a package may be 700 MB, and a run has up to five commands.
//!
//! Terraform compares a package with the checksums in the lock file, if there are any. When `init` has run (or what it made was kept), we
//! compare ourselves, and take the checksums out of the run's own copy of the lock file once all packages are right. Of each package is
//! remembered what tells that nobody changed it ([`Package::identity`]), and that is looked at before each command. Terraform's
//! own comparison is left in its place, or put back, whenever there is a doubt: a package that is wrong, that has no `h1:` to compare with, or that
//! somebody but us could change. So it is terraform that refuses a package, in its own words. What `init` will probably take is read while it runs.
//!
//! The lock file that came with the code is not touched, and what is kept of `init` was kept before. A plan has its lock file in it, and
//! terraform compares that too: where a folder is made anew around a plan, it is made as the plan says.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use domain::Problem;
use serde::{Deserialize, Serialize};

use crate::folder::{Folder, make_private, remove, replace_private, write_private};
use crate::foreign;
use crate::initialised::{LOCK, leave_at_most};
use crate::packages::Package;
use crate::process::ours;
use crate::version::{Product, Version};
use crate::work::Work;

/// Most packages that are remembered.
const MOST: usize = 1000;

/// How the providers of a run are checked.
#[derive(Debug, Clone)]
pub(crate) struct Checks {
    /// Where packages are remembered that were right; `None` where terraform compares by itself.
    place: Option<PathBuf>,
    /// `linux_amd64`.
    platform: String,
    /// What a contained run may write to outside of its folder.
    writable: Vec<PathBuf>,
}

/// What was taken out of a run's lock file, and why it could be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Taken {
    /// The lock file with its checksums.
    lock: String,
    /// By the path of a package below the folder of providers.
    packages: BTreeMap<PathBuf, Right>,
}

/// A package that was right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Right {
    identity: String,
    size: u64,
    checksums: Vec<String>,
}

impl Checks {
    /// Those of a work.
    pub(crate) fn of(work: &Work, version: &Version) -> Self {
        // A run that could write to packages could do so after they were compared.
        let is_safe = work.sandbox.as_ref().is_none_or(|sandbox| sandbox.protects_parts());
        let place = work.initialised.as_ref().filter(|_| is_safe && version.product == Product::Terraform);
        Self {
            place: place.map(|kept| kept.with_file_name("verified")),
            platform: version.platform.clone(),
            writable: work.sandbox.as_ref().map(|sandbox| sandbox.write.clone()).unwrap_or_default(),
        }
    }

    /// Leaves them to terraform.
    pub(crate) fn leave(&mut self) {
        self.place = None;
    }

    /// Takes the checksums out of the lock file of a run whose `init` is done, if all of its packages are right. Reads what is not
    /// remembered.
    pub(crate) fn take(&self, folder: &Folder, root: &Path) {
        let Some(place) = &self.place else { return };
        match self.taken(place, folder, root) {
            Ok(Some(taken)) => {
                if let Err(problem) = write_down(&taken, folder, root) {
                    tracing::warn!(%problem, "the lock file of a run could not be written");
                }
            }
            Ok(None) => {}
            Err(problem) => tracing::debug!(%problem, "the providers of a run are compared by terraform"),
        }
    }

    /// What can be taken; `None` when there is nothing.
    fn taken(&self, place: &Path, folder: &Folder, root: &Path) -> io::Result<Option<Taken>> {
        let Some(lock) = lock_file(folder, root)? else { return Ok(None) };
        let mut packages = BTreeMap::new();
        for (inside, hashes) in self.locked(&lock)? {
            let look = || self.look(folder, root, &inside);
            let right = right(place, &look()?, &look, folder, hashes)?;
            packages.insert(inside, right);
        }
        Ok((!packages.is_empty()).then_some(Taken { lock, packages }))
    }

    /// The providers of a lock file that have checksums: where their packages are below a folder of providers.
    fn locked(&self, lock: &str) -> io::Result<impl Iterator<Item = (PathBuf, Vec<String>)>> {
        let locked = configuration::locked(lock).ok_or_else(|| io::Error::other("the lock file cannot be read"))?;
        let with_checksums = locked.into_iter().filter(|provider| !provider.hashes.is_empty());
        Ok(with_checksums
            .map(|it| (it.address.iter().collect::<PathBuf>().join(&it.version).join(&self.platform), it.hashes)))
    }

    /// Reads the packages that an `init` which is about to run will probably take, so that they are remembered when it has: those of the lock file, in
    /// the first of these `mirrors` in which each is.
    pub(crate) fn read_ahead(&self, folder: &Folder, root: &Path, mirrors: &[PathBuf]) -> io::Result<()> {
        let (Some(place), Some(lock)) = (&self.place, lock_file(folder, root)?) else { return Ok(()) };
        for (inside, hashes) in self.locked(&lock)? {
            let mut places = mirrors.iter().map(|mirror| mirror.join(&inside));
            if let Some(path) = places.find(|path| path.is_dir()) {
                let look = || Package::at(&path, &providers(root), folder.path(), &self.writable);
                right(place, &look()?, &look, folder, hashes)?;
            }
        }
        Ok(())
    }

    fn look(&self, folder: &Folder, root: &Path, inside: &Path) -> io::Result<Package> {
        let providers = providers(root);
        if !foreign::is_folder(folder.path(), &providers) {
            return Err(io::Error::other("the folder of providers is not where init puts it"));
        }
        Package::at(&providers.join(inside), &providers, folder.path(), &self.writable)
    }

    /// Before a command: the lock file is as it was, if a package is not.
    ///
    /// # Errors
    /// `executor/failed`: the lock file cannot be put back.
    pub(crate) fn look_again(&self, folder: &Folder, root: &Path) -> Result<(), Problem> {
        let failed = |problem: io::Error| ours("The checksums of a run's providers cannot be put back.", problem);
        let taken: Taken = match fs::read(folder.taken()) {
            Ok(text) => serde_json::from_slice(&text).map_err(|problem| failed(problem.into()))?,
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(problem) => return Err(failed(problem)),
        };
        match self.still(&taken, folder, root) {
            Ok(now) if now == taken => Ok(()),
            Ok(now) => keep(&now, folder).map_err(failed),
            Err(problem) => {
                tracing::warn!(%problem, "terraform compares the providers of a run again");
                put_back(&taken, folder, root).map_err(failed)
            }
        }
    }

    /// What is so by now; an error when a package is not right any more.
    fn still(&self, taken: &Taken, folder: &Folder, root: &Path) -> io::Result<Taken> {
        let place = self.place.as_ref().ok_or_else(|| io::Error::other("nothing is remembered here"))?;
        let mut now = taken.clone();
        for (inside, right) in &mut now.packages {
            let package = self.look(folder, root, inside)?;
            if package.identity() == right.identity {
                continue;
            }
            // The same bytes have the same length, and others need not be read.
            if package.size() != right.size {
                return Err(io::Error::other(format!("{} was changed", inside.display())));
            }
            *right =
                self::right(place, &package, &|| self.look(folder, root, inside), folder, right.checksums.clone())?;
        }
        Ok(now)
    }
}

/// Compares a package, if it is not remembered, and looks at it once more then; an error when it is wrong.
fn right(
    place: &Path,
    package: &Package,
    look: &dyn Fn() -> io::Result<Package>,
    folder: &Folder,
    checksums: Vec<String>,
) -> io::Result<Right> {
    let identity = package.identity();
    let remembered = fs::read_to_string(place.join(&identity)).ok();
    let checksum = match &remembered {
        Some(checksum) => checksum.clone(),
        None if !package.is_settled(now(folder)?) => {
            return Err(io::Error::other("a package was changed just now"));
        }
        None => package.checksum()?,
    };
    if !checksums.contains(&checksum) {
        let path = package.path().display();
        return Err(io::Error::other(format!("{path} has {checksum}, which is not in the lock file")));
    }
    if remembered.is_none() {
        if look()?.identity() != identity {
            return Err(io::Error::other("a package was changed while it was read"));
        }
        make_private(place)?;
        leave_at_most(place, MOST - 1)?;
        replace_private(&place.join(&identity), checksum.as_bytes())?;
    }
    Ok(Right { identity, size: package.size(), checksums })
}

/// The lock file of a run, if it has one.
fn lock_file(folder: &Folder, root: &Path) -> io::Result<Option<String>> {
    match foreign::read(folder.path(), &root.join(LOCK)) {
        Ok(lock) => String::from_utf8(lock).map(Some).map_err(io::Error::other),
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// The time by the clock of files.
fn now(folder: &Folder) -> io::Result<SystemTime> {
    let file = folder.taken().with_extension("now");
    write_private(&file, b"")?;
    let now = fs::metadata(&file)?.modified()?;
    remove(&file)?;
    Ok(now)
}

/// Where `init` puts providers.
fn providers(root: &Path) -> PathBuf {
    root.join(".terraform/providers")
}

/// What was taken is on the disk before it is gone from the lock file.
fn write_down(taken: &Taken, folder: &Folder, root: &Path) -> io::Result<()> {
    let without = configuration::without_hashes(&taken.lock);
    let without = without.ok_or_else(|| io::Error::other("the lock file cannot be read"))?;
    keep(taken, folder)?;
    replace(&root.join(LOCK), &without)
}

fn keep(taken: &Taken, folder: &Folder) -> io::Result<()> {
    replace_private(&folder.taken(), &serde_json::to_vec(taken)?)
}

fn put_back(taken: &Taken, folder: &Folder, root: &Path) -> io::Result<()> {
    if !foreign::is_folder(folder.path(), root) {
        return Err(io::Error::other("the folder of the root module is gone"));
    }
    replace(&root.join(LOCK), &taken.lock)?;
    remove(&folder.taken())
}

/// No link that stands there is followed.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    remove(file)?;
    write_private(file, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    const RIGHT: &str = "h1:O48mCx7rjst0tZPV1FmUsXkJ7Pc8SKDj7O2rjwiJBgQ=";
    const WRONG: &str = "h1:AAAACx7rjst0tZPV1FmUsXkJ7Pc8SKDj7O2rjwiJBgQ=";
    const ZIP: &str = "zh:054b8dd49f0549c9a7cc27d159e45327b7b65cf404da5e5a20da154b90b8a644";

    /// The folder of a run in which `init` put a provider.
    struct Run {
        home: tempfile::TempDir,
        checks: Checks,
    }

    impl Run {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let checks = Checks {
                place: Some(home.path().join("verified")),
                platform: "linux_amd64".into(),
                writable: Vec::new(),
            };
            let run = Self { home, checks };
            make_private(run.executable().parent().unwrap()).unwrap();
            run.write("#!/bin/sh\nexit 1\n", 1_000_000);
            run
        }

        fn folder(&self) -> Folder {
            Folder::new(&self.home.path().join("run"))
        }

        fn root(&self) -> PathBuf {
            self.folder().source()
        }

        fn executable(&self) -> PathBuf {
            providers(&self.root()).join("example.com/acme/fake/1.0.0/linux_amd64/terraform-provider-fake_v1.0.0")
        }

        /// Writes the package, as if it was so many seconds after the epoch.
        fn write(&self, text: &str, at: u64) {
            fs::write(self.executable(), text).unwrap();
            fs::set_permissions(self.executable(), fs::Permissions::from_mode(0o755)).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
            fs::File::options().write(true).open(self.executable()).unwrap().set_modified(at).unwrap();
        }

        /// The lock file after the checksums were to be taken out, which were these.
        fn taken(&self, hashes: &[&str]) -> String {
            fs::write(self.root().join(LOCK), lock(hashes)).unwrap();
            self.checks.take(&self.folder(), &self.root());
            self.lock()
        }

        fn lock(&self) -> String {
            fs::read_to_string(self.root().join(LOCK)).unwrap()
        }

        fn looked_again(&self) -> String {
            self.checks.look_again(&self.folder(), &self.root()).unwrap();
            self.lock()
        }
    }

    fn lock(hashes: &[&str]) -> String {
        let lines: Vec<String> = hashes.iter().map(|hash| format!("    \"{hash}\",\n")).collect();
        let hashes = if lines.is_empty() { String::new() } else { format!("  hashes = [\n{}  ]\n", lines.concat()) };
        format!("provider \"example.com/acme/fake\" {{\n  version = \"1.0.0\"\n{hashes}}}\n")
    }

    #[test]
    fn checksums_are_taken_out_only_when_one_of_them_is_that_of_the_package() {
        let run = Run::new();
        for hashes in [&[ZIP][..], &[WRONG], &[ZIP, WRONG], &[]] {
            assert_eq!(run.taken(hashes), lock(hashes), "{hashes:?}");
            assert!(!run.folder().taken().exists());
        }
        assert_eq!(run.taken(&[ZIP, WRONG, RIGHT]), lock(&[]));
        assert_eq!(run.looked_again(), lock(&[]));
        let none = Checks { place: None, ..run.checks.clone() };
        none.look_again(&run.folder(), &run.root()).unwrap();
        assert_eq!(run.lock(), lock(&[ZIP, WRONG, RIGHT]), "put back where nothing may be taken out");
    }

    #[test]
    fn what_was_right_and_is_remembered_is_right_for_nobody_who_asks_for_another() {
        let run = Run::new();
        assert_eq!(run.taken(&[RIGHT]), lock(&[]));
        assert_eq!(run.taken(&[WRONG]), lock(&[WRONG]));
    }

    #[test]
    fn one_wrong_package_leaves_the_checksums_of_all() {
        let run = Run::new();
        let both = format!("{}{}", lock(&[RIGHT]), lock(&[RIGHT]).replace("fake", "gone"));
        fs::write(run.root().join(LOCK), &both).unwrap();
        run.checks.take(&run.folder(), &run.root());
        assert_eq!(run.lock(), both);
    }

    #[test]
    fn the_lock_file_is_put_back_when_a_package_is_another_before_the_next_command() {
        let run = Run::new();
        assert_eq!(run.taken(&[RIGHT]), lock(&[]));
        run.write("#!/bin/sh\nexit 1\n", 2_000_000);
        assert_eq!(run.looked_again(), lock(&[]), "the same bytes");
        run.write("#!/bin/sh\nexit 2\n", 2_000_000);
        fs::rename(run.executable(), run.home.path().join("moved")).unwrap();
        fs::copy(run.home.path().join("moved"), run.executable()).unwrap();
        assert_eq!(run.looked_again(), lock(&[RIGHT]));
        assert!(!run.folder().taken().exists());
    }

    #[test]
    fn what_was_written_just_now_is_left_to_terraform() {
        let run = Run::new();
        fs::write(run.executable(), "#!/bin/sh\nexit 1\n").unwrap();
        assert_eq!(run.taken(&[RIGHT]), lock(&[RIGHT]));
    }

    #[test]
    fn nothing_is_written_through_a_link_that_the_code_of_a_run_left() {
        let run = Run::new();
        assert_eq!(run.taken(&[RIGHT]), lock(&[]));
        let victim = run.home.path().join("victim");
        fs::write(&victim, "own").unwrap();
        fs::remove_file(run.root().join(LOCK)).unwrap();
        std::os::unix::fs::symlink(&victim, run.root().join(LOCK)).unwrap();
        fs::remove_file(run.executable()).unwrap();
        assert_eq!(run.looked_again(), lock(&[RIGHT]));
        assert_eq!(fs::read_to_string(victim).unwrap(), "own");
    }
}
