//! The numbers of the picture: where each node and arrow is drawn.

use std::fmt::Write as _;

use domain::picture::{Picture, Sizes, draw};

/// How large things are, in pixels.
pub const SIZES: Sizes = Sizes { width: 204, height: 46, between: 84, gap: 14, margin: 12, tall: 24 };
/// Most characters of a name in the picture; the whole of it is told beside.
const SHORT: usize = 22;

/// Draws so many workspaces and the edges between them.
pub fn of(nodes: usize, edges: &[(usize, usize)]) -> Picture {
    draw(nodes, edges, SIZES)
}

/// The path of an arrow: curves between layers, and straight on through them.
pub fn path(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    let Some((first, rest)) = points.split_first() else { return path };
    let _ = write!(path, "M{} {}", first.0, first.1);
    let mut from = *first;
    for &to in rest {
        if from.1 == to.1 {
            let _ = write!(path, "H{}", to.0);
        } else {
            let middle = i32::midpoint(from.0, to.0);
            let _ = write!(path, "C{middle} {} {middle} {} {} {}", from.1, to.1, to.0, to.1);
        }
        from = to;
    }
    path
}

/// As much of a name as has room.
pub fn short(name: &str) -> String {
    if name.chars().count() <= SHORT { name.to_owned() } else { name.chars().take(SHORT - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_curves_between_layers_and_is_straight_within() {
        assert_eq!(path(&[(0, 5), (10, 5), (30, 9), (40, 9)]), "M0 5H10C20 5 20 9 30 9H40");
        assert_eq!(path(&[]), "");
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        assert_eq!(short("network"), "network");
        assert_eq!(short(&"ä".repeat(40)).chars().count(), SHORT);
    }
}
