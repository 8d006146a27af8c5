//! `multispace contain`: what a server starts in front of terraform; not for people. See `executor::contain`.

use std::ffi::OsString;

use clap::Args;
use domain::Problem;

use crate::console::Console;
use crate::failure::Failure;

#[derive(Args)]
pub(super) struct Arguments {
    /// Which walls, as the executor wrote it down
    spec: String,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> ! {
    ended(console, executor::contain(&arguments.spec, &arguments.program))
}

pub(super) fn run_inside(console: &Console, arguments: &Arguments) -> ! {
    ended(console, executor::contain_inside(&arguments.spec, &arguments.program))
}

/// Its standard error is the log of the run.
fn ended(console: &Console, outcome: Result<i32, Problem>) -> ! {
    let code = outcome.unwrap_or_else(|problem| {
        console.failure(&Failure::Problem(problem));
        executor::NO_WALLS
    });
    std::process::exit(code)
}
