//! `multispace log`: all that terraform said in one plan or apply of a stack.

use clap::Args;
use domain::Problem;

use super::Dir;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::stack::session;

#[derive(Args)]
pub(super) struct Arguments {
    /// Id of the plan or apply, as a failure names it
    id: String,

    #[command(flatten)]
    dir: Dir,

    /// The terraform or tofu that the stack runs with
    #[arg(long, value_name = "PATH", env = "MULTISPACE_TERRAFORM")]
    terraform: Option<std::path::PathBuf>,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    let dir = &arguments.dir.dir;
    super::require_data(dir)?;
    super::start_tracing("off");
    let text = super::block_on(async {
        let terraform =
            session::terraform(arguments.terraform.as_deref(), configuration::read_stack(dir).ok().as_ref());
        let engine = session::look(dir, terraform, None).await?;
        let read = async { engine.local(session::CONCURRENCY).await?.log(&arguments.id).await };
        let text = read.await;
        engine.close().await;
        Ok(text?)
    })?;
    if text.is_empty() {
        let message = format!("There is no log \"{}\".", arguments.id);
        return Err(Problem::not_found("stack/no-log", message).advice("Take the id that a failure names.").into());
    }
    console.data(&text)?;
    Ok(Exit::Done)
}
