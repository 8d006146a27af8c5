//! The process: found, started with a profile in a temporary folder, and always ended.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Says where Chromium is; `cargo xtask test` sets it.
const PROGRAM: &str = "MULTISPACE_TEST_CHROMIUM";

/// Chromium reads commands from descriptor 3 and writes answers to 4. A child gets 0 and 1 as pipes without unsafe code; the
/// shell moves them.
const MOVE: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    // It is asked for pages of ours only, often as root, and often where no user namespace can be made.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-features=Translate,MediaRouter,OptimizationHints,InterestFeedContentSuggestions",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--password-store=basic",
    "--no-default-browser-check",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--lang=en-US",
];

pub(crate) struct Process {
    child: Child,
    profile: Option<TempDir>,
}

impl Process {
    /// Starts it, and returns where commands go and answers come from.
    pub(crate) fn start() -> (Self, ChildStdin, ChildStdout) {
        let program = std::env::var_os(PROGRAM).map(PathBuf::from);
        let program = program.unwrap_or_else(|| {
            panic!("{PROGRAM} is not set: run the tests with `cargo xtask test`, which finds or installs Chromium")
        });
        let profile = tempfile::Builder::new().prefix("multispace-chromium-").tempdir().expect("a temporary folder");
        let mut data = std::ffi::OsString::from("--user-data-dir=");
        data.push(profile.path());
        let mut child = Command::new("/bin/sh")
            .args(["-c", MOVE, "sh"])
            .arg(program)
            .args(FLAGS)
            .arg(data)
            .arg("about:blank")
            // Nothing of the person's own Chromium is read or written.
            .env("HOME", profile.path())
            .env("XDG_CONFIG_HOME", profile.path())
            .env("XDG_CACHE_HOME", profile.path())
            .env("TMPDIR", profile.path())
            .env_remove("DISPLAY")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell that starts Chromium");
        let (input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        (Self { child, profile: Some(profile) }, input, output)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).expect("a process id");
        // Gone already is as good.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        let _ = self.child.wait();
        // Its helpers, which are killed with it, may still be writing into the folder that is being removed.
        let Some(folder) = self.profile.take().map(TempDir::keep) else { return };
        for _ in 0..100 {
            if std::fs::remove_dir_all(&folder).is_ok() || !folder.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
