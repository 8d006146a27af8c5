//! `multispace graph`: the stack as text, DOT, Mermaid or JSON. Nothing is made, nothing is run.

use clap::{Args, ValueEnum};
use configuration::BackendSetting;
use serde_json::{Value, json};

use super::Dir;
use super::selection::Filters;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::stack::{self, Loaded};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    dir: Dir,

    #[command(flatten)]
    filters: Filters,

    /// How to show it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A listing for people
    Text,
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
    /// For programs
    Json,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut loaded = stack::load(&arguments.dir.dir)?;
    for notice in &loaded.stack.notices {
        console.notice(&notice.to_string());
    }
    if arguments.filters.are_given() {
        let part = arguments.filters.part_of(&loaded)?;
        console.say(&part.told);
        loaded.graph = loaded.graph.part(&part.names);
    }
    let text = match (arguments.json, arguments.format) {
        (true, _) | (_, Format::Json) => format!("{:#}\n", document(&loaded)),
        (_, Format::Text) if loaded.graph.is_empty() => String::new(),
        (_, Format::Text) => loaded.graph.to_text(),
        (_, Format::Dot) => loaded.graph.to_dot(),
        (_, Format::Mermaid) => loaded.graph.to_mermaid(),
    };
    console.data(&text)?;
    Ok(Exit::Done)
}

fn document(loaded: &Loaded) -> Value {
    let workspace = |name: &str| {
        let root = loaded.root(name);
        let backend = match root.map(|root| &root.backend) {
            Some(BackendSetting::Own { kind, .. }) => kind.as_str(),
            Some(BackendSetting::Held) | None => "multispace",
        };
        json!({
            "name": name,
            "path": root.map(|root| root.path.as_str()),
            "backend": backend,
            "upstreams": loaded.graph.upstreams(name).collect::<Vec<_>>(),
        })
    };
    let edges = loaded.graph.edges().iter().map(|edge| {
        let reasons = edge.reasons.iter();
        json!({
            "upstream": edge.upstream,
            "downstream": edge.downstream,
            "reasons": reasons.map(|it| json!({ "file": it.file, "line": it.line, "what": it.what })).collect::<Vec<_>>(),
        })
    });
    json!({
        "format_version": "1",
        "workspaces": loaded.graph.order().map(workspace).collect::<Vec<_>>(),
        "edges": edges.collect::<Vec<_>>(),
    })
}
