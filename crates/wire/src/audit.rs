//! The audit trail. Unlike everything else it is no JSON:API document; the shape is HCP Terraform's, with some members more.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A part of an audit trail.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditTrail {
    /// Its events, oldest first.
    pub data: Vec<AuditEvent>,
    /// Where in the whole trail they are.
    pub pagination: AuditPagination,
}

/// Where in a trail a part is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditPagination {
    /// Number of this page, from 1.
    pub current_page: u64,
    /// The page before; null on the first.
    pub prev_page: Option<u64>,
    /// The page after; null on the last.
    pub next_page: Option<u64>,
    /// How many pages there are.
    pub total_pages: u64,
    /// How many events there are.
    pub total_count: u64,
}

impl AuditPagination {
    /// Of page `number`, where `total` events are `size` to a page.
    pub fn of(number: u64, size: u64, total: u64) -> Self {
        let last = total.div_ceil(size.max(1)).max(1);
        Self {
            current_page: number,
            prev_page: (number > 1).then(|| number - 1),
            next_page: (number < last).then(|| number + 1),
            total_pages: last,
            total_count: total,
        }
    }
}

/// Something that was done, or refused.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditEvent {
    /// Its id, in the shape of a UUID.
    pub id: String,
    /// Version of the shape: `0`, HCP Terraform's.
    pub version: String,
    /// `Resource`, always.
    #[serde(rename = "type")]
    pub kind: String,
    /// When, in ISO 8601 and UTC.
    pub timestamp: String,
    /// Who.
    pub auth: AuditAuth,
    /// In which request.
    pub request: AuditRequest,
    /// To what.
    pub resource: AuditResource,
    /// `done` or `denied`; not of HCP Terraform.
    pub result: String,
    /// Place in the chain, from 1; not of HCP Terraform.
    pub number: i64,
    /// Digest of the event before it in the chain; not of HCP Terraform.
    pub previous: String,
    /// Digest of this event under the server's key; not of HCP Terraform.
    pub digest: String,
}

/// Who did it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditAuth {
    /// Id of the user, team, organization or run.
    pub accessor_id: String,
    /// What they were called.
    pub description: String,
    /// `Client`, or `System` for the server itself.
    #[serde(rename = "type")]
    pub kind: String,
    /// Nobody acts as somebody else here: null.
    pub impersonator_id: Option<String>,
    /// Id of the organization; null for what is the server's.
    pub organization_id: Option<String>,
    /// `user`, `team`, `organization`, `run`, `address`, `webhook`, `anonymous` or `server`; not of HCP Terraform.
    pub accessor_type: String,
    /// Id of the token that came along; not of HCP Terraform.
    pub token_id: Option<String>,
}

/// In which request it was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditRequest {
    /// Its id, which the answer had as `X-Request-Id`; null when the server did it by itself.
    pub id: Option<String>,
}

/// What it was done to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditResource {
    /// Its id, or the name that was asked for.
    pub id: String,
    /// What kind of thing it is: `workspace`, `authentication_token`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was done: `create`, `update`, `apply`.
    pub action: String,
    /// What else is known: its name, every change, the digest of the request.
    pub meta: Value,
}

/// Whether a trail, or all of them, are as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditCheck {
    /// It is.
    pub whole: bool,
    /// How many events are as they were written, from the first on.
    pub events: i64,
    /// The first that is not.
    pub broken: Option<AuditBroken>,
}

/// An event that is not as it was written, or not there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditBroken {
    /// Id of the organization whose it is, or `server`.
    pub chain: String,
    /// Its place in the chain.
    pub number: i64,
    /// Its time, if it is there.
    pub timestamp: Option<String>,
    /// What is wrong with it.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_hcp_terraform_is_read_and_written_with_its_members() {
        let sample = serde_json::json!({
            "id": "ae66e491-db59-457c-8445-9c908ee726ae", "version": "0", "type": "Resource",
            "timestamp": "2020-06-30T17:52:46.000Z",
            "auth": { "accessor_id": "user-MaPuLxAXvtq2PWTH", "description": "pveverka", "type": "Client",
                      "impersonator_id": null, "organization_id": "org-AGLwRmx1snv34Yts" },
            "request": { "id": "4df584d4-7e2a-01e6-6cc0-4adbefa020e6" },
            "resource": { "id": "at-sjt83qTw4GZatuPm", "type": "authentication_token", "action": "create", "meta": null },
        });
        let event: AuditEvent = serde_json::from_value(sample.clone()).unwrap();
        assert_eq!(event.auth.description, "pveverka");
        let written = serde_json::to_value(&event).unwrap();
        for (name, value) in sample.as_object().unwrap() {
            match value.as_object() {
                None => assert_eq!(&written[name], value, "{name}"),
                Some(members) => {
                    for (member, value) in members {
                        assert_eq!(&written[name][member], value, "{name}.{member}");
                    }
                }
            }
        }
    }
}
