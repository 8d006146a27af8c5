//! The note in a run's message by which a walk knows its runs again, and which run a second try adopts. Pure.

use std::collections::BTreeSet;

use client::runs::Run;
use md5::{Digest, Md5};

/// Digits of a digest: enough that two walks never share one.
const DIGITS: usize = 16;

/// `[ms:0123456789abcdef]`: the same for every run that one walk starts in one workspace.
pub(super) fn note(walk: &str, workspace: &str) -> String {
    format!("[ms:{}]", digest(&[walk, workspace]))
}

/// What a server that knows `Idempotency-Key` tells repetitions by: another one for each run that is really wanted.
/// `before` is how many runs of the walk the workspace has had.
pub(super) fn key(walk: &str, workspace: &str, before: usize) -> String {
    format!("ms-{}", digest(&[walk, workspace, &before.to_string()]))
}

/// Sixteen hexadecimal digits that stand for these texts.
pub(super) fn digest(texts: &[&str]) -> String {
    let mut hash = Md5::new();
    for text in texts {
        hash.update(text.len().to_le_bytes());
        hash.update(text.as_bytes());
    }
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(DIGITS);
    digits
}

/// Runs that carry the note.
pub(super) fn noted<'r>(runs: &'r [Run], note: &'r str) -> impl Iterator<Item = &'r Run> {
    runs.iter().filter(move |run| run.attributes.message.as_deref().is_some_and(|message| message.contains(note)))
}

/// The run that the next try of an interrupted walk goes on with, of all runs of a workspace, newest first: one that is
/// under way, or one that succeeded and after which nobody has run anything. A run that failed or was stopped is not
/// gone on with: trying again is what the command is repeated for.
pub(super) fn adoptable<'r>(runs: &'r [Run], note: &'r str) -> Option<&'r Run> {
    let under_way = noted(runs, note).find(|run| !run.attributes.is_final());
    under_way.or_else(|| noted(&runs[..runs.len().min(1)], note).find(|run| run.attributes.is_success()))
}

/// Runs with the note that were not there before, oldest first: what became of a request whose answer was lost. Two of
/// them mean that a request which seemed lost was carried out late.
pub(super) fn arrived<'r>(runs: &'r [Run], note: &'r str, known: &BTreeSet<String>) -> Vec<&'r Run> {
    let mut new: Vec<&Run> = noted(runs, note).filter(|run| !known.contains(&run.id)).collect();
    new.reverse();
    new
}

#[cfg(test)]
mod tests {
    use client::runs::RunFacts;

    use super::*;

    fn run(id: &str, message: &str, status: &str) -> Run {
        let attributes = RunFacts { status: status.into(), message: Some(message.into()), ..RunFacts::default() };
        Run { id: id.into(), attributes, ..Run::default() }
    }

    fn adopted(runs: &[(&str, &str, &str)]) -> Option<String> {
        let note = note("walk", "ws-1");
        let runs: Vec<Run> =
            runs.iter().map(|(id, whose, status)| run(id, &whose.replace("ours", &note), status)).collect();
        adoptable(&runs, &note).map(|run| run.id.clone())
    }

    #[test]
    fn a_note_is_of_one_walk_and_one_workspace_and_a_key_of_one_run() {
        assert_eq!(note("w", "ws-1"), note("w", "ws-1"));
        assert_ne!(note("w", "ws-1"), note("w", "ws-2"));
        assert_ne!(note("w", "ws-1"), note("v", "ws-1"));
        assert_ne!(note("a", "bc"), note("ab", "c"));
        assert_ne!(key("w", "ws-1", 0), key("w", "ws-1", 1));
    }

    #[test]
    fn a_run_that_is_under_way_is_adopted_also_behind_another() {
        assert_eq!(adopted(&[("2", "x", "pending"), ("1", "go ours", "planning")]).as_deref(), Some("1"));
    }

    #[test]
    fn a_run_that_succeeded_is_adopted_unless_somebody_ran_after_it() {
        assert_eq!(adopted(&[("1", "ours", "applied")]).as_deref(), Some("1"));
        assert_eq!(adopted(&[("1", "ours", "planned_and_finished")]).as_deref(), Some("1"));
        assert_eq!(adopted(&[("2", "x", "applied"), ("1", "ours", "applied")]), None);
    }

    #[test]
    fn a_run_that_failed_or_was_stopped_or_is_another_walks_is_not_adopted() {
        for status in ["errored", "canceled", "discarded"] {
            assert_eq!(adopted(&[("1", "ours", status)]), None, "{status}");
        }
        assert_eq!(adopted(&[("1", "[ms:0000000000000000]", "planning")]), None);
        assert_eq!(adopted(&[]), None);
    }

    #[test]
    fn what_arrived_is_what_was_not_known_oldest_first() {
        let runs = [run("3", "n", "pending"), run("2", "n", "pending"), run("1", "n", "errored")];
        let known = BTreeSet::from(["1".to_owned()]);
        let ids: Vec<_> = arrived(&runs, "n", &known).iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, ["2", "3"]);
    }
}
