//! [`Probe`]: a look from outside at every moment at which something becomes durable.
//!
//! Everything goes through [`super::Tx::commit`] and [`super::Objects`], so nothing becomes durable without passing here. Tests
//! take a copy of the data folder at such a moment, which is what a crash would have left, or let it fail. No setting reaches it.

use std::fmt;
use std::sync::Arc;

use domain::Problem;

/// A moment at which something becomes durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment<'a> {
    /// A transaction is about to be committed.
    Committing,
    /// It was committed, and nobody knows yet.
    Committed,
    /// The blob of this name is about to be stored.
    Storing(&'a str),
    /// It was stored, and nobody knows yet.
    Stored(&'a str),
}

/// What is told of each [`Moment`], and may answer that it failed.
type Told = dyn Fn(Moment<'_>) -> Result<(), Problem> + Send + Sync;

/// Who is told of each [`Moment`]; nobody by default.
#[derive(Clone, Default)]
pub struct Probe(Option<Arc<Told>>);

impl Probe {
    /// Tells `told` of each moment, and lets that step fail with what it answers: before the moment nothing has happened then, after it
    /// everything has, and whoever asked for it is not told so.
    pub fn new(told: impl Fn(Moment<'_>) -> Result<(), Problem> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    /// Passes on that it is this moment.
    pub(super) fn at(&self, moment: Moment<'_>) -> Result<(), Problem> {
        self.0.as_ref().map_or(Ok(()), |told| told(moment))
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Probe(told)" } else { "Probe" })
    }
}
