//! Graphs from drawings, for tests.

use std::collections::BTreeSet;

use super::{Edge, Graph, Reason};
use crate::Problem;

/// Reads `a -> b` and lone names, one to a line; the line of the drawing is the line of the reason.
pub(super) fn drawn(drawing: &str) -> Result<Graph, Problem> {
    let mut names = BTreeSet::new();
    let mut edges = Vec::new();
    for (line, text) in drawing.lines().enumerate() {
        let words: Vec<&str> = text.split("->").map(str::trim).filter(|word| !word.is_empty()).collect();
        names.extend(words.iter().copied());
        if let [upstream, downstream] = words[..] {
            let file = format!("{downstream}/main.tf");
            let what = format!("data.terraform_remote_state.{upstream}");
            let reasons = vec![Reason { file, line: line + 1, what }];
            edges.push(Edge { upstream: upstream.into(), downstream: downstream.into(), reasons });
        }
    }
    Graph::new(names, edges)
}
