//! kill -9 of `multispace apply` at random moments, and the same command again, until it gets through.
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

const WORKSPACES: usize = 30;

#[test]
fn a_killed_apply_goes_on_where_it_was_and_makes_nothing_twice() {
    let kills: u32 = number("MULTISPACE_TEST_KILLS").map_or(5, |kills| kills.try_into().expect("a number of kills"));
    let seed = number("MULTISPACE_TEST_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    eprintln!("MULTISPACE_TEST_KILLS={kills} MULTISPACE_TEST_SEED={seed}");
    let mut random = Random(seed | 1);

    let stack = Stack::empty();
    let ledger = stack.path().join("ledger");
    write_chain(&stack, &ledger);

    let mut killed = 0;
    while killed < kills {
        let mut apply = stack.start("apply", &["--auto-approve"]);
        let id = apply.id();
        // Two of three moments are after it got past what is applied already: else no kill would meet an apply.
        let within = if random.below(3) > 0 && apply.reaches("applying") { 1200 } else { 2500 };
        // Until the moment has come, or until the apply is through, whichever is first.
        let (done, moment) = mpsc::channel();
        let moment_comes_after = Duration::from_millis(random.below(within));
        let killer = thread::spawn(move || {
            let due = moment.recv_timeout(moment_comes_after).is_err();
            if due {
                let _ = nix::sys::signal::kill(id, Signal::SIGKILL);
            }
            due
        });
        let outcome = apply.finish();
        let _ = done.send(());
        let was_killed = killer.join().expect("the killer ends");
        eprintln!(
            "after {moment_comes_after:?}: exit {:?}, {} lines in the ledger",
            outcome.code,
            lines(&ledger).len()
        );
        killed += u32::from(was_killed);
        if !was_killed {
            // It got through in time: what it made goes, and the chain comes up anew.
            outcome.succeeds();
            assert_complete(&ledger);
            stack.run("destroy", &["--auto-approve"]).succeeds();
            assert_all_destroyed(&ledger);
            fs::write(&ledger, "").unwrap();
        }
    }

    stack.run("apply", &["--auto-approve"]).succeeds();
    assert_complete(&ledger);
    stack.run("plan", &["--detailed-exitcode"]).exits_with(0);
    // Whatever was made is in a state: else nobody would know how to destroy it.
    stack.run("destroy", &["--auto-approve"]).succeeds();
    assert_all_destroyed(&ledger);
}

fn write_chain(stack: &Stack, ledger: &Path) {
    let note = |when: &str, word: &str| {
        format!(
            "provisioner \"local-exec\" {{\n    {when}command = \"echo {word} ${{self.id}} >> {}\"\n  }}\n  ",
            ledger.display()
        )
    };
    let notes = note("", "create") + &note("when = destroy\n    ", "destroy");
    for number in 0..WORKSPACES {
        let upstream = number.checked_sub(1).map(|before| format!("w{before:02}"));
        let reads: Vec<&str> = upstream.as_deref().into_iter().collect();
        stack.write(&format!("w{number:02}/main.tf"), &root(&reads, &notes));
    }
}

fn lines(ledger: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(ledger).unwrap_or_default();
    let pair = |line: &str| line.split_once(' ').map(|(word, id)| (word.to_owned(), id.to_owned())).expect("two words");
    text.lines().map(pair).collect()
}

fn made(ledger: &Path) -> BTreeMap<String, usize> {
    let mut made = BTreeMap::new();
    for (_, id) in lines(ledger).into_iter().filter(|(word, _)| word == "create") {
        *made.entry(id).or_default() += 1;
    }
    made
}

#[track_caller]
fn assert_complete(ledger: &Path) {
    let made = made(ledger);
    assert!(made.values().all(|times| *times == 1), "a resource was made twice: {made:?}");
    assert_eq!(made.len(), WORKSPACES, "one resource for each workspace: {:#?}", lines(ledger));
}

#[track_caller]
fn assert_all_destroyed(ledger: &Path) {
    let made: BTreeSet<String> = made(ledger).into_keys().collect();
    let destroyed = lines(ledger).into_iter().filter(|(word, _)| word == "destroy").map(|(_, id)| id).collect();
    assert_eq!(made, destroyed, "what was made and what was destroyed");
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
