//! `multispace backup`: a copy of a data folder in one file, while its server works.

use std::path::PathBuf;

use clap::Args;
use server::upkeep;

use super::data::Data;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    data: Data,

    /// File that is made, or folder in which it is named by its time
    #[arg(long, value_name = "FILE|DIR")]
    to: PathBuf,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    super::start_tracing("warn");
    super::block_on(async {
        let folder = arguments.data.folder()?;
        let taken = upkeep::backup(&folder, &arguments.to).await?;
        super::fsck::say(console, &taken.report)?;
        console.data(&format!("{}\n", taken.file.display()))?;
        console.say(&format!(
            "{} bytes; the keys ({}) are not in it: keep a copy of them apart, without them it opens to nobody",
            taken.size,
            folder.keys.place()
        ));
        Ok(Exit::Done)
    })
}
