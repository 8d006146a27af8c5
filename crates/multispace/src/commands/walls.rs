//! The options of `multispace serve` that say how runs are contained.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::Problem;
use executor::{Limits, METADATA, Sandbox, Wall};

use crate::console::Console;

#[derive(Args)]
pub(super) struct Walls {
    /// Do not contain runs: their code, and so everybody who may plan, can read and change whatever this server can, its key and
    /// the states of all workspaces among it
    #[arg(long)]
    no_sandbox: bool,

    /// File or folder that runs may read, beside the system's programs; may be given more than once
    #[arg(long, value_name = "PATH", conflicts_with = "no_sandbox")]
    sandbox_read: Vec<PathBuf>,

    /// Folder that runs may read and write, all of them the same one; may be given more than once
    #[arg(long, value_name = "DIR", conflicts_with = "no_sandbox")]
    sandbox_write: Vec<PathBuf>,

    /// Let runs connect to port 80 of any machine, which is closed to them because clouds hand out the machine's credentials there
    #[arg(long, conflicts_with = "no_sandbox")]
    open_port_80: bool,

    /// Memory of a run in MiB [default: as much as the machine has]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(256..=1 << 24))]
    run_memory: Option<u64>,

    /// Processes and threads of a run [default: 2048]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(64..=1 << 20))]
    run_processes: Option<u64>,

    /// Longest file that a run may write, in MiB [default: 8192]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..=1 << 24))]
    run_file: Option<u64>,
}

impl Walls {
    /// The walls, put up once to see that they stand; says what they are, and what is given up where they are not the best.
    pub(super) async fn sandbox(
        &self,
        console: &Console,
        data: &Path,
        address: &str,
        cli_config: &str,
    ) -> Result<Option<Sandbox>, Problem> {
        if self.no_sandbox {
            console.notice(
                "runs are not contained (--no-sandbox): whoever may plan can read and change whatever this server can, its key and the \
                 states of all workspaces among it",
            );
            return Ok(None);
        }
        if is_on_port_80(address) {
            console.notice("port 80 is open to runs, because this server is there (docs/security.md)");
        }
        let closed = if self.open_port_80 || is_on_port_80(address) { Vec::new() } else { vec![METADATA] };
        let launcher = std::env::current_exe()
            .map_err(|error| Problem::ours("serve/sandbox", "This executable cannot be found.", error))?;
        let mut sandbox = Sandbox::find(launcher, self.limits(), &closed).await.map_err(|problem| {
            problem.advice(
                "Install bubblewrap (a package of that name) and allow user namespaces, or use a kernel with Landlock; or start it with \
                 --no-sandbox, if everybody who may plan may also have everything that this server has.",
            )
        })?;
        sandbox.read = self.sandbox_read.iter().map(|path| shared(path, data)).collect::<Result<_, _>>()?;
        sandbox.write = self.sandbox_write.iter().map(|path| shared(path, data)).collect::<Result<_, _>>()?;
        sandbox.read.extend(configuration::folders_of_providers(cli_config));
        if !closed.is_empty() && !sandbox.closes_ports() {
            console.notice(
                "runs can reach the address where a cloud hands out this machine's credentials (169.254.169.254), because this kernel cannot \
                 close a port to them: it has to be 6.7 or newer, with Landlock (docs/security.md)",
            );
        }
        if sandbox.wall == Wall::Landlock {
            console.notice(
                "runs are contained by Landlock alone, because bubblewrap is not installed or may not make namespaces here: they see the \
                 names of all processes and reach the sockets of this machine's services (docs/security.md)",
            );
        }
        Ok(Some(sandbox))
    }

    fn limits(&self) -> Limits {
        let usual = Limits::usual();
        Limits {
            memory: self.run_memory.map_or(usual.memory, |mib| mib << 20),
            processes: self.run_processes.unwrap_or(usual.processes),
            file: self.run_file.map_or(usual.file, |mib| mib << 20),
        }
    }
}

/// Whether runs reach the server on the port that is closed to them.
fn is_on_port_80(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    host.ends_with(":80") || !host.rsplit(']').next().unwrap_or_default().contains(':')
}

/// A path that runs may share, which is not one of the server's own.
fn shared(path: &Path, data: &Path) -> Result<PathBuf, Problem> {
    let real = path.canonicalize().map_err(|error| {
        Problem::invalid("serve/sandbox-path", format!("{} cannot be given to runs: {error}.", path.display()))
            .advice("Name a file or folder that is there.")
    })?;
    // It was made before, and its links lead somewhere.
    let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    if real.starts_with(&data) || data.starts_with(&real) {
        let message = format!("{} cannot be given to runs: the server's data is in it.", path.display());
        return Err(Problem::invalid("serve/sandbox-path", message)
            .advice("Name a folder that has nothing to do with the data folder."));
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_port_80_is_reached_by_its_runs() {
        for (address, is) in [
            ("http://localhost:8080", false),
            ("http://localhost:80", true),
            ("http://example.com", true),
            ("https://example.com", false),
            ("http://[::1]:8080", false),
            ("http://[::1]/", true),
        ] {
            assert_eq!(is_on_port_80(address), is, "{address}");
        }
    }

    #[test]
    fn a_path_that_has_the_data_or_lies_in_it_is_not_shared() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(data.join("objects")).unwrap();
        std::fs::create_dir(folder.path().join("shared")).unwrap();
        std::os::unix::fs::symlink(&data, folder.path().join("link")).unwrap();
        for refused in [&data, &data.join("objects"), folder.path(), &folder.path().join("link"), Path::new("/")] {
            let problem = shared(refused, &data).unwrap_err();
            assert!(problem.message.contains("data is in it"), "{refused:?}: {problem}");
        }
        assert!(shared(&folder.path().join("nothing"), &data).unwrap_err().message.contains("cannot be given"));
        assert!(shared(&folder.path().join("shared"), &data).unwrap().ends_with("shared"));
    }
}
