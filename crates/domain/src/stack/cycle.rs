//! Finds a cycle and puts it into words.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Graph;
use crate::Problem;

/// Describes the shortest cycle among `rest`, the workspaces for which there is no order.
pub(super) fn problem(graph: &Graph, rest: &BTreeSet<String>) -> Problem {
    let cycle = shortest(graph, rest);
    let places: Vec<String> = cycle
        .windows(2)
        .filter_map(|pair| {
            let reason = graph.reasons(pair[0], pair[1]).first()?;
            Some(if cycle.len() == 2 { reason.to_string() } else { format!("{} -> {}: {reason}", pair[0], pair[1]) })
        })
        .collect();
    let places = if places.is_empty() { String::new() } else { format!(" ({})", places.join(", ")) };
    match cycle[..] {
        [name, _] => Problem::invalid("stack/cycle", format!("\"{name}\" depends on itself{places}."))
            .advice("Remove this dependency."),
        _ => Problem::invalid(
            "stack/cycle",
            format!("The workspaces wait for one another: {}{places}.", cycle.join(" -> ")),
        )
        .advice("Remove one of these dependencies, or move what both sides need into a workspace of its own."),
    }
}

/// The shortest cycle, its first workspace again at the end; of several as short, the one with the least first name.
fn shortest<'a>(graph: &'a Graph, rest: &'a BTreeSet<String>) -> Vec<&'a str> {
    let mut best: Option<Vec<&str>> = None;
    for start in rest {
        let longest = best.as_ref().map_or(usize::MAX, Vec::len);
        if let Some(cycle) = back_to(graph, start, longest) {
            best = Some(cycle);
        }
        // Nothing is shorter than a workspace that depends on itself.
        if best.as_ref().is_some_and(|cycle| cycle.len() == 2) {
            break;
        }
    }
    best.unwrap_or_default()
}

/// The shortest way from `start` back to it, if it has fewer than `longest` stops.
fn back_to<'a>(graph: &'a Graph, start: &'a str, longest: usize) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([(start, 1)]);
    while let Some((name, stops)) = open.pop_front() {
        if stops + 1 >= longest {
            return None;
        }
        for next in graph.downstreams(name) {
            if next == start {
                let mut cycle = vec![start];
                let mut at = name;
                while at != start {
                    cycle.push(at);
                    at = came_from[at];
                }
                cycle.push(start);
                cycle.reverse();
                return Some(cycle);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, name);
                open.push_back((next, stops + 1));
            }
        }
    }
    None
}
