//! What a client is told when something went wrong.

use serde::{Deserialize, Serialize};

/// The body of every answer that is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDocument {
    /// At least one.
    pub errors: Vec<ErrorObject>,
}

/// One thing that went wrong. go-tfe shows `title` and `detail`; pytfe `detail`, else `title`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorObject {
    /// The HTTP status as **text**: go-tfe cannot read the whole body when it is a number.
    pub status: String,
    /// A few words, the same for every error of the kind (`not found`).
    pub title: String,
    /// Sentences for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// A stable code for programs (`workspace/locked`); an addition to HCP Terraform that clients ignore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Which part of the request it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<ErrorSource>,
}

/// Which part of the request an error is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorSource {
    /// JSON pointer (`/data/attributes/name`).
    pub pointer: String,
}

impl ErrorDocument {
    /// A document of one error.
    pub fn one(error: ErrorObject) -> Self {
        Self { errors: vec![error] }
    }
}

impl ErrorObject {
    /// An error with nothing but a status and a title.
    pub fn new(status: u16, title: impl Into<String>) -> Self {
        Self { status: status.to_string(), title: title.into(), ..Self::default() }
    }

    /// Adds sentences for the person.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the stable code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds the JSON pointer.
    #[must_use]
    pub fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.source = Some(ErrorSource { pointer: pointer.into() });
        self
    }
}
