//! How a decision is told: on the run, or where there is none.

use super::wave::{Blocker, Outcome, Settled};

/// The message of a triggered run, in the words of HCP Terraform where one upstream was applied and nothing else happened.
/// `name` gives the name of a workspace.
pub fn started(settled: &[Settled], name: impl Fn(&str) -> String) -> String {
    let applied = names(settled.iter().filter(|note| note.outcome == Outcome::Applied), &name);
    let noun = if applied.len() == 1 { "workspace" } else { "workspaces" };
    let mut text = format!("Run triggered by {noun} {}", listed(&applied));
    let rest = reasons(settled.iter().filter(|note| note.outcome != Outcome::Applied), &name);
    if !rest.is_empty() {
        text.push_str(&format!(" ({rest})"));
    }
    text
}

/// Why a downstream was not run.
pub fn skipped(settled: &[Settled], name: impl Fn(&str) -> String) -> String {
    format!("Not run: {}.", reasons(settled.iter(), &name))
}

/// What a downstream waits for.
pub fn waiting(on: &[Blocker], name: impl Fn(&str) -> String) -> String {
    let each = on.iter().map(|blocker| match &blocker.run {
        Some(run) => format!("\"{}\" ({run})", name(&blocker.workspace)),
        None => format!("\"{}\"", name(&blocker.workspace)),
    });
    format!("Waits until these upstreams have settled: {}.", each.collect::<Vec<_>>().join(", "))
}

fn reasons<'a>(notes: impl Iterator<Item = &'a Settled>, name: &impl Fn(&str) -> String) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for note in notes {
        let reason = format!("\"{}\" {}", name(&note.upstream), verb(note.outcome));
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons.join(", ")
}

fn verb(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Applied => "was applied",
        Outcome::Unchanged => "had nothing to change",
        Outcome::Failed => "failed",
        Outcome::Discarded => "was discarded",
        Outcome::Canceled => "was canceled",
        Outcome::Destroyed => "was destroyed",
        Outcome::NotRun => "was not run",
    }
}

fn names<'a>(notes: impl Iterator<Item = &'a Settled>, name: &impl Fn(&str) -> String) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for note in notes {
        let name = name(&note.upstream);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `a`, `a and b`, `a, b and c`
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(upstream: &str, outcome: Outcome) -> Settled {
        Settled { downstream: "d".into(), upstream: upstream.into(), run: None, outcome, origin: 0, at: 0 }
    }

    #[test]
    fn a_triggered_run_names_its_upstreams_and_what_else_happened() {
        let one = [note("a", Outcome::Applied)];
        assert_eq!(started(&one, str::to_owned), "Run triggered by workspace a");
        let many = [
            note("a", Outcome::Applied),
            note("b", Outcome::Applied),
            note("a", Outcome::Applied),
            note("c", Outcome::Applied),
            note("x", Outcome::Failed),
        ];
        assert_eq!(started(&many, str::to_owned), "Run triggered by workspaces a, b and c (\"x\" failed)");
    }

    #[test]
    fn a_downstream_that_does_not_run_says_why() {
        let all = [note("a", Outcome::Failed), note("b", Outcome::Unchanged), note("c", Outcome::NotRun)];
        assert_eq!(
            skipped(&all, str::to_owned),
            "Not run: \"a\" failed, \"b\" had nothing to change, \"c\" was not run."
        );
    }

    #[test]
    fn a_downstream_that_waits_names_whom_it_waits_for() {
        let on = [
            Blocker { workspace: "a".into(), run: Some("run-1".into()) },
            Blocker { workspace: "b".into(), run: None },
        ];
        assert_eq!(waiting(&on, str::to_owned), "Waits until these upstreams have settled: \"a\" (run-1), \"b\".");
    }
}
