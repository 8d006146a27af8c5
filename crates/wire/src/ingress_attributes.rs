//! The commit that a configuration version came from.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, NoRelationships, Resource};
use crate::kind;

/// The commit as the API answers it.
pub type IngressAttributes = Resource<IngressAttributesAttributes, NoRelationships>;

/// What is said of the commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct IngressAttributesAttributes {
    /// The branch it was fetched from.
    pub branch: String,
    /// Where git finds the repository.
    pub clone_url: String,
    /// Its whole message.
    pub commit_message: String,
    /// Its name: 40 or 64 hexadecimal digits.
    pub commit_sha: String,
    /// Where people find it; null where the host has no pages.
    pub commit_url: Option<String>,
    /// Where people find what changed.
    pub compare_url: Option<String>,
    /// `owner/name`.
    pub identifier: String,
    /// Whether it is what a pull request would make.
    pub is_pull_request: bool,
    /// Whether the branch is the repository's default one.
    pub on_default_branch: bool,
    /// Number of the pull request.
    pub pull_request_number: Option<u64>,
    /// Where people find the pull request.
    pub pull_request_url: Option<String>,
    /// Title of the pull request.
    pub pull_request_title: Option<String>,
    /// Text of the pull request.
    pub pull_request_body: Option<String>,
    /// The tag that started the run.
    pub tag: Option<String>,
    /// Who made it: whoever pushed, or else the commit's author.
    pub sender_username: Option<String>,
    /// Picture of the sender.
    pub sender_avatar_url: Option<String>,
    /// Page of the sender.
    pub sender_html_url: Option<String>,
}

impl Attributes for IngressAttributesAttributes {
    const KIND: &'static str = kind::INGRESS_ATTRIBUTES;
}
