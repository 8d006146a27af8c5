//! Tag bindings: a key, and perhaps a value, on a workspace or a project.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Resource, null_as_default};
use crate::kind;

/// A tag that is bound to a workspace or a project itself.
pub type TagBinding = Resource<TagBindingAttributes>;

/// A tag that holds for a workspace, bound to it or to its project; link `inherited-from` says which.
pub type EffectiveTagBinding = Resource<EffectiveTagBindingAttributes>;

/// Key and value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TagBindingAttributes {
    /// The key; with an empty value it is a flat tag.
    pub key: String,
    /// The value; empty for a flat tag, also when a client sends null or nothing.
    #[serde(deserialize_with = "null_as_default")]
    pub value: String,
}

impl Attributes for TagBindingAttributes {
    const KIND: &'static str = kind::TAG_BINDINGS;
}

/// Key and value, which may be inherited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectiveTagBindingAttributes(pub TagBindingAttributes);

impl Attributes for EffectiveTagBindingAttributes {
    const KIND: &'static str = kind::EFFECTIVE_TAG_BINDINGS;
}

/// A tag binding in a list that a client sends: `{"type": "tag-bindings", "attributes": {"key", "value"?}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagBindingItem {
    /// Not to be trusted; written as `type`.
    #[serde(rename = "type", deserialize_with = "null_as_default")]
    pub kind: std::borrow::Cow<'static, str>,
    /// Key and value.
    pub attributes: TagBindingAttributes,
}

impl TagBindingItem {
    /// A binding as a client sends it.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        let attributes = TagBindingAttributes { key: key.into(), value: value.into() };
        Self { kind: kind::TAG_BINDINGS.into(), attributes }
    }
}
