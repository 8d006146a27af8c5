//! `multispace status`: where the workspaces of a stack stand, and which of them the next apply would run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use domain::Problem;
use domain::run::RunStatus;
use domain::stack::why;
use serde_json::{Value, json};
use server::Engine;

use super::Dir;
use super::walk::say_orphans;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::text;
use crate::stack::host::{Host, LastRun, WorkspaceView};
use crate::stack::inputs;
use crate::stack::variables::Given;
use crate::stack::{Loaded, environment, load, prepare, session};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    dir: Dir,

    /// As JSON
    #[arg(long)]
    json: bool,

    /// Value of a variable, as the next apply will be given it (may be repeated)
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<Given>,

    /// The terraform or tofu that the stack runs with
    #[arg(long, value_name = "PATH", env = "MULTISPACE_TERRAFORM")]
    terraform: Option<PathBuf>,

    /// Folder with one executable per version, for workspaces that ask for a version
    #[arg(long, value_name = "DIR", env = "MULTISPACE_TERRAFORM_VERSIONS")]
    terraform_versions: Option<PathBuf>,
}

/// Where one workspace stands.
struct Standing {
    workspace: String,
    view: Option<WorkspaceView>,
    last: Option<LastRun>,
    /// Why the last run did not end well.
    failure: Option<String>,
    /// The command that shows what terraform said in it.
    log: Option<String>,
    /// Why the next apply would run it; empty when it would not.
    why: Vec<String>,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    let dir = &arguments.dir.dir;
    super::require_data(dir)?;
    let loaded = load(dir)?;
    super::start_tracing("off");
    let (standings, orphans) = super::block_on(async {
        let terraform = session::terraform(arguments.terraform.as_deref(), Some(&loaded.stack));
        let engine = session::look(dir, terraform, arguments.terraform_versions.clone()).await?;
        let found = look(&engine, &loaded, &arguments.variables, &dir.display().to_string()).await;
        engine.close().await;
        Ok(found?)
    })?;
    if arguments.json {
        let all: Vec<Value> = standings.iter().map(document).collect();
        console.data(&format!("{:#}\n", json!({ "workspaces": all })))?;
    } else {
        let rows: Vec<_> = standings.iter().map(row).collect();
        console.data(&text::table(["WORKSPACE", "STATUS", "RESOURCES", "SINCE", "NEXT APPLY"], &rows))?;
        for it in standings.iter().filter(|it| it.word() == "failed") {
            let (failure, log) = (it.failure.as_deref().unwrap_or_default(), it.log.as_deref().unwrap_or_default());
            console.say(&format!("\n{}: {failure}\n  {log}", it.workspace));
        }
    }
    say_orphans(console, &orphans, "multispace holds its state and leaves it as it is");
    Ok(Exit::Done)
}

type Orphans = Vec<(String, u32)>;

async fn look(
    engine: &Engine,
    loaded: &Loaded,
    given: &[Given],
    dir: &str,
) -> Result<(Vec<Standing>, Orphans), Problem> {
    let host = Host::Local(engine.local(session::CONCURRENCY).await?);
    let views: BTreeMap<String, WorkspaceView> =
        host.workspaces().await?.into_iter().map(|view| (view.name.clone(), view)).collect();
    let ids = views.iter().map(|(name, view)| (name.clone(), view.id.clone())).collect();
    let own = inputs::own(&host, loaded, given, &environment::for_terraform(std::env::vars_os()))?;
    let mut standings = Vec::new();
    for workspace in loaded.graph.order() {
        let view = views.get(workspace).cloned();
        let last = match &view {
            Some(view) => host.last(&view.id).await?,
            None => None,
        };
        let now = match own.get(workspace) {
            Some(own) => inputs::now(&host, loaded, &ids, own, None).await?,
            None => Default::default(),
        };
        let run = match &last {
            Some(last) => Some(host.run(&last.run).await?),
            None => None,
        };
        let log = run.as_ref().map(|run| host.log_command(run, run.telling_phase(), dir));
        let failure = run.and_then(|run| run.failure);
        let why = why(&inputs::last(last.as_ref()), &now).iter().map(ToString::to_string).collect();
        standings.push(Standing { workspace: workspace.to_owned(), view, last, failure, log, why });
    }
    Ok((standings, prepare::orphans(&host, loaded).await?))
}

impl Standing {
    /// One word, the same on the console and in JSON.
    fn word(&self) -> &'static str {
        let Some(last) = &self.last else {
            // It may have a state that was made before multispace took it over.
            return if self.view.as_ref().is_some_and(|view| view.state.is_some()) {
                "taken over"
            } else {
                "never applied"
            };
        };
        match last.status {
            RunStatus::Applied | RunStatus::PlannedAndFinished if last.is_destroy => "destroyed",
            RunStatus::Applied | RunStatus::PlannedAndFinished => "applied",
            RunStatus::Errored | RunStatus::PolicySoftFailed => "failed",
            RunStatus::Discarded => "declined",
            RunStatus::Canceled | RunStatus::ForceCanceled => "stopped",
            // This process has the folder to itself: whoever drove it is gone.
            _ => "cut off",
        }
    }

    fn resources(&self) -> u32 {
        self.view.as_ref().map_or(0, |view| view.resource_count)
    }

    fn since(&self) -> Option<DateTime<Utc>> {
        self.last.as_ref().map(|last| last.updated_at)
    }
}

fn row(standing: &Standing) -> [String; 5] {
    let since = standing.since().map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
    let next = if standing.why.is_empty() { "nothing to do".to_owned() } else { standing.why.join(", ") };
    [standing.workspace.clone(), standing.word().to_owned(), standing.resources().to_string(), since, next]
}

fn document(standing: &Standing) -> Value {
    json!({
        "workspace": standing.workspace,
        "status": standing.word(),
        "run_id": standing.last.as_ref().map(|last| &last.run),
        "since": standing.since().map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        "resources": standing.resources(),
        "failure": standing.failure,
        "runs": !standing.why.is_empty(),
        "why": standing.why,
    })
}
