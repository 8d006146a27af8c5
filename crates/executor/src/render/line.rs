//! One `-json` line as terraform's own text output has it. Source of the texts: terraform 1.11's human output.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{diagnostic, value};

const RESET: &str = "\u{1b}[0m";
const BOLD: &str = "\u{1b}[1m";
const GREEN: &str = "\u{1b}[32m";

/// The text of a line, parsed and raw, with its line ends; empty for what people are not shown.
pub(super) fn render(line: &Value, raw: &[u8]) -> String {
    let message = line["@message"].as_str().unwrap_or_default();
    match line["type"].as_str().unwrap_or_default() {
        // The plan was shown before, and the end of a thing is told once.
        "version"
        | "planned_change"
        | "resource_drift"
        | "refresh_complete"
        | "apply_errored"
        | "provision_complete"
        | "provision_errored"
        | "ephemeral_op_complete"
        | "ephemeral_op_errored" => String::new(),
        "diagnostic" => diagnostic::render(&line["diagnostic"]),
        "change_summary" => match line["changes"]["operation"].as_str() {
            Some("plan") => String::new(),
            _ => format!("\n{BOLD}{GREEN}{message}{RESET}\n"),
        },
        "outputs" => outputs(raw),
        "provision_progress" => {
            let hook = &line["hook"];
            let (address, name) = (text(&hook["resource"]["addr"]), text(&hook["provisioner"]));
            format!("{RESET}{BOLD}{address} ({name}):{RESET} {}\n", text(&hook["output"]))
        }
        "provision_start" => {
            let hook = &line["hook"];
            let (address, name) = (text(&hook["resource"]["addr"]), text(&hook["provisioner"]));
            format!("{RESET}{BOLD}{address}: Provisioning with '{name}'...{RESET}\n")
        }
        "apply_start"
        | "apply_progress"
        | "apply_complete"
        | "refresh_start"
        | "ephemeral_op_start"
        | "ephemeral_op_progress" => format!("{RESET}{BOLD}{message}{RESET}\n"),
        _ => format!("{message}\n"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The list of outputs at the end, from its own line.
fn outputs(raw: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow, default)]
        outputs: BTreeMap<String, Output<'a>>,
    }
    #[derive(Deserialize)]
    struct Output<'a> {
        #[serde(default)]
        sensitive: bool,
        #[serde(rename = "type", default)]
        kind: Value,
        #[serde(borrow, default)]
        value: Option<&'a RawValue>,
    }
    let outputs = serde_json::from_slice::<Line<'_>>(raw).map(|line| line.outputs).unwrap_or_default();
    if outputs.is_empty() {
        return String::new();
    }
    let mut text = format!("{RESET}{BOLD}{GREEN}\nOutputs:\n\n{RESET}");
    for (name, output) in outputs {
        let shown = match output.value {
            _ if output.sensitive => "<sensitive>".to_owned(),
            Some(value) => value::render(value, &output.kind),
            None => continue,
        };
        text.push_str(&format!("{name} = {shown}\n"));
    }
    text
}
