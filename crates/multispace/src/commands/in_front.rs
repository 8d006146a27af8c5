//! What is started in front of terraform; not for people: `multispace contain`, the walls around a run on a server, and `multispace keep`, the
//! endpoint of a large state. See `executor::contain` and `executor::keep`.

use std::ffi::OsString;

use clap::Args;
use domain::Problem;

use crate::console::Console;
use crate::failure::Failure;

#[derive(Args)]
pub(super) struct Arguments {
    /// What to do, as the executor wrote it down
    spec: String,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

pub(super) fn contain(console: &Console, arguments: &Arguments) -> ! {
    ended(console, executor::contain(&arguments.spec, &arguments.program), executor::NO_WALLS)
}

pub(super) fn contain_inside(console: &Console, arguments: &Arguments) -> ! {
    ended(console, executor::contain_inside(&arguments.spec, &arguments.program), executor::NO_WALLS)
}

pub(super) fn keep(console: &Console, arguments: &Arguments) -> ! {
    ended(console, executor::keep(&arguments.spec, &arguments.program), executor::NO_KEEPER)
}

/// Ends as the program did, or with `failed` where it could not be started. Standard error is the log of the run.
fn ended(console: &Console, outcome: Result<i32, Problem>, failed: i32) -> ! {
    let code = outcome.unwrap_or_else(|problem| {
        console.failure(&Failure::Problem(problem));
        failed
    });
    std::process::exit(code)
}
