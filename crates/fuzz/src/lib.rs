//! Throws hostile bytes at a parser: its seeds, and what becomes of them when they are changed in the ways that break parsers. The same
//! bytes every time, on the compiler that everybody has. No part of the product: only tests may use it.
//!
//! A parser survives when it returns, whatever it says. A panic is caught and told with the bytes that caused it; a stack that
//! overflows, or an allocation without bounds, ends the test. Absent: coverage, for which `fuzz/` at the top has targets for cargo-fuzz.

mod bytes;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use figures::Figures;

/// Mutations of each target in the short form; `MULTISPACE_FAULTS` multiplies them.
const CASES: u64 = 2_000;

/// What a parser did with what was thrown at it.
#[derive(Debug)]
pub struct Outcome {
    /// How often it was called.
    pub execs: u64,
    /// The first bytes that it panicked on, shortened for people, and how often it did.
    pub panics: Vec<String>,
}

/// Throws seeds and their mutations, `cases` of them, at a parser. The name of the target is where the mutations begin, so that two
/// targets with the same seeds get different ones.
pub fn throw(target: &str, seeds: &[&[u8]], cases: u64, parse: &dyn Fn(&[u8])) -> Outcome {
    let mut bytes = Bytes::of(target, seeds);
    let mut outcome = Outcome { execs: 0, panics: Vec::new() };
    let mutations = (0..cases).map(|_| bytes.mutated()).collect::<Vec<_>>();
    for input in seeds.iter().map(|seed| seed.to_vec()).chain(mutations) {
        let survived = catch_unwind(AssertUnwindSafe(|| parse(&input))).is_ok();
        outcome.execs += 1;
        if !survived {
            outcome.panics.push(input[..input.len().min(2000)].escape_ascii().to_string());
        }
    }
    outcome
}

/// Throws at a parser what [`throw`] does, as often as the environment says, tells the report of faults, and fails the test on any panic.
///
/// # Panics
/// When the parser did.
#[track_caller]
pub fn survives(target: &str, seeds: &[&[u8]], parse: &dyn Fn(&[u8])) {
    let outcome = throw(target, seeds, CASES * figures::scale() as u64, parse);
    let (execs, panics) = (usize::try_from(outcome.execs).unwrap_or(usize::MAX), outcome.panics.len());
    Figures::of("fuzz", execs, execs.saturating_sub(panics)).with("panics", panics).report();
    judge(target, &outcome);
}

#[track_caller]
fn judge(target: &str, outcome: &Outcome) {
    let shown: Vec<_> = outcome.panics.iter().take(3).collect();
    assert!(outcome.panics.is_empty(), "{target}: {} panics of {}; {shown:#?}", outcome.panics.len(), outcome.execs);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A parser with a mistake of the usual kind: it believes a length that stands in the bytes.
    fn believes_lengths(bytes: &[u8]) {
        if let [length, rest @ ..] = bytes {
            let _ = &rest[..usize::from(*length)];
        }
    }

    /// The negative control: the mistake is found, and the same parser without it survives.
    #[test]
    fn a_planted_panic_is_found_and_its_bytes_are_told() {
        let seeds: &[&[u8]] = &[b"\x03abc", b"\x00"];
        let outcome = throw("planted", seeds, CASES, &believes_lengths);
        assert!(!outcome.panics.is_empty() && outcome.execs == CASES + 2);
        let mended = |bytes: &[u8]| {
            let _ = bytes.split_first().and_then(|(length, rest)| rest.get(..usize::from(*length)));
        };
        assert!(throw("planted", seeds, CASES, &mended).panics.is_empty());
        figures::control("fuzz");
    }

    #[test]
    #[should_panic(expected = "planted: ")]
    fn a_target_that_panics_fails_its_test() {
        judge("planted", &throw("planted", &[b"\xffx"], 1, &believes_lengths));
    }

    #[test]
    fn the_same_target_gets_the_same_bytes_and_another_gets_others() {
        let collected = |target: &str| {
            let all = std::cell::RefCell::new(Vec::new());
            throw(target, &[b"{\"a\":[1,2]}", b"x"], 100, &|bytes| all.borrow_mut().push(bytes.to_vec()));
            all.into_inner()
        };
        assert_eq!(collected("a"), collected("a"));
        assert_ne!(collected("a"), collected("b"));
        assert!(collected("a").iter().collect::<std::collections::BTreeSet<_>>().len() > 80);
    }
}
