//! kill -9 of `multispace apply` and `destroy` at random moments, and the same command again, until it gets through.
//!
//! A ledger outside terraform says what really happened: a provisioner writes a line for each resource that is made
//! and for each that is destroyed. Whatever the state says, it must agree with the ledger in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::stack::Stack;
use crate::stack::root;

/// Workspaces of the chain.
const CHAIN: usize = 30;
/// Workspaces of the layers.
const LAYERS: usize = 12;

#[test]
fn a_killed_apply_goes_on_where_it_was_and_makes_nothing_twice() {
    let (kills, mut random) = chosen(5);
    let stack = Stack::empty();
    let ledger = stack.path().join("ledger");
    write_chain(&stack, &ledger);

    let mut killed = 0;
    while killed < kills {
        let (was_killed, outcome) = perhaps_killed(&stack, "apply", "planning", &mut random, &ledger);
        killed += u32::from(was_killed);
        if !was_killed {
            // It got through in time: what it made goes, and the chain comes up anew.
            outcome.succeeds();
            assert_complete(&ledger, CHAIN);
            stack.run("destroy", &["--auto-approve"]).succeeds();
            assert_all_destroyed(&ledger);
            fs::write(&ledger, "").unwrap();
        }
    }

    stack.run("apply", &["--auto-approve"]).succeeds();
    assert_complete(&ledger, CHAIN);
    stack.run("plan", &["--all", "--detailed-exitcode"]).exits_with(0);
    // Whatever was made is in a state: else nobody would know how to destroy it.
    stack.run("destroy", &["--auto-approve"]).succeeds();
    assert_all_destroyed(&ledger);
    report(killed);
}

#[test]
fn a_stack_that_is_killed_on_its_way_up_and_on_its_way_down_ends_right_and_nothing_is_done_twice() {
    let (kills, mut random) = chosen(6);
    let stack = Stack::empty();
    let ledger = stack.path().join("ledger");
    write_layers(&stack, &ledger);

    let mut killed = 0;
    while killed < kills {
        killed += until_through(&stack, "apply", "planning", &mut random, &ledger);
        assert_complete(&ledger, LAYERS);
        let (outcome, again) = stack.reported("apply", &["--auto-approve"]);
        outcome.succeeds();
        let ran: Vec<_> = again.workspaces().iter().filter(|it| !it["run_id"].is_null()).collect();
        assert!(ran.is_empty(), "what is finished is not run again: {ran:#?}");
        // Nor would it change anything.
        stack.run("plan", &["--all", "--detailed-exitcode"]).exits_with(0);

        killed += until_through(&stack, "destroy", "planning", &mut random, &ledger);
        assert_all_destroyed(&ledger);
        let twice: Vec<_> = times(&ledger, "destroy").into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(twice.is_empty(), "destroyed twice: {twice:?}");
        fs::write(&ledger, "").unwrap();
    }
    report(killed);
}

#[test]
fn a_stack_whose_states_are_lost_is_found_out() {
    let stack = Stack::empty();
    let ledger = stack.path().join("ledger");
    write_layers(&stack, &ledger);
    stack.run("apply", &["--auto-approve"]).succeeds();
    assert_eq!(incomplete(&ledger, LAYERS), None);
    fs::remove_dir_all(stack.path().join(".multispace")).unwrap();
    stack.run("apply", &["--auto-approve"]).succeeds();
    assert!(incomplete(&ledger, LAYERS).is_some(), "{:#?}", lines(&ledger));
    stack.run("destroy", &["--auto-approve"]).succeeds();
    assert!(!left(&ledger).is_empty(), "{:#?}", lines(&ledger));
    figures::control("kill");
}

/// What was looked for after each of these kills is asserted; that all of them got here says the rest.
fn report(kills: u32) {
    let kills = kills as usize;
    figures::Figures::of("kill", kills, kills).with("lost", 0).with("doubled", 0).with("unexplained", 0).report();
}

/// The same command again and again, killed up to three times, until it gets through. Says how often it was killed.
fn until_through(stack: &Stack, command: &str, line: &str, random: &mut Random, ledger: &Path) -> u32 {
    let most = 1 + u32::try_from(random.below(3)).expect("a small number");
    for killed in 0..most {
        let (was_killed, outcome) = perhaps_killed(stack, command, line, random, ledger);
        if !was_killed {
            outcome.succeeds();
            return killed;
        }
    }
    stack.run(command, &["--auto-approve"]).succeeds();
    most
}

/// Starts a command and kills it at a random moment, unless it is through by then: two of three moments are after it said
/// this `line`, for else no kill would meet what it is about.
fn perhaps_killed(
    stack: &Stack,
    command: &str,
    line: &str,
    random: &mut Random,
    ledger: &Path,
) -> (bool, crate::harness::child::Outcome) {
    let mut running = stack.start(command, &["--auto-approve"]);
    let id = running.id();
    let within = if random.below(3) > 0 && running.reaches(line) { 1200 } else { 2500 };
    // Until the moment has come, or until the command is through, whichever is first.
    let (done, moment) = mpsc::channel();
    let moment_comes_after = Duration::from_millis(random.below(within));
    let killer = thread::spawn(move || {
        let due = moment.recv_timeout(moment_comes_after).is_err();
        if due {
            let _ = nix::sys::signal::kill(id, Signal::SIGKILL);
        }
        due
    });
    let outcome = running.finish();
    let _ = done.send(());
    let was_killed = killer.join().expect("the killer ends");
    eprintln!(
        "{command} after {moment_comes_after:?}: exit {:?}, {} lines in the ledger",
        outcome.code,
        lines(ledger).len()
    );
    (was_killed, outcome)
}

/// How many kills, and where their moments come from.
fn chosen(kills: u32) -> (u32, Random) {
    let kills = kills * u32::try_from(figures::scale()).expect("a number of kills");
    let kills = number("MULTISPACE_TEST_KILLS").map_or(kills, |kills| kills.try_into().expect("a number of kills"));
    let seed = number("MULTISPACE_TEST_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    eprintln!("MULTISPACE_TEST_KILLS={kills} MULTISPACE_TEST_SEED={seed}");
    (kills, Random(seed | 1))
}

/// Provisioners that write down what is made and destroyed.
fn notes(ledger: &Path) -> String {
    let note = |when: &str, word: &str| {
        format!(
            "provisioner \"local-exec\" {{\n    {when}command = \"echo {word} ${{self.id}} >> {}\"\n  }}\n  ",
            ledger.display()
        )
    };
    note("", "create") + &note("when = destroy\n    ", "destroy")
}

fn write_chain(stack: &Stack, ledger: &Path) {
    for number in 0..CHAIN {
        let upstream = number.checked_sub(1).map(|before| format!("w{before:02}"));
        let reads: Vec<&str> = upstream.as_deref().into_iter().collect();
        stack.write(&format!("w{number:02}/main.tf"), &root(&reads, &notes(ledger)));
    }
}

/// Three layers of four: each reads two of the layer above.
fn write_layers(stack: &Stack, ledger: &Path) {
    for number in 0..LAYERS {
        let (layer, place) = (number / 4, number % 4);
        let above = [place, (place + 1) % 4].map(|place| format!("l{}w{place}", layer.saturating_sub(1)));
        let reads: Vec<&str> = above.iter().map(String::as_str).filter(|_| layer > 0).collect();
        stack.write(&format!("l{layer}w{place}/main.tf"), &root(&reads, &notes(ledger)));
    }
}

fn lines(ledger: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(ledger).unwrap_or_default();
    let pair = |line: &str| line.split_once(' ').map(|(word, id)| (word.to_owned(), id.to_owned())).expect("two words");
    text.lines().map(pair).collect()
}

/// How often this was done, by resource.
fn times(ledger: &Path, done: &str) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for (_, id) in lines(ledger).into_iter().filter(|(word, _)| word == done) {
        *times.entry(id).or_default() += 1;
    }
    times
}

#[track_caller]
fn assert_complete(ledger: &Path, workspaces: usize) {
    assert_eq!(incomplete(ledger, workspaces), None, "{:#?}", lines(ledger));
}

/// Why there is not one resource for each workspace, made once; `None` when there is.
fn incomplete(ledger: &Path, workspaces: usize) -> Option<String> {
    let made = times(ledger, "create");
    if made.values().any(|times| *times > 1) {
        return Some("a resource was made twice".into());
    }
    (made.len() != workspaces).then(|| format!("{} resources for {workspaces} workspaces", made.len()))
}

#[track_caller]
fn assert_all_destroyed(ledger: &Path) {
    let left = left(ledger);
    assert!(left.is_empty(), "made and not destroyed, or the other way round: {left:?}");
}

/// What was made and not destroyed, and what was destroyed and never made.
fn left(ledger: &Path) -> Vec<String> {
    let [made, destroyed] =
        ["create", "destroy"].map(|done| times(ledger, done).into_keys().collect::<BTreeSet<String>>());
    made.symmetric_difference(&destroyed).cloned().collect()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not `{text}`")))
}

/// xorshift: enough to choose moments, and the same ones again from the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
