//! Flat tags: the names that an organization's workspaces are found by.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Items, Resource, ToOne, null_as_default};
use crate::{Timestamp, kind};

/// A flat tag of an organization.
pub type Tag = Resource<TagAttributes, TagRelationships>;

/// What a tag says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TagAttributes {
    /// The name, in lower case.
    pub name: String,
    /// When it was first used.
    pub created_at: Timestamp,
    /// On how many workspaces it is.
    pub instance_count: u64,
}

impl Attributes for TagAttributes {
    const KIND: &'static str = kind::TAGS;
}

/// What a tag points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TagRelationships {
    /// Whose it is.
    pub organization: ToOne,
}

/// Body that adds or removes tags: by name, by id, or by both.
pub type TagItems = Items<TagItem>;

/// A tag in a list that a client sends: `{"type": "tags", "id"?, "attributes": {"name"}?}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagItem {
    /// Not to be trusted; written as `type`.
    #[serde(rename = "type", deserialize_with = "null_as_default")]
    pub kind: std::borrow::Cow<'static, str>,
    /// The id, where the client knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name, where the client says it.
    #[serde(deserialize_with = "null_as_default")]
    pub attributes: TagItemAttributes,
}

/// The name of a tag in a list that a client sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagItemAttributes {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl TagItem {
    /// A tag by name, as a client sends it.
    pub fn named(name: impl Into<String>) -> Self {
        Self { kind: kind::TAGS.into(), id: None, attributes: TagItemAttributes { name: Some(name.into()) } }
    }

    /// The id, if there is one that is not empty.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }

    /// The name, if there is one that is not empty.
    pub fn name(&self) -> Option<&str> {
        self.attributes.name.as_deref().filter(|name| !name.is_empty())
    }
}
