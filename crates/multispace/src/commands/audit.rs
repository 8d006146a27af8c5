//! `multispace audit`: who has done what on a server, as text or JSON, and whether the log is as it was written.

use clap::Args;
use client::{Client, encoded};
use domain::Problem;
use wire::audit::{AuditCheck, AuditEvent, AuditTrail};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::remote::{self, Connected, Server, text};

/// Events that are shown to a person who does not say since when.
const SHOWN: usize = 50;
/// Events that are read at a time.
const PAGE: usize = 1000;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: Server,

    /// What is no organization's: sign-ins, users, organizations that were made
    #[arg(long, conflicts_with = "organization")]
    server_log: bool,

    /// Only what is later: 2026-05-30T17:52:46Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// All as one JSON array
    #[arg(long, conflicts_with = "jsonl")]
    json: bool,

    /// All as JSON, an event a line
    #[arg(long)]
    jsonl: bool,

    /// Look whether every event is as it was written, and none is missing
    #[arg(long, conflicts_with_all = ["json", "jsonl", "since"])]
    verify: bool,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    super::start_tracing("off");
    super::block_on(async {
        let Connected { client, organization } = &remote::connect(&arguments.server)?;
        let path = match arguments.server_log {
            true => "audit-trail".to_owned(),
            false => format!("organizations/{}/audit-trail", encoded(organization)),
        };
        match arguments {
            Arguments { verify: true, .. } => verify(console, client, &path).await,
            Arguments { json: true, .. } | Arguments { jsonl: true, .. } => {
                all(console, client, &path, arguments).await
            }
            _ => show(console, client, &path, arguments).await,
        }
    })
}

async fn verify(console: &Console, client: &Client, path: &str) -> Result<Exit, Failure> {
    let check: AuditCheck = client.get(&format!("{path}/check")).await?;
    match check.broken {
        None => {
            console.say(&format!("all {} events are as they were written", check.events));
            Ok(Exit::Done)
        }
        Some(broken) => {
            let of = if broken.chain == "server" { "the server" } else { &broken.chain };
            let message =
                format!("Event {} of the log of {of} is not as it was written: {}", broken.number, broken.why);
            Err(Problem::conflict("audit/broken", message)
                .advice("Compare it with an export or a backup, and find out who can write to the database.")
                .into())
        }
    }
}

async fn all(console: &Console, client: &Client, path: &str, arguments: &Arguments) -> Result<Exit, Failure> {
    let (mut number, mut first) = (1, true);
    loop {
        let page = page(client, path, arguments, number, PAGE).await?;
        for event in &page.data {
            let text = serde_json::to_value(event).unwrap_or_default().to_string();
            match (arguments.jsonl, first) {
                (true, _) => console.data(&format!("{text}\n"))?,
                (false, true) => console.data(&format!("[{text}"))?,
                (false, false) => console.data(&format!(",\n{text}"))?,
            }
            first = false;
        }
        match page.pagination.next_page {
            Some(next) => number = usize::try_from(next).unwrap_or(usize::MAX),
            None => break,
        }
    }
    if arguments.json {
        console.data(if first { "[]\n" } else { "]\n" })?;
    }
    Ok(Exit::Done)
}

async fn show(console: &Console, client: &Client, path: &str, arguments: &Arguments) -> Result<Exit, Failure> {
    let first = page(client, path, arguments, 1, SHOWN).await?;
    let last = usize::try_from(first.pagination.total_pages).unwrap_or(usize::MAX);
    let mut events = first.data;
    // The end of a list is on its last page, and on the one before as far as that is not full.
    for number in last.saturating_sub(1).max(2)..=last {
        events.extend(page(client, path, arguments, number, SHOWN).await?.data);
    }
    let events = &events[events.len().saturating_sub(SHOWN)..];
    let rows: Vec<_> = events.iter().map(row).collect();
    match rows.is_empty() {
        true => console.say("there are no such events"),
        false => console.data(&text::table(["AT", "WHO", "WHAT", "TO", "RESULT"], &rows))?,
    }
    let total = usize::try_from(first.pagination.total_count).unwrap_or(usize::MAX);
    if total > events.len() {
        console.say(&format!("the last {} of {total}; --jsonl prints all", events.len()));
    }
    Ok(Exit::Done)
}

fn row(event: &AuditEvent) -> [String; 5] {
    let auth = &event.auth;
    let who = [&auth.description, &auth.accessor_id, &auth.accessor_type].into_iter().find(|text| !text.is_empty());
    let resource = &event.resource;
    let name = resource.meta["name"].as_str().filter(|name| !name.is_empty());
    [
        text::moment(&event.timestamp),
        who.cloned().unwrap_or_default(),
        format!("{} {}", resource.action, resource.kind.replace('_', " ")),
        name.map_or_else(|| resource.id.clone(), |name| format!("{name} ({})", resource.id)),
        event.result.clone(),
    ]
}

async fn page(
    client: &Client,
    path: &str,
    arguments: &Arguments,
    number: usize,
    size: usize,
) -> Result<AuditTrail, Problem> {
    let mut path = format!("{path}?page%5Bnumber%5D={number}&page%5Bsize%5D={size}");
    if let Some(since) = &arguments.since {
        path += &format!("&since={}", encoded(since));
    }
    client.get(&path).await
}
