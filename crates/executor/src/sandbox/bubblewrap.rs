//! What bubblewrap is told: which of this machine a run sees.

use std::ffi::OsString;
use std::fs;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use super::{Spec, Wall};

/// Folders that are links into `/usr` on most systems.
const MERGED: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"];
/// Programs, and what they read of the system: nothing that says more than how to resolve names, and whom to trust.
pub(super) const SYSTEM: [&str; 30] = [
    "/usr",
    "/nix/store",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/gitconfig",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/login.defs",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/networks",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/timezone",
    "/etc/terraform.d",
    "/etc/static",
];
/// Where root may write without a capability, and bubblewrap leaves it so.
const KERNEL: [&str; 7] =
    ["/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi", "/proc/sysrq-trigger"];
/// Size of the folders in memory: `/tmp`, for who does not read TMPDIR, and `/dev/shm`.
const IN_MEMORY: &str = "67108864";

/// Arguments of `bwrap` up to the program. It writes who runs inside into `info`, as JSON.
pub(super) fn arguments(spec: &Spec, info: RawFd) -> Vec<OsString> {
    let mut said = Said(Vec::new());
    if let Wall::Bubblewrap { user_namespace: true, .. } = spec.wall {
        said.words(["--unshare-user", "--disable-userns"]);
    }
    // With us dies what is inside, and we do not die with who started us.
    said.words(["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent"]);
    said.words(["--new-session", "--as-pid-1", "--cap-drop", "ALL", "--hostname", "run"]);
    said.words(["--info-fd", &info.to_string()]);
    for folder in MERGED.map(Path::new) {
        match fs::read_link(folder) {
            Ok(target) => said.paths("--symlink", &target, folder),
            Err(_) => said.paths("--ro-bind-try", folder, folder),
        }
    }
    for path in SYSTEM.map(Path::new) {
        // What the link leads to may lie where nothing else is shown.
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        said.paths("--ro-bind-try", &target, path);
    }
    said.words(["--proc", "/proc", "--dev", "/dev"]);
    said.words(["--size", IN_MEMORY, "--tmpfs", "/dev/shm", "--size", IN_MEMORY, "--tmpfs", "/tmp"]);
    for path in KERNEL {
        said.words(["--ro-bind-try", path, path]);
    }
    for path in spec.read.iter().chain([&spec.launcher]) {
        said.paths("--ro-bind-try", path, path);
    }
    for path in &spec.write {
        said.paths("--bind", path, path);
    }
    for path in &spec.fixed {
        said.paths("--ro-bind", path, path);
    }
    said.words(["--remount-ro", "/dev", "--remount-ro", "/", "--chdir"]);
    said.0.push(spec.root.clone().into_os_string());
    said.words(["--"]);
    said.0
}

/// The paths of [`SYSTEM`] and [`MERGED`], with what their links lead to.
pub(super) fn system() -> Vec<PathBuf> {
    SYSTEM.into_iter().chain(MERGED).filter_map(|path| Path::new(path).canonicalize().ok()).collect()
}

struct Said(Vec<OsString>);

impl Said {
    fn words<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        self.0.extend(words.into_iter().map(OsString::from));
    }

    fn paths(&mut self, what: &str, from: &Path, to: &Path) {
        self.0.extend([what.into(), from.as_os_str().to_owned(), to.as_os_str().to_owned()]);
    }
}
