//! Where a root keeps its state, and when two descriptions of a state mean the same one.
//!
//! Absent: talking to any backend. Settings are compared as the code has them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::evaluate::{Scope, Unknown};
use crate::module::{BackendBlock, CloudBlock};
use crate::value::Value;

/// Who keeps the state of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendSetting {
    /// multispace does: the code has no backend, `cloud {}`, `backend "remote"`, or `backend "local"` without settings.
    Held,
    /// The root's own backend does, and multispace leaves it alone.
    Own {
        /// Backend type: `s3`, `http`, `pg`, `local` (with settings), ...
        kind: String,
        /// The settings that are known from the code; others come from `-backend-config` or the environment. They may
        /// hold passwords.
        attributes: BTreeMap<String, Value>,
    },
}

/// What `cloud {}` or `backend "remote"` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloudSetting {
    /// `hostname`.
    pub hostname: Option<String>,
    /// `organization`.
    pub organization: Option<String>,
    /// `workspaces { name }`.
    pub name: Option<String>,
    /// `workspaces { prefix }`, only in `backend "remote"`.
    pub prefix: Option<String>,
    /// `workspaces { tags }`: plain tags, or keys of a map of tags.
    pub tags: Vec<String>,
    /// `workspaces { project }`.
    pub project: Option<String>,
}

/// Settings that tell one state from another, by backend type, with what a missing one stands for. Types that are not
/// here are compared by all their settings. Source: the reference page of each backend in Terraform's documentation.
const IDENTITY: &[(&str, &[(&str, &str)])] = &[
    ("azurerm", &[("storage_account_name", ""), ("container_name", ""), ("key", "")]),
    ("consul", &[("address", ""), ("path", "")]),
    ("cos", &[("bucket", ""), ("prefix", "env:"), ("key", "terraform.tfstate")]),
    ("gcs", &[("bucket", ""), ("prefix", "")]),
    ("http", &[("address", "")]),
    ("kubernetes", &[("namespace", "default"), ("secret_suffix", "")]),
    ("oci", &[("namespace", ""), ("bucket", ""), ("key", "")]),
    ("oss", &[("bucket", ""), ("prefix", ""), ("key", "terraform.tfstate")]),
    ("pg", &[("conn_str", ""), ("schema_name", "terraform_remote_state")]),
    ("s3", &[("bucket", ""), ("key", "")]),
];

/// What a state is called so that two descriptions of it are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StateKey {
    /// A file, absolute and without `..`.
    File(PathBuf),
    /// A backend type with its settings.
    Settings(String, Vec<(String, String)>),
}

impl StateKey {
    /// Whether nothing of it can come from elsewhere, as `-backend-config` or the environment.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            StateKey::File(_) => true,
            StateKey::Settings(kind, settings) => {
                IDENTITY.iter().any(|(known, _)| known == kind) && settings.iter().all(|(_, value)| !value.is_empty())
            }
        }
    }

    /// For people: `backend "s3", bucket "states", key "network"`. Never shows what may hold a password: connection
    /// strings, the user part of an address, and settings of backend types that are not known.
    pub(crate) fn describe(&self) -> String {
        let (kind, settings) = match self {
            StateKey::File(path) => return path.display().to_string(),
            StateKey::Settings(kind, settings) => (kind, settings),
        };
        let mut description = format!("backend {kind:?}");
        if IDENTITY.iter().any(|(known, _)| known == kind) {
            for (name, value) in settings.iter().filter(|(name, _)| name != "conn_str") {
                description.push_str(&format!(", {name} {:?}", without_user(value)));
            }
        }
        description
    }
}

fn without_user(address: &str) -> String {
    if let Some((scheme, rest)) = address.split_once("://") {
        let host_end = rest.find('/').unwrap_or(rest.len());
        if let Some(at) = rest[..host_end].rfind('@') {
            return format!("{scheme}://{}", &rest[at + 1..]);
        }
    }
    address.to_owned()
}

/// The key of the state that a backend of this type with these settings has. `setting` evaluates one of them: `None`
/// is one that is not there.
pub(crate) fn state_key<'a>(
    kind: &str,
    names: impl Iterator<Item = &'a String>,
    setting: impl Fn(&str) -> Option<Result<Value, Unknown>>,
) -> Result<StateKey, Unknown> {
    let text = |name: &str| match setting(name) {
        None | Some(Ok(Value::Null)) => Ok(None),
        Some(Ok(value)) => Ok(Some(value.to_template_text().unwrap_or_else(|| value.to_hcl()))),
        Some(Err(unknown)) => Err(unknown),
    };
    let mut settings = Vec::new();
    match IDENTITY.iter().find(|(known, _)| *known == kind) {
        Some((_, identity)) => {
            for (name, default) in *identity {
                let value = text(name)?.unwrap_or_else(|| (*default).to_owned());
                // Leading and trailing slashes make no difference to object stores.
                let value = if *name == "prefix" { value.trim_matches('/').to_owned() } else { value };
                settings.push(((*name).to_owned(), value));
            }
        }
        None => {
            for name in names {
                if let Some(value) = text(name)? {
                    settings.push((name.clone(), value));
                }
            }
        }
    }
    Ok(StateKey::Settings(kind.to_owned(), settings))
}

/// Reads the backend of a root: who holds the state, and what the cloud block says.
pub(crate) fn read(
    backend: Option<&BackendBlock>,
    cloud: Option<&CloudBlock>,
    scope: &Scope<'_>,
) -> (BackendSetting, Option<CloudSetting>) {
    if let Some(cloud) = cloud {
        return (BackendSetting::Held, Some(cloud_setting(&cloud.attributes, &cloud.workspaces, scope)));
    }
    match backend {
        None => (BackendSetting::Held, None),
        Some(block) if block.kind == "remote" => {
            (BackendSetting::Held, Some(cloud_setting(&block.attributes, &block.workspaces, scope)))
        }
        Some(block) if block.kind == "local" && block.attributes.is_empty() => (BackendSetting::Held, None),
        Some(block) => {
            let attributes = block
                .attributes
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), scope.evaluate(value).ok()?)))
                .collect();
            (BackendSetting::Own { kind: block.kind.clone(), attributes }, None)
        }
    }
}

fn cloud_setting(
    attributes: &BTreeMap<String, hcl_edit::expr::Expression>,
    workspaces: &BTreeMap<String, hcl_edit::expr::Expression>,
    scope: &Scope<'_>,
) -> CloudSetting {
    let text = |from: &BTreeMap<String, hcl_edit::expr::Expression>, name: &str| {
        scope.evaluate(from.get(name)?).ok()?.as_str().map(str::to_owned)
    };
    let tags = match workspaces.get("tags").map(|tags| scope.evaluate(tags)) {
        Some(Ok(Value::List(tags))) => tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Ok(Value::Object(tags))) => tags.into_keys().collect(),
        _ => Vec::new(),
    };
    CloudSetting {
        hostname: text(attributes, "hostname"),
        organization: text(attributes, "organization"),
        name: text(workspaces, "name"),
        prefix: text(workspaces, "prefix"),
        project: text(workspaces, "project"),
        tags,
    }
}

/// An absolute path without `.` and `..`, as text alone says it: links are not followed.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// `path` as seen from `base`, both absolute and normal, with `/`; `.` when they are the same.
pub(crate) fn relative(path: &Path, base: &Path) -> String {
    let (mut from, mut to) = (base.components().peekable(), path.components().peekable());
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let mut parts: Vec<String> = from.map(|_| "..".to_owned()).collect();
    parts.extend(to.map(|component| component.as_os_str().to_string_lossy().into_owned()));
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
