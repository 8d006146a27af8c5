//! `multispace stack`: stacks of a server, for people at a terminal.

use clap::{Args, Subcommand};
use client::{Client, Item, encoded};
use domain::Problem;
use serde_json::{Value, json};
use wire::Document;

use crate::console::Console;
use crate::console::prompt::Prompt;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::{self, Connected, Server, text};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: Server,

    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The stacks of the organization
    List,
    /// One stack: its workspaces, its end, and what was announced
    Show {
        /// Name of the stack
        stack: String,
    },
    /// Say until when a stack lives
    Extend {
        /// Name of the stack
        stack: String,
        /// A moment such as 2030-01-31T12:00:00Z
        #[arg(long, value_name = "MOMENT")]
        until: String,
    },
    /// Destroy what a stack has, downstreams first
    Destroy {
        /// Name of the stack
        stack: String,
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
    },
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    super::start_tracing("off");
    super::block_on(async {
        let Connected { client, organization } = &remote::connect(&arguments.server)?;
        match &arguments.what {
            What::List => list(console, client, organization).await?,
            What::Show { stack } => show(console, &find(client, organization, stack).await?)?,
            What::Extend { stack, until } => {
                let body = json!({ "data": { "type": "stacks", "attributes": { "expires-at": until } } });
                act(console, client, organization, stack, "extend", &body).await?;
            }
            What::Destroy { stack, auto_approve } => {
                if !auto_approve && !agreed(console, &find(client, organization, stack).await?).await {
                    console.say("nothing was destroyed");
                    return Ok(Exit::Failed);
                }
                act(console, client, organization, stack, "destroy", &json!({})).await?;
            }
        }
        Ok(Exit::Done)
    })
}

async fn list(console: &Console, client: &Client, organization: &str) -> Result<(), Failure> {
    let rows: Vec<_> = all(client, organization).await?.iter().map(row).collect();
    if rows.is_empty() {
        console.say(&format!("no stacks in {organization}"));
        return Ok(());
    }
    console.data(&text::table(["STACK", "STATUS", "WORKSPACES", "RESOURCES", "ENDS"], &rows))?;
    Ok(())
}

fn row(stack: &Item) -> [String; 5] {
    let workspaces = members(stack);
    let resources: u64 = workspaces.iter().filter_map(|it| it["resource-count"].as_u64()).sum();
    [
        word(stack, "name"),
        word(stack, "status"),
        workspaces.len().to_string(),
        resources.to_string(),
        word(stack, "expires-at"),
    ]
}

fn show(console: &Console, stack: &Item) -> Result<(), Failure> {
    console.data(&text::table(["STACK", "STATUS", "WORKSPACES", "RESOURCES", "ENDS"], &[row(stack)]))?;
    let of = |it: &Value, name: &str| it[name].as_str().map_or_else(|| it[name].to_string(), str::to_owned);
    let workspaces: Vec<_> = members(stack).iter().map(|it| [of(it, "name"), of(it, "resource-count")]).collect();
    console.data(&text::table(["WORKSPACE", "RESOURCES"], &workspaces))?;
    let events = stack.attributes.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
    let events: Vec<_> = events.iter().map(|it| [of(it, "at"), of(it, "message")]).collect();
    if !events.is_empty() {
        console.data(&text::table(["WHEN", "WHAT"], &events))?;
    }
    Ok(())
}

/// Shows what would go, and asks.
async fn agreed(console: &Console, stack: &Item) -> bool {
    let rows: Vec<_> = members(stack)
        .iter()
        .map(|it| [it["name"].as_str().unwrap_or_default().to_owned(), it["resource-count"].to_string()])
        .collect();
    let mut prompt = Prompt::start();
    console.ask(&text::table(["WORKSPACE", "RESOURCES"], &rows), "Destroy all of this? There is no undo. [yes/no]");
    prompt.ask().await;
    let answer = prompt.answer().await;
    console.release();
    answer.is_some_and(|answer| answer.trim() == "yes")
}

async fn act(
    console: &Console,
    client: &Client,
    organization: &str,
    name: &str,
    action: &str,
    body: &Value,
) -> Result<(), Failure> {
    let stack = find(client, organization, name).await?;
    client.act(&format!("stacks/{}/actions/{action}", stack.id), body).await?;
    let stack: Document<Item> = client.get(&format!("stacks/{}", stack.id)).await?;
    show(console, &stack.data)
}

async fn find(client: &Client, organization: &str, name: &str) -> Result<Item, Problem> {
    let found = all(client, organization).await?.into_iter().find(|it| word(it, "name") == name || it.id == name);
    found.ok_or_else(|| {
        Problem::not_found("remote/stack", format!("There is no stack \"{name}\" in {organization}."))
            .advice("Look at multispace stack list.")
    })
}

async fn all(client: &Client, organization: &str) -> Result<Vec<Item>, Problem> {
    client.list(&format!("organizations/{}/stacks", encoded(organization))).await
}

fn members(stack: &Item) -> Vec<Value> {
    stack.attributes.get("workspaces").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn word(stack: &Item, name: &str) -> String {
    stack.attributes.get(name).and_then(Value::as_str).unwrap_or("-").to_owned()
}
