//! Logs of plans and applies, and terraform's own errors in them.

use std::time::Duration;

use domain::Problem;
use serde_json::Value;

use crate::Client;

/// How much of a log is read; errors stand at its end, so the end is read when it is longer.
const CHUNK: usize = 64 << 10;
/// The most that is read of one log.
const MOST: usize = 4 << 20;

/// The byte before a log.
const STX: u8 = 0x02;
/// The byte after a log that has ended.
const ETX: u8 = 0x03;
/// How long the server may hold an answer back while a log does not grow.
const HELD: Duration = Duration::from_secs(30);
/// How often a log is looked at where the server does not know how to hold an answer back.
const LOOK: Duration = Duration::from_secs(1);

/// An error of terraform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogError {
    /// Its headline (`Invalid reference`).
    pub summary: String,
    /// The lines below the headline; may be empty.
    pub detail: String,
}

/// Reads a log from its beginning, up to 4 MiB, without the bytes that frame it.
///
/// # Errors
/// As [`Client::get`].
pub async fn read(client: &Client, url: &str) -> Result<String, Problem> {
    let base = url.split('?').next().unwrap_or(url);
    let mut log = Vec::new();
    while log.len() < MOST {
        let chunk = client.fetch(&format!("{base}?limit={CHUNK}&offset={}", log.len())).await?;
        if chunk.is_empty() {
            break;
        }
        log.extend(chunk);
    }
    let text = String::from_utf8_lossy(&log);
    Ok(text.trim_start_matches('\u{2}').trim_end_matches('\u{3}').to_owned())
}

/// A log that is read while it grows.
pub struct Follower<'a> {
    client: &'a Client,
    url: String,
    offset: usize,
    has_ended: bool,
}

impl<'a> Follower<'a> {
    /// Begins at the beginning of the log at `url`.
    pub fn new(client: &'a Client, url: &str) -> Self {
        let url = url.split('?').next().unwrap_or(url).to_owned();
        Self { client, url, offset: 0, has_ended: false }
    }

    /// What has come since the last call, without the bytes that frame the log; `None` when it has ended. Waits for a
    /// while when there is nothing, and then gives an empty text: the log of a phase that never begins never ends.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        if self.has_ended {
            return Ok(None);
        }
        let url = format!("{}?limit={CHUNK}&offset={}", self.url, self.offset);
        let (mut piece, is_held) = self.client.fetch_held(&url, HELD).await?;
        if piece.is_empty() && !is_held {
            self.client.pause(LOOK).await?;
        }
        self.has_ended = piece.last() == Some(&ETX);
        let is_first = self.offset == 0;
        self.offset += piece.len();
        if self.has_ended {
            piece.pop();
        }
        if is_first && piece.first() == Some(&STX) {
            piece.remove(0);
        }
        Ok(Some(piece))
    }
}

/// The errors in a log, of JSON lines or of text for people.
pub fn errors(log: &str) -> Vec<LogError> {
    let of_json: Vec<_> = log.lines().filter_map(json_error).collect();
    if of_json.is_empty() { text_errors(log) } else { of_json }
}

fn json_error(line: &str) -> Option<LogError> {
    let value: Value = serde_json::from_str(line).ok()?;
    let diagnostic = (value["@level"] == "error").then_some(&value["diagnostic"])?;
    let text = |name: &str| diagnostic[name].as_str().unwrap_or_default().trim().to_owned();
    let (summary, detail) = (text("summary"), text("detail"));
    let summary =
        if summary.is_empty() { value["@message"].as_str()?.trim_start_matches("Error: ").to_owned() } else { summary };
    Some(LogError { summary, detail })
}

/// Errors for people begin with `Error: ` behind a frame, and end at the next one or at the end of the frame.
fn text_errors(log: &str) -> Vec<LogError> {
    let mut found: Vec<LogError> = Vec::new();
    let mut inside = false;
    for line in log.lines() {
        let plain = without_colours(line);
        let plain = plain.trim_start_matches(['│', '╷', '╵', ' ']).trim_end();
        if let Some(summary) = plain.strip_prefix("Error: ") {
            found.push(LogError { summary: summary.to_owned(), detail: String::new() });
            inside = true;
        } else if line.contains('╵') || plain.starts_with("Warning: ") {
            inside = false;
        } else if inside
            && !plain.is_empty()
            && let Some(error) = found.last_mut()
        {
            if !error.detail.is_empty() {
                error.detail.push('\n');
            }
            error.detail.push_str(plain);
        }
    }
    found
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(next) = rest.next() {
        if next == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(next);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_found_in_json_lines() {
        let log = "Terraform v1.11.4\n{\"@level\":\"info\",\"@message\":\"x\"}\n\
            {\"@level\":\"error\",\"@message\":\"Error: Boom\",\"diagnostic\":{\"summary\":\"Boom\",\"detail\":\"It broke.\"}}\n";
        assert_eq!(errors(log), [LogError { summary: "Boom".into(), detail: "It broke.".into() }]);
    }

    #[test]
    fn errors_are_found_in_text_for_people_with_colours_and_frames() {
        let log = "x\n\u{1b}[31m╷\u{1b}[0m\n\u{1b}[31m│\u{1b}[0m \u{1b}[1mError: Boom\u{1b}[0m\n│ \n│   on main.tf line 3\n│ It broke.\n╵\nafter\n";
        assert_eq!(errors(log), [LogError { summary: "Boom".into(), detail: "on main.tf line 3\nIt broke.".into() }]);
    }

    #[test]
    fn no_log_makes_who_looks_for_errors_panic() {
        let seeds: &[&[u8]] = &[
            b"\x02Terraform v1.11.4\n{\"@level\":\"error\",\"@message\":\"Error: Boom\",\"diagnostic\":{\"summary\":\"Boom\",\"detail\":\"It broke.\"}}\n\x03",
            "x\n\u{1b}[31m╷\u{1b}[0m\n\u{1b}[31m│\u{1b}[0m \u{1b}[1mError: Boom\u{1b}[0m\n│ \n│   on main.tf line 3\n│ It broke.\n╵\nWarning: x\n".as_bytes(),
        ];
        fuzz::survives("log-errors", seeds, &|bytes| drop(errors(&String::from_utf8_lossy(bytes))));
    }
}
