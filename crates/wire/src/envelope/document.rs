//! Answers: a document, the resources in it, and their links.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Identifier, Pagination};

/// A whole answer. `D` is what stands under `data`: a [`Resource`], a `Vec` of them, or an `Option` where null is legal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Document<D> {
    /// What was asked for.
    pub data: D,
    /// Whole resources that `include=` asked for, each once; of mixed types, so kept as JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<Value>,
    /// Links of the document: those of the page for a list, `self` for one resource.
    #[serde(default, skip_serializing_if = "Links::is_empty")]
    pub links: Links,
    /// Present on lists that come in pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

/// `meta` of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Which page this is, and of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<Pagination>,
}

/// One resource. `A` are its attributes, `R` its relationships.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "A: Deserialize<'de> + Default, R: Deserialize<'de>"))]
pub struct Resource<A, R = NoRelationships> {
    /// The id; for organizations and users of a team, the name.
    pub id: String,
    /// One of [`crate::kind`]; written as `type`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// What the resource says of itself.
    #[serde(default)]
    pub attributes: A,
    /// What it points to; left out when `None`.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub relationships: Option<R>,
    /// `self` and others; left out when empty.
    #[serde(default, skip_serializing_if = "Links::is_empty")]
    pub links: Links,
}

fn none<R>() -> Option<R> {
    None
}

/// Attributes of a kind of resource; binds them to the `type` they travel under.
pub trait Attributes {
    /// One of [`crate::kind`].
    const KIND: &'static str;
}

/// The relationships of a resource that has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoRelationships {}

impl<A: Attributes, R> Resource<A, R> {
    /// A resource without relationships and links; add them with [`Self::related`] and [`Self::linked`].
    pub fn new(id: impl Display, attributes: A) -> Self {
        Self {
            id: id.to_string(),
            kind: Cow::Borrowed(A::KIND),
            attributes,
            relationships: None,
            links: Links::default(),
        }
    }
}

impl<A, R> Resource<A, R> {
    /// Sets the relationships.
    #[must_use]
    pub fn related(mut self, relationships: R) -> Self {
        self.relationships = Some(relationships);
        self
    }

    /// Adds a link.
    #[must_use]
    pub fn linked(mut self, name: &str, url: impl Into<String>) -> Self {
        self.links = self.links.and(name, url);
        self
    }

    /// How a relationship points to this resource.
    pub fn identifier(&self) -> Identifier {
        Identifier { id: self.id.clone(), kind: self.kind.clone() }
    }
}

impl<D> Document<D> {
    /// A document of one resource, or of a list that is never cut into pages.
    pub fn new(data: D) -> Self {
        Self { data, included: Vec::new(), links: Links::default(), meta: None }
    }

    /// Adds a resource to `included`, unless it is there already.
    ///
    /// # Panics
    /// Never for the resources of this crate: plain data with text keys always has a JSON form.
    pub fn include<A: Serialize, R: Serialize>(&mut self, resource: &Resource<A, R>) {
        let there = |value: &Value| value["id"] == resource.id.as_str() && value["type"] == resource.kind.as_ref();
        if !self.included.iter().any(there) {
            let value = serde_json::to_value(resource).expect("plain data with text keys has a JSON form");
            self.included.push(value);
        }
    }
}

impl<T> Document<Vec<T>> {
    /// One page of a list, with its links. `url` gives the address of a page by its number.
    pub fn page(data: Vec<T>, pagination: Pagination, url: impl Fn(u64) -> String) -> Self {
        let links = pagination.links(url);
        Self { data, included: Vec::new(), links, meta: Some(Meta { pagination: Some(pagination) }) }
    }
}

/// Named links. A value is an address, or null where the API says so (`prev` on the first page).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Links(pub BTreeMap<String, Value>);

impl Links {
    /// Only `self`.
    pub fn to_self(url: impl Into<String>) -> Self {
        Self::default().and("self", url)
    }

    /// Only `related`.
    pub fn to_related(url: impl Into<String>) -> Self {
        Self::default().and("related", url)
    }

    /// Adds a link.
    #[must_use]
    pub fn and(mut self, name: &str, url: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), Value::String(url.into()));
        self
    }

    /// Adds a link that leads nowhere: an explicit null.
    #[must_use]
    pub fn and_null(mut self, name: &str) -> Self {
        self.0.insert(name.to_owned(), Value::Null);
        self
    }

    /// The address under this name, if there is one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Whether there is no link at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
