//! [`Idle`]: how long something may lie idle.

use chrono::TimeDelta;

use crate::Problem;

/// How long something may lie idle, as it was written: one to four digits and `d` or `h`, not zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    text: String,
    hours: i64,
}

impl Idle {
    /// Reads `14d` or `36h`.
    ///
    /// # Errors
    /// `auto-destroy/duration`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let hours = match text.char_indices().last() {
            Some((end, 'd')) => digits(&text[..end]).map(|days| days * 24),
            Some((end, 'h')) => digits(&text[..end]),
            _ => None,
        };
        let hours = hours.filter(|hours| *hours > 0).ok_or_else(|| {
            Problem::invalid(
                "auto-destroy/duration",
                "The duration must be 1-4 digits followed by d or h, and not zero.",
            )
            .advice("Give days such as 14d, or hours such as 36h.")
            .attribute("auto-destroy-activity-duration")
        })?;
        Ok(Self { text: text.to_owned(), hours })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How long that is.
    pub fn length(&self) -> TimeDelta {
        TimeDelta::hours(self.hours)
    }
}

fn digits(text: &str) -> Option<i64> {
    let fits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_hours_are_read_and_kept_as_they_were_written() {
        for (text, hours) in [("1d", 24), ("14d", 336), ("36h", 36), ("9999h", 9999), ("0030d", 720)] {
            let idle = Idle::parse(text).unwrap();
            assert_eq!((idle.as_str(), idle.length()), (text, TimeDelta::hours(hours)));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "d", "1w", "1d1", "123456h", "12345d", "-1d", "+1d", "1.5d", " 1d", "1D", "0d", "0000h", "١d"]
        {
            assert_eq!(Idle::parse(text).unwrap_err().code, "auto-destroy/duration", "{text}");
        }
    }
}
