//! Requests, read leniently: clients leave out `id` and `type`, send `"type": ""`, and add attributes of their own.
//!
//! Three states of an attribute: in the structs of this crate `Option<T>` means absent (null counts as absent, as the
//! API treats it), and `Option<Option<T>>` tells absent (`None`: leave unchanged), null (`Some(None)`: clear it) and a
//! value (`Some(Some(_))`) apart, which a PATCH needs.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Attributes, Identifier, NoRelationships};

/// The body of a create or an update.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "A: Deserialize<'de> + Default, R: Deserialize<'de> + Default"))]
pub struct Request<A, R = NoRelationships> {
    /// The one resource of the body.
    pub data: RequestData<A, R>,
}

/// The resource in the body of a create or an update.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "A: Deserialize<'de> + Default, R: Deserialize<'de> + Default"))]
pub struct RequestData<A, R = NoRelationships> {
    /// Left out by most clients; the path says which resource is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Not to be trusted: absent, empty or wrong in what clients send. Written as `type`.
    #[serde(default, rename = "type", deserialize_with = "null_as_default")]
    pub kind: Cow<'static, str>,
    /// Absent and null are read as no attributes.
    #[serde(default, deserialize_with = "null_as_default")]
    pub attributes: A,
    /// Absent and null are read as no relationships.
    #[serde(default, deserialize_with = "null_as_default")]
    pub relationships: R,
}

impl<A: Attributes, R: Default> Request<A, R> {
    /// A body as a client sends it.
    pub fn new(attributes: A) -> Self {
        let kind = Cow::Borrowed(A::KIND);
        Self { data: RequestData { id: None, kind, attributes, relationships: R::default() } }
    }
}

impl<A, R> Request<A, R> {
    /// Sets the relationships.
    #[must_use]
    pub fn related(mut self, relationships: R) -> Self {
        self.data.relationships = relationships;
        self
    }

    /// Attributes and relationships, which is all that a service wants.
    pub fn into_parts(self) -> (A, R) {
        (self.data.attributes, self.data.relationships)
    }
}

/// `{"data": [{"type", "id"}]}`: what POST, PATCH and DELETE of a relationship take.
pub type Identifiers = Items<Identifier>;

/// `{"data": [ … ]}`: a body of many items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Items<T> {
    /// The items; null and absence are read as none.
    #[serde(default, deserialize_with = "null_as_default")]
    pub data: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { data: Vec::new() }
    }
}

/// The body of an action (lock, apply, discard, cancel, …), which may carry a sentence.
///
/// Clients send nothing, `{}`, `{"comment": "…"}`, `{"reason": "…"}`, or a whole document with these attributes and an
/// empty type, as the Terraform CLI does for its lock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ActionRequest {
    /// Why a workspace is locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What somebody says to an apply, a discard or a cancel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl ActionRequest {
    /// Reads a body; an empty one says nothing.
    ///
    /// # Errors
    /// When the body is neither empty, nor null, nor a JSON object of one of the known shapes.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        if body.trim_ascii().is_empty() { Ok(Self::default()) } else { super::read(body) }
    }
}

impl<'de> Deserialize<'de> for ActionRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        struct Words {
            reason: Option<String>,
            comment: Option<String>,
        }
        #[derive(Default, Deserialize)]
        struct Data {
            attributes: Option<Words>,
        }
        #[derive(Default, Deserialize)]
        struct Body {
            data: Option<Data>,
            reason: Option<String>,
            comment: Option<String>,
        }

        let body = Option::<Body>::deserialize(deserializer)?.unwrap_or_default();
        let inner = body.data.unwrap_or_default().attributes.unwrap_or_default();
        let said = |outer: Option<String>, inner: Option<String>| outer.or(inner).filter(|text| !text.is_empty());
        Ok(Self { reason: said(body.reason, inner.reason), comment: said(body.comment, inner.comment) })
    }
}

/// Reads null as the default.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
