//! One `-json` line as terraform's own text output has it. Source of the texts: terraform 1.11's human output.

use serde_json::Value;

use super::{diagnostic, value};

const RESET: &str = "\u{1b}[0m";
const BOLD: &str = "\u{1b}[1m";
const GREEN: &str = "\u{1b}[32m";

/// The text, with its line ends; empty for what people are not shown.
pub(super) fn render(line: &Value) -> String {
    let message = line["@message"].as_str().unwrap_or_default();
    match line["type"].as_str().unwrap_or_default() {
        // The plan was shown before, and the end of a thing is told once.
        "version"
        | "planned_change"
        | "resource_drift"
        | "refresh_complete"
        | "apply_errored"
        | "provision_complete"
        | "ephemeral_op_complete"
        | "ephemeral_op_errored" => String::new(),
        "diagnostic" => diagnostic::render(&line["diagnostic"]),
        "change_summary" => match line["changes"]["operation"].as_str() {
            Some("plan") => String::new(),
            _ => format!("\n{BOLD}{GREEN}{message}{RESET}\n"),
        },
        "outputs" => outputs(&line["outputs"]),
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

fn outputs(outputs: &Value) -> String {
    let Some(outputs) = outputs.as_object().filter(|outputs| !outputs.is_empty()) else { return String::new() };
    let mut text = format!("{RESET}{BOLD}{GREEN}\nOutputs:\n\n{RESET}");
    let mut names: Vec<_> = outputs.iter().collect();
    names.sort_by_key(|(name, _)| name.as_str());
    for (name, output) in names {
        let shown = if output["sensitive"] == Value::Bool(true) {
            "<sensitive>".to_owned()
        } else {
            value::render(&output["value"], &output["type"])
        };
        text.push_str(&format!("{name} = {shown}\n"));
    }
    text
}
