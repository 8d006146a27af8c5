//! The graph of a stack: which workspace runs before which, and why. Always without cycles, and always in the same
//! order for the same input. Absent: where the edges are read from, and JSON.

use std::collections::{BTreeMap, BTreeSet};

use super::{cycle, near};
use crate::Problem;

/// Where it is written that one workspace depends on another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason {
    /// The file, as it is to be shown.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// What stands there, such as `data.terraform_remote_state.network`.
    pub what: String,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One workspace runs before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Runs first.
    pub upstream: String,
    /// Runs second, because it depends on the upstream.
    pub downstream: String,
    /// Why; empty where nothing in the code says so.
    pub reasons: Vec<Reason>,
}

/// Workspaces by name and the edges between them, without a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Sorted by upstream, then downstream; one for each pair.
    edges: Vec<Edge>,
    /// Every workspace with its direct upstreams and downstreams.
    nodes: BTreeMap<String, Node>,
    layers: Vec<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    upstreams: BTreeSet<String>,
    downstreams: BTreeSet<String>,
}

impl Graph {
    /// Makes the graph. Edges between the same two workspaces become one with the reasons of all, sorted.
    ///
    /// # Errors
    /// `stack/duplicate-workspace` when a name comes twice, `stack/unknown-workspace` when an edge names a workspace
    /// that is not among `names`, `stack/cycle` when workspaces wait for one another (422).
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>, edges: Vec<Edge>) -> Result<Self, Problem> {
        let mut nodes = BTreeMap::new();
        for name in names {
            let name = name.into();
            if nodes.insert(name.clone(), Node::default()).is_some() {
                return Err(Problem::invalid(
                    "stack/duplicate-workspace",
                    format!("Two workspaces of the stack are named \"{name}\"."),
                )
                .advice("Give each workspace a name of its own."));
            }
        }
        let edges = merge(edges);
        for edge in &edges {
            for end in [&edge.upstream, &edge.downstream] {
                if !nodes.contains_key(end) {
                    return Err(unknown_in_edge(edge, end, &nodes));
                }
            }
            connect(&mut nodes, edge);
        }
        let layers = layers(&nodes);
        let mut graph = Self { edges, nodes, layers };
        let placed: BTreeSet<&str> = graph.layers.iter().flatten().map(String::as_str).collect();
        if placed.len() < graph.nodes.len() {
            let rest = graph.names().filter(|name| !placed.contains(name)).map(str::to_owned).collect();
            graph.layers.clear();
            return Err(cycle::problem(&graph, &rest));
        }
        Ok(graph)
    }

    /// Every workspace, by name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// Whether the stack has a workspace of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.nodes.contains_key(name)
    }

    /// How many workspaces there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no workspace.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Every edge, by upstream, then downstream.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Why `downstream` depends on `upstream` directly; empty when it does not, or when nothing says why.
    pub fn reasons(&self, upstream: &str, downstream: &str) -> &[Reason] {
        let place = self.edges.binary_search_by(|edge| ends(edge).cmp(&(upstream, downstream)));
        place.map_or(&[], |place| &self.edges[place].reasons)
    }

    /// The workspaces that `name` depends on directly, by name; none for an unknown one.
    pub fn upstreams(&self, name: &str) -> impl Iterator<Item = &str> {
        self.nodes.get(name).into_iter().flat_map(|node| &node.upstreams).map(String::as_str)
    }

    /// The workspaces that depend on `name` directly, by name; none for an unknown one.
    pub fn downstreams(&self, name: &str) -> impl Iterator<Item = &str> {
        self.nodes.get(name).into_iter().flat_map(|node| &node.downstreams).map(String::as_str)
    }

    /// Everything that `name` depends on, directly or not, without itself.
    pub fn all_upstreams(&self, name: &str) -> BTreeSet<&str> {
        closure(name, |name| self.nodes.get(name).map(|node| &node.upstreams))
    }

    /// Everything that depends on `name`, directly or not, without itself.
    pub fn all_downstreams(&self, name: &str) -> BTreeSet<&str> {
        closure(name, |name| self.nodes.get(name).map(|node| &node.downstreams))
    }

    /// The workspaces by layers: those of the first depend on nothing, and those of each later one on something in the
    /// one right before it. Sorted by name within a layer.
    pub fn layers(&self) -> &[Vec<String>] {
        &self.layers
    }

    /// The part of the graph that is selected. Two workspaces that are connected only through others that are not have an edge
    /// without a reason, for their order stays; names that the graph lacks are left out.
    pub fn part(&self, selection: &BTreeSet<String>) -> Self {
        let names: BTreeSet<&str> = self.names().filter(|name| selection.contains(*name)).collect();
        let mut edges = Vec::new();
        for &downstream in &names {
            let (mut open, mut seen) = (vec![downstream], BTreeSet::new());
            while let Some(name) = open.pop() {
                for upstream in self.upstreams(name).filter(|upstream| seen.insert(*upstream)) {
                    match names.contains(upstream) {
                        true => edges.push(Edge {
                            upstream: upstream.to_owned(),
                            downstream: downstream.to_owned(),
                            reasons: self.reasons(upstream, downstream).to_vec(),
                        }),
                        false => open.push(upstream),
                    }
                }
            }
        }
        let edges = merge(edges);
        let mut nodes: BTreeMap<String, Node> =
            names.into_iter().map(|name| (name.to_owned(), Node::default())).collect();
        edges.iter().for_each(|edge| connect(&mut nodes, edge));
        let layers = layers(&nodes);
        Self { edges, nodes, layers }
    }

    /// Every workspace once, upstreams before downstreams.
    pub fn order(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.layers.iter().flatten().map(String::as_str)
    }
}

fn ends(edge: &Edge) -> (&str, &str) {
    (&edge.upstream, &edge.downstream)
}

fn merge(edges: Vec<Edge>) -> Vec<Edge> {
    let mut merged: BTreeMap<(String, String), BTreeSet<Reason>> = BTreeMap::new();
    for edge in edges {
        merged.entry((edge.upstream, edge.downstream)).or_default().extend(edge.reasons);
    }
    merged
        .into_iter()
        .map(|((upstream, downstream), reasons)| Edge { upstream, downstream, reasons: reasons.into_iter().collect() })
        .collect()
}

fn connect(nodes: &mut BTreeMap<String, Node>, edge: &Edge) {
    if let Some(node) = nodes.get_mut(&edge.upstream) {
        node.downstreams.insert(edge.downstream.clone());
    }
    if let Some(node) = nodes.get_mut(&edge.downstream) {
        node.upstreams.insert(edge.upstream.clone());
    }
}

fn unknown_in_edge(edge: &Edge, name: &str, nodes: &BTreeMap<String, Node>) -> Problem {
    let place = edge.reasons.first().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let other = if name == edge.upstream { &edge.downstream } else { &edge.upstream };
    let message = if name == edge.upstream {
        format!("\"{other}\" depends on \"{name}\"{place}, but the stack has no such workspace.")
    } else {
        format!("\"{name}\" is said to depend on \"{other}\"{place}, but the stack has no such workspace.")
    };
    Problem::invalid("stack/unknown-workspace", message).advice(near::advice(name, nodes.keys().map(String::as_str)))
}

/// Puts each workspace right after the last of its upstreams. Those on a cycle, or behind one, find no place.
fn layers(nodes: &BTreeMap<String, Node>) -> Vec<Vec<String>> {
    let mut open: BTreeMap<&str, usize> =
        nodes.iter().map(|(name, node)| (name.as_str(), node.upstreams.len())).collect();
    let mut layers = Vec::new();
    let mut layer: Vec<&str> = open.iter().filter(|(_, open)| **open == 0).map(|(name, _)| *name).collect();
    while !layer.is_empty() {
        let mut next = BTreeSet::new();
        for downstream in layer.iter().flat_map(|name| &nodes[*name].downstreams) {
            if let Some(open) = open.get_mut(downstream.as_str()) {
                *open -= 1;
                if *open == 0 {
                    next.insert(downstream.as_str());
                }
            }
        }
        layers.push(layer.into_iter().map(str::to_owned).collect());
        layer = next.into_iter().collect();
    }
    layers
}

fn closure<'a>(start: &str, step: impl Fn(&str) -> Option<&'a BTreeSet<String>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = step(start).into_iter().flatten().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        if found.insert(name) {
            open.extend(step(name).into_iter().flatten().map(String::as_str));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::stack::drawn::drawn;

    #[test]
    fn layers_and_order_put_upstreams_first() {
        let graph = drawn("network -> cluster\n cluster -> dns\n cluster -> ingress\n dns -> ingress\n logs").unwrap();
        assert_eq!(graph.layers(), [vec!["logs", "network"], vec!["cluster"], vec!["dns"], vec!["ingress"]]);
        assert_eq!(graph.order().collect::<Vec<_>>(), ["logs", "network", "cluster", "dns", "ingress"]);
        assert_eq!(graph.upstreams("ingress").collect::<Vec<_>>(), ["cluster", "dns"]);
        assert_eq!(graph.downstreams("cluster").collect::<Vec<_>>(), ["dns", "ingress"]);
        assert_eq!(graph.all_upstreams("ingress"), BTreeSet::from(["network", "cluster", "dns"]));
        assert_eq!(graph.all_downstreams("network"), BTreeSet::from(["cluster", "dns", "ingress"]));
        assert!(graph.all_upstreams("nobody").is_empty());
    }

    #[test]
    fn edges_between_the_same_two_become_one_with_every_reason_once() {
        let reason = |line| Reason { file: "b/main.tf".into(), line, what: "data.tfe_outputs.a".into() };
        let edge = |reasons| Edge { upstream: "a".into(), downstream: "b".into(), reasons };
        let edges = vec![edge(vec![reason(9), reason(3)]), edge(vec![reason(3)])];
        let graph = Graph::new(["a", "b"], edges).unwrap();
        assert_eq!(graph.edges(), [edge(vec![reason(3), reason(9)])]);
        assert_eq!(graph.reasons("a", "b").len(), 2);
        assert!(graph.reasons("b", "a").is_empty());
    }

    #[test]
    fn a_cycle_is_named_with_arrows_and_where_each_edge_is_written() {
        let problem = drawn("z -> a\n a -> b\n b -> c\n c -> a\n c -> d").unwrap_err();
        assert_eq!(problem.code, "stack/cycle");
        expect!["The workspaces wait for one another: a -> b -> c -> a (a -> b: b/main.tf:2, b -> c: c/main.tf:3, c -> a: a/main.tf:4). Remove one of these dependencies, or move what both sides need into a workspace of its own."]
            .assert_eq(&problem.to_string());
    }

    #[test]
    fn the_shortest_cycle_is_the_one_that_is_named() {
        let problem = drawn("a -> b\n b -> c\n c -> a\n c -> b").unwrap_err();
        assert!(problem.message.contains(": b -> c -> b ("), "{problem}");
    }

    #[test]
    fn a_workspace_that_depends_on_itself_is_a_cycle() {
        let problem = drawn("a -> a").unwrap_err();
        expect!["\"a\" depends on itself (a/main.tf:1)."].assert_eq(&problem.message);
    }

    #[test]
    fn an_edge_from_nowhere_is_refused_with_near_names() {
        let edge = Edge {
            upstream: "netwrok".into(),
            downstream: "dns".into(),
            reasons: vec![Reason { file: "dns/main.tf".into(), line: 4, what: String::new() }],
        };
        let problem = Graph::new(["network", "dns"], vec![edge]).unwrap_err();
        expect!["\"dns\" depends on \"netwrok\" (dns/main.tf:4), but the stack has no such workspace. Did you mean \"network\"?"]
            .assert_eq(&problem.to_string());
    }

    #[test]
    fn two_workspaces_of_one_name_are_refused() {
        assert_eq!(Graph::new(["a", "a"], vec![]).unwrap_err().code, "stack/duplicate-workspace");
    }

    #[test]
    fn a_part_keeps_the_order_also_where_it_goes_through_what_is_left_out() {
        let graph = drawn("a -> b\n b -> c\n c -> d\n a -> d\n e -> b").unwrap();
        let part = |names: &[&str]| graph.part(&names.iter().map(|name| (*name).to_owned()).collect());
        let ends = |graph: &Graph| -> Vec<String> {
            let edges = graph.edges().iter();
            edges.map(|it| format!("{} -> {} ({})", it.upstream, it.downstream, it.reasons.len())).collect()
        };
        assert_eq!(ends(&part(&["a", "d", "e"])), ["a -> d (1)", "e -> d (0)"]);
        assert_eq!(ends(&part(&["a", "c", "d"])), ["a -> c (0)", "a -> d (1)", "c -> d (1)"]);
        assert_eq!(part(&["a", "c", "d"]).layers(), [vec!["a"], vec!["c"], vec!["d"]]);
        assert!(part(&["nobody"]).is_empty());
        let all: Vec<&str> = graph.names().collect();
        assert_eq!(part(&all), graph);
    }

    #[test]
    fn a_stack_without_workspaces_is_a_graph() {
        let graph = Graph::new(Vec::<String>::new(), vec![]).unwrap();
        assert!(graph.is_empty());
        assert!(graph.layers().is_empty());
    }

    #[test]
    fn a_chain_of_thousands_neither_overflows_nor_takes_long() {
        let name = |number: usize| format!("w{number:05}");
        let edges = (1..5_000)
            .map(|number| Edge { upstream: name(number - 1), downstream: name(number), reasons: vec![] })
            .collect();
        let graph = Graph::new((0..5_000).map(name), edges).unwrap();
        assert_eq!(graph.layers().len(), 5_000);
        assert_eq!(graph.all_downstreams("w00000").len(), 4_999);
    }
}
