//! Which run triggers there may be.

use std::collections::{BTreeMap, VecDeque};

use crate::Problem;

/// Most sources of one workspace, as on HCP Terraform.
pub const MOST_SOURCES: usize = 20;

/// A run trigger, by the ids of its workspaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The upstream: its applied runs start others.
    pub source: String,
    /// The downstream: its runs are started.
    pub target: String,
}

/// Whether `new` may stand beside the triggers that there are. `name` gives the name of a workspace for messages.
///
/// # Errors
/// `run-trigger/self`, `run-trigger/taken`, `run-trigger/too-many`, and `run-trigger/cycle` with the way that it closes.
pub fn check(there: &[Edge], new: &Edge, name: impl Fn(&str) -> String) -> Result<(), Problem> {
    if new.source == new.target {
        return Err(Problem::invalid("run-trigger/self", "A workspace cannot trigger runs of its own.")
            .advice("Name another workspace as the source.")
            .attribute("sourceable"));
    }
    if there.contains(new) {
        return Err(Problem::invalid(
            "run-trigger/taken",
            format!("\"{}\" triggers runs of \"{}\" already.", name(&new.source), name(&new.target)),
        )
        .advice("There is nothing to do.")
        .attribute("sourceable"));
    }
    if there.iter().filter(|edge| edge.target == new.target).count() >= MOST_SOURCES {
        return Err(Problem::invalid(
            "run-trigger/too-many",
            format!("\"{}\" has {MOST_SOURCES} sources already, which is the most.", name(&new.target)),
        )
        .advice("Remove a source, or put a workspace between that gathers some of them."));
    }
    let Some(back) = way(there, &new.target, &new.source) else { return Ok(()) };
    let closed: Vec<_> = back.into_iter().chain([new.target.as_str()]).map(name).collect();
    Err(Problem::invalid(
        "run-trigger/cycle",
        format!("The workspaces would trigger one another without end: {}.", closed.join(" -> ")),
    )
    .advice("Remove one of the triggers on this way first.")
    .attribute("sourceable"))
}

/// The shortest way from one workspace downstream to another, both ends included.
fn way<'a>(edges: &'a [Edge], from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::from([(from, from)]);
    let mut open = VecDeque::from([from]);
    while let Some(at) = open.pop_front() {
        if at == to {
            let mut way = vec![at];
            while way[way.len() - 1] != from {
                way.push(came_from[way[way.len() - 1]]);
            }
            way.reverse();
            return Some(way);
        }
        for edge in edges.iter().filter(|edge| edge.source == at) {
            if !came_from.contains_key(edge.target.as_str()) {
                came_from.insert(&edge.target, at);
                open.push_back(&edge.target);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(drawn: &[(&str, &str)]) -> Vec<Edge> {
        drawn.iter().map(|(source, target)| Edge { source: (*source).into(), target: (*target).into() }).collect()
    }

    fn refusal(there: &[(&str, &str)], new: (&str, &str)) -> Option<Problem> {
        check(&edges(there), &edges(&[new])[0], str::to_owned).err()
    }

    #[test]
    fn a_trigger_that_closes_no_cycle_may_be() {
        assert_eq!(refusal(&[("a", "b"), ("b", "c"), ("a", "c")], ("b", "d")), None);
        assert_eq!(refusal(&[("a", "b")], ("c", "b")), None);
    }

    #[test]
    fn a_cycle_is_refused_with_the_shortest_way_around() {
        let there = [("a", "b"), ("b", "x"), ("x", "c"), ("b", "c")];
        let problem = refusal(&there, ("c", "a")).unwrap();
        assert_eq!(problem.code, "run-trigger/cycle");
        assert!(problem.message.ends_with("a -> b -> c -> a."), "{}", problem.message);
        assert!(refusal(&[("a", "b")], ("b", "a")).unwrap().message.ends_with("a -> b -> a."));
    }

    #[test]
    fn a_workspace_is_no_source_of_itself_and_none_twice() {
        assert_eq!(refusal(&[], ("a", "a")).unwrap().code, "run-trigger/self");
        assert_eq!(refusal(&[("a", "b")], ("a", "b")).unwrap().code, "run-trigger/taken");
    }

    #[test]
    fn the_twenty_first_source_is_one_too_many() {
        let names: Vec<_> = (0..21).map(|number| format!("s{number}")).collect();
        let all: Vec<_> = names.iter().map(|name| (name.as_str(), "t")).collect();
        assert_eq!(refusal(&all[..19], all[20]), None);
        assert_eq!(refusal(&all[..20], all[20]).unwrap().code, "run-trigger/too-many");
        assert_eq!(refusal(&all[..20], ("t", "u")), None, "it may be the source of any number");
    }
}
