//! The rules by which a state version is taken: the current pointer of a workspace only moves to a higher serial of the
//! same lineage, and the same bytes sent twice are one version. Absent: the bytes, locks, and who holds them.
//!
//! The messages here are what HCP Terraform answers, since tools of the field look for these words.

use crate::Problem;

/// What is compared of a state version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFacts {
    /// Counts up with every change of the state.
    pub serial: u64,
    /// Made once for each new state; two states with different ones have nothing to do with each other.
    pub lineage: String,
    /// MD5 of the bytes as they were sent, in lower case hex.
    pub md5: String,
}

/// How a state version was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It becomes the current one.
    New,
    /// It is the current one, sent again. Only whoever sent it the first time may be told so; anybody else gets
    /// [`another_writer`], for it may be a writer who lost the lock and sends what it read from us.
    SameAgain,
}

/// Says whether `new` may follow `current`. `force` takes any serial and lineage.
///
/// # Errors
/// `state/lineage`, `state/serial` or `state/md5` (409), in words that tools know.
pub fn accept(current: Option<&StateFacts>, new: &StateFacts, force: bool) -> Result<Acceptance, Problem> {
    let Some(current) = current else { return Ok(Acceptance::New) };
    if new == current {
        return Ok(Acceptance::SameAgain);
    }
    if force {
        return Ok(Acceptance::New);
    }
    if new.lineage != current.lineage {
        return Err(Problem::conflict(
            "state/lineage",
            "The lineage provided in the state file does not match the value currently known by Terraform Enterprise.",
        )
        .advice("Check that this state belongs to this workspace; a state of other origin needs a forced upload."));
    }
    if new.serial == current.serial {
        return Err(Problem::conflict(
            "state/md5",
            "The MD5 hash of the state provided does not match what is currently known for the same serial number.",
        )
        .advice("Somebody else has stored this serial; pull the current state and make the change again."));
    }
    if new.serial < current.serial {
        return Err(Problem::conflict(
            "state/serial",
            "The serial provided in the state file is not greater than the serial currently known remotely.",
        )
        .advice(format!("Pull the current state, whose serial is {}, and make the change again.", current.serial)));
    }
    Ok(Acceptance::New)
}

/// Says whether the bytes that came are those that were announced.
///
/// # Errors
/// `state/payload` (409) that names what differs first.
pub fn check_payload(announced: &StateFacts, came: &StateFacts) -> Result<(), Problem> {
    let differs = |what: &str, announced: &dyn std::fmt::Display, came: &dyn std::fmt::Display| {
        Err(Problem::conflict(
            "state/payload",
            format!("The {what} of the uploaded state is {came}, but {announced} was announced."),
        )
        .advice("Send the state again, unchanged."))
    };
    if !announced.md5.eq_ignore_ascii_case(&came.md5) {
        return differs("MD5 hash", &announced.md5, &came.md5);
    }
    if announced.serial != came.serial {
        return differs("serial", &announced.serial, &came.serial);
    }
    if announced.lineage != came.lineage {
        return differs("lineage", &announced.lineage, &came.lineage);
    }
    Ok(())
}

/// What a writer is told who has not locked the workspace.
pub fn not_locked() -> Problem {
    Problem::conflict(
        "state/not-locked",
        "This workspace is not locked and will only accept state uploads when locked.",
    )
    .advice("Lock the workspace, send the state again, and unlock it.")
}

/// What a writer is told who is not the one that holds the lock.
pub fn another_writer() -> Problem {
    Problem::conflict("state/other-writer", "This workspace is locked by another writer, so the state was not taken.")
        .advice("Keep the state that you have; once the lock is yours, compare it with the current one.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(serial: u64, lineage: &str, md5: &str) -> StateFacts {
        StateFacts { serial, lineage: lineage.into(), md5: md5.into() }
    }

    fn refused(current: &StateFacts, new: &StateFacts) -> &'static str {
        accept(Some(current), new, false).unwrap_err().code
    }

    #[test]
    fn the_first_state_may_have_any_serial() {
        assert_eq!(accept(None, &facts(7, "l", "a"), false), Ok(Acceptance::New));
        assert_eq!(accept(None, &facts(0, "l", "a"), false), Ok(Acceptance::New));
    }

    #[test]
    fn a_higher_serial_follows_even_with_a_gap() {
        assert_eq!(accept(Some(&facts(4, "l", "a")), &facts(9, "l", "b"), false), Ok(Acceptance::New));
        assert_eq!(accept(Some(&facts(4, "l", "a")), &facts(5, "l", "a"), false), Ok(Acceptance::New));
    }

    #[test]
    fn the_same_bytes_again_are_the_same_version_forced_or_not() {
        let state = facts(4, "l", "a");
        assert_eq!(accept(Some(&state), &state, false), Ok(Acceptance::SameAgain));
        assert_eq!(accept(Some(&state), &state, true), Ok(Acceptance::SameAgain));
    }

    #[test]
    fn what_does_not_follow_is_refused_by_what_is_wrong_with_it() {
        let current = facts(4, "l", "a");
        assert_eq!(refused(&current, &facts(3, "l", "b")), "state/serial");
        assert_eq!(refused(&current, &facts(3, "l", "a")), "state/serial");
        assert_eq!(refused(&current, &facts(4, "l", "b")), "state/md5");
        assert_eq!(refused(&current, &facts(9, "m", "b")), "state/lineage");
        assert_eq!(refused(&current, &facts(4, "m", "b")), "state/lineage");
    }

    #[test]
    fn force_takes_a_lower_serial_and_another_lineage() {
        assert_eq!(accept(Some(&facts(4, "l", "a")), &facts(1, "m", "b"), true), Ok(Acceptance::New));
    }

    #[test]
    fn the_refusals_carry_the_words_that_tools_look_for() {
        let current = facts(4, "l", "a");
        let says = |new: &StateFacts| accept(Some(&current), new, false).unwrap_err().message;
        assert!(says(&facts(3, "l", "b")).contains("is not greater than the serial currently known remotely"));
        assert!(
            says(&facts(4, "l", "b")).contains("does not match what is currently known for the same serial number")
        );
        assert!(says(&facts(9, "m", "b")).contains("does not match the value currently known by Terraform Enterprise"));
        assert!(not_locked().message.contains("is not locked and will only accept state uploads when locked"));
    }

    #[test]
    fn bytes_that_differ_from_what_was_announced_are_refused() {
        let announced = facts(4, "l", "ab");
        assert_eq!(check_payload(&announced, &facts(4, "l", "AB")), Ok(()));
        let problem = check_payload(&announced, &facts(5, "l", "ab")).unwrap_err();
        assert_eq!(problem.message, "The serial of the uploaded state is 5, but 4 was announced.");
        assert!(check_payload(&announced, &facts(4, "l", "cd")).is_err());
        assert!(check_payload(&announced, &facts(4, "m", "ab")).is_err());
    }
}
