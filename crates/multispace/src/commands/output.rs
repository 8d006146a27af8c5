//! `multispace output`: the outputs of a stack's workspaces, from the states that multispace holds.

use clap::Args;
use domain::Problem;
use serde_json::{Map, Value, json};

use super::Dir;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::stack::host::{OutputView, WorkspaceView};
use crate::stack::session;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    dir: Dir,

    /// Only this workspace
    workspace: Option<String>,

    /// As JSON: workspace, output, then value and sensitive
    #[arg(long)]
    json: bool,

    /// The terraform or tofu that the stack runs with
    #[arg(long, value_name = "PATH", env = "MULTISPACE_TERRAFORM")]
    terraform: Option<std::path::PathBuf>,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    let dir = &arguments.dir.dir;
    super::require_data(dir)?;
    super::start_tracing("off");
    let found = super::block_on(async {
        let terraform =
            session::terraform(arguments.terraform.as_deref(), configuration::read_stack(dir).ok().as_ref());
        let engine = session::look(dir, terraform, None).await?;
        let read = async {
            let local = engine.local(session::CONCURRENCY).await?;
            let mut found = Vec::new();
            for workspace in local.workspaces().await? {
                let outputs = local.outputs(&workspace.id).await?;
                found.push((workspace, outputs));
            }
            Ok::<_, Problem>(found)
        };
        let found = read.await;
        engine.close().await;
        Ok(found?)
    })?;
    let found = chosen(found, arguments.workspace.as_deref())?;
    let text = if arguments.json { format!("{:#}\n", document(&found)) } else { listing(&found) };
    console.data(&text)?;
    Ok(Exit::Done)
}

type Found = Vec<(WorkspaceView, Vec<OutputView>)>;

fn chosen(found: Found, workspace: Option<&str>) -> Result<Found, Problem> {
    let Some(wanted) = workspace else { return Ok(found) };
    let names: Vec<String> = found.iter().map(|(workspace, _)| format!("\"{}\"", workspace.name)).collect();
    let chosen: Found = found.into_iter().filter(|(workspace, _)| workspace.name == wanted).collect();
    if chosen.is_empty() {
        let message = format!("The stack has no workspace named \"{wanted}\" that was applied.");
        return Err(
            Problem::not_found("stack/unknown-workspace", message).advice(format!("It has {}.", names.join(", ")))
        );
    }
    Ok(chosen)
}

fn document(found: &Found) -> Value {
    let outputs = |outputs: &[OutputView]| -> Value {
        let entry = |it: &OutputView| (it.name.clone(), json!({ "value": it.value, "sensitive": it.sensitive }));
        outputs.iter().map(entry).collect::<Map<_, _>>().into()
    };
    found.iter().map(|(workspace, all)| (workspace.name.clone(), outputs(all))).collect::<Map<_, _>>().into()
}

fn listing(found: &Found) -> String {
    let mut text = String::new();
    for (workspace, outputs) in found.iter().filter(|(_, outputs)| !outputs.is_empty()) {
        text += &format!("{}\n", workspace.name);
        let width = outputs.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
        for it in outputs {
            let value = if it.sensitive { "(sensitive)".to_owned() } else { it.value.to_string() };
            text += &format!("  {:<width$} = {value}\n", it.name);
        }
    }
    text
}
