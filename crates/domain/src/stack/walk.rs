//! The walk of a stack: which workspace starts when, what is tried again, and what is left out because of a failure.
//! A value that is asked and told; whoever drives it starts the runs, and passes the time in. Absent: runs, clocks,
//! signals, and what counts as retryable.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::Graph;

/// Which way a stack is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Upstreams first, changing nothing.
    Plan,
    /// Upstreams first.
    Apply,
    /// Downstreams first.
    Destroy,
    /// Downstreams first, changing nothing.
    PlanDestroy,
}

impl Direction {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_plan(self) -> bool {
        matches!(self, Self::Plan | Self::PlanDestroy)
    }

    /// Whether downstreams come first.
    #[must_use]
    pub fn is_reverse(self) -> bool {
        matches!(self, Self::Destroy | Self::PlanDestroy)
    }
}

/// How often, and after how long, a workspace whose run failed is tried again. Names and defaults are those of
/// `tfe_workspace_run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Whether it is tried again at all (`retry`).
    pub enabled: bool,
    /// How many attempts may follow the first one (`retry_attempts`).
    pub attempts: u32,
    /// Seconds from which the wait before another attempt grows (`retry_backoff_min`).
    pub backoff_min: u32,
    /// Seconds that the wait never exceeds (`retry_backoff_max`).
    pub backoff_max: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { enabled: true, attempts: 3, backoff_min: 1, backoff_max: 30 }
    }
}

impl Retry {
    /// One attempt, and that is it.
    pub const NEVER: Self = Self { enabled: false, attempts: 0, backoff_min: 0, backoff_max: 0 };

    /// How long to wait before the `nth` further attempt, from 1. It grows by the fifth root of two from attempt to
    /// attempt, as the reference provider has it, but in the seconds that are documented there and not in milliseconds.
    pub fn wait(&self, nth: u32) -> TimeDelta {
        // Beyond 64 doublings any wait is over the most, and infinity times zero would be no number.
        let seconds = (f64::from(nth) / 5.0).min(64.0).exp2() * f64::from(self.backoff_min);
        let seconds = seconds.min(f64::from(self.backoff_max));
        TimeDelta::milliseconds((seconds * 1_000.0).round() as i64)
    }
}

/// How one attempt of a workspace ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It succeeded.
    Done {
        /// Whether it changed something, or on a plan, would.
        changed: bool,
    },
    /// It failed.
    Failed {
        /// Whether another attempt may help.
        retryable: bool,
    },
    /// Somebody stopped it.
    Canceled,
}

/// Where a workspace of the walk is. The last five are final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Not started, or to be tried again.
    Waiting {
        /// How many attempts it has had.
        attempts: u32,
        /// When it is tried again; `None` when it has not been tried yet.
        again_at: Option<DateTime<Utc>>,
    },
    /// Started, and has not ended yet.
    Running {
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// Succeeded.
    Done {
        /// Whether it changed something, or on a plan, would.
        changed: bool,
        /// How many attempts it took.
        attempts: u32,
    },
    /// Failed, and will not be tried again.
    Failed {
        /// How many attempts it had.
        attempts: u32,
    },
    /// Stopped by somebody.
    Canceled {
        /// How many attempts it had.
        attempts: u32,
    },
    /// Not started, because one that had to come before it failed or was stopped.
    Skipped {
        /// The workspace that failed or was stopped.
        because: String,
    },
    /// Not started, because the walk was stopped before.
    Unstarted,
}

impl Outcome {
    /// Whether nothing can follow.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Waiting { .. } | Self::Running { .. })
    }
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Next {
    /// The workspaces to start, each with the number of its attempt, from 1. They count as running from here on.
    pub start: Vec<(String, u32)>,
    /// When to ask again even if nothing has ended by then.
    pub wake_at: Option<DateTime<Utc>>,
    /// Whether every workspace has its final outcome.
    pub over: bool,
}

/// A walk under way.
#[derive(Debug, Clone)]
pub struct Walk {
    /// In the order in which they would run one by one.
    steps: Vec<Step>,
    places: BTreeMap<String, usize>,
    concurrency: usize,
    stopped: bool,
}

#[derive(Debug, Clone)]
struct Step {
    workspace: String,
    retry: Retry,
    /// Places of those that must be done right before.
    before: Vec<usize>,
    /// Places of those that wait for it.
    behind: Vec<usize>,
    /// How many steps the longest chain behind it has; the longest chains start first.
    depth: usize,
    outcome: Outcome,
}

impl Walk {
    /// A walk over the workspaces of `selection`, at most `concurrency` (but at least one) at a time. Order holds also
    /// between two selected workspaces that are connected only through unselected ones. Names of `selection` that the
    /// graph lacks are left out; a workspace that `retries` lacks has the default.
    pub fn new(
        graph: &Graph,
        direction: Direction,
        selection: &BTreeSet<String>,
        retries: &BTreeMap<String, Retry>,
        concurrency: usize,
    ) -> Self {
        let mut order: Vec<&str> = graph.order().filter(|name| selection.contains(*name)).collect();
        if direction.is_reverse() {
            order.reverse();
        }
        let places: BTreeMap<String, usize> =
            order.iter().enumerate().map(|(place, name)| ((*name).to_owned(), place)).collect();
        let mut steps: Vec<Step> = order
            .iter()
            .map(|name| {
                let upstreams = nearest(&places, name, |name| graph.upstreams(name));
                let downstreams = nearest(&places, name, |name| graph.downstreams(name));
                let (before, behind) =
                    if direction.is_reverse() { (downstreams, upstreams) } else { (upstreams, downstreams) };
                Step {
                    workspace: (*name).to_owned(),
                    retry: retries.get(*name).copied().unwrap_or_default(),
                    before,
                    behind,
                    depth: 0,
                    outcome: Outcome::Waiting { attempts: 0, again_at: None },
                }
            })
            .collect();
        for place in (0..steps.len()).rev() {
            steps[place].depth = steps[place].behind.iter().map(|&other| steps[other].depth + 1).max().unwrap_or(0);
        }
        Self { steps, places, concurrency: concurrency.max(1), stopped: false }
    }

    /// What is to be done at `now`. Ask after the start, after every [`ended`](Self::ended), and at `wake_at`.
    pub fn next(&mut self, now: DateTime<Utc>) -> Next {
        let running = self.steps.iter().filter(|step| matches!(step.outcome, Outcome::Running { .. })).count();
        let mut ready: Vec<usize> = (0..self.steps.len()).filter(|&place| self.is_ready(place, now)).collect();
        ready.sort_by_key(|&place| (std::cmp::Reverse(self.steps[place].depth), place));
        ready.truncate(self.concurrency.saturating_sub(running));

        let mut next = Next::default();
        for place in ready {
            let step = &mut self.steps[place];
            if let Outcome::Waiting { attempts, .. } = step.outcome {
                let attempt = attempts + 1;
                step.outcome = Outcome::Running { attempt };
                next.start.push((step.workspace.clone(), attempt));
            }
        }
        next.wake_at = self.steps.iter().filter_map(|step| again_at(&step.outcome)).filter(|at| *at > now).min();
        next.over = self.steps.iter().all(|step| step.outcome.is_final());
        next
    }

    /// Tells that the running attempt of `workspace` ended. Told of one that is not running, it changes nothing.
    pub fn ended(&mut self, workspace: &str, ended: Ended, now: DateTime<Utc>) {
        let Some(&place) = self.places.get(workspace) else { return };
        let step = &mut self.steps[place];
        let Outcome::Running { attempt } = step.outcome else { return };
        step.outcome = match ended {
            Ended::Done { changed } => Outcome::Done { changed, attempts: attempt },
            Ended::Canceled => Outcome::Canceled { attempts: attempt },
            Ended::Failed { retryable } => {
                let again = retryable && step.retry.enabled && attempt <= step.retry.attempts && !self.stopped;
                match again {
                    true => Outcome::Waiting { attempts: attempt, again_at: Some(now + step.retry.wait(attempt)) },
                    false => Outcome::Failed { attempts: attempt },
                }
            }
        };
        if matches!(step.outcome, Outcome::Failed { .. } | Outcome::Canceled { .. }) {
            self.skip_behind(place);
        }
    }

    /// Starts nothing more. What runs is still reported by [`ended`](Self::ended); what waited to be tried again has
    /// failed, and what was not started is left so.
    pub fn stop(&mut self) {
        self.stopped = true;
        let waits_again = |step: &Step| matches!(step.outcome, Outcome::Waiting { attempts: 1.., .. });
        for place in (0..self.steps.len()).filter(|&place| waits_again(&self.steps[place])).collect::<Vec<_>>() {
            if let Outcome::Waiting { attempts, .. } = self.steps[place].outcome {
                self.steps[place].outcome = Outcome::Failed { attempts };
                self.skip_behind(place);
            }
        }
        for step in &mut self.steps {
            if matches!(step.outcome, Outcome::Waiting { .. }) {
                step.outcome = Outcome::Unstarted;
            }
        }
    }

    /// Where `workspace` is; `None` when the walk does not touch it.
    pub fn result(&self, workspace: &str) -> Option<&Outcome> {
        self.places.get(workspace).map(|&place| &self.steps[place].outcome)
    }

    /// Every workspace of the walk with where it is, in the order in which they would run one by one.
    pub fn summary(&self) -> impl Iterator<Item = (&str, &Outcome)> {
        self.steps.iter().map(|step| (step.workspace.as_str(), &step.outcome))
    }

    /// The workspaces that were never started and wait for nothing but what runs now, or for each other: those with the fewest others in
    /// between first, and of those the ones with the longest chains behind them.
    pub fn soon(&self) -> Vec<&str> {
        // How many steps away each is; none for what is done, and for what has to wait for something else.
        let mut away: Vec<Option<usize>> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let is_done = |place: &usize| matches!(self.steps[*place].outcome, Outcome::Done { .. });
            away.push(match step.outcome {
                Outcome::Running { .. } => Some(0),
                Outcome::Waiting { attempts: 0, .. }
                    if step.before.iter().all(|place| is_done(place) || away[*place].is_some()) =>
                {
                    step.before.iter().filter_map(|place| away[*place]).max().map(|most| most + 1)
                }
                _ => None,
            });
        }
        let is_soon = |(step, away): (_, &Option<usize>)| away.filter(|away| *away > 0).map(|away| (away, step));
        let mut soon: Vec<(usize, &Step)> = self.steps.iter().zip(&away).filter_map(is_soon).collect();
        soon.sort_by_key(|(away, step)| (*away, std::cmp::Reverse(step.depth)));
        soon.into_iter().map(|(_, step)| step.workspace.as_str()).collect()
    }

    fn is_ready(&self, place: usize, now: DateTime<Utc>) -> bool {
        let step = &self.steps[place];
        let Outcome::Waiting { again_at, .. } = step.outcome else { return false };
        let is_due = again_at.is_none_or(|at| at <= now);
        is_due && step.before.iter().all(|&other| matches!(self.steps[other].outcome, Outcome::Done { .. }))
    }

    fn skip_behind(&mut self, place: usize) {
        let because = self.steps[place].workspace.clone();
        let mut open = self.steps[place].behind.clone();
        while let Some(other) = open.pop() {
            let step = &mut self.steps[other];
            // What is skipped already has had all that is behind it skipped as well.
            if matches!(step.outcome, Outcome::Waiting { .. }) {
                step.outcome = Outcome::Skipped { because: because.clone() };
                open.extend(&step.behind);
            }
        }
    }
}

/// The places of the walked workspaces that `step` leads to from `start`, through those that are not walked.
fn nearest<'a, I: Iterator<Item = &'a str>>(
    places: &BTreeMap<String, usize>,
    start: &'a str,
    step: impl Fn(&'a str) -> I,
) -> Vec<usize> {
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::from([start]));
    let mut open = vec![start];
    while let Some(name) = open.pop() {
        for next in step(name).filter(|next| seen.insert(next)) {
            match places.get(next) {
                Some(&place) => _ = found.insert(place),
                None => open.push(next),
            }
        }
    }
    found.into_iter().collect()
}

fn again_at(outcome: &Outcome) -> Option<DateTime<Utc>> {
    match outcome {
        Outcome::Waiting { again_at, .. } => *again_at,
        _ => None,
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
