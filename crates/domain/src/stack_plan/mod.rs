//! The plan of a whole stack that somebody is asked about: what becomes of it, decided once.
//!
//! A process somewhere made the plan, holds itself to it, and waits for the answer. Absent: what is in the plan, and who may
//! decide.

use chrono::{DateTime, TimeDelta, Utc};

use crate::Problem;

/// How the plan of a stack stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nobody has decided.
    Pending,
    /// Somebody said yes.
    Approved,
    /// Somebody said no.
    Discarded,
    /// Whoever made it does not ask any more.
    Withdrawn,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Approved, Self::Discarded, Self::Withdrawn];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Discarded => "discarded",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// What may be decided about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Approve,
    /// No.
    Discard,
    /// It is not asked any more.
    Withdraw,
}

/// What a decision makes of it. `is_awaited`: whether whoever made it still waits for the answer.
///
/// # Errors
/// `stack-plan/decided` once it was decided; `stack-plan/not-awaited` for a yes that nobody would hear.
pub fn decide(status: Status, decision: Decision, is_awaited: bool) -> Result<Status, Problem> {
    match (status, decision) {
        (Status::Pending, Decision::Approve) if !is_awaited => Err(Problem::conflict(
            "stack-plan/not-awaited",
            "Nobody waits for this plan any more, so nothing would come of a yes.",
        )
        .advice("Run the command again that made it.")),
        (Status::Pending, Decision::Approve) => Ok(Status::Approved),
        (Status::Pending, Decision::Discard) => Ok(Status::Discarded),
        (Status::Pending, Decision::Withdraw) => Ok(Status::Withdrawn),
        (Status::Approved | Status::Discarded | Status::Withdrawn, _) => {
            Err(Problem::conflict("stack-plan/decided", format!("The plan is {} already.", status.as_str()))
                .advice("Look at what came of it; a new plan is a new question."))
        }
    }
}

/// Whether a process that asked then still waits, if one that waits asks at least so often.
#[must_use]
pub fn is_awaited(asked_at: DateTime<Utc>, now: DateTime<Utc>, patience: TimeDelta) -> bool {
    now - asked_at <= patience
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;

    #[test]
    fn the_machine_is_as_the_golden_table_says() {
        let mut table = String::new();
        for status in Status::ALL {
            for is_awaited in [true, false] {
                for decision in [Decision::Approve, Decision::Discard, Decision::Withdraw] {
                    let next = match decide(status, decision, is_awaited) {
                        Ok(next) => next.as_str(),
                        Err(problem) => problem.code,
                    };
                    let awaited = if is_awaited { "awaited" } else { "not awaited" };
                    table += &format!("{:<10} {awaited:<12} {:<9} {next}\n", status.as_str(), format!("{decision:?}"));
                }
            }
        }
        expect_file!["machine.golden"].assert_eq(&table);
    }

    #[test]
    fn a_status_is_read_by_its_word() {
        assert!(Status::ALL.into_iter().all(|status| Status::parse(status.as_str()) == Some(status)));
        assert_eq!(Status::parse("perhaps"), None);
    }

    #[test]
    fn whoever_has_not_asked_for_so_long_does_not_wait() {
        let (at, patience) = (DateTime::UNIX_EPOCH, TimeDelta::minutes(2));
        assert!(is_awaited(at, at + patience, patience));
        assert!(!is_awaited(at, at + patience + TimeDelta::seconds(1), patience));
    }
}
