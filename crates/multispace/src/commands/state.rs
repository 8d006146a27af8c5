//! `multispace state`: states that a server refused and kept, for people at a terminal.

use clap::{Args, Subcommand};
use client::{Client, Item, encoded};
use domain::Problem;
use serde_json::json;
use wire::Document;

use crate::console::Console;
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
    /// States that were refused and are kept, and why
    Kept {
        /// Name of the workspace
        workspace: String,
        /// As JSON: the state versions of the API
        #[arg(long)]
        json: bool,
    },
    /// Make a kept state, or any older one, the newest: a new version with its content
    Take {
        /// Name of the workspace
        workspace: String,
        /// Id of the state version
        state: String,
    },
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    super::start_tracing("off");
    super::block_on(async {
        let Connected { client, organization } = &remote::connect(&arguments.server)?;
        match &arguments.what {
            What::Kept { workspace, json } => kept(console, client, organization, workspace, *json).await?,
            What::Take { workspace, state } => take(console, client, organization, workspace, state).await?,
        }
        Ok(Exit::Done)
    })
}

async fn kept(
    console: &Console,
    client: &Client,
    organization: &str,
    workspace: &str,
    json: bool,
) -> Result<(), Failure> {
    let path = format!(
        "state-versions?filter[organization][name]={}&filter[workspace][name]={}&filter[status]=discarded",
        encoded(organization),
        encoded(workspace)
    );
    let all: Vec<Item> = client.list(&path).await?;
    if json {
        let all: Vec<_> = all.iter().map(|it| json!({ "id": it.id, "attributes": it.attributes })).collect();
        return Ok(console.data(&format!("{:#}\n", json!(all)))?);
    }
    if all.is_empty() {
        console.say(&format!("every state of {workspace} was taken"));
        return Ok(());
    }
    let rows: Vec<_> = all
        .iter()
        .map(|it| {
            [
                it.id.clone(),
                it.get("serial").to_string(),
                it.text("created-at").to_owned(),
                it.text("refusal").to_owned(),
            ]
        })
        .collect();
    Ok(console.data(&text::table(["STATE", "SERIAL", "AT", "WHY IT WAS NOT TAKEN"], &rows))?)
}

/// Under the workspace's lock, which is given back whatever comes of it.
async fn take(
    console: &Console,
    client: &Client,
    organization: &str,
    workspace: &str,
    state: &str,
) -> Result<(), Failure> {
    let path = format!("organizations/{}/workspaces/{}", encoded(organization), encoded(workspace));
    let found: Document<Item> = client.get(&path).await?;
    let workspace = format!("workspaces/{}", found.data.id);
    client.act(&format!("{workspace}/actions/lock"), &json!({ "reason": "multispace state take" })).await?;
    let body = json!({ "data": { "type": "state-versions", "relationships": {
        "rollback-state-version": { "data": { "type": "state-versions", "id": state } } } } });
    let made: Result<Document<Item>, Problem> = client.patch(&format!("{workspace}/state-versions"), &body).await;
    client.act(&format!("{workspace}/actions/unlock"), &json!({})).await?;
    let made = made?.data;
    console.say(&format!(
        "{} with the serial {} is the newest state now; plan before you apply",
        made.id,
        made.get("serial")
    ));
    Ok(())
}
