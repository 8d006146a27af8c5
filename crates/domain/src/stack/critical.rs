//! What bounded the time of a walk: the chain of workspaces that took longest one after the other, and what one more slot
//! would have saved. Computed from what was measured; absent: clocks.

use std::collections::{BTreeMap, BTreeSet};

/// A workspace that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// Its name.
    pub workspace: String,
    /// Those that had to be done before it; ones that did not run count for nothing.
    pub before: Vec<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What bounded the time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Critical {
    /// The chain with the most time in sum, in the order in which it ran: name and milliseconds.
    pub chain: Vec<(String, u64)>,
    /// Milliseconds that the same runs would have taken less with one more slot, at these times.
    pub one_more_slot_saves_ms: u64,
}

/// What bounded a walk of these workspaces with so many slots. Every `before` must come earlier in `timed` than what waits
/// for it, as a walk has them.
pub fn critical(timed: &[Timed], slots: usize) -> Critical {
    let places: BTreeMap<&str, usize> = timed.iter().enumerate().map(|(at, it)| (it.workspace.as_str(), at)).collect();
    let before: Vec<Vec<usize>> = timed
        .iter()
        .enumerate()
        .map(|(at, it)| {
            let places = it.before.iter().filter_map(|name| places.get(name.as_str()).copied());
            places.filter(|&other| other < at).collect()
        })
        .collect();
    let now = makespan(timed, &before, slots.max(1));
    let then = makespan(timed, &before, slots.max(1) + 1);
    Critical { chain: chain(timed, &before), one_more_slot_saves_ms: now.saturating_sub(then) }
}

fn chain(timed: &[Timed], before: &[Vec<usize>]) -> Vec<(String, u64)> {
    let mut sums: Vec<u64> = Vec::with_capacity(timed.len());
    let mut slowest_before: Vec<Option<usize>> = Vec::with_capacity(timed.len());
    for (at, it) in timed.iter().enumerate() {
        let slowest = before[at].iter().copied().max_by_key(|&other| (sums[other], std::cmp::Reverse(other)));
        sums.push(it.took_ms + slowest.map_or(0, |other| sums[other]));
        slowest_before.push(slowest);
    }
    let mut place = (0..timed.len()).max_by_key(|&at| (sums[at], std::cmp::Reverse(at)));
    let mut chain = Vec::new();
    while let Some(at) = place {
        chain.push((timed[at].workspace.clone(), timed[at].took_ms));
        place = slowest_before[at];
    }
    chain.reverse();
    chain
}

/// How long the list schedule takes: whenever a slot is free, the ready one with the longest chain behind it starts.
fn makespan(timed: &[Timed], before: &[Vec<usize>], slots: usize) -> u64 {
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); timed.len()];
    for (at, places) in before.iter().enumerate() {
        places.iter().for_each(|&other| behind[other].push(at));
    }
    let mut depth = vec![0_usize; timed.len()];
    for at in (0..timed.len()).rev() {
        depth[at] = behind[at].iter().map(|&other| depth[other] + 1).max().unwrap_or(0);
    }
    let mut open: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut ready: BTreeSet<(std::cmp::Reverse<usize>, usize)> =
        (0..timed.len()).filter(|&at| open[at] == 0).map(|at| (std::cmp::Reverse(depth[at]), at)).collect();
    let mut running: BTreeSet<(u64, usize)> = BTreeSet::new();
    let mut clock = 0;
    loop {
        while running.len() < slots
            && let Some((_, at)) = ready.pop_first()
        {
            running.insert((clock + timed[at].took_ms, at));
        }
        let Some((ends, at)) = running.pop_first() else { return clock };
        clock = ends;
        for &other in &behind[at] {
            open[other] -= 1;
            if open[other] == 0 {
                ready.insert((std::cmp::Reverse(depth[other]), other));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(all: &[(&str, u64, &[&str])]) -> Vec<Timed> {
        let one = |(name, took_ms, before): &(&str, u64, &[&str])| Timed {
            workspace: (*name).to_owned(),
            before: before.iter().map(|name| (*name).to_owned()).collect(),
            took_ms: *took_ms,
        };
        all.iter().map(one).collect()
    }

    fn told(all: &[(&str, u64, &[&str])], slots: usize) -> (String, u64) {
        let critical = critical(&timed(all), slots);
        let chain = critical.chain.iter().map(|(name, ms)| format!("{name} {ms}")).collect::<Vec<_>>();
        (chain.join(" -> "), critical.one_more_slot_saves_ms)
    }

    #[test]
    fn the_chain_with_the_most_time_bounds_and_more_slots_do_not_help_it() {
        let diamond: [(&str, u64, &[&str]); 4] =
            [("net", 10, &[]), ("a", 30, &["net"]), ("b", 50, &["net"]), ("app", 5, &["a", "b"])];
        assert_eq!(told(&diamond, 2), ("net 10 -> b 50 -> app 5".to_owned(), 0));
        assert_eq!(told(&diamond, 1), ("net 10 -> b 50 -> app 5".to_owned(), 30));
    }

    #[test]
    fn with_too_few_slots_one_more_saves_time() {
        let wide: [(&str, u64, &[&str]); 4] = [("a", 10, &[]), ("b", 10, &[]), ("c", 10, &[]), ("d", 10, &[])];
        assert_eq!(told(&wide, 1).1, 20);
        assert_eq!(told(&wide, 2).1, 0);
        assert_eq!(told(&wide, 3).1, 10);
        assert_eq!(told(&wide, 0).1, 20);
    }

    #[test]
    fn what_did_not_run_counts_for_nothing() {
        assert_eq!(told(&[("a", 7, &["gone"])], 1), ("a 7".to_owned(), 0));
        assert_eq!(told(&[], 4), (String::new(), 0));
    }
}
