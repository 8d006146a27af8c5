//! What a workspace says about its own destruction, and how a request changes that.

use chrono::{DateTime, Utc};

use super::Idle;
use crate::Problem;

/// What a workspace says itself. At most one of moment and duration is there, and neither while it inherits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// When it is destroyed, once.
    pub moment: Option<DateTime<Utc>>,
    /// How long it may lie idle.
    pub duration: Option<Idle>,
    /// Whether the duration of its project applies to it.
    pub inherits: bool,
}

impl Setting {
    /// What a new workspace says: nothing, so that its project decides.
    pub const NEW: Self = Self { moment: None, duration: None, inherits: true };

    /// The duration that applies.
    pub fn effective<'a>(&'a self, project: Option<&'a Idle>) -> Option<&'a Idle> {
        if self.inherits { project } else { self.duration.as_ref() }
    }
}

/// What is asked for. An outer `None` was left out and changes nothing; an inner one clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// When it shall be destroyed.
    pub moment: Option<Option<DateTime<Utc>>>,
    /// How long it may lie idle.
    pub duration: Option<Option<Idle>>,
    /// Whether the project's duration shall apply.
    pub inherits: Option<bool>,
}

/// The setting after a request. `project` is the project's duration, `is_new` whether the workspace is being made.
///
/// # Errors
/// `auto-destroy/both` for a moment together with a duration; `auto-destroy/inherited` for one of its own while it
/// inherits and the project says otherwise.
pub fn change(now: &Setting, request: Request, project: Option<&Idle>, is_new: bool) -> Result<Setting, Problem> {
    let Request { moment, duration, inherits } = request;
    if moment.is_some_and(|it| it.is_some()) && duration.as_ref().is_some_and(Option::is_some) {
        return Err(Problem::invalid(
            "auto-destroy/both",
            "A workspace is destroyed at a moment or after it has lain idle, not both.",
        )
        .advice("Leave one of auto-destroy-at and auto-destroy-activity-duration out.")
        .attribute("auto-destroy-at"));
    }
    match (moment, duration) {
        (Some(Some(moment)), _) => {
            if inherits == Some(true) {
                return Err(inherited("auto-destroy-at"));
            }
            Ok(Setting { moment: Some(moment), duration: None, inherits: false })
        }
        (_, Some(Some(duration))) => of_duration(now, duration, inherits, project, is_new),
        (moment, duration) => {
            let kept = Setting {
                // A duration that goes takes the moment along which it had set.
                moment: now.moment.filter(|_| moment.is_none() && duration.is_none()),
                duration: now.duration.clone().filter(|_| duration.is_none()),
                inherits: now.inherits,
            };
            let gave_up = kept.moment.is_none() && kept.duration.is_none() && now.has_own();
            Ok(match inherits {
                Some(true) => Setting::NEW,
                Some(false) => Setting { inherits: false, ..kept },
                None => Setting { inherits: now.inherits || gave_up, ..kept },
            })
        }
    }
}

fn of_duration(
    now: &Setting,
    duration: Idle,
    inherits: Option<bool>,
    project: Option<&Idle>,
    is_new: bool,
) -> Result<Setting, Problem> {
    // Inheritance that was not turned off would be in the way only where there is something to inherit.
    let inherits = inherits.unwrap_or(now.inherits && !is_new && project.is_some());
    if !inherits {
        return Ok(Setting { moment: None, duration: Some(duration), inherits: false });
    }
    match project {
        Some(project) if project.length() == duration.length() => Ok(Setting::NEW),
        _ => Err(inherited("auto-destroy-activity-duration")),
    }
}

impl Setting {
    fn has_own(&self) -> bool {
        self.moment.is_some() || self.duration.is_some()
    }
}

fn inherited(attribute: &'static str) -> Problem {
    Problem::invalid(
        "auto-destroy/inherited",
        "The workspace inherits when it is destroyed from its project, which says otherwise.",
    )
    .advice("Set inherits-project-auto-destroy to false, or say what the project says.")
    .attribute(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(text: &str) -> Idle {
        Idle::parse(text).unwrap()
    }

    fn moment() -> DateTime<Utc> {
        DateTime::from_timestamp(4_102_444_800, 0).unwrap()
    }

    fn own_moment() -> Setting {
        Setting { moment: Some(moment()), duration: None, inherits: false }
    }

    fn own(text: &str) -> Setting {
        Setting { moment: None, duration: Some(idle(text)), inherits: false }
    }

    const OFF: Setting = Setting { moment: None, duration: None, inherits: false };

    fn ask(moment: Option<Option<DateTime<Utc>>>, duration: Option<Option<&str>>, inherits: Option<bool>) -> Request {
        Request { moment, duration: duration.map(|it| it.map(idle)), inherits }
    }

    #[test]
    fn what_is_left_out_stays_and_null_clears() {
        for before in [Setting::NEW, OFF, own_moment(), own("3d")] {
            assert_eq!(change(&before, ask(None, None, None), None, false).unwrap(), before);
        }
        assert_eq!(change(&own_moment(), ask(Some(None), None, None), None, false).unwrap(), Setting::NEW);
        assert_eq!(change(&own("3d"), ask(None, Some(None), None), None, false).unwrap(), Setting::NEW);
        assert_eq!(change(&own_moment(), ask(Some(None), None, Some(false)), None, false).unwrap(), OFF);
        // The moment that a duration fills in is not the duration.
        assert_eq!(change(&own("3d"), ask(Some(None), None, None), None, false).unwrap(), own("3d"));
    }

    #[test]
    fn a_moment_and_a_duration_replace_one_another() {
        let to_duration = ask(None, Some(Some("1d")), None);
        assert_eq!(change(&own_moment(), to_duration, None, false).unwrap(), own("1d"));
        let to_moment = ask(Some(Some(moment())), None, None);
        assert_eq!(change(&own("1d"), to_moment, None, false).unwrap(), own_moment());
        let both = ask(Some(Some(moment())), Some(Some("1d")), None);
        assert_eq!(change(&OFF, both, None, false).unwrap_err().code, "auto-destroy/both");
        let other_cleared = ask(Some(Some(moment())), Some(None), Some(false));
        assert_eq!(change(&own("1d"), other_cleared, None, false).unwrap(), own_moment());
    }

    #[test]
    fn a_new_workspace_with_a_duration_does_not_inherit() {
        let (project, three) = (idle("1d"), || ask(None, Some(Some("3d")), None));
        assert_eq!(change(&Setting::NEW, three(), Some(&project), true).unwrap(), own("3d"));
        assert_eq!(change(&Setting::NEW, three(), None, true).unwrap(), own("3d"));
    }

    #[test]
    fn a_duration_that_is_set_later_is_the_projects_unless_inheritance_is_off() {
        let project = idle("2d");
        let set =
            |now: &Setting, text, inherits| change(now, ask(None, Some(Some(text)), inherits), Some(&project), false);
        assert_eq!(set(&Setting::NEW, "5d", None).unwrap_err().code, "auto-destroy/inherited");
        assert_eq!(set(&Setting::NEW, "5d", Some(true)).unwrap_err().code, "auto-destroy/inherited");
        assert_eq!(set(&Setting::NEW, "5d", Some(false)).unwrap(), own("5d"));
        assert_eq!(set(&own("3d"), "5d", None).unwrap(), own("5d"));
        assert_eq!(set(&Setting::NEW, "48h", None).unwrap(), Setting::NEW);
        // With nothing to inherit there is nothing to turn off.
        assert_eq!(change(&Setting::NEW, ask(None, Some(Some("5d")), None), None, false).unwrap(), own("5d"));
    }

    #[test]
    fn a_moment_of_its_own_ends_inheritance_and_is_refused_together_with_it() {
        let project = idle("2d");
        let set = |inherits| change(&Setting::NEW, ask(Some(Some(moment())), None, inherits), Some(&project), false);
        assert_eq!(set(None).unwrap(), own_moment());
        assert_eq!(set(Some(false)).unwrap(), own_moment());
        assert_eq!(set(Some(true)).unwrap_err().code, "auto-destroy/inherited");
    }

    #[test]
    fn inheriting_again_forgets_what_was_its_own_and_ending_it_leaves_nothing() {
        let project = idle("2d");
        for before in [own_moment(), own("5d"), OFF] {
            let again = change(&before, ask(None, None, Some(true)), Some(&project), false).unwrap();
            assert_eq!((again.effective(Some(&project)), &again), (Some(&project), &Setting::NEW));
        }
        let ended = change(&Setting::NEW, ask(None, None, Some(false)), Some(&project), false).unwrap();
        assert_eq!((ended.effective(Some(&project)), &ended), (None, &OFF));
    }
}
