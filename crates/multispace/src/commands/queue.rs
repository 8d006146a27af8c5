//! `multispace queue`: the runs of an organization that are under way or wait, and what each waits for.

use clap::Args;
use client::{Item, encoded};
use serde_json::json;
use wire::Document;

use super::run::names;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::{self, Connected, Server, text};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: Server,

    /// As JSON: the runs of the API, and the capacity
    #[arg(long)]
    json: bool,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    super::start_tracing("off");
    super::block_on(async {
        let Connected { client, organization } = &remote::connect(&arguments.server)?;
        let name = organization;
        let organization = format!("organizations/{}", encoded(name));
        let runs: Vec<Item> = client.list(&format!("{organization}/runs/queue")).await?;
        let capacity: Document<Item> = client.get(&format!("{organization}/capacity")).await?;
        let capacity = capacity.data.attributes;
        if arguments.json {
            let runs: Vec<_> = runs.iter().map(super::run::json).collect();
            console.data(&format!("{:#}\n", json!({ "runs": runs, "capacity": capacity })))?;
            return Ok(Exit::Done);
        }
        let names = names(client, &runs).await?;
        let rows: Vec<_> = runs
            .iter()
            .zip(names)
            .map(|(run, name)| {
                let place = run.get("position-in-queue").to_string();
                [place, run.id.clone(), name, text::operation(run).to_owned(), text::status(run), text::waits_for(run)]
            })
            .collect();
        let counts: Vec<_> = ["running", "parked", "pending"]
            .iter()
            .filter_map(|name| Some(format!("{} {name}", capacity.get(*name)?.as_u64()?)))
            .collect();
        if rows.is_empty() {
            console.say(&format!("nothing is under way in {}", name));
        } else {
            console.data(&text::table(["", "RUN", "WORKSPACE", "OPERATION", "STATUS", "WAITS FOR"], &rows))?;
            console.say(&counts.join(", "));
        }
        Ok(Exit::Done)
    })
}
