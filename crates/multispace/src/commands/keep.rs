//! `multispace keep`: what is started in front of terraform where the state is large; not for people. See `executor::keep`.

use std::ffi::OsString;

use clap::Args;

use crate::console::Console;
use crate::failure::Failure;

#[derive(Args)]
pub(super) struct Arguments {
    /// Where the state is, as the executor wrote it down
    spec: String,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

/// Its standard error is the log of the run.
pub(super) fn run(console: &Console, arguments: &Arguments) -> ! {
    let code = executor::keep(&arguments.spec, &arguments.program).unwrap_or_else(|problem| {
        console.failure(&Failure::Problem(problem));
        executor::NO_KEEPER
    });
    std::process::exit(code)
}
