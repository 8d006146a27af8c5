//! Relationships: how one resource points to others.

use std::borrow::Cow;
use std::fmt::Display;

use serde::{Deserialize, Deserializer, Serialize};

use super::Links;

/// What a relationship points to: `{"id": …, "type": …}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identifier {
    /// The id.
    pub id: String,
    /// One of [`crate::kind`]; written as `type`. Empty when a sloppy request left it out.
    #[serde(rename = "type", default)]
    pub kind: Cow<'static, str>,
}

impl Identifier {
    /// Points to a resource by one of [`crate::kind`] and its id.
    pub fn new(kind: &'static str, id: impl Display) -> Self {
        Self { id: id.to_string(), kind: Cow::Borrowed(kind) }
    }
}

/// A relationship to at most one resource; `data` is an explicit null when there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToOne {
    /// The other end.
    #[serde(default)]
    pub data: Option<Identifier>,
    /// Usually `related`; left out when empty.
    #[serde(default, skip_serializing_if = "Links::is_empty")]
    pub links: Links,
}

impl ToOne {
    /// Points to this resource.
    pub fn new(kind: &'static str, id: impl Display) -> Self {
        Self { data: Some(Identifier::new(kind, id)), links: Links::default() }
    }

    /// Points to this resource, or to none.
    pub fn maybe<I: Display>(kind: &'static str, id: Option<I>) -> Self {
        Self { data: id.map(|id| Identifier::new(kind, id)), links: Links::default() }
    }

    /// Points to none: `data` is null.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds where to read the other end.
    #[must_use]
    pub fn related(mut self, url: impl Into<String>) -> Self {
        self.links = self.links.and("related", url);
        self
    }

    /// The id at the other end, if there is one; an empty id counts as none.
    pub fn id(&self) -> Option<&str> {
        self.data.as_ref().map(|data| data.id.as_str()).filter(|id| !id.is_empty())
    }
}

impl From<Identifier> for ToOne {
    fn from(identifier: Identifier) -> Self {
        Self { data: Some(identifier), links: Links::default() }
    }
}

/// A relationship to any number of resources.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToMany {
    /// The other ends; null is read as none.
    #[serde(default, deserialize_with = "null_as_none")]
    pub data: Vec<Identifier>,
    /// Usually `related`; left out when empty.
    #[serde(default, skip_serializing_if = "Links::is_empty")]
    pub links: Links,
}

impl ToMany {
    /// Points to these resources, all of one kind.
    pub fn new<I: Display>(kind: &'static str, ids: impl IntoIterator<Item = I>) -> Self {
        Self { data: ids.into_iter().map(|id| Identifier::new(kind, id)).collect(), links: Links::default() }
    }

    /// Adds where to read the other ends.
    #[must_use]
    pub fn related(mut self, url: impl Into<String>) -> Self {
        self.links = self.links.and("related", url);
        self
    }
}

fn null_as_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Identifier>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A relationship whose other ends are read at a link. They stand under `data` only when `include=` asked for them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Linked {
    /// The other ends, when asked for; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Vec<Identifier>>,
    /// Usually `related`.
    #[serde(default, skip_serializing_if = "Links::is_empty")]
    pub links: Links,
}

impl Linked {
    /// Says where the other ends are read.
    pub fn related(url: impl Into<String>) -> Self {
        Self { data: None, links: Links::to_related(url) }
    }

    /// Adds the other ends, all of one kind.
    #[must_use]
    pub fn with<I: Display>(mut self, kind: &'static str, ids: impl IntoIterator<Item = I>) -> Self {
        self.data = Some(ids.into_iter().map(|id| Identifier::new(kind, id)).collect());
        self
    }
}
