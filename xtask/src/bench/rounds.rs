//! Ways to do the same, measured in turns: each round runs every way once, and who begins changes with the round, so that a busy minute
//! of the machine hits all of them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::measure::Sample;
use crate::stopwatch;

/// Others may use this part of the machine while a round is measured; a busier round is left out, if enough are left.
const QUIET: f64 = 0.3;
/// Fewest rounds that say something.
const FEWEST: usize = 3;

/// One way, which gives a sample for each of its phases (up, then down) in each round, or none in a round that it leaves out.
pub(super) struct Way<'a> {
    name: &'static str,
    work: Box<dyn FnMut(usize) -> Result<Vec<Sample>> + 'a>,
}

impl<'a> Way<'a> {
    /// `work` is given the number of the round.
    pub(super) fn new(name: &'static str, work: impl FnMut(usize) -> Result<Vec<Sample>> + 'a) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// How many rounds there are to be, and when there are enough of them.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) rounds: usize,
    /// After this long no further round begins, if there were [`FEWEST`]; after three times as long none in any case.
    pub(super) budget: Duration,
}

impl Plan {
    fn has_time(&self, rounds: usize, elapsed: Duration) -> bool {
        match rounds {
            0 => true,
            few if few < FEWEST => elapsed < self.budget * 3,
            _ => elapsed < self.budget,
        }
    }
}

/// What was measured: for each way and phase a sample of each round.
pub(super) struct Measured {
    samples: Vec<Vec<Vec<Sample>>>,
    /// Part of the machine that others used: in the round in the middle, and in the busiest.
    pub(super) others: (f64, f64),
    /// Whether rounds count in which others were busy, because there were too few quiet ones.
    pub(super) is_busy: bool,
    /// Rounds that were left out.
    pub(super) left_out: usize,
}

/// Runs the rounds, and says on the way what it does.
pub(super) fn run(plan: Plan, mut ways: Vec<Way<'_>>) -> Result<Measured> {
    let began = Instant::now();
    let mut rounds: Vec<Vec<Vec<Sample>>> = Vec::new();
    while rounds.len() < plan.rounds && plan.has_time(rounds.len(), began.elapsed()) {
        let number = rounds.len();
        let mut round = vec![Vec::new(); ways.len()];
        for turn in 0..ways.len() {
            let at = (number + turn) % ways.len();
            let way = &mut ways[at];
            round[at] = (way.work)(number).with_context(|| format!("{}, round {}", way.name, number + 1))?;
        }
        let shown = ways.iter().zip(&round).filter(|(_, samples)| !samples.is_empty()).map(|(way, samples)| {
            let times: Vec<_> = samples.iter().map(|sample| stopwatch::human(sample.wall)).collect();
            format!("{} {}", way.name, times.join(" + "))
        });
        eprintln!("  round {} of {}: {}", number + 1, plan.rounds, shown.collect::<Vec<_>>().join(", "));
        rounds.push(round);
    }
    Ok(Measured::of(rounds))
}

impl Measured {
    fn of(rounds: Vec<Vec<Vec<Sample>>>) -> Self {
        let busiest = |round: &Vec<Vec<Sample>>| round.iter().flatten().map(|it| it.others).fold(0.0, f64::max);
        let others: Vec<f64> = rounds.iter().map(busiest).collect();
        let is_quiet = |at: usize| others.get(at).is_some_and(|it| *it <= QUIET);
        let quiet = (0..rounds.len()).filter(|at| is_quiet(*at)).count();
        let is_busy = quiet < FEWEST.min(rounds.len());
        let count = rounds.len();
        let kept: Vec<_> =
            rounds.into_iter().enumerate().filter(|(at, _)| is_busy || is_quiet(*at)).map(|(_, round)| round).collect();
        let spread = Spread::of(others);
        Self { left_out: count - kept.len(), samples: kept, others: (spread.median, spread.most), is_busy }
    }

    /// A figure of one way in one phase.
    pub(super) fn spread(&self, way: usize, phase: usize, figure: impl Fn(&Sample) -> f64) -> Spread {
        Spread::of(self.samples.iter().filter_map(|round| round[way].get(phase)).map(figure).collect())
    }

    /// The ratio of one way to another, in each round that has both.
    pub(super) fn ratio(&self, way: usize, to: usize, phase: usize, figure: impl Fn(&Sample) -> f64) -> Spread {
        let pairs = self.samples.iter().filter_map(|round| round[way].get(phase).zip(round[to].get(phase)));
        Spread::of(pairs.map(|(one, other)| figure(one) / figure(other)).collect())
    }

    /// How many rounds count in which this way was measured.
    pub(super) fn rounds_of(&self, way: usize) -> usize {
        self.samples.iter().filter(|round| !round[way].is_empty()).count()
    }
}

/// The figure in the middle, the smallest and the largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// Of figures in any order; all zero where there are none.
    pub(super) fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |place: usize| figures.get(place).copied().unwrap_or_default();
        let half = figures.len() / 2;
        let median = if figures.len() % 2 == 1 { at(half) } else { (at(half.saturating_sub(1)) + at(half)) / 2.0 };
        Self { median, least: at(0), most: at(figures.len().saturating_sub(1)) }
    }

    /// One figure that was not measured in rounds.
    pub(super) fn one(figure: f64) -> Self {
        Self { median: figure, least: figure, most: figure }
    }
}

/// Seconds from start to end.
pub(super) fn wall(sample: &Sample) -> f64 {
    sample.wall.as_secs_f64()
}

/// Seconds of processor time.
pub(super) fn processor(sample: &Sample) -> f64 {
    sample.usage.processor.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(millis: u64, others: f64) -> Vec<Sample> {
        vec![Sample { wall: Duration::from_millis(millis), others, ..Sample::default() }]
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let spread = Spread::of(vec![9.0, 1.0, 5.0]);
        assert_eq!(spread, Spread { median: 5.0, least: 1.0, most: 9.0 });
        assert!((Spread::of(vec![1.0, 2.0]).median - 1.5).abs() < 1e-9);
        assert_eq!(Spread::of(Vec::new()), Spread::one(0.0));
    }

    #[test]
    fn every_way_runs_once_in_each_round_and_another_begins_each_time() {
        let order = std::cell::RefCell::new(Vec::new());
        let way = |name: &'static str| {
            let order = &order;
            Way::new(name, move |round| {
                order.borrow_mut().push((round, name));
                Ok(took(1, 0.0))
            })
        };
        let plan = Plan { rounds: 2, budget: Duration::from_secs(60) };
        let measured = run(plan, vec![way("a"), way("b")]).unwrap();
        assert_eq!(measured.rounds_of(0), 2);
        assert_eq!(*order.borrow(), [(0, "a"), (0, "b"), (1, "b"), (1, "a")]);
    }

    #[test]
    fn when_the_time_is_over_there_are_as_many_rounds_as_it_takes_to_say_something() {
        let plan = Plan { rounds: 7, budget: Duration::from_secs(60) };
        let has_time = |rounds, seconds| plan.has_time(rounds, Duration::from_secs(seconds));
        assert!(has_time(5, 59) && !has_time(5, 61));
        assert!(has_time(2, 61) && !has_time(2, 181));
        assert!(has_time(0, 1000), "one is always measured");
    }

    #[test]
    fn the_ratio_is_that_of_each_round_and_busy_rounds_are_left_out() {
        let round = |ours, floor, others| vec![took(ours, others), took(floor, 0.0)];
        let quiet = vec![round(10, 20, 0.1), round(30, 20, 0.0), round(20, 20, 0.2)];
        let with = |more: Vec<Vec<Vec<Sample>>>| Measured::of([quiet.clone(), more].concat());
        let measured = with(vec![round(900, 20, 0.9)]);
        assert_eq!((measured.rounds_of(0), measured.left_out, measured.is_busy), (3, 1, false));
        let ratio = measured.ratio(0, 1, 0, wall);
        assert!((ratio.median - 1.0).abs() < 1e-9 && (ratio.most - 1.5).abs() < 1e-9, "{ratio:?}");

        let busy = Measured::of(vec![round(10, 20, 0.5), round(10, 20, 0.6), round(10, 20, 0.0)]);
        assert_eq!((busy.rounds_of(0), busy.left_out, busy.is_busy), (3, 0, true));
    }
}
