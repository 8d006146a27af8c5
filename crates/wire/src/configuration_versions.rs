//! Configuration versions: an uploaded tree of Terraform code.

use serde::{Deserialize, Serialize};

use crate::envelope::{Attributes, Request, Resource, ToOne};
use crate::kind;
use crate::timestamp::StatusTimestamps;
use crate::words::{ConfigurationSource, ConfigurationStatus};

/// A configuration version as the API answers it; link `download` once it is uploaded.
pub type ConfigurationVersion = Resource<ConfigurationVersionAttributes, ConfigurationVersionRelationships>;

/// What a configuration version says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ConfigurationVersionAttributes {
    /// Whether a run is queued once it is uploaded.
    pub auto_queue_runs: bool,
    /// A short word for what went wrong; null when nothing did.
    pub error: Option<String>,
    /// A sentence for what went wrong; null when nothing did.
    pub error_message: Option<String>,
    /// What made it.
    pub source: ConfigurationSource,
    /// Whether only plans may use it; it never becomes the workspace's current one.
    pub speculative: bool,
    /// Whether it becomes the workspace's current one only when its run is applied.
    pub provisional: bool,
    /// Where it is in its life.
    pub status: ConfigurationStatus,
    /// When each status was reached.
    pub status_timestamps: StatusTimestamps,
    /// Where the archive is to be put, absolute and secret; null once it is there.
    pub upload_url: Option<String>,
    /// Files that a commit changed; empty for uploads.
    pub changed_files: Vec<String>,
}

impl Attributes for ConfigurationVersionAttributes {
    const KIND: &'static str = kind::CONFIGURATION_VERSIONS;
}

/// What a configuration version points to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ConfigurationVersionRelationships {
    /// The commit it came from; null for uploads.
    pub ingress_attributes: ToOne,
}

/// Body of a create.
pub type ConfigurationVersionBody = Request<ConfigurationVersionRequest>;

/// What a client says of a configuration version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ConfigurationVersionRequest {
    /// True by default; the CLI always sends false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_queue_runs: Option<bool>,
    /// False by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speculative: Option<bool>,
    /// False by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisional: Option<bool>,
}

impl Attributes for ConfigurationVersionRequest {
    const KIND: &'static str = kind::CONFIGURATION_VERSIONS;
}
