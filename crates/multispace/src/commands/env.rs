//! `multispace env`: what a shell needs to reach a server on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use domain::Problem;
use serde::{Deserialize, Serialize};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// In the data folder: how to reach the server, written by `serve`, read by `env`.
pub(super) const CONNECTION: &str = "connection.json";

/// In the data folder: terraform's CLI configuration for this server.
pub(super) const CLI_CONFIGURATION: &str = "cli.tfrc";

#[derive(Args)]
pub(super) struct Arguments {
    /// Data folder of the server
    #[arg(long, value_name = "DIR", env = "MULTISPACE_DATA_DIR")]
    data_dir: Option<PathBuf>,

    /// Language of the shell
    #[arg(long, value_enum, default_value = "sh")]
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    /// sh, bash, zsh, ksh
    Sh,
    /// fish
    Fish,
}

/// How to reach a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Connection {
    /// `http://localhost:8080`.
    pub(super) address: String,
    /// An organization that is there from the start.
    pub(super) organization: String,
}

impl Connection {
    /// Name and port, as terraform writes a host.
    pub(super) fn host(&self) -> &str {
        self.address.split_once("://").map_or(self.address.as_str(), |(_, host)| host).trim_end_matches('/')
    }
}

/// `$XDG_DATA_HOME/multispace`, or `~/.local/share/multispace`.
///
/// # Errors
/// `serve/data-dir` when there is no home folder.
pub(super) fn data_dir(wanted: Option<&Path>) -> Result<PathBuf, Problem> {
    if let Some(dir) = wanted {
        return Ok(std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()));
    }
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match (named("XDG_DATA_HOME"), named("HOME")) {
        (Some(data), _) => Ok(data.join("multispace")),
        (None, Some(home)) => Ok(home.join(".local/share/multispace")),
        (None, None) => Err(Problem::invalid("serve/data-dir", "There is no home folder to keep data in.")
            .advice("Name a folder with --data-dir.")),
    }
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    let data = data_dir(arguments.data_dir.as_deref())?;
    let never = || {
        Problem::not_found("serve/not-started", format!("No server has ever been started on {}.", data.display()))
            .advice("Start one with `multispace serve`, with the same --data-dir.")
    };
    let connection = fs::read_to_string(data.join(CONNECTION)).map_err(|_| never())?;
    let connection: Connection = serde_json::from_str(&connection).map_err(|_| never())?;
    let token = fs::read_to_string(data.join("owner-token")).map_err(|_| never())?;
    console.data(&exports(&data.join(CLI_CONFIGURATION), &connection, token.trim(), arguments.shell))?;
    Ok(Exit::Done)
}

fn exports(cli_configuration: &Path, connection: &Connection, token: &str, shell: Shell) -> String {
    let file = cli_configuration.to_string_lossy();
    let pairs = [
        ("TF_CLI_CONFIG_FILE", file.as_ref()),
        ("TF_CLOUD_HOSTNAME", connection.host()),
        ("TF_CLOUD_ORGANIZATION", &connection.organization),
        ("TFE_HOSTNAME", connection.host()),
        ("TFE_ADDRESS", &connection.address),
        ("TFE_ORGANIZATION", &connection.organization),
        ("TFE_TOKEN", token),
    ];
    let line = |(name, value): (&str, &str)| match shell {
        Shell::Sh => format!("export {name}={}\n", quoted(value, "'\\''")),
        Shell::Fish => format!("set -gx {name} {}\n", quoted(&value.replace('\\', "\\\\"), "\\'")),
    };
    pairs.map(line).concat()
}

/// In single quotes, where nothing but the quote itself means anything.
fn quoted(text: &str, quote: &str) -> String {
    format!("'{}'", text.replace('\'', quote))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_shell_gets_every_name_with_its_value_quoted() {
        let connection = Connection { address: "http://localhost:8080".into(), organization: "main".into() };
        expect![[r#"
            export TF_CLI_CONFIG_FILE='/home/it'\''s/cli.tfrc'
            export TF_CLOUD_HOSTNAME='localhost:8080'
            export TF_CLOUD_ORGANIZATION='main'
            export TFE_HOSTNAME='localhost:8080'
            export TFE_ADDRESS='http://localhost:8080'
            export TFE_ORGANIZATION='main'
            export TFE_TOKEN='secret'
        "#]]
        .assert_eq(&exports(Path::new("/home/it's/cli.tfrc"), &connection, "secret", Shell::Sh));
    }
}
