//! Which layer each node is in, and by which places in the layers between them an edge goes.

use std::collections::BTreeSet;

/// Most places that edges take up in layers which they only pass. Beyond it they go straight, behind what stands there.
const PASSES: usize = 10_000;

/// A graph in layers. Its items are its nodes by their numbers, and after them the places by which edges pass layers.
pub(super) struct Layered {
    nodes: usize,
    /// Items of each layer, in the order in which they stand.
    pub(super) layers: Vec<Vec<usize>>,
    /// The layer of each item.
    pub(super) layer: Vec<usize>,
    /// Items in the layers before that each item is bound to.
    pub(super) before: Vec<Vec<usize>>,
    /// Items in the layers behind that each item is bound to.
    pub(super) behind: Vec<Vec<usize>>,
    /// The items of each edge from left to right, and whether the edge itself goes from right to left.
    pub(super) chains: Vec<(Vec<usize>, bool)>,
    /// Nodes that no edge leads to or from.
    pub(super) alone: Vec<usize>,
}

impl Layered {
    /// How many items there are.
    pub(super) fn items(&self) -> usize {
        self.layer.len()
    }

    /// Whether an item is a node.
    pub(super) fn is_node(&self, item: usize) -> bool {
        item < self.nodes
    }
}

/// Puts each node into the layer after the last of its upstreams.
pub(super) fn layered(nodes: usize, edges: &[(usize, usize)]) -> Layered {
    let drawn = |&(up, down): &(usize, usize)| up != down && up < nodes && down < nodes;
    let mut out: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); nodes];
    for &(up, down) in edges.iter().filter(|edge| drawn(edge)) {
        out[up].insert(down);
    }
    let (order, against) = sorted(&out);
    let mut layer = vec![0; nodes];
    for &node in &order {
        for &down in &out[node] {
            // Those that close a circle count the other way; their upstream comes later in the order.
            if !against.contains(&(node, down)) {
                layer[down] = layer[down].max(layer[node] + 1);
            }
        }
    }
    let mut bound = vec![false; nodes];
    for &(up, down) in edges.iter().filter(|edge| drawn(edge)) {
        (bound[up], bound[down]) = (true, true);
    }
    let last = layer.iter().copied().max().unwrap_or_default();
    let mut all = Layered {
        nodes,
        layers: vec![Vec::new(); last + 1],
        layer,
        before: vec![Vec::new(); nodes],
        behind: vec![Vec::new(); nodes],
        chains: Vec::with_capacity(edges.len()),
        alone: (0..nodes).filter(|&node| !bound[node]).collect(),
    };
    for &node in order.iter().filter(|&&node| bound[node]) {
        all.layers[all.layer[node]].push(node);
    }
    all.layers.retain(|layer| !layer.is_empty());
    for edge in edges {
        let chain = if drawn(edge) { all.chain(*edge, &against) } else { (Vec::new(), false) };
        all.chains.push(chain);
    }
    all
}

impl Layered {
    fn chain(&mut self, (up, down): (usize, usize), against: &BTreeSet<(usize, usize)>) -> (Vec<usize>, bool) {
        let is_against = against.contains(&(up, down));
        let (from, to) = if is_against { (down, up) } else { (up, down) };
        let mut chain = vec![from];
        let passed = self.layer[from] + 1..self.layer[to];
        if self.items() - self.nodes + passed.len() <= PASSES {
            for layer in passed {
                let item = self.items();
                self.layer.push(layer);
                self.before.push(Vec::new());
                self.behind.push(Vec::new());
                self.layers[layer].push(item);
                chain.push(item);
            }
        }
        chain.push(to);
        for pair in chain.windows(2) {
            self.behind[pair[0]].push(pair[1]);
            self.before[pair[1]].push(pair[0]);
        }
        (chain, is_against)
    }
}

/// An order in which upstreams come first, and the edges that close a circle and so do not keep to it. Goes into the depth
/// from each node that has no upstream, then from those that only circles lead to.
fn sorted(out: &[BTreeSet<usize>]) -> (Vec<usize>, BTreeSet<(usize, usize)>) {
    let mut has_upstream = vec![false; out.len()];
    out.iter().flatten().for_each(|&down| has_upstream[down] = true);
    let first = (0..out.len()).filter(|&node| !has_upstream[node]);
    let then = (0..out.len()).filter(|&node| has_upstream[node]);
    let (mut open, mut done) = (vec![false; out.len()], vec![false; out.len()]);
    let (mut order, mut against) = (Vec::with_capacity(out.len()), BTreeSet::new());
    for start in first.chain(then) {
        if done[start] {
            continue;
        }
        open[start] = true;
        let mut path = vec![(start, out[start].iter())];
        while let Some((node, rest)) = path.last_mut() {
            match rest.next() {
                Some(&down) if open[down] => {
                    against.insert((*node, down));
                }
                Some(&down) if !done[down] => {
                    open[down] = true;
                    path.push((down, out[down].iter()));
                }
                Some(_) => {}
                None => {
                    (open[*node], done[*node]) = (false, true);
                    order.push(*node);
                    path.pop();
                }
            }
        }
    }
    order.reverse();
    (order, against)
}
