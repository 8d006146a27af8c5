//! [`Problem`]: the one type for what a person is told when something cannot be done.
//!
//! The API renders it as a JSON:API error, the CLI as two lines and an exit code. Every code names a page in
//! `docs/problems`.

use std::fmt;

/// Whose fault it is, and with it the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not there, or the caller may not know that it is (404).
    NotFound,
    /// No valid token came with the request (401).
    Unauthorized,
    /// It is there and visible, but this caller may not do this to it (403).
    Forbidden,
    /// What is asked does not fit the present state of things (409).
    Conflict,
    /// What was sent is wrong (422).
    Invalid,
    /// What was sent cannot be read at all (400).
    Malformed,
    /// What was sent is over a limit (413).
    TooLarge,
    /// It came too fast after what came before (429).
    TooMany,
    /// It cannot be done at this moment, and may be later (503).
    Unavailable,
    /// The fault is ours (500).
    Ours,
}

/// What went wrong, in one sentence, and what to do about it, in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whose fault it is.
    pub fault: Fault,
    /// A stable code such as `workspace/locked`; `docs/problems` has a page for each room.
    pub code: &'static str,
    /// One sentence that says what is wrong.
    pub message: String,
    /// One sentence that says what to do; empty where there is nothing to do.
    pub advice: String,
    /// JSON pointer to the offending attribute (`/data/attributes/name`), where there is one.
    pub pointer: Option<String>,
    /// For the log alone: the cause as the machine put it. Never shown to a client.
    pub cause: Option<String>,
}

impl Problem {
    /// A problem of the given fault; the named constructors below read better.
    pub fn new(fault: Fault, code: &'static str, message: impl Into<String>) -> Self {
        Self { fault, code, message: message.into(), advice: String::new(), pointer: None, cause: None }
    }

    /// It is not there, or the caller may not know that it is.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::NotFound, code, message)
    }

    /// It does not fit the present state of things.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Conflict, code, message)
    }

    /// What was sent is wrong.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Invalid, code, message)
    }

    /// Visible, but not allowed.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Fault::Forbidden, code, message)
    }

    /// The fault is ours; `cause` goes to the log only.
    pub fn ours(code: &'static str, message: impl Into<String>, cause: impl fmt::Display) -> Self {
        let mut problem = Self::new(Fault::Ours, code, message);
        problem.cause = Some(cause.to_string());
        problem
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// Adds the attribute it is about, by name (`name` becomes `/data/attributes/name`).
    #[must_use]
    pub fn attribute(mut self, name: &str) -> Self {
        self.pointer = Some(format!("/data/attributes/{name}"));
        self
    }

    /// Adds the cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.advice.is_empty() {
            write!(f, " {}", self.advice)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
