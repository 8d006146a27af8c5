//! When a workspace is destroyed by itself, as a form has it.

use chrono::{DateTime, NaiveDateTime, Utc};
use domain::Problem;
use domain::auto_destroy::{Idle, Request};
use serde::Deserialize;

use super::super::Workspace;

/// What a field for a moment sends, and takes.
const MOMENT: &str = "%Y-%m-%dT%H:%M";

/// The fields of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Destroys {
    /// `inherit`, `never`, `at` or `idle`.
    #[serde(default, rename = "destroys")]
    pub(super) when: String,
    /// The moment in UTC.
    #[serde(default, rename = "destroys_at")]
    pub(super) at: String,
    /// How long it may lie idle.
    #[serde(default, rename = "destroys_after")]
    pub(super) after: String,
}

impl Destroys {
    /// As a workspace has it now.
    pub(super) fn of(workspace: &Workspace) -> Self {
        let at = workspace.auto_destroy_at.map(|at| at.format(MOMENT).to_string()).unwrap_or_default();
        let after = workspace.auto_destroy_duration.clone().unwrap_or_default();
        let when = match (&workspace.auto_destroy_at, &workspace.auto_destroy_duration) {
            (Some(_), _) => "at",
            (None, Some(_)) => "idle",
            (None, None) if workspace.inherits_project_auto_destroy => "inherit",
            (None, None) => "never",
        };
        Self { when: when.to_owned(), at, after }
    }

    /// What is asked for, if it is another thing than before: to say the same again would count from now.
    ///
    /// # Errors
    /// `auto-destroy/moment`, `auto-destroy/duration`.
    pub(super) fn request(&self, before: &Self) -> Result<Request, Problem> {
        let relevant = |it: &Self| match it.when.as_str() {
            "at" => ("at", it.at.trim().to_owned()),
            "idle" => ("idle", it.after.trim().to_owned()),
            "inherit" => ("inherit", String::new()),
            _ => ("never", String::new()),
        };
        let (when, value) = relevant(self);
        if (when, value.clone()) == relevant(before) {
            return Ok(Request::default());
        }
        let none = Request { moment: Some(None), duration: Some(None), inherits: Some(false) };
        Ok(match when {
            "at" => Request { moment: Some(Some(moment(&value)?)), ..none },
            "idle" => Request { duration: Some(Some(Idle::parse(&value)?)), ..none },
            "inherit" => Request { inherits: Some(true), ..none },
            _ => none,
        })
    }
}

fn moment(text: &str) -> Result<DateTime<Utc>, Problem> {
    let read = [MOMENT, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|it| NaiveDateTime::parse_from_str(text, it).ok());
    read.map(|it| it.and_utc()).ok_or_else(|| {
        Problem::invalid("auto-destroy/moment", "The moment at which the workspace is to be destroyed cannot be read.")
            .advice("Give a date and a time in UTC, such as 2027-01-31 18:00.")
            .attribute("auto-destroy-at")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(when: &str, at: &str, after: &str) -> Destroys {
        Destroys { when: when.into(), at: at.into(), after: after.into() }
    }

    #[test]
    fn what_stays_as_it_was_is_not_asked_for() {
        let before = says("idle", "", "14d");
        assert_eq!(says("idle", "2027-01-31T18:00", "14d").request(&before), Ok(Request::default()));
        assert_eq!(says("never", "", "14d").request(&says("never", "", "")), Ok(Request::default()));
    }

    #[test]
    fn each_way_takes_the_others_back() {
        let before = says("inherit", "", "");
        let at = says("at", "2027-01-31T18:00", "1d").request(&before).unwrap();
        assert_eq!(at.moment.flatten().unwrap().to_rfc3339(), "2027-01-31T18:00:00+00:00");
        assert_eq!((at.duration, at.inherits), (Some(None), Some(false)));
        let idle = says("idle", "", " 36h ").request(&before).unwrap();
        assert_eq!((idle.moment, idle.duration.flatten().unwrap().as_str()), (Some(None), "36h"));
        let inherit = before.request(&says("never", "", "")).unwrap();
        assert_eq!(inherit, Request { moment: Some(None), duration: Some(None), inherits: Some(true) });
        assert_eq!(says("at", "soon", "").request(&before).unwrap_err().code, "auto-destroy/moment");
        assert_eq!(says("idle", "", "0d").request(&before).unwrap_err().code, "auto-destroy/duration");
    }
}
