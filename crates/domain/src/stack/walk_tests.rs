//! The walk by example, and over random stacks.

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::stack::{Edge, drawn::drawn, targets};

const DONE: Ended = Ended::Done { changed: true };
const FAILED: Ended = Ended::Failed { retryable: true };

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap()
}

fn walk(drawing: &str, direction: Direction, concurrency: usize) -> Walk {
    let graph = drawn(drawing).unwrap();
    let all = targets::<&str>(&graph, direction, &[]).unwrap();
    Walk::new(&graph, direction, &all, &BTreeMap::new(), concurrency)
}

fn started(walk: &mut Walk, now: DateTime<Utc>) -> Vec<String> {
    walk.next(now).start.into_iter().map(|(workspace, attempt)| format!("{workspace}#{attempt}")).collect()
}

fn summary(walk: &Walk) -> String {
    walk.summary().map(|(workspace, outcome)| format!("{workspace}: {outcome:?}\n")).collect()
}

#[test]
fn a_downstream_starts_once_all_its_upstreams_are_done() {
    let mut walk = walk("a -> c\n b -> c", Direction::Apply, 9);
    assert_eq!(started(&mut walk, at(0)), ["a#1", "b#1"]);
    walk.ended("a", DONE, at(1));
    assert!(started(&mut walk, at(1)).is_empty());
    walk.ended("b", Ended::Done { changed: false }, at(2));
    assert_eq!(started(&mut walk, at(2)), ["c#1"]);
    walk.ended("c", DONE, at(3));
    assert_eq!(walk.next(at(3)), Next { start: vec![], wake_at: None, over: true });
}

#[test]
fn a_destroy_goes_the_other_way() {
    let mut walk = walk("a -> b\n b -> c", Direction::Destroy, 9);
    assert_eq!(started(&mut walk, at(0)), ["c#1"]);
    walk.ended("c", DONE, at(1));
    assert_eq!(started(&mut walk, at(1)), ["b#1"]);
    walk.ended("b", Ended::Failed { retryable: false }, at(2));
    assert_eq!(walk.result("a"), Some(&Outcome::Skipped { because: "b".into() }));
}

#[test]
fn the_longest_chain_goes_first_when_not_all_can_run() {
    let mut walk = walk("a\n b\n c -> d\n d -> e", Direction::Apply, 1);
    assert_eq!(started(&mut walk, at(0)), ["c#1"]);
}

#[test]
fn a_failure_is_tried_again_after_a_wait_in_seconds() {
    let mut walk = walk("a -> b", Direction::Apply, 9);
    assert_eq!(started(&mut walk, at(0)), ["a#1"]);
    walk.ended("a", FAILED, at(10_000));
    assert_eq!(walk.next(at(10_000)), Next { start: vec![], wake_at: Some(at(11_149)), over: false });
    assert_eq!(started(&mut walk, at(11_149)), ["a#2"]);
    walk.ended("a", FAILED, at(20_000));
    assert_eq!(started(&mut walk, at(30_000)), ["a#3"]);
    walk.ended("a", FAILED, at(40_000));
    assert_eq!(started(&mut walk, at(50_000)), ["a#4"]);
    walk.ended("a", FAILED, at(60_000));
    assert!(walk.next(at(60_000)).over);
    assert_eq!(walk.result("a"), Some(&Outcome::Failed { attempts: 4 }));
    assert_eq!(walk.result("b"), Some(&Outcome::Skipped { because: "a".into() }));
}

#[test]
fn the_wait_grows_from_the_least_to_the_most_and_never_beyond() {
    let waits = |retry: Retry, nths: &[u32]| -> Vec<i64> {
        nths.iter().map(|&nth| retry.wait(nth).num_milliseconds()).collect()
    };
    assert_eq!(
        waits(Retry::default(), &[1, 2, 3, 5, 10, 24, 25, u32::MAX]),
        [1_149, 1_320, 1_516, 2_000, 4_000, 27_858, 30_000, 30_000]
    );
    assert_eq!(waits(Retry { backoff_min: 60, backoff_max: 30, ..Retry::default() }, &[1]), [30_000]);
    assert_eq!(waits(Retry { backoff_min: 0, ..Retry::default() }, &[1, 9, u32::MAX]), [0, 0, 0]);
}

#[test]
fn a_failure_that_another_attempt_cannot_help_is_final() {
    let mut walk = walk("a", Direction::Apply, 1);
    walk.next(at(0));
    walk.ended("a", Ended::Failed { retryable: false }, at(1));
    assert_eq!(walk.result("a"), Some(&Outcome::Failed { attempts: 1 }));
}

#[test]
fn without_retry_the_first_failure_is_final() {
    let graph = drawn("a").unwrap();
    let retries = BTreeMap::from([("a".to_owned(), Retry::NEVER)]);
    let mut walk = Walk::new(&graph, Direction::Apply, &BTreeSet::from(["a".to_owned()]), &retries, 1);
    walk.next(at(0));
    walk.ended("a", FAILED, at(1));
    assert_eq!(walk.result("a"), Some(&Outcome::Failed { attempts: 1 }));
}

#[test]
fn a_failure_skips_what_is_downstream_and_siblings_finish() {
    let mut walk = walk("net -> dns\n dns -> app\n net -> logs\n logs -> alerts", Direction::Apply, 9);
    walk.next(at(0));
    walk.ended("net", DONE, at(1));
    assert_eq!(started(&mut walk, at(1)), ["dns#1", "logs#1"]);
    walk.ended("dns", Ended::Failed { retryable: false }, at(2));
    walk.ended("logs", DONE, at(3));
    assert_eq!(started(&mut walk, at(3)), ["alerts#1"]);
    walk.ended("alerts", Ended::Done { changed: false }, at(4));
    assert!(walk.next(at(4)).over);
    expect![[r#"
        net: Done { changed: true, attempts: 1 }
        dns: Failed { attempts: 1 }
        logs: Done { changed: true, attempts: 1 }
        alerts: Done { changed: false, attempts: 1 }
        app: Skipped { because: "dns" }
    "#]]
    .assert_eq(&summary(&walk));
}

#[test]
fn after_a_stop_nothing_starts_and_what_runs_is_waited_for() {
    let mut walk = walk("a -> x\n b -> y\n c -> z\n d", Direction::Apply, 3);
    walk.next(at(0));
    walk.ended("a", FAILED, at(1));
    walk.stop();
    assert_eq!(walk.next(at(100_000)), Next { start: vec![], wake_at: None, over: false });
    walk.ended("b", Ended::Canceled, at(100_000));
    walk.ended("c", FAILED, at(100_000));
    assert!(walk.next(at(100_000)).over);
    expect![[r#"
        a: Failed { attempts: 1 }
        b: Canceled { attempts: 1 }
        c: Failed { attempts: 1 }
        d: Unstarted
        x: Skipped { because: "a" }
        y: Unstarted
        z: Unstarted
    "#]]
    .assert_eq(&summary(&walk));
}

#[test]
fn order_holds_across_workspaces_that_are_not_walked() {
    let graph = drawn("a -> b\n b -> c").unwrap();
    let selection = BTreeSet::from(["a".to_owned(), "c".to_owned(), "gone".to_owned()]);
    let mut walk = Walk::new(&graph, Direction::Apply, &selection, &BTreeMap::new(), 9);
    assert_eq!(started(&mut walk, at(0)), ["a#1"]);
    assert_eq!(walk.result("b"), None);
    walk.ended("a", DONE, at(1));
    assert_eq!(started(&mut walk, at(1)), ["c#1"]);
}

#[test]
fn a_report_that_comes_twice_or_from_nowhere_changes_nothing() {
    let mut walk = walk("a -> b", Direction::Apply, 1);
    walk.next(at(0));
    walk.ended("b", DONE, at(1));
    walk.ended("nobody", DONE, at(1));
    walk.ended("a", DONE, at(1));
    walk.ended("a", Ended::Canceled, at(2));
    assert_eq!(walk.result("a"), Some(&Outcome::Done { changed: true, attempts: 1 }));
    assert_eq!(walk.result("b"), Some(&Outcome::Waiting { attempts: 0, again_at: None }));
}

#[test]
fn a_walk_of_nothing_is_over() {
    let graph = drawn("a").unwrap();
    let mut walk = Walk::new(&graph, Direction::Apply, &BTreeSet::new(), &BTreeMap::new(), 1);
    assert!(walk.next(at(0)).over);
}

/// A made-up stack, how the attempts of each workspace end, and in which order running ones end.
#[derive(Debug, Clone)]
struct Case {
    count: usize,
    edges: Vec<(usize, usize)>,
    /// For each workspace how many attempts fail before one succeeds.
    failures: Vec<u32>,
    picks: Vec<usize>,
    concurrency: usize,
    direction: Direction,
}

fn cases() -> impl Strategy<Value = Case> {
    (1_usize..14).prop_flat_map(|count| {
        let edges = prop::collection::vec((0..count, 0..count), 0..count * 2);
        let failures = prop::collection::vec(prop_oneof![4 => Just(0), 1 => 1_u32..4], count);
        let picks = prop::collection::vec(0_usize..100, 1..20);
        let direction = prop_oneof![Just(Direction::Plan), Just(Direction::Apply), Just(Direction::Destroy)];
        (edges, failures, picks, 1_usize..5, direction).prop_map(
            move |(edges, failures, picks, concurrency, direction)| {
                // An edge from the lesser to the greater number cannot close a cycle.
                let edges = edges.into_iter().filter(|(a, b)| a != b).map(|(a, b)| (a.min(b), a.max(b))).collect();
                Case { count, edges, failures, picks, concurrency, direction }
            },
        )
    })
}

fn name(number: usize) -> String {
    format!("w{number:02}")
}

/// Attempts after the first in the random walks.
const ATTEMPTS: u32 = 2;

proptest! {
    #[test]
    fn whatever_the_stack_order_and_limits_hold_and_every_workspace_has_an_outcome(case in cases()) {
        let edges = case.edges.iter()
            .map(|&(up, down)| Edge { upstream: name(up), downstream: name(down), reasons: vec![] })
            .collect();
        let graph = Graph::new((0..case.count).map(name), edges).unwrap();
        let selection = targets::<&str>(&graph, case.direction, &[]).unwrap();
        let retry = Retry { attempts: ATTEMPTS, ..Retry::default() };
        let retries = (0..case.count).map(|number| (name(number), retry)).collect();
        let mut walk = Walk::new(&graph, case.direction, &selection, &retries, case.concurrency);
        let before = |workspace: &str| match case.direction {
            Direction::Destroy | Direction::PlanDestroy => graph.all_downstreams(workspace),
            Direction::Plan | Direction::Apply => graph.all_upstreams(workspace),
        };

        let (mut running, mut done) = (Vec::<(String, u32)>::new(), BTreeSet::<String>::new());
        let (mut now, mut picks) = (at(0), case.picks.iter().cycle());
        for _ in 0..case.count * 10 {
            let next = walk.next(now);
            for (workspace, attempt) in next.start {
                prop_assert!(before(&workspace).iter().all(|other| done.contains(*other)), "{} is too early", workspace);
                running.push((workspace, attempt));
            }
            prop_assert!(running.len() <= case.concurrency);
            if next.over {
                break;
            }
            if running.is_empty() {
                prop_assert!(next.wake_at.is_some(), "nothing runs and nothing wakes the walk");
                now = next.wake_at.unwrap();
                continue;
            }
            let pick = picks.next().unwrap() % running.len();
            let (workspace, attempt) = running.swap_remove(pick);
            let number: usize = workspace[1..].parse().unwrap();
            if attempt > case.failures[number] {
                done.insert(workspace.clone());
                walk.ended(&workspace, DONE, now);
            } else {
                walk.ended(&workspace, FAILED, now);
            }
        }

        prop_assert!(walk.next(now).over);
        prop_assert_eq!(walk.summary().count(), case.count);
        let fails = |workspace: &str| case.failures[workspace[1..].parse::<usize>().unwrap()] > ATTEMPTS;
        for (workspace, outcome) in walk.summary() {
            let failed_before: Vec<&str> = before(workspace).into_iter().filter(|other| fails(other)).collect();
            match outcome {
                Outcome::Skipped { because } => prop_assert!(failed_before.contains(&because.as_str())),
                Outcome::Failed { attempts } => {
                    prop_assert!(fails(workspace) && failed_before.is_empty());
                    prop_assert_eq!(*attempts, ATTEMPTS + 1);
                }
                Outcome::Done { .. } => prop_assert!(!fails(workspace) && failed_before.is_empty()),
                other => prop_assert!(false, "{} ended as {:?}", workspace, other),
            }
        }
    }

    #[test]
    fn a_stop_at_any_moment_lets_what_runs_end_and_starts_nothing(case in cases(), steps in 0_usize..20) {
        let edges = case.edges.iter()
            .map(|&(up, down)| Edge { upstream: name(up), downstream: name(down), reasons: vec![] })
            .collect();
        let graph = Graph::new((0..case.count).map(name), edges).unwrap();
        let selection = targets::<&str>(&graph, case.direction, &[]).unwrap();
        let mut walk = Walk::new(&graph, case.direction, &selection, &BTreeMap::new(), case.concurrency);
        let mut running = Vec::new();
        for step in 0..steps {
            running.extend(walk.next(at(0)).start);
            if let Some((workspace, _)) = running.pop() {
                walk.ended(&workspace, if step % 3 == 0 { FAILED } else { DONE }, at(0));
            }
        }
        walk.stop();
        for (workspace, _) in running {
            prop_assert!(!walk.next(at(1_000_000)).over);
            prop_assert!(walk.next(at(1_000_000)).start.is_empty());
            walk.ended(&workspace, FAILED, at(0));
        }
        prop_assert!(walk.next(at(1_000_000)).over);
    }
}

#[test]
fn what_waits_for_nothing_but_what_runs_is_soon() {
    let mut walk = walk("a -> c\n b -> c\n c -> d\n a -> e", Direction::Apply, 9);
    assert!(walk.soon().is_empty(), "nothing runs yet");
    started(&mut walk, at(0));
    assert_eq!(
        walk.soon(),
        ["c", "e", "d"],
        "the nearest first, of those the longest chain, and what comes after them"
    );
    walk.ended("a", DONE, at(1));
    started(&mut walk, at(1));
    assert_eq!(walk.soon(), ["c", "d"], "e runs, c waits for b");
    walk.ended("b", Ended::Failed { retryable: false }, at(2));
    assert!(walk.soon().is_empty());
    walk.ended("e", Ended::Failed { retryable: true }, at(3));
    assert!(walk.soon().is_empty(), "another attempt is not soon");
}

#[test]
fn what_waits_for_another_attempt_or_for_a_slot_is_not_soon_and_neither_is_what_waits_for_it() {
    let mut walk = walk("a -> c\n b -> d\n c -> e\n d -> e", Direction::Apply, 1);
    assert_eq!(started(&mut walk, at(0)), ["a#1"]);
    assert_eq!(walk.soon(), ["c"], "b has no slot yet");
    walk.ended("a", FAILED, at(1));
    assert_eq!(started(&mut walk, at(1)), ["b#1"]);
    assert_eq!(walk.soon(), ["d"], "a waits for another attempt");
}
