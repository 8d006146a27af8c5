//! `multispace key`: the keys that everything in a data folder is sealed with.

use clap::{Args, Subcommand};
use server::upkeep::{self, Rewrapped};

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
    /// Make a new key, which encrypts from now on, and seal with it what older ones have sealed; works while the server runs
    Rotate(Data),
    /// Go on with a rotation that was cut off: seal with the first key what others have sealed
    Rewrap(Data),
    /// Show the keys, and how much is sealed with each
    List(Data),
    /// Take the keys out of the list with which nothing is sealed any more
    Retire(Data),
}

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    // Whatever is written anew is its owner's alone.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    super::start_tracing("warn");
    super::block_on(async {
        match arguments.command {
            Command::Rotate(data) => rewrapped(console, &upkeep::rotate(&data.folder()?).await?),
            Command::Rewrap(data) => rewrapped(console, &upkeep::rewrap(&data.folder()?).await?),
            Command::List(data) => {
                let rows: Vec<_> = upkeep::uses(&data.folder()?)
                    .await?
                    .into_iter()
                    .map(|key| {
                        let what = match (key.encrypts, key.is_here) {
                            (true, _) => "encrypts",
                            (false, true) => "decrypts",
                            (false, false) => "is not here",
                        };
                        [key.id, what.to_owned(), key.sealed.to_string()]
                    })
                    .collect();
                console.data(&text::table(["KEY", "", "SEALED"], &rows))?;
            }
            Command::Retire(data) => {
                let gone = upkeep::retire(&data.folder()?).await?;
                match gone.is_empty() {
                    true => console.say("every key is in use"),
                    false => console.say(&format!(
                        "no longer in the list: {}; backups that were taken with them still need them",
                        gone.join(", ")
                    )),
                }
            }
        }
        Ok(Exit::Done)
    })
}

fn rewrapped(console: &Console, done: &Rewrapped) {
    console.say(&format!("sealed with the key {}: {} values, {} blobs", done.key, done.values, done.blobs));
    if done.left > 0 {
        console.notice(&format!(
            "{} are still sealed with an older key, because they are being written: run `multispace key rewrap` later",
            done.left
        ));
    }
    console.say("keep a copy of the keys apart from the backups; an old one can go (`multispace key retire`) once no backup needs it");
}
