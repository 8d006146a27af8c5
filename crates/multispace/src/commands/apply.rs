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

    /// Wait for a person who approves the plan on the server's page, instead of asking here
    #[arg(long, requires = "host", conflicts_with = "auto_approve", help_heading = "Workspaces on a server")]
    approve_in_browser: bool,

    /// Run every workspace, also where nothing that goes into it has changed since its last apply
    #[arg(long)]
    all: bool,

    /// Exit with 2 when something was changed
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { selection, auto_approve, approve_in_browser, all, detailed_exitcode } = arguments;
    let ways = walk::Ways { auto_approve, in_browser: approve_in_browser, all, detailed_exitcode, diff: None };
    walk::run(console, Direction::Apply, &selection, &ways)
}
