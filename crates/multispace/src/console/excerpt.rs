//! The parts of terraform's own text that people want to see: the plan, the errors. Terraform's words, none of ours.

/// Lines of a log that are shown when it has no error box.
const TAIL: usize = 30;

/// Lines of errors that are shown at most.
const MOST: usize = 200;

/// How a plan begins, once its preparations are over.
const PLAN: [&str; 8] = [
    "Terraform used the selected providers",
    "OpenTofu used the selected providers",
    "Terraform will perform",
    "Terraform planned the following",
    "OpenTofu planned the following",
    "Changes to Outputs:",
    "No changes.",
    "Note: Objects have changed",
];

/// The errors in a log: from the first box or `Error:` on; the last lines when there is none.
pub(crate) fn errors(log: &str) -> String {
    let log = log.trim_end();
    let lines: Vec<&str> = log.lines().collect();
    let bare: Vec<String> = lines.iter().map(|line| super::style::without_escapes(line)).collect();
    let is_error = |line: &str| line.trim_start_matches(['│', ' ']).starts_with("Error:");
    let start = match bare.iter().position(|line| is_error(line)) {
        Some(error) if error > 0 && bare[error - 1].starts_with('╷') => error - 1,
        Some(error) => error,
        None => lines.len().saturating_sub(TAIL),
    };
    let mut shown = lines[start..].to_vec();
    if shown.len() > MOST {
        shown.truncate(MOST);
        shown.push("...");
    }
    shown.join("\n").trim_matches('\n').to_owned()
}

/// The plan in a log, without what came before it.
pub(crate) fn plan(log: &str) -> String {
    let mut start = None;
    let mut offset = 0;
    for line in log.split_inclusive('\n') {
        let bare = super::style::without_escapes(line);
        if PLAN.iter().any(|begin| bare.starts_with(begin)) {
            start = Some(offset);
            break;
        }
        offset += line.len();
    }
    let text = start.map_or(log, |start| &log[start..]);
    text.trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_begin_with_their_box() {
        let log = "Terraform v1\nterraform_data.x: Creating...\n╷\n│ Error: no\n│ \n│ why\n╵\n";
        assert_eq!(errors(log), "╷\n│ Error: no\n│ \n│ why\n╵");
        assert_eq!(errors("a\n\nError: flat\n\nwhy\n"), "Error: flat\n\nwhy");
        let many: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(errors(&many).lines().count(), TAIL);
        assert_eq!(errors(""), "");
    }

    #[test]
    fn a_plan_begins_where_terraform_begins_it() {
        let log = "Terraform v1.11.4\non linux\nInitializing...\n\nTerraform used the selected providers to\n  + x\n\nPlan: 1\n";
        assert_eq!(plan(log), "Terraform used the selected providers to\n  + x\n\nPlan: 1");
        assert_eq!(plan("what\nis this\n"), "what\nis this");
    }
}
