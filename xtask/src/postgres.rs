//! A throw-away PostgreSQL server for one test run.
//!
//! It lives in a folder under the system's temporary folder and is made for speed, not for keeping anything. A watcher
//! process takes it down: it waits for this process to let go of a pipe, so the server is gone after the last test,
//! after a failure, after Ctrl-C and after kill -9 alike.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::tree::TemporaryFolder;

/// Who runs the server when this process is root: PostgreSQL refuses to run as root.
const OS_USER: &str = "postgres";

/// A running server; dropped, it is shut down and its folder removed.
pub(crate) struct Cluster {
    url: String,
    watcher: Child,
    folder: TemporaryFolder,
}

impl Cluster {
    /// Starts a new, empty server and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = TemporaryFolder::new("pg")?;
        let owner = Owner::find()?;
        owner.take(folder.path())?;

        let password = random_hex()?;
        let password_file = folder.path().join("password");
        fs::write(&password_file, &password)?;
        owner.take(&password_file)?;
        let data = folder.path().join("data");
        process::output(
            owner
                .command(&programs.join("initdb"))
                .arg("--pgdata")
                .arg(&data)
                .arg("--pwfile")
                .arg(&password_file)
                .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]),
        )?;

        // Whoever asks for a free port has to give it back before the server can take it; somebody else may be quicker.
        let mut last = None;
        for _ in 0..5 {
            let port = free_port()?;
            match start_server(&programs, &owner, folder.path(), &data, port) {
                Ok(()) => {
                    let watcher = watch(&programs, &owner, folder.path(), &data)?;
                    let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
                    return Ok(Self { url, watcher, folder });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("the loop ran")).context("PostgreSQL did not start")
    }

    /// Where it listens, with the name and password of its superuser.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        if let Err(error) = self.watcher.wait() {
            eprintln!("PostgreSQL in {} may still be running: {error}", self.folder.path().display());
        }
    }
}

/// The folder of `initdb`, `pg_ctl` and `postgres`; installs them where that is possible.
fn programs() -> Result<PathBuf> {
    if let Some(folder) = find_programs() {
        return Ok(folder);
    }
    process::install_or_explain("postgresql", "PostgreSQL's server, which the server's tests run on,")?;
    find_programs().context("postgresql is installed, but /usr/lib/postgresql/*/bin has no initdb, pg_ctl and postgres")
}

fn find_programs() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file());
    let on_path = env::var_os("PATH").and_then(|path| env::split_paths(&path).find(complete));
    on_path.or_else(|| {
        let mut versions: Vec<PathBuf> =
            fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|e| e.path()).collect();
        versions.sort();
        versions.into_iter().rev().map(|version| version.join("bin")).find(complete)
    })
}

/// The user the server runs as: this one, or `postgres` when this one is root.
struct Owner {
    other: bool,
}

impl Owner {
    fn find() -> Result<Self> {
        if !process::is_root() {
            return Ok(Self { other: false });
        }
        if process::on_path("runuser").is_none() {
            bail!("PostgreSQL refuses to run as root, and `runuser` (util-linux) is not there to become another user");
        }
        if process::output(Command::new("id").arg(OS_USER)).is_err() {
            process::output(Command::new("useradd").args(["--system", "--no-create-home", OS_USER]))?;
        }
        Ok(Self { other: true })
    }

    fn take(&self, path: &Path) -> Result<()> {
        if self.other {
            process::output(Command::new("chown").arg(OS_USER).arg(path))?;
        }
        process::output(Command::new("chmod").arg("go=").arg(path))?;
        Ok(())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(if self.other { Path::new("runuser") } else { program });
        if self.other {
            command.args(["-u", OS_USER, "--"]).arg(program);
        }
        // The repository's folder may be closed to that user.
        command.current_dir("/");
        command
    }
}

fn start_server(programs: &Path, owner: &Owner, folder: &Path, data: &Path, port: u16) -> Result<()> {
    let log = folder.join("log");
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", folder.display()),
        // Test processes run side by side and each has a pool.
        "max_connections=300".to_owned(),
        "fsync=off".to_owned(),
        "synchronous_commit=off".to_owned(),
        "full_page_writes=off".to_owned(),
    ];
    let options: Vec<String> = settings.iter().map(|setting| format!("-c {setting}")).collect();
    // Not `process::output`: the server keeps the pipes it inherits, and reading them would wait for its end.
    let status = owner
        .command(&programs.join("pg_ctl"))
        .args(["start", "--silent", "--wait", "--timeout=60"])
        .arg("--pgdata")
        .arg(data)
        .arg("--log")
        .arg(&log)
        .arg("--options")
        .arg(options.join(" "))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("pg_ctl start: {status}\n{}", fs::read_to_string(&log).unwrap_or_default());
    }
    Ok(())
}

/// Starts the process that takes the server down once this one has closed the pipe, or is gone.
fn watch(programs: &Path, owner: &Owner, folder: &Path, data: &Path) -> Result<Child> {
    // The shell's `read` returns at the end of the file, which comes when the last writer, this process, is gone.
    let script = r#"trap "" INT TERM HUP; read -r _; "$1" stop --silent --mode=immediate --pgdata "$2"; rm -rf "$3""#;
    owner
        .command(Path::new("/bin/sh"))
        .args(["-c", script, "sh"])
        .arg(programs.join("pg_ctl"))
        .arg(data)
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C goes to the terminal's process group: the watcher is not in it.
        .process_group(0)
        .spawn()
        .context("the process that takes PostgreSQL down could not be started")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn random_hex() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
