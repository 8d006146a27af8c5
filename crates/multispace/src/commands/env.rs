//! `multispace env`: what a shell needs to reach a server on this machine.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::nearby::{self, CLI_CONFIGURATION, Connection};

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

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    let data = nearby::data_dir(arguments.data_dir.as_deref())?;
    let (connection, token) = nearby::read(&data)?;
    console.data(&exports(&data.join(CLI_CONFIGURATION), &connection, &token, arguments.shell))?;
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
