//! In which order the items of a layer stand, so that few arrows cross: each where the middle of those is that it is bound
//! to, layer after layer, there and back (the barycenter rule of Sugiyama).

use super::layers::Layered;

/// How often the layers are gone through, there and back.
const ROUNDS: usize = 8;

/// Puts the items of each layer into an order with few crossings.
pub(super) fn untangle(layered: &mut Layered) {
    let mut places = vec![0.0; layered.items()];
    for layer in &layered.layers {
        number(layer, &mut places);
    }
    let Layered { layers, before, behind, .. } = layered;
    for _ in 0..ROUNDS {
        for layer in layers.iter_mut() {
            sort(layer, before, &mut places);
        }
        for layer in layers.iter_mut().rev() {
            sort(layer, behind, &mut places);
        }
    }
    for layer in layers.iter_mut() {
        sort(layer, before, &mut places);
    }
}

fn sort(layer: &mut [usize], bound: &[Vec<usize>], places: &mut [f64]) {
    let mut keyed: Vec<(f64, usize)> =
        layer.iter().map(|&item| (middle(&bound[item], places, places[item]), item)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (slot, (_, item)) in layer.iter_mut().zip(keyed) {
        *slot = item;
    }
    number(layer, places);
}

/// Gives each item its place, from 0 to 1: layers have very different numbers of items.
fn number(layer: &[usize], places: &mut [f64]) {
    let mut place = 0.5;
    for &item in layer {
        places[item] = place / count(layer.len());
        place += 1.0;
    }
}

/// The middle of some items, or `own` where there are none.
pub(super) fn middle(items: &[usize], places: &[f64], own: f64) -> f64 {
    if items.is_empty() { own } else { items.iter().map(|&item| places[item]).sum::<f64>() / count(items.len()) }
}

fn count(items: usize) -> f64 {
    f64::from(u32::try_from(items).unwrap_or(u32::MAX))
}
