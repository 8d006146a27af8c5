//! What the picture of a graph and its twin, the table, say: gathered with as many queries for many workspaces as for few.

use std::collections::{BTreeMap, BTreeSet};

use domain::Problem;
use domain::dependency::{Kind, sentence};

use super::state::{self, State};
use super::{Wanted, picture};
use crate::actor::Actor;
use crate::resources::workspaces::Workspace;
use crate::resources::{edges, runs};
use crate::storage::Tx;

/// A graph as a page shows it.
pub struct Scene {
    /// Address of the page without what is chosen of it.
    pub address: String,
    /// Width of the picture.
    pub width: i32,
    /// Its height.
    pub height: i32,
    /// The workspaces that are shown, by name.
    pub nodes: Vec<Node>,
    /// The edges between them.
    pub arrows: Vec<Arrow>,
    /// What was searched for.
    pub search: String,
    /// How many workspaces the search has found, if there was one that chose none.
    pub found: Option<usize>,
    /// The workspace that is looked at.
    pub focus: Option<Focus>,
    /// How many workspaces the whole graph has.
    pub total: usize,
    /// How many workspaces stand how: words, and how they look.
    pub counts: Vec<(String, &'static str)>,
}

/// A workspace in the picture and in the table.
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// As much of it as has room in the picture.
    pub short: String,
    /// The page with it in the middle.
    pub address: String,
    /// Its left upper corner.
    pub at: (i32, i32),
    /// How it stands.
    pub state: State,
    /// The page of the run that says so.
    pub run: Option<String>,
    /// How many resources it has.
    pub resources: i32,
    /// Whether it is the one that is looked at.
    pub chosen: bool,
    /// Whether something else was searched for.
    pub dim: bool,
    /// Those that it stands on, each with the reasons.
    pub upstreams: Vec<Neighbour>,
    /// Those that stand on it.
    pub downstreams: Vec<Neighbour>,
}

/// A workspace at the other end of an edge.
#[derive(Clone)]
pub struct Neighbour {
    /// Its name.
    pub name: String,
    /// The page with it in the middle.
    pub address: String,
    /// Why there is an edge, in sentences.
    pub why: String,
}

/// An edge in the picture.
pub struct Arrow {
    /// Its path.
    pub path: String,
    /// The class by which it is dressed: `starts` for what runs by itself, `reads`, `runner`.
    pub class: &'static str,
    /// From where to where, and why.
    pub title: String,
}

/// The workspace that is looked at.
pub struct Focus {
    /// Its name.
    pub name: String,
    /// Its own page.
    pub workspace: String,
    /// Where it stands in the list of nodes.
    pub place: usize,
    /// The page of its neighbours alone, or of all that is upstream and downstream of it: the other of the two.
    pub other: String,
    /// Whether its neighbours alone are shown.
    pub near: bool,
}

/// Why one workspace stands on another.
#[derive(Default)]
struct Reasons {
    kinds: BTreeSet<Kind>,
    sentences: Vec<String>,
}

/// Gathers it.
///
/// # Errors
/// `storage/unavailable`.
pub async fn of(
    tx: &Tx,
    actor: &Actor,
    organization: &str,
    all: &[Workspace],
    address: String,
    wanted: &Wanted,
) -> Result<Scene, Problem> {
    let current = runs::listing::current(tx, actor, all).await?;
    let edges = reasons(tx, actor, all).await?;
    let search = wanted.focus.trim().to_lowercase();
    let hits: Vec<usize> = (0..all.len()).filter(|&at| all[at].name.to_lowercase().contains(&search)).collect();
    let exact = all.iter().position(|it| it.name == wanted.focus.trim());
    let chosen = exact.or(Some(&hits).filter(|hits| hits.len() == 1 && !search.is_empty()).map(|hits| hits[0]));
    let near = wanted.depth == "1";
    let shown: Vec<usize> = match chosen {
        Some(chosen) => around(chosen, near, edges.keys()).into_iter().collect(),
        None => (0..all.len()).collect(),
    };
    let link = |name: &str| format!("{address}?focus={name}#graph");
    let mut nodes: Vec<Node> = shown
        .iter()
        .map(|&at| {
            let workspace = &all[at];
            let run = current.get(&workspace.id);
            Node {
                id: workspace.id.clone(),
                short: picture::short(&workspace.name),
                address: link(&workspace.name),
                at: (0, 0),
                state: state::of(workspace, run),
                run: run.map(|run| format!("/app/{organization}/{}/runs/{}", workspace.name, run.id)),
                resources: workspace.resource_count,
                chosen: chosen == Some(at),
                dim: chosen.is_none() && !search.is_empty() && hits.binary_search(&at).is_err(),
                upstreams: Vec::new(),
                downstreams: Vec::new(),
                name: workspace.name.clone(),
            }
        })
        .collect();
    let places: BTreeMap<usize, usize> = shown.iter().enumerate().map(|(place, &at)| (at, place)).collect();
    let drawn: Vec<((usize, usize), &Reasons)> =
        edges.iter().filter_map(|(&(up, down), why)| Some(((*places.get(&up)?, *places.get(&down)?), why))).collect();
    let pairs: Vec<(usize, usize)> = drawn.iter().map(|(pair, _)| *pair).collect();
    let drawing = picture::of(nodes.len(), &pairs);
    for (node, at) in nodes.iter_mut().zip(&drawing.nodes) {
        node.at = *at;
    }
    let mut arrows = Vec::with_capacity(drawn.len());
    for (((up, down), why), way) in drawn.into_iter().zip(&drawing.ways) {
        let because = why.sentences.join(" ");
        let [upstream, downstream] = [up, down].map(|at| Neighbour {
            name: nodes[at].name.clone(),
            address: nodes[at].address.clone(),
            why: because.clone(),
        });
        let title = format!("{} → {}: {because}", upstream.name, downstream.name);
        arrows.push(Arrow { path: picture::path(way), class: class(&why.kinds), title });
        nodes[up].downstreams.push(downstream);
        nodes[down].upstreams.push(upstream);
    }
    let focus = chosen.map(|at| {
        let name = &all[at].name;
        Focus {
            workspace: format!("/app/{organization}/workspaces/{name}"),
            place: places[&at],
            other: if near { link(name) } else { format!("{address}?focus={name}&depth=1#graph") },
            near,
            name: name.clone(),
        }
    });
    Ok(Scene {
        width: drawing.width,
        height: drawing.height,
        counts: counts(&nodes),
        found: (focus.is_none() && !search.is_empty()).then_some(hits.len()),
        search: wanted.focus.trim().to_owned(),
        total: all.len(),
        address,
        nodes,
        arrows,
        focus,
    })
}

/// The edges between these workspaces by their places, with the reasons for each.
async fn reasons(tx: &Tx, actor: &Actor, all: &[Workspace]) -> Result<BTreeMap<(usize, usize), Reasons>, Problem> {
    let places: BTreeMap<&str, usize> = all.iter().enumerate().map(|(at, it)| (it.id.as_str(), at)).collect();
    let mut edges: BTreeMap<(usize, usize), Reasons> = BTreeMap::new();
    for edge in edges::service::seen_among(tx, actor, all).await? {
        let (Some(&up), Some(&down)) = (places.get(edge.upstream.as_str()), places.get(edge.downstream.as_str()))
        else {
            continue;
        };
        let reasons = edges.entry((up, down)).or_default();
        reasons.kinds.insert(edge.kind);
        let (up, down) = (&all[up].name, &all[down].name);
        reasons.sentences.push(sentence(edge.kind, up, down, edge.outputs.as_ref(), &edge.places));
    }
    Ok(edges)
}

/// A workspace with its neighbours, or with all that is upstream and all that is downstream of it.
fn around<'a>(chosen: usize, near: bool, edges: impl Iterator<Item = &'a (usize, usize)> + Clone) -> BTreeSet<usize> {
    let (mut up, mut down): (BTreeMap<usize, Vec<usize>>, BTreeMap<usize, Vec<usize>>) = Default::default();
    for &(upstream, downstream) in edges {
        up.entry(downstream).or_default().push(upstream);
        down.entry(upstream).or_default().push(downstream);
    }
    let mut shown = BTreeSet::from([chosen]);
    for ways in [up, down] {
        let (mut seen, mut open) = (BTreeSet::from([chosen]), vec![chosen]);
        while let Some(at) = open.pop() {
            for &next in ways.get(&at).into_iter().flatten() {
                if seen.insert(next) && !near {
                    open.push(next);
                }
            }
        }
        shown.extend(seen);
    }
    shown
}

fn class(kinds: &BTreeSet<Kind>) -> &'static str {
    match () {
        () if kinds.contains(&Kind::RunTrigger) => "starts",
        () if kinds.iter().any(|kind| kind.is_read()) => "reads",
        () => "runner",
    }
}

/// How many of the workspaces stand how, the loudest first.
fn counts(nodes: &[Node]) -> Vec<(String, &'static str)> {
    let mut counted: BTreeMap<(usize, &str), (usize, &'static str)> = BTreeMap::new();
    const LOUD: [&str; 4] = ["bad", "asks", "busy", "good"];
    for node in nodes {
        let loud = LOUD.iter().position(|class| *class == node.state.class).unwrap_or(LOUD.len());
        counted.entry((loud, node.state.words)).or_insert((0, node.state.class)).0 += 1;
    }
    counted
        .into_iter()
        .map(|((_, words), (count, class))| (format!("{count} {}", words.to_lowercase()), class))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn around_a_workspace_is_what_it_stands_on_and_what_stands_on_it_and_not_its_siblings() {
        let edges = [(0, 1), (1, 2), (2, 3), (0, 4), (5, 2), (3, 1)];
        let of = |chosen, near| around(chosen, near, edges.iter()).into_iter().collect::<Vec<_>>();
        assert_eq!(of(4, false), [0, 4]);
        assert_eq!(of(2, true), [1, 2, 3, 5]);
        assert_eq!(of(2, false), [0, 1, 2, 3, 5], "also where edges go in a circle");
    }
}
