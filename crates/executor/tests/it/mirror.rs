//! A provider that needs no network: ours, in a mirror, under the name of another.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const LOCK: &str = ".terraform.lock.hcl";

/// A folder with a mirror in which `example.com/acme/x` is.
pub(crate) struct Mirror {
    folder: tempfile::TempDir,
    package: PathBuf,
}

impl Mirror {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let platform = executor::terraform_version(Path::new("terraform"), None).await.unwrap().platform;
        let package = folder.path().join("mirror/example.com/acme/x/1.0.0").join(platform);
        fs::create_dir_all(&package).unwrap();
        fs::set_permissions(&package, fs::Permissions::from_mode(0o755)).unwrap();
        let mirror = Self { folder, package };
        fs::copy(built(), mirror.executable()).unwrap();
        // What was changed just now is not remembered.
        let file = File::options().write(true).open(mirror.executable()).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        mirror
    }

    /// What else tests put beside the mirror.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn executable(&self) -> PathBuf {
        self.package.join("terraform-provider-x_v1.0.0")
    }

    /// Has the provider note in a file, which is returned, that it was started.
    pub(crate) fn noting(&self) -> PathBuf {
        let noted = self.path().join("started");
        let text = format!("#!/bin/sh\necho it >> '{}'\nexec '{}' \"$@\"\n", noted.display(), built().display());
        script(&self.executable(), &text);
        noted
    }

    pub(crate) fn cli_config(&self) -> String {
        let mirror = self.path().join("mirror");
        format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n", mirror.display())
    }

    /// The lock file that `init` makes for some code.
    pub(crate) fn locked(&self, code: &str) -> String {
        let (root, rc) = (self.path().join("root"), self.path().join("rc"));
        fs::create_dir(&root).unwrap();
        fs::write(root.join("main.tf"), code).unwrap();
        fs::write(&rc, self.cli_config()).unwrap();
        let mut init = Command::new("terraform");
        init.arg("init").current_dir(&root).env("TF_CLI_CONFIG_FILE", rc).env("CHECKPOINT_DISABLE", "1");
        assert!(init.output().unwrap().status.success());
        fs::read_to_string(root.join(LOCK)).unwrap()
    }
}

fn built() -> PathBuf {
    let built = std::env::current_exe().unwrap().parent().unwrap().join("../terraform-provider-multispace");
    assert!(built.is_file(), "there is no {}: cargo build -p provider", built.display());
    built.canonicalize().unwrap()
}

/// Writes an executable.
pub(crate) fn script(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}
