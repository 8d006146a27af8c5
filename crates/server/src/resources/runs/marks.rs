//! Which line of a log stands at which byte, so that the end of a long log, or a part in its middle, is read without what comes
//! before it.
//!
//! Lines have to be counted to be numbered, because what terraform wrote as JSON may be no line for people, or several. A part
//! that was counted once is noted beside the log; only what came since is counted again. Absent: what is in a line.

use std::fmt::Write as _;

use domain::Problem;
use futures::Stream;

use super::log;
use crate::app::App;

/// How far apart marks are, in bytes: the size of the pieces in which a log that has ended is kept.
const STEP: usize = 1024 * 1024;

/// A place in a log, between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Offset of the next byte.
    pub byte: u64,
    /// How many lines came before it.
    pub lines: usize,
}

/// Places in a log, from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks(Vec<Position>);

impl Marks {
    /// Those of the log of a plan or apply, as far as it goes now.
    ///
    /// # Errors
    /// `storage/unavailable`.
    pub async fn of(app: &App, phase: &str) -> Result<Self, Problem> {
        let noted = log::note(app, phase).await?.and_then(|bytes| Self::read(&bytes)).unwrap_or_default();
        let mut marks = noted.clone();
        loop {
            let at = marks.end();
            let part = log::lines(app, phase, at.byte, STEP).await?;
            if part.end == at.byte {
                break;
            }
            marks.0.push(Position { byte: part.end, lines: at.lines + part.lines.len() });
            if part.last {
                break;
            }
        }
        // The last part may still grow.
        let whole = &marks.0[..marks.0.len().saturating_sub(1).max(1)];
        if whole.len() > noted.0.len() {
            log::keep_note(app, phase, Self(whole.to_vec()).written().as_bytes()).await?;
        }
        Ok(marks)
    }

    /// Where the log ends.
    pub fn end(&self) -> Position {
        self.0.last().copied().unwrap_or_default()
    }

    /// A place at which at most so many lines have come, and not many fewer.
    pub fn before(&self, lines: usize) -> Position {
        let place = self.0.partition_point(|mark| mark.lines <= lines);
        place.checked_sub(1).map(|place| self.0[place]).unwrap_or_default()
    }

    fn written(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, mark| {
            // A string takes whatever is written to it.
            let _ = writeln!(text, "{} {}", mark.byte, mark.lines);
            text
        })
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let lines = std::str::from_utf8(bytes).ok()?.lines();
        let marks = lines.map(|line| {
            let (byte, lines) = line.split_once(' ')?;
            Some(Position { byte: byte.parse().ok()?, lines: lines.parse().ok()? })
        });
        marks.collect::<Option<Vec<_>>>().filter(|marks| !marks.is_empty()).map(Self)
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self(vec![Position::default()])
    }
}

/// Some lines of a log.
#[derive(Debug)]
pub struct Part {
    /// How many lines come before them.
    pub first: usize,
    /// The lines.
    pub lines: Vec<String>,
}

/// The lines of a log from one of its marks on, a part at a time, to where it ends now.
pub fn parts(app: &App, phase: &str, from: Position) -> impl Stream<Item = Result<Part, Problem>> + use<> {
    let (app, phase) = (app.clone(), phase.to_owned());
    futures::stream::try_unfold(Some(from), move |at| {
        let (app, phase) = (app.clone(), phase.clone());
        async move {
            let Some(at) = at else { return Ok(None) };
            let part = log::lines(&app, &phase, at.byte, STEP).await?;
            let next = Position { byte: part.end, lines: at.lines + part.lines.len() };
            let goes_on = next.byte > at.byte;
            let next = (goes_on && !part.last).then_some(next);
            Ok(goes_on.then_some((Part { first: at.lines, lines: part.lines }, next)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(all: &[(u64, usize)]) -> Marks {
        Marks(all.iter().map(|&(byte, lines)| Position { byte, lines }).collect())
    }

    #[test]
    fn a_line_is_found_from_the_mark_before_it() {
        let marks = marks(&[(0, 0), (1000, 10), (2000, 10), (3000, 25)]);
        let before = |lines| marks.before(lines).byte;
        assert_eq!(
            [before(0), before(9), before(10), before(24), before(25), before(99)],
            [0, 0, 2000, 2000, 3000, 3000]
        );
        assert_eq!(marks.end(), Position { byte: 3000, lines: 25 });
    }

    #[test]
    fn marks_are_read_as_they_were_written_and_nonsense_is_none() {
        let marks = marks(&[(0, 0), (1000, 10)]);
        assert_eq!(Marks::read(marks.written().as_bytes()), Some(marks));
        assert_eq!(Marks::read(b"0 0\nx 1\n"), None);
    }
}
