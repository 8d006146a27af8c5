//! `multispace restore`: a data folder is made of a backup.

use std::path::PathBuf;

use clap::Args;
use server::upkeep::{self, Folder};

use super::data::GivenKeys;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Args)]
pub(super) struct Arguments {
    /// The backup
    file: PathBuf,

    /// Data folder that is made; it must not be there
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    /// PostgreSQL database that is filled; it must be empty (a URL)
    #[arg(long, value_name = "URL", env = "MULTISPACE_DATABASE", hide_env_values = true)]
    database: Option<String>,

    #[command(flatten)]
    keys: GivenKeys,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    super::start_tracing("warn");
    super::block_on(async {
        let to = std::path::absolute(&arguments.to).unwrap_or_else(|_| arguments.to.clone());
        let folder = Folder { keys: arguments.keys.of(&to), data: to, database: arguments.database.clone() };
        let restored = upkeep::restore(&arguments.file, &folder).await?;
        super::fsck::say(console, &restored.report)?;
        let taken = restored.manifest.taken_at.to_rfc3339();
        console.say(&format!("{} is as it was at {taken}", folder.data.display()));
        console.say("runs that were under way then end when the server starts; what was applied later is not in these states: plan before you apply");
        Ok(Exit::Done)
    })
}
