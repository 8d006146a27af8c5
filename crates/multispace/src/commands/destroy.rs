//! `multispace destroy`: the whole stack, downstreams first. Asked about once, at the beginning.

use clap::Args;
use domain::stack::Direction;

use super::walk::{self, Selection};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,

    /// Destroy without asking (workspaces with `manual_confirm = true` are asked about all the same)
    #[arg(long)]
    auto_approve: bool,
}

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { selection, auto_approve } = arguments;
    walk::run(console, Direction::Destroy, &selection, &walk::Ways { auto_approve, ..walk::Ways::default() })
}
