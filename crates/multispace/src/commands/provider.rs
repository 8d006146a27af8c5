//! `multispace provider`: the Terraform provider on this machine.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::mirror::{self, Source};
use crate::stack::environment;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put the Terraform provider where terraform finds it, without a registry
    Install(Install),
}

#[derive(Args)]
struct Install {
    /// Folder to install into [default: ~/.terraform.d/plugins, where terraform looks by itself]
    #[arg(long, value_name = "DIR")]
    mirror: Option<PathBuf>,

    /// Also install it in place of this provider, for configurations that name the original: hashicorp/tfe
    #[arg(long, value_name = "NAMESPACE/TYPE[@VERSION]")]
    stand_in: Vec<Source>,

    /// The provider's executable [default: terraform-provider-multispace beside this one]
    #[arg(long, value_name = "FILE", env = "MULTISPACE_PROVIDER")]
    executable: Option<PathBuf>,
}

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    let Command::Install(install) = arguments.command;
    let executable = mirror::executable(install.executable.as_deref())?;
    let folder = match &install.mirror {
        Some(folder) => std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
        None => mirror::implied()?,
    };
    let sources = [Source::ours(), install.stand_in].concat();
    let addresses = mirror::install(&executable, &folder, &sources)?;
    console.say(&format!("installed into {}", folder.display()));

    let mut text = String::from("In the required_providers of a configuration, one of these:\n\n");
    for source in &sources {
        let (kind, address, version) = (source.kind(), source.address(), source.version());
        let _ = writeln!(text, "  {kind:<10} = {{ source = \"{address}\", version = \"{version}\" }}");
    }
    let own = environment::cli_configuration(|name| std::env::var_os(name));
    let own = own.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    if install.mirror.is_some() || configuration::says_where_providers_are(&own) {
        text.push_str(
            "\nIn terraform's CLI configuration (the file that TF_CLI_CONFIG_FILE names, or ~/.terraformrc):\n\n",
        );
        text.push_str(&configuration::with_mirror(&own, &folder, &addresses)?);
    }
    console.data(&text)?;
    Ok(Exit::Done)
}
