//! `multispace plan`: each workspace's plan, in order.

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

    /// Exit with 2 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { selection, detailed_exitcode } = arguments;
    walk::run(console, Direction::Plan, &selection, walk::Ways { auto_approve: false, detailed_exitcode })
}
