//! `multispace deleted`: states of workspaces that were deleted.

use chrono::{SecondsFormat, TimeDelta};
use clap::{Args, Subcommand};
use server::upkeep::{self, KEPT_DAYS};

use super::data::Data;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::text;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the states of deleted workspaces that are still here
    List(Data),
    /// Print one of them as terraform wrote it, to be pushed into a new workspace
    Show {
        /// Id of the state version
        state: String,
        #[command(flatten)]
        data: Data,
    },
    /// Remove those that were deleted long ago, and whatever else no row names; works while the server runs
    Sweep {
        /// How many days what was deleted is kept
        #[arg(long, value_name = "N", default_value_t = KEPT_DAYS)]
        days: u32,
        #[command(flatten)]
        data: Data,
    },
}

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    super::start_tracing("warn");
    super::block_on(async {
        match arguments.command {
            Command::List(data) => {
                let rows: Vec<_> = upkeep::deleted(&data.folder()?)
                    .await?
                    .into_iter()
                    .map(|state| {
                        let at = state.deleted_at.to_rfc3339_opts(SecondsFormat::Secs, true);
                        [state.workspace, state.serial.to_string(), state.id, state.size.to_string(), at]
                    })
                    .collect();
                match rows.is_empty() {
                    true => console.say("there is no state of a deleted workspace"),
                    false => console.data(&text::table(["WORKSPACE", "SERIAL", "STATE", "BYTES", "DELETED"], &rows))?,
                }
            }
            Command::Show { state, data } => {
                let bytes = upkeep::deleted_state(&data.folder()?, &state).await?;
                console.data(&String::from_utf8_lossy(&bytes))?;
            }
            Command::Sweep { days, data } => {
                let swept = upkeep::sweep(&data.folder()?, TimeDelta::days(i64::from(days))).await?;
                console.say(&format!("removed: {} states of deleted workspaces, {} blobs", swept.states, swept.blobs));
            }
        }
        Ok(Exit::Done)
    })
}
