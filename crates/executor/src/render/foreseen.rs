//! Where in the `-json` lines of one process that plans and applies the plan ends, and the lines of the plan as text.
//!
//! After its summary of the plan terraform may still say which outputs change; with anything else it has gone on.

use serde_json::Value;

use crate::work::{Counts, Foreseen};

/// What the lines so far have said of the plan.
#[derive(Default)]
pub(super) struct Plan {
    foreseen: Foreseen,
    /// Names of the outputs that will be others.
    outputs: Vec<String>,
    summed_up: bool,
    over: bool,
}

impl Plan {
    /// What is planned, once all of it was said.
    pub(super) fn over(&self) -> Option<Foreseen> {
        self.over.then_some(self.foreseen)
    }

    /// Which outputs it has said will be others.
    pub(super) fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// Nothing more will be said of the plan. Says what is planned, if that was said.
    pub(super) fn ends(&mut self) -> Option<Foreseen> {
        self.over |= self.summed_up;
        self.over()
    }

    /// Whether a line shows that terraform has gone on from the plan.
    pub(super) fn is_left(&self, line: &Value) -> bool {
        let is_json = line.get("@message").is_some();
        self.summed_up && is_json && !is_of_plan(line)
    }

    /// The text of a line of the plan; `None` for one that is shown as in any other log.
    pub(super) fn text(&mut self, line: &Value) -> Option<String> {
        match line["type"].as_str() {
            Some("planned_change") => {
                self.foreseen.has_changes = true;
                let address = line["change"]["resource"]["addr"].as_str().unwrap_or_default();
                Some(format!("  # {address} {}\n", will(line["change"]["action"].as_str().unwrap_or_default())))
            }
            Some("change_summary") if line["changes"]["operation"] == "plan" => {
                let count = |name: &str| {
                    line["changes"][name].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
                };
                self.foreseen.counts = Counts {
                    additions: count("add"),
                    changes: count("change"),
                    destructions: count("remove"),
                    imports: count("import"),
                };
                self.summed_up = true;
                let message = line["@message"].as_str().unwrap_or_default();
                Some(if self.foreseen.has_changes { format!("\n{message}\n") } else { String::new() })
            }
            Some("outputs") if self.summed_up && is_of_plan(line) => {
                let mut text = String::new();
                for (name, output) in line["outputs"].as_object().into_iter().flatten() {
                    let sign = match output["action"].as_str() {
                        Some("create") => '+',
                        Some("delete") => '-',
                        Some("noop") | None => continue,
                        Some(_) => '~',
                    };
                    text.push_str(&format!("  {sign} {name}\n"));
                    self.outputs.push(name.clone());
                }
                if text.is_empty() {
                    return Some(text);
                }
                self.foreseen.has_changes = true;
                Some(format!("\nChanges to Outputs:\n{text}"))
            }
            _ => None,
        }
    }
}

/// Only a plan speaks of what will become of outputs; after an apply they have values.
fn is_of_plan(line: &Value) -> bool {
    let is_action = |output: &Value| output.get("action").is_some();
    line["type"] == "outputs"
        && line["outputs"].as_object().is_some_and(|all| !all.is_empty() && all.values().all(is_action))
}

/// What becomes of a resource, in the words of terraform's plans.
fn will(action: &str) -> &str {
    match action {
        "create" => "will be created",
        "update" => "will be updated in-place",
        "delete" => "will be destroyed",
        "replace" => "must be replaced",
        "read" => "will be read during apply",
        "move" => "has moved",
        "import" => "will be imported",
        "remove" | "forget" => "will no longer be managed by Terraform",
        other => other,
    }
}
