//! Which workspaces depend on which: the kinds of edges, and how an edge is told.
//!
//! Absent: where edges are kept, and what follows from them (`trigger` decides on runs, `stack` on the order of a stack).

use std::collections::BTreeSet;

/// Where an edge from an upstream to a downstream comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A run trigger.
    RunTrigger,
    /// A run of the downstream read the upstream's state.
    RemoteState,
    /// A run of the downstream read outputs of the upstream.
    Outputs,
    /// A run of the upstream started runs of the downstream. Nothing flows: the downstream reads nothing of its runner.
    Runner,
    /// The downstream's code names the upstream.
    Code,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::RunTrigger, Self::RemoteState, Self::Outputs, Self::Runner, Self::Code];

    /// The kind as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunTrigger => "run-trigger",
            Self::RemoteState => "remote-state",
            Self::Outputs => "outputs",
            Self::Runner => "runner",
            Self::Code => "code",
        }
    }

    /// The kind that is written so, if there is one.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// Whether the downstream reads outputs over such an edge.
    pub fn is_read(self) -> bool {
        matches!(self, Self::RemoteState | Self::Outputs | Self::Code)
    }
}

/// An edge in a sentence. `outputs` are those that are read, `None` for all or not known; `places` say where in the code.
pub fn sentence(
    kind: Kind,
    upstream: &str,
    downstream: &str,
    outputs: Option<&BTreeSet<String>>,
    places: &BTreeSet<String>,
) -> String {
    let what = match outputs {
        None => "the outputs".to_owned(),
        Some(names) if names.is_empty() => "no output".to_owned(),
        Some(names) => {
            let noun = if names.len() == 1 { "the output" } else { "the outputs" };
            format!("{noun} {}", names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "))
        }
    };
    match kind {
        Kind::RunTrigger => format!("\"{downstream}\" runs when \"{upstream}\" was applied."),
        Kind::RemoteState => format!("A run of \"{downstream}\" read the state of \"{upstream}\"."),
        Kind::Outputs => format!("A run of \"{downstream}\" read {what} of \"{upstream}\"."),
        Kind::Runner => format!("A run of \"{upstream}\" started runs of \"{downstream}\"."),
        Kind::Code => {
            let places: Vec<_> = places.iter().map(String::as_str).collect();
            format!("The code of \"{downstream}\" uses {what} of \"{upstream}\" ({}).", places.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_as_it_is_written() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(Kind::parse("x"), None);
    }

    #[test]
    fn an_edge_says_where_it_comes_from() {
        let none = BTreeSet::new();
        let names: BTreeSet<_> = ["id", "ip"].map(str::to_owned).into();
        let place: BTreeSet<_> = ["main.tf:3".to_owned()].into();
        for (kind, outputs, expected) in [
            (Kind::RunTrigger, None, "\"d\" runs when \"a\" was applied."),
            (Kind::RemoteState, None, "A run of \"d\" read the state of \"a\"."),
            (Kind::Outputs, None, "A run of \"d\" read the outputs of \"a\"."),
            (Kind::Outputs, Some(&names), "A run of \"d\" read the outputs \"id\", \"ip\" of \"a\"."),
            (Kind::Runner, None, "A run of \"a\" started runs of \"d\"."),
            (Kind::Code, Some(&none), "The code of \"d\" uses no output of \"a\" (main.tf:3)."),
        ] {
            assert_eq!(sentence(kind, "a", "d", outputs, &place), expected);
        }
    }

    #[test]
    fn a_runner_is_no_upstream_whose_data_is_read() {
        assert!(!Kind::Runner.is_read() && !Kind::RunTrigger.is_read());
        assert!(Kind::Code.is_read() && Kind::Outputs.is_read() && Kind::RemoteState.is_read());
    }
}
