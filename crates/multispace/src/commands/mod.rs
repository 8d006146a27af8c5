//! The command line: one file per command. Each reads its arguments, calls what does the work, and says how it went.

mod apply;
mod approval;
mod audit;
mod backup;
mod data;
mod deleted;
mod destroy;
mod env;
mod fsck;
mod graph;
mod in_front;
mod key;
mod log;
mod output;
mod plan;
mod provider;
mod queue;
mod restore;
mod run;
mod selection;
mod serve;
mod stack;
mod state;
mod status;
mod there;
mod walk;
mod walls;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use domain::Problem;

use crate::console::Console;
use crate::exit::{self, Exit};
use crate::failure::Failure;

/// Terraform apply as code, across workspaces.
#[derive(Parser)]
#[command(name = "multispace", version, about, after_help = exit::HELP, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Plain text: no colours, nothing that moves (also: NO_COLOR in the environment)
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Show the stack in a folder: its workspaces, and why each depends on which
    Graph(graph::Arguments),
    /// Plan every workspace of a stack in order; changes nothing
    Plan(plan::Arguments),
    /// Bring a stack up, upstreams first
    Apply(apply::Arguments),
    /// Take a stack down, downstreams first
    Destroy(destroy::Arguments),
    /// Show where a stack stands: what was applied, what failed, and what the next apply would run
    Status(status::Arguments),
    /// Show the outputs of a stack's workspaces
    Output(output::Arguments),
    /// Show all that terraform said in a plan or an apply
    Log(log::Arguments),
    /// Serve the HCP Terraform API v2 to terraform and other clients
    Serve(serve::Arguments),
    /// Print what a shell needs to reach a server: eval "$(multispace env)"
    Env(env::Arguments),
    /// Start, list, show, follow, approve, discard and cancel runs on a server
    Run(run::Arguments),
    /// Show what is under way on a server, and what each waiting run waits for
    Queue(queue::Arguments),
    /// Show who has done what on a server, and whether the log of it is whole
    Audit(audit::Arguments),
    /// List, show, extend and destroy stacks on a server
    Stack(stack::Arguments),
    /// Check a data folder: state versions, blobs, runs, locks, sealed values; changes nothing
    Fsck(fsck::Arguments),
    /// Copy a data folder into one file, while its server works; the keys are not in it
    Backup(backup::Arguments),
    /// Make a data folder of a backup
    Restore(restore::Arguments),
    /// Change the keys that everything in a data folder is sealed with, while its server works
    Key(key::Arguments),
    /// States of deleted workspaces: list them, have one back, remove those that are old
    Deleted(deleted::Arguments),
    /// States that a server refused and kept: list them, make one the newest
    State(state::Arguments),
    /// Install the Terraform provider on this machine
    Provider(provider::Arguments),
    /// Print the version
    Version,
    /// Run a program behind walls
    #[command(name = executor::CONTAIN, hide = true)]
    Contain(in_front::Arguments),
    /// The inner half of it
    #[command(name = executor::CONTAIN_INSIDE, hide = true)]
    ContainInside(in_front::Arguments),
    /// Run a program beside an endpoint for its state
    #[command(name = executor::KEEP, hide = true)]
    Keep(in_front::Arguments),
}

/// The folder of a stack.
#[derive(Args)]
struct Dir {
    /// Folder of the stack: root modules are looked for in it
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
}

/// Reads the command line and does what it says.
pub(crate) fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and go to stdout.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let console = Console::new(cli.no_color);
    let outcome = match cli.command {
        Command::Graph(arguments) => graph::run(&console, &arguments),
        Command::Plan(arguments) => plan::run(&console, arguments),
        Command::Apply(arguments) => apply::run(&console, arguments),
        Command::Destroy(arguments) => destroy::run(&console, arguments),
        Command::Status(arguments) => status::run(&console, &arguments),
        Command::Output(arguments) => output::run(&console, &arguments),
        Command::Log(arguments) => log::run(&console, &arguments),
        Command::Serve(arguments) => serve::run(&console, arguments),
        Command::Env(arguments) => env::run(&console, &arguments),
        Command::Run(arguments) => run::run(&console, arguments),
        Command::Queue(arguments) => queue::run(&console, &arguments),
        Command::Audit(arguments) => audit::run(&console, &arguments),
        Command::Stack(arguments) => stack::run(&console, &arguments),
        Command::State(arguments) => state::run(&console, &arguments),
        Command::Fsck(arguments) => fsck::run(&console, &arguments),
        Command::Backup(arguments) => backup::run(&console, &arguments),
        Command::Restore(arguments) => restore::run(&console, &arguments),
        Command::Key(arguments) => key::run(&console, arguments),
        Command::Deleted(arguments) => deleted::run(&console, arguments),
        Command::Provider(arguments) => provider::run(&console, arguments),
        Command::Contain(arguments) => in_front::contain(&console, &arguments),
        Command::ContainInside(arguments) => in_front::contain_inside(&console, &arguments),
        Command::Keep(arguments) => in_front::keep(&console, &arguments),
        Command::Version => console
            .data(&format!("multispace {}\n", env!("CARGO_PKG_VERSION")))
            .map(|()| Exit::Done)
            .map_err(Into::into),
    };
    match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            console.failure(&failure);
            match failure {
                Failure::Interrupted => Exit::Interrupted,
                Failure::Problem(_) | Failure::Code(_) => Exit::Failed,
            }
        }
    }
}

/// Runs `work` on a runtime of its own. Nothing of this process is visible to its children's `/proc`, and files it makes
/// are its owner's alone.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let failed = |error: String| Problem::ours("console/runtime", "The process could not be set up.", error);
    nix::sys::prctl::set_dumpable(false).map_err(|error| failed(error.to_string()))?;
    // An error means that a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| failed(error.to_string()))?.block_on(work)
}

/// Whether a data folder is that of an earlier command; these commands only look and make none.
fn require_data(dir: &std::path::Path) -> Result<(), Problem> {
    if dir.join(crate::stack::session::DATA).join("multispace.db").is_file() {
        return Ok(());
    }
    let message = format!("Nothing was ever applied in {}.", dir.display());
    Err(Problem::not_found("stack/no-data", message)
        .advice("Name the folder of a stack, or run `multispace apply` there."))
}

/// Where the library's own words go: stderr, at the level that `MULTISPACE_LOG` names.
fn start_tracing(default: &str) {
    let filter = std::env::var("MULTISPACE_LOG").unwrap_or_else(|_| default.to_owned());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
