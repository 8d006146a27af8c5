//! What follows from the setting of a workspace, and when; and when people are reminded.

use chrono::{DateTime, TimeDelta, Utc};

use super::Idle;

/// Everything that decides about one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// When it is destroyed, once.
    pub moment: Option<DateTime<Utc>>,
    /// How long it may lie idle: its own duration or, if it inherits, its project's.
    pub duration: Option<Idle>,
    /// When its state last changed, or its duration was set; none once it was destroyed and has no new state.
    pub active: Option<DateTime<Utc>>,
    /// When the project set the duration that is inherited.
    pub inherited_since: Option<DateTime<Utc>>,
    /// Whether its state manages anything.
    pub has_resources: bool,
    /// Whether destroy runs may be started for it.
    pub allows_destroy: bool,
    /// Whether a workspace that depends on it still manages something.
    pub has_downstreams: bool,
}

impl Facts {
    /// When it is destroyed, as far as is known now. A duration counts from the last change of the state, but never from
    /// before it was set: nothing is destroyed at once because somebody said how long it may lie idle.
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        let idle = || {
            Some(self.active?.max(self.inherited_since.unwrap_or(DateTime::<Utc>::MIN_UTC)))
                .zip(self.duration.as_ref())
                .map(|(since, duration)| since + duration.length())
        };
        self.moment.or_else(idle)
    }
}

/// What follows for a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing is planned.
    Never,
    /// Nothing before this moment.
    At(DateTime<Utc>),
    /// It is due, and waits for its downstreams to be gone first.
    Held,
    /// A destroy run is to be started now.
    Destroy,
    /// It is due, and has nothing to destroy.
    Empty,
    /// It is due, and destroy runs are turned off for it.
    Refused,
}

/// What follows for a workspace at this moment.
pub fn next(facts: &Facts, now: DateTime<Utc>) -> Next {
    match facts.deadline() {
        None => Next::Never,
        Some(deadline) if deadline > now => Next::At(deadline),
        Some(_) if !facts.has_resources => Next::Empty,
        Some(_) if !facts.allows_destroy => Next::Refused,
        Some(_) if facts.has_downstreams => Next::Held,
        Some(_) => Next::Destroy,
    }
}

/// When people are reminded before something is destroyed: the earlier moment and the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminders {
    /// 24 hours before.
    pub first: DateTime<Utc>,
    /// 12 hours before.
    pub second: DateTime<Utc>,
}

/// Share of a short life that is left at the first reminder: one part of so many; at the second it is half of that.
const SHARE: i32 = 4;

/// When people are reminded of an end: 24 and 12 hours before, as on HCP Terraform, and for a life of less than four
/// days a quarter and an eighth of it before.
pub fn reminders(begin: DateTime<Utc>, end: DateTime<Utc>) -> Reminders {
    let ahead = ((end - begin) / SHARE).clamp(TimeDelta::zero(), TimeDelta::hours(24));
    Reminders { first: end - ahead, second: end - ahead / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::hours(hours)
    }

    fn idle(duration: &str) -> Facts {
        Facts {
            moment: None,
            duration: Some(Idle::parse(duration).unwrap()),
            active: Some(at(0)),
            inherited_since: None,
            has_resources: true,
            allows_destroy: true,
            has_downstreams: false,
        }
    }

    #[test]
    fn a_moment_is_reached_once_and_not_before() {
        let facts = Facts { moment: Some(at(5)), duration: None, active: None, ..idle("1d") };
        assert_eq!(next(&facts, at(4)), Next::At(at(5)));
        assert_eq!(next(&facts, at(5)), Next::Destroy);
        assert_eq!(next(&Facts { moment: None, ..facts }, at(9)), Next::Never);
    }

    #[test]
    fn a_duration_counts_from_the_last_change_of_the_state() {
        assert_eq!(next(&idle("2h"), at(1)), Next::At(at(2)));
        assert_eq!(next(&idle("2h"), at(2)), Next::Destroy);
        let moved = Facts { active: Some(at(1)), ..idle("2h") };
        assert_eq!(next(&moved, at(2)), Next::At(at(3)));
    }

    #[test]
    fn what_was_destroyed_waits_for_a_new_state() {
        assert_eq!(next(&Facts { active: None, ..idle("2h") }, at(100)), Next::Never);
    }

    #[test]
    fn a_duration_that_a_project_sets_late_destroys_nothing_at_once() {
        let facts = Facts { inherited_since: Some(at(50)), ..idle("2h") };
        assert_eq!(next(&facts, at(51)), Next::At(at(52)));
        let later = Facts { active: Some(at(60)), ..facts };
        assert_eq!(next(&later, at(61)), Next::At(at(62)));
    }

    #[test]
    fn what_is_due_waits_for_its_downstreams_and_is_refused_where_nothing_may_be_destroyed() {
        assert_eq!(next(&Facts { has_downstreams: true, ..idle("1h") }, at(2)), Next::Held);
        assert_eq!(next(&Facts { allows_destroy: false, has_downstreams: true, ..idle("1h") }, at(2)), Next::Refused);
        assert_eq!(next(&Facts { has_resources: false, allows_destroy: false, ..idle("1h") }, at(2)), Next::Empty);
    }

    #[test]
    fn people_are_reminded_a_day_and_half_a_day_before_and_earlier_in_a_short_life() {
        assert_eq!(reminders(at(0), at(240)), Reminders { first: at(216), second: at(228) });
        assert_eq!(reminders(at(0), at(8)), Reminders { first: at(6), second: at(7) });
        let over = reminders(at(8), at(0));
        assert_eq!((over.first, over.second), (at(0), at(0)));
    }
}
