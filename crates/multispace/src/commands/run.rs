//! `multispace run`: runs on a server, for people: start, list, show, follow, approve, discard, cancel.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use client::runs::{Action, Wanted};
use client::{Client, Item, encoded, logs, random, runs, workspaces};
use domain::Problem;
use serde_json::{Value, json};
use wire::Document;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::{self, Connected, Server, text};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a run of a workspace, with the configuration that it has
    Start(Start),
    /// List runs, newest first
    List(List),
    /// Show one run: what it is for, where it stands, what it waits for
    Show(One),
    /// Print what terraform says in a run, until it is over or waits for approval
    Logs(One),
    /// Let a planned run be applied
    Approve(Decide),
    /// Throw the plan of a run away
    Discard(Decide),
    /// Stop a run; terraform gets the time to save its state
    Cancel(Decide),
}

#[derive(Args)]
struct Start {
    #[command(flatten)]
    server: Server,

    /// Name of the workspace
    workspace: String,

    /// Destroy all that the workspace manages
    #[arg(long)]
    destroy: bool,

    /// Apply without asking
    #[arg(long)]
    auto_approve: bool,

    /// What the run is for
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,

    /// Print what terraform says, until the run is over or waits for approval
    #[arg(long)]
    follow: bool,
}

#[derive(Args)]
struct List {
    #[command(flatten)]
    server: Server,

    /// Only runs of this workspace
    workspace: Option<String>,

    /// Only runs in one of these statuses, separated by commas
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,

    /// How many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,

    /// As JSON, as the API has them
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct One {
    #[command(flatten)]
    server: Server,

    /// Id of the run
    run: String,

    /// As JSON, as the API has it
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Decide {
    #[command(flatten)]
    server: Server,

    /// Id of the run
    run: String,

    /// What to say about it; it stays with the run
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
}

/// How often a run is looked at where the server does not know how to hold an answer back.
const LOOK: Duration = Duration::from_secs(1);

pub(super) fn run(console: &Console, arguments: Arguments) -> Result<Exit, Failure> {
    super::start_tracing("off");
    super::block_on(async {
        match arguments.command {
            Command::Start(start) => self::start(console, start).await,
            Command::List(list) => self::list(console, list).await,
            Command::Show(one) => show(console, one).await,
            Command::Logs(one) => follow(console, &remote::connect(&one.server)?.client, &one.run).await,
            Command::Approve(decide) => self::decide(console, decide, Action::Apply, "approved").await,
            Command::Discard(decide) => self::decide(console, decide, Action::Discard, "discarded").await,
            Command::Cancel(decide) => self::decide(console, decide, Action::Cancel, "asked to stop").await,
        }
    })
}

async fn start(console: &Console, start: Start) -> Result<Exit, Failure> {
    let Connected { client, organization } = remote::connect(&start.server)?;
    let workspace = workspaces::find(&client, &organization, &start.workspace).await?;
    let wanted = Wanted {
        workspace_id: &workspace.id,
        is_destroy: start.destroy,
        auto_apply: start.auto_approve,
        message: start.message,
    };
    let run = runs::create(&client, &wanted, &random::hex(16)).await?;
    if start.follow {
        console.say(&workspaces::run_url(&client, &workspace, &run.id).await?);
        return follow(console, &client, &run.id).await;
    }
    console.data(&format!("{}\n", run.id))?;
    Ok(Exit::Done)
}

async fn list(console: &Console, list: List) -> Result<Exit, Failure> {
    let Connected { client, organization } = remote::connect(&list.server)?;
    let mut path = match &list.workspace {
        Some(name) => format!("workspaces/{}/runs", workspaces::find(&client, &organization, name).await?.id),
        None => format!("organizations/{}/runs", encoded(&organization)),
    };
    path += &format!("?page%5Bsize%5D={}", list.limit);
    if let Some(status) = &list.status {
        path += &format!("&filter%5Bstatus%5D={}", encoded(status));
    }
    let runs = client.get::<Document<Vec<Item>>>(&path).await?.data;
    if list.json {
        let runs: Vec<_> = runs.iter().map(json).collect();
        console.data(&format!("{:#}\n", Value::from(runs)))?;
        return Ok(Exit::Done);
    }
    let names = names(&client, &runs).await?;
    let rows: Vec<_> = runs
        .iter()
        .zip(names)
        .map(|(run, name)| {
            let message = run.text("message").lines().next().unwrap_or_default().to_owned();
            let created = text::moment(run.text("created-at"));
            [run.id.clone(), name, text::operation(run).to_owned(), text::status(run), created, message]
        })
        .collect();
    match rows.is_empty() {
        true => console.say("there are no such runs"),
        false => {
            console.data(&text::table(["RUN", "WORKSPACE", "OPERATION", "STATUS", "CREATED", "MESSAGE"], &rows))?;
        }
    }
    Ok(Exit::Done)
}

async fn show(console: &Console, one: One) -> Result<Exit, Failure> {
    let client = remote::connect(&one.server)?.client;
    let run = read(&client, &one.run).await?;
    if one.json {
        console.data(&format!("{:#}\n", json(&run)))?;
        return Ok(Exit::Done);
    }
    let workspace = workspaces::read(&client, run.related("workspace").unwrap_or_default()).await?;
    let phase = async |name: &str| client.get::<Document<Item>>(&format!("runs/{}/{name}", encoded(&run.id))).await;
    let (plan, apply) = (phase("plan").await?.data, phase("apply").await?.data);
    let comments: Document<Vec<Item>> = client.get(&format!("runs/{}/comments", encoded(&run.id))).await?;
    let url = workspaces::run_url(&client, &workspace, &run.id).await?;
    console.data(&text::page(&run, &workspace, &plan, &apply, &comments.data, &url))?;
    let failure = runs::failure(&client, &runs::read(&client, &run.id).await?).await;
    for error in failure.errors {
        console.say(&format!("\nError: {}\n{}", error.summary, error.detail));
    }
    Ok(Exit::Done)
}

/// Prints both logs as they grow. Ends well when the run has, or waits for approval; otherwise it has failed.
async fn follow(console: &Console, client: &Client, id: &str) -> Result<Exit, Failure> {
    print(console, client, id, "plan").await?;
    let run = moved_on(client, id, &BEFORE_DECISION).await?;
    if !run.flag("auto-apply") && run.get("actions")["is-confirmable"].as_bool() == Some(true) {
        console.say(&format!("the run waits for approval: multispace run approve {id}"));
        return Ok(Exit::Done);
    }
    print(console, client, id, "apply").await?;
    let run = moved_on(client, id, &[]).await?;
    if matches!(run.text("status"), "applied" | "planned_and_finished") {
        return Ok(Exit::Done);
    }
    console.say(&format!("the run is {}", run.text("status")));
    Ok(Exit::Failed)
}

/// Statuses of a run whose plan is not done.
const BEFORE_DECISION: [&str; 8] = [
    "pending",
    "fetching",
    "fetching_completed",
    "pre_plan_running",
    "pre_plan_completed",
    "queuing",
    "plan_queued",
    "planning",
];

/// Prints the log of a phase until it ends, or the phase does without one.
async fn print(console: &Console, client: &Client, id: &str, phase: &str) -> Result<(), Problem> {
    let path = format!("runs/{}/{phase}", encoded(id));
    let item: Document<Item> = client.get(&path).await?;
    let mut follower = logs::Follower::new(client, item.data.text("log-read-url"));
    while let Some(piece) = follower.next().await? {
        console.data(&String::from_utf8_lossy(&piece))?;
        let is_over = |item: &Item| matches!(item.text("status"), "unreachable" | "canceled" | "errored" | "finished");
        if piece.is_empty() && is_over(&client.get::<Document<Item>>(&path).await?.data) {
            return Ok(());
        }
    }
    Ok(())
}

/// The run when its status is none of these, or when it is over.
async fn moved_on(client: &Client, id: &str, from: &[&str]) -> Result<Item, Problem> {
    let mut run = runs::read(client, id).await?;
    while !run.attributes.is_final() && (from.is_empty() || from.contains(&run.attributes.status.as_str())) {
        let (next, is_held) = runs::read_when_not(client, id, &run.attributes.status).await?;
        if !is_held {
            client.pause(LOOK).await?;
        }
        run = next;
    }
    read(client, id).await
}

async fn decide(console: &Console, decide: Decide, action: Action, word: &str) -> Result<Exit, Failure> {
    let client = remote::connect(&decide.server)?.client;
    runs::act(&client, &decide.run, action, &decide.comment).await?;
    console.say(&format!("{} is {word}", decide.run));
    Ok(Exit::Done)
}

async fn read(client: &Client, id: &str) -> Result<Item, Problem> {
    Ok(client.get::<Document<Item>>(&format!("runs/{}", encoded(id))).await?.data)
}

/// The names of the runs' workspaces, in the order of the runs. Each workspace is read once.
pub(super) async fn names(client: &Client, runs: &[Item]) -> Result<Vec<String>, Problem> {
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    let mut names = Vec::with_capacity(runs.len());
    for run in runs {
        let id = run.related("workspace").unwrap_or_default();
        if !known.contains_key(id) {
            known.insert(id, workspaces::read(client, id).await?.text("name").to_owned());
        }
        names.push(known.get(id).cloned().unwrap_or_default());
    }
    Ok(names)
}

/// A run as the API has it.
pub(super) fn json(run: &Item) -> Value {
    json!({ "id": run.id, "attributes": run.attributes, "relationships": run.relationships })
}
