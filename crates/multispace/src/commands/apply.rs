//! `multispace apply`: the whole stack, upstreams first.

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

    /// Apply without asking (workspaces with `manual_confirm = true` are asked about all the same)
    #[arg(long)]
    auto_approve: bool,

    /// Run every workspace, also where nothing that goes into it has changed since its last apply
    #[arg(long)]
    all: bool,

    /// Exit with 2 when something was changed
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { selection, auto_approve, all, detailed_exitcode } = arguments;
    walk::run(console, Direction::Apply, &selection, &walk::Ways { auto_approve, all, detailed_exitcode, diff: None })
}
