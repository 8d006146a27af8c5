//! The executable: commands in front of the engine. `commands/` has one file per command, `stack/` walks a folder of
//! root modules, `console/` is the only module that prints. Absent: rules of any kind; those are `domain`'s.

mod commands;
mod console;
mod digest;
mod exit;
mod failure;
mod interrupts;
mod mirror;
mod new_file;
mod remote;
mod stack;

use std::process::ExitCode;

fn main() -> ExitCode {
    // The exit is taken here and now: a thread may still wait for an answer on stdin that nobody needs any more.
    let exit = commands::main();
    std::process::exit(i32::from(exit.code()))
}
