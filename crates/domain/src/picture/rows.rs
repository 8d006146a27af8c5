//! How high each item stands: as near as it can be to the middle of those that it is bound to, in the order of its layer, and
//! with room between it and the next.

use super::Sizes;
use super::layers::Layered;
use super::order::middle;

/// How often the layers are gone through, there and back.
const ROUNDS: usize = 6;

/// The height of the middle of each item; those of nodes that no edge leads to or from stay 0.
pub(super) fn heights(layered: &Layered, columns: &[usize], sizes: Sizes) -> Vec<f64> {
    let mut heights = vec![0.0; layered.items()];
    let offsets: Vec<Vec<f64>> =
        layered.layers.iter().zip(columns).map(|(layer, &columns)| offsets(layered, layer, columns, sizes)).collect();
    for (layer, offsets) in layered.layers.iter().zip(&offsets) {
        layer.iter().zip(offsets).for_each(|(&item, &offset)| heights[item] = offset);
    }
    for _ in 0..ROUNDS {
        for (layer, offsets) in layered.layers.iter().zip(&offsets) {
            settle(layer, offsets, &layered.before, &mut heights);
        }
        for (layer, offsets) in layered.layers.iter().zip(&offsets).rev() {
            settle(layer, offsets, &layered.behind, &mut heights);
        }
    }
    heights
}

/// How far below the first item of its layer each stands at least. Nodes of a layer in several columns stand beside one
/// another, each a bit lower than the one before, so that those of one column are as far apart as they would be alone.
fn offsets(layered: &Layered, layer: &[usize], columns: usize, sizes: Sizes) -> Vec<f64> {
    let row = f64::from(sizes.height + sizes.gap);
    let columns = f64::from(u32::try_from(columns).unwrap_or(u32::MAX));
    let lane = f64::from(sizes.gap) / 2.0;
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(layer.len());
    for (at, &item) in layer.iter().enumerate() {
        if at > 0 {
            offset += match (layered.is_node(layer[at - 1]), layered.is_node(item)) {
                // Rounded to whole units later: half of one could be missing.
                (true, true) => row / columns + 1.0 / columns,
                (false, false) => lane,
                _ => f64::midpoint(row, lane),
            };
        }
        offsets.push(offset);
    }
    offsets
}

/// Moves the items of a layer to where they want to be, as near as their order and the room between them let them: the heights
/// with the least sum of squared distances, found by joining neighbours that would stand too close.
fn settle(layer: &[usize], offsets: &[f64], bound: &[Vec<usize>], heights: &mut [f64]) {
    // Less its offset, each may stand anywhere not above the one before.
    let mut blocks: Vec<(f64, f64)> = Vec::with_capacity(layer.len());
    for (&item, offset) in layer.iter().zip(offsets) {
        let mut block = (middle(&bound[item], heights, heights[item]) - offset, 1.0);
        while let Some(&(mean, weight)) = blocks.last()
            && mean >= block.0
        {
            blocks.pop();
            block = ((mean * weight + block.0 * block.1) / (weight + block.1), weight + block.1);
        }
        blocks.push(block);
    }
    let mut items = layer.iter().zip(offsets);
    for (mean, weight) in blocks {
        let mut left = weight;
        while left > 0.5
            && let Some((&item, offset)) = items.next()
        {
            heights[item] = mean + offset;
            left -= 1.0;
        }
    }
}
