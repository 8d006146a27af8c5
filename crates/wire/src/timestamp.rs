//! [`Timestamp`]: a moment as clients can read it; and when each status was reached.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::run::{PhaseStatus, RunStatus};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, written in UTC with milliseconds and a literal `Z` (`2024-01-31T12:00:00.123Z`).
///
/// go-tfe's JSON:API reader refuses any other offset, `+00:00` among them, and the command dies. Read leniently: any
/// RFC 3339 offset. The default is the Unix epoch; it appears only where a document that was read had no such moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub DateTime<Utc>);

impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(moment)
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text)
            .map(|moment| Self(moment.to_utc()))
            .map_err(|_| serde::de::Error::custom(format!("\"{}\" is not an RFC 3339 moment", text.escape_debug())))
    }
}

/// `status-timestamps`: when each status was reached. Collect it from pairs of a status and its moment; statuses that
/// the API has no key for are left out, and of two moments under one key the later in the list stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusTimestamps(pub BTreeMap<String, Timestamp>);

impl<T: Into<Timestamp>> FromIterator<(RunStatus, T)> for StatusTimestamps {
    fn from_iter<I: IntoIterator<Item = (RunStatus, T)>>(moments: I) -> Self {
        Self(moments.into_iter().map(|(status, at)| (run_key(status), at.into())).collect())
    }
}

impl<T: Into<Timestamp>> FromIterator<(PhaseStatus, T)> for StatusTimestamps {
    fn from_iter<I: IntoIterator<Item = (PhaseStatus, T)>>(moments: I) -> Self {
        let key = |status| phase_key(status).map(str::to_owned);
        Self(moments.into_iter().filter_map(|(status, at)| Some((key(status)?, at.into()))).collect())
    }
}

/// The key is the status with `-at`, but for two: source is `RunStatusTimestamps` of go-tfe.
fn run_key(status: RunStatus) -> String {
    match status {
        RunStatus::Pending => "plan-queueable-at".to_owned(),
        RunStatus::FetchingCompleted => "fetched-at".to_owned(),
        other => format!("{}-at", other.as_str().replace('_', "-")),
    }
}

fn phase_key(status: PhaseStatus) -> Option<&'static str> {
    match status {
        PhaseStatus::Pending | PhaseStatus::Unreachable => None,
        PhaseStatus::ManagedQueued => Some("managed-queued-at"),
        PhaseStatus::Queued => Some("queued-at"),
        PhaseStatus::Running => Some("started-at"),
        PhaseStatus::Finished => Some("finished-at"),
        PhaseStatus::Errored => Some("errored-at"),
        PhaseStatus::Canceled => Some("canceled-at"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_milliseconds_and_a_z_whatever_offset_it_came_with() {
        for text in ["\"2024-01-31T13:00:00.123456+01:00\"", "\"2024-01-31T12:00:00.123Z\""] {
            let moment: Timestamp = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&moment).unwrap(), "\"2024-01-31T12:00:00.123Z\"");
        }
    }

    #[test]
    fn an_empty_moment_is_refused() {
        assert!(serde_json::from_str::<Timestamp>("\"\"").is_err());
    }

    #[test]
    fn statuses_are_dated_under_the_keys_that_go_tfe_reads() {
        let at = Timestamp::default();
        let run: StatusTimestamps =
            [(RunStatus::FetchingCompleted, at), (RunStatus::PlannedAndFinished, at)].into_iter().collect();
        assert_eq!(run.0.into_keys().collect::<Vec<_>>(), ["fetched-at", "planned-and-finished-at"]);
        let plan: StatusTimestamps =
            [(PhaseStatus::Pending, at), (PhaseStatus::Running, at), (PhaseStatus::Finished, at)].into_iter().collect();
        assert_eq!(plan.0.into_keys().collect::<Vec<_>>(), ["finished-at", "started-at"]);
    }
}
