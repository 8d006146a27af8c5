//! Where the workspaces of a graph stand in a picture, and how the arrows between them run: layers from left to right, every
//! arrow from an upstream to a downstream.
//!
//! The edges that a server has seen between workspaces may go in circles; those that close one are drawn against the
//! layers. What has no edge stands in rows beneath. A layer that is too tall stands in several columns. No crate does it: those there are
//! take seconds for what is drawn again at every change, and know no such columns. Absent: how anything looks.

mod layers;
mod order;
mod rows;

use self::layers::Layered;

/// How large things are, in the unit of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Width of a node.
    pub width: i32,
    /// Height of a node.
    pub height: i32,
    /// Room between two layers.
    pub between: i32,
    /// Room between nodes that stand beside or beneath one another.
    pub gap: i32,
    /// Room around everything.
    pub margin: i32,
    /// Most nodes of a layer that stand beneath one another; more stand in several columns.
    pub tall: usize,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its width.
    pub width: i32,
    /// Its height.
    pub height: i32,
    /// Left upper corner of each node.
    pub nodes: Vec<(i32, i32)>,
    /// How the arrow of each edge runs, by points from the upstream's side to the downstream's. Empty for an edge of a node with
    /// itself and for one of a node that is not there.
    pub ways: Vec<Vec<(i32, i32)>>,
}

/// Draws `nodes` nodes and the edges between them, each from an upstream to a downstream. The same graph is always drawn the
/// same; its nodes' numbers decide where nothing else does.
///
/// Takes time that grows with the nodes and edges and the layers that these reach over, but for the sorting.
pub fn draw(nodes: usize, edges: &[(usize, usize)], sizes: Sizes) -> Picture {
    let mut layered = layers::layered(nodes, edges);
    order::untangle(&mut layered);
    let columns: Vec<usize> = layered.layers.iter().map(|layer| columns(&layered, layer, sizes)).collect();
    let heights = rows::heights(&layered, &columns, sizes);
    place(nodes, edges, &layered, &columns, &heights, sizes)
}

/// In how many columns a layer stands.
fn columns(layered: &Layered, layer: &[usize], sizes: Sizes) -> usize {
    let nodes = layer.iter().filter(|&&item| layered.is_node(item)).count();
    nodes.div_ceil(sizes.tall.max(1)).max(1)
}

fn place(
    nodes: usize,
    edges: &[(usize, usize)],
    layered: &Layered,
    columns: &[usize],
    heights: &[f64],
    sizes: Sizes,
) -> Picture {
    let pitch = sizes.width + sizes.gap;
    let whole = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let mut picture = Picture { width: 0, height: 0, nodes: vec![(0, 0); nodes], ways: vec![Vec::new(); edges.len()] };
    let mut centers = vec![0; layered.items()];
    let least = heights.iter().copied().reduce(f64::min).unwrap_or_default();
    let mut bounds = Vec::with_capacity(columns.len());
    let (mut left, mut bottom) = (sizes.margin, sizes.margin);
    for (layer, &columns) in layered.layers.iter().zip(columns) {
        bounds.push((left, left + whole(columns) * pitch - sizes.gap));
        let mut number = 0;
        for &item in layer {
            // What is between two layers of nodes is of the size of a picture: far from what a number of 32 bits holds.
            #[allow(clippy::cast_possible_truncation)]
            let center = (heights[item] - least).round() as i32 + sizes.margin + sizes.height / 2;
            centers[item] = center;
            if layered.is_node(item) {
                picture.nodes[item] = (left + whole(number % columns) * pitch, center - sizes.height / 2);
                number += 1;
            }
            bottom = bottom.max(center + sizes.height / 2);
        }
        left += whole(columns) * pitch - sizes.gap + sizes.between;
    }
    let used = columns.iter().sum::<usize>();
    if !layered.alone.is_empty() {
        let across = used.max(4);
        let top = if used == 0 { sizes.margin } else { bottom + 2 * sizes.gap };
        for (number, &node) in layered.alone.iter().enumerate() {
            let (column, row) = (whole(number % across), whole(number / across));
            picture.nodes[node] = (sizes.margin + column * pitch, top + row * (sizes.height + sizes.gap));
        }
    }
    for (way, (chain, against)) in picture.ways.iter_mut().zip(&layered.chains) {
        *way = points(chain, *against, &picture.nodes, layered, &bounds, &centers, sizes);
    }
    let corners = picture.nodes.iter().map(|&(x, y)| (x + sizes.width, y + sizes.height));
    let all = corners.chain(picture.ways.iter().flatten().copied());
    let (width, height) = all.fold((0, 0), |(width, height), (x, y)| (width.max(x), height.max(y)));
    (picture.width, picture.height) = (width + sizes.margin, height + sizes.margin);
    picture
}

/// The points of one arrow: through each layer that it passes it goes straight on.
fn points(
    chain: &[usize],
    against: bool,
    nodes: &[(i32, i32)],
    layered: &Layered,
    bounds: &[(i32, i32)],
    centers: &[i32],
    sizes: Sizes,
) -> Vec<(i32, i32)> {
    let [first, between @ .., last] = chain else { return Vec::new() };
    let mut points = vec![(nodes[*first].0 + sizes.width, centers[*first])];
    points.push((bounds[layered.layer[*first]].1, centers[*first]));
    for &item in between {
        let (left, right) = bounds[layered.layer[item]];
        points.extend([(left, centers[item]), (right, centers[item])]);
    }
    points.push((bounds[layered.layer[*last]].0, centers[*last]));
    points.push((nodes[*last].0, centers[*last]));
    points.dedup();
    if against {
        points.reverse();
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { width: 100, height: 20, between: 50, gap: 10, margin: 5, tall: 4 };

    fn overlap(a: (i32, i32), b: (i32, i32)) -> bool {
        (a.0 - b.0).abs() < SIZES.width && (a.1 - b.1).abs() < SIZES.height
    }

    fn check(picture: &Picture) {
        for (at, &a) in picture.nodes.iter().enumerate() {
            assert!(a.0 >= SIZES.margin && a.1 >= SIZES.margin, "{a:?} is outside");
            assert!(a.0 + SIZES.width + SIZES.margin <= picture.width && a.1 + SIZES.height < picture.height);
            for &b in &picture.nodes[..at] {
                assert!(!overlap(a, b), "{a:?} lies on {b:?}");
            }
        }
    }

    #[test]
    fn a_chain_goes_from_left_to_right_on_one_line() {
        let picture = draw(3, &[(2, 1), (1, 0)], SIZES);
        check(&picture);
        assert_eq!(picture.nodes, [(305, 5), (155, 5), (5, 5)]);
        assert_eq!(picture.ways, [vec![(105, 15), (155, 15)], vec![(255, 15), (305, 15)]]);
        assert_eq!((picture.width, picture.height), (410, 30));
    }

    #[test]
    fn an_arrow_over_a_layer_goes_past_what_stands_there() {
        let picture = draw(3, &[(0, 1), (1, 2), (0, 2)], SIZES);
        check(&picture);
        let passes = &picture.ways[2][1..3];
        assert!(passes.iter().all(|&(_, y)| (y - picture.nodes[1].1 - 10).abs() > 10), "{picture:?}");
    }

    #[test]
    fn a_circle_is_drawn_with_one_arrow_against_the_layers() {
        let picture = draw(3, &[(0, 1), (1, 2), (2, 0)], SIZES);
        check(&picture);
        let against: Vec<_> = picture.ways.iter().filter(|way| way[0].0 > way[way.len() - 1].0).collect();
        assert_eq!(against.len(), 1);
        assert_eq!(against[0][0], (picture.nodes[2].0, picture.nodes[2].1 + 10), "it begins at its upstream");
    }

    #[test]
    fn an_edge_to_oneself_or_to_nothing_is_not_drawn() {
        let picture = draw(2, &[(0, 0), (0, 7), (1, 1)], SIZES);
        check(&picture);
        assert!(picture.ways.iter().all(Vec::is_empty));
        assert_eq!(draw(0, &[], SIZES).nodes, []);
    }

    #[test]
    fn a_tall_layer_stands_in_columns_and_what_has_no_edge_beneath() {
        let edges: Vec<_> = (1..=11).map(|downstream| (0, downstream)).collect();
        let picture = draw(14, &edges, SIZES);
        check(&picture);
        let columns: std::collections::BTreeSet<_> = picture.nodes[1..12].iter().map(|node| node.0).collect();
        assert_eq!(columns.len(), 3);
        let lowest = picture.nodes[..12].iter().map(|node| node.1).max().unwrap();
        assert!(picture.nodes[12..].iter().all(|node| node.1 > lowest), "{picture:?}");
    }

    #[test]
    fn parallel_chains_do_not_cross() {
        // Numbered so that the order of numbers would cross them.
        let picture = draw(6, &[(0, 5), (1, 4), (2, 3)], SIZES);
        check(&picture);
        for way in &picture.ways {
            assert_eq!(way[0].1, way[way.len() - 1].1, "{picture:?}");
        }
    }

    #[test]
    fn any_graph_is_drawn_without_overlap_and_the_same_each_time() {
        let mut seed = 7_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for nodes in [2, 5, 17, 60] {
            for _ in 0..20 {
                let edges: Vec<_> = (0..nodes * 2).map(|_| (next(nodes), next(nodes))).collect();
                let picture = draw(nodes, &edges, SIZES);
                check(&picture);
                assert_eq!(picture, draw(nodes, &edges, SIZES));
            }
        }
    }

    #[test]
    fn a_large_graph_and_a_long_chain_are_drawn() {
        let wide: Vec<_> = (0..600).map(|at| (at % 40, 40 + (at * 7) % 160)).collect();
        check(&draw(200, &wide, SIZES));
        // Every arrow reaches over as many layers as there may be: the ways round are given up before they are too many.
        let long: Vec<_> = (1..400).flat_map(|at| [(at - 1, at), (0, at), (at / 2, at)]).collect();
        assert_eq!(draw(400, &long, SIZES).nodes.len(), 400);
    }
}
