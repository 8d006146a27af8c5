//! [`Timestamp`]: a moment as clients can read it.

use chrono::{DateTime, SecondsFormat, Utc};
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
}
