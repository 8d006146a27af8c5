//! Limits on concurrent runs. A resource of this server's own.

use serde::{Deserialize, Serialize};
use serde_with::rust::double_option;

use crate::envelope::{Attributes, Request, Resource};
use crate::kind;

/// A limit; its id is its scope and its name (`tag/web`).
pub type RunLimit = Resource<RunLimitAttributes>;

/// What a limit says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunLimitAttributes {
    /// `organization`, `project`, `tag` or `executor`.
    pub scope: String,
    /// The organization's name, the project's id, the tag (`web`, or `team:net` for a key with a value), or the executor's
    /// name.
    pub name: String,
    /// How many runs may have a slot at a time.
    pub limit: u64,
    /// How many have one.
    pub running: u64,
}

impl Attributes for RunLimitAttributes {
    const KIND: &'static str = kind::RUN_LIMITS;
}

/// Body that sets a limit.
pub type RunLimitBody = Request<RunLimitRequest>;

/// Which limit, and how many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunLimitRequest {
    /// See [`RunLimitAttributes`].
    pub scope: String,
    /// See [`RunLimitAttributes`]; not needed for the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// From 1 up; null takes the limit away.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub limit: Option<Option<u32>>,
}

impl Attributes for RunLimitRequest {
    const KIND: &'static str = kind::RUN_LIMITS;
}
