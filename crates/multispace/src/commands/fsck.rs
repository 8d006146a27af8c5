//! `multispace fsck`: whether a data folder is as it was promised.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use server::upkeep::{self, Checked, Report};

use super::data::Data;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// What is left over and shown one by one: a workspace that was deleted leaves much.
const FEW: usize = 5;

#[derive(Args)]
pub(super) struct Arguments {
    /// Folder of a stack: its data is checked, not a server's [default: the current folder, if a stack was applied there and no data is named]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,

    #[command(flatten)]
    data: Data,

    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(console: &Console, arguments: &Arguments) -> Result<Exit, Failure> {
    super::start_tracing("off");
    super::block_on(async {
        let folder = arguments.data.folder_or_stack(arguments.dir.as_deref())?;
        let report = upkeep::fsck(&folder).await?;
        match arguments.json {
            true => console.data(&format!("{:#}\n", document(&report)))?,
            false => say(console, &report)?,
        }
        Ok(if report.is_clean() { Exit::Done } else { Exit::Failed })
    })
}

/// The findings as data, and how much was looked at as talk.
pub(super) fn say(console: &Console, report: &Report) -> Result<(), Failure> {
    let left_over = report.findings.iter().filter(|finding| finding.is_left_over).count();
    let mut shown = 0;
    for finding in &report.findings {
        let kind = if finding.is_left_over { "left over" } else { "wrong" };
        shown += usize::from(finding.is_left_over);
        if finding.is_left_over && shown > FEW {
            continue;
        }
        console.data(&format!(
            "{kind}: {}\n  {} ({})\n",
            finding.problem.message, finding.problem.advice, finding.problem.code
        ))?;
    }
    if left_over > FEW {
        console.data(&format!("left over: {} more of the kind (--json names all)\n", left_over - FEW))?;
    }
    let Checked { workspaces, states, runs, values, blobs, audit_rows } = report.checked;
    let wrong = report.findings.iter().filter(|finding| !finding.is_left_over).count();
    let verdict = match wrong {
        0 => "everything is as it should be".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        more => format!("{more} things are wrong"),
    };
    let looked_at = [
        (workspaces, "workspace"),
        (states, "state version"),
        (runs, "run"),
        (values, "sealed value"),
        (blobs, "blob"),
        (audit_rows, "audit row"),
    ]
    .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
    console.say(&format!("{verdict}: {}", looked_at.join(", ")));
    Ok(())
}

fn document(report: &Report) -> serde_json::Value {
    let Checked { workspaces, states, runs, values, blobs, audit_rows } = report.checked;
    let findings = report.findings.iter().map(|finding| {
        json!({
            "about": finding.about,
            "code": finding.problem.code,
            "wrong": finding.problem.message,
            "advice": finding.problem.advice,
            "left-over": finding.is_left_over,
        })
    });
    json!({
        "clean": report.is_clean(),
        "in-use": report.in_use,
        "checked": { "workspaces": workspaces, "state-versions": states, "runs": runs, "sealed-values": values, "blobs": blobs, "audit-rows": audit_rows },
        "findings": findings.collect::<Vec<_>>(),
    })
}
