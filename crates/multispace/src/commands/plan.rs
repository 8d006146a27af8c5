//! `multispace plan`: what a change does to the whole stack, before anything is applied.

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

    /// Plan every workspace, also where nothing that goes into it has changed since its last apply
    #[arg(long)]
    all: bool,

    /// Exit with 2 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,

    /// Plan the destruction of the stack
    #[arg(long)]
    destroy: bool,

    /// Show each plan in full, of all workspaces or of the named ones (may be repeated)
    #[arg(long, value_name = "WORKSPACE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    diff: Vec<String>,
}

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { selection, all, detailed_exitcode, destroy, diff } = arguments;
    let direction = if destroy { Direction::PlanDestroy } else { Direction::Plan };
    // Named or not, what was asked for is to be shown.
    let diff = (!diff.is_empty()).then(|| diff.into_iter().filter(|name| !name.is_empty()).collect());
    walk::run(console, direction, &selection, &walk::Ways { all, detailed_exitcode, diff, ..walk::Ways::default() })
}
