//! How a workspace stands at this moment, in a word or a few, with a mark beside the colour.

use crate::resources::runs::{self, Run, Tone};
use crate::resources::workspaces::Workspace;

/// How a workspace stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// In words.
    pub words: &'static str,
    /// The class by which it is dressed: that of a [`Tone`], or `none` where nothing is.
    pub class: &'static str,
    /// The mark, as a path of 12 by 12.
    pub mark: &'static str,
}

/// How a workspace stands, by the newest run that was to change it; `None` where there is none or whoever looks may not see it.
pub fn of(workspace: &Workspace, run: Option<&Run>) -> State {
    let (words, class) = match run {
        Some(run) if !run.status().is_final() => toned(run),
        Some(run) if fell_through(run) => toned(run),
        _ if workspace.resource_count == 0 => ("No resources", "none"),
        Some(run) => toned(run),
        None => ("Has resources", Tone::Good.class()),
    };
    State { words, class, mark: mark(class) }
}

fn toned(run: &Run) -> (&'static str, &'static str) {
    let (words, tone) = runs::listed(run);
    (words, tone.class())
}

/// Whether a run ended in a way that somebody should look at.
fn fell_through(run: &Run) -> bool {
    runs::listed(run).1 == Tone::Bad
}

fn mark(class: &str) -> &'static str {
    match class {
        "busy" => "M3 2l7 4-7 4z",
        "asks" => "M3.5 4a2.5 2.5 0 1 1 3.4 2.4q-.9.4-.9 1.4M6 9.4v1",
        "good" => "M2 6.5l3 3 5-7",
        "bad" => "M2.5 2.5l7 7M9.5 2.5l-7 7",
        "none" => "M6 2.5a3.5 3.5 0 1 0 .01 0z",
        _ => "M2.5 6h7",
    }
}
