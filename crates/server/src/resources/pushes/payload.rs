//! What hosts tell of pushes, and what of it counts here.
//!
//! Payloads as the hosts document them: "Webhook events and payloads" of GitHub, "Webhook events" of GitLab, "Webhooks" of Gitea.

use std::collections::BTreeSet;

use domain::vcs::{Push, Reference};
use serde_json::Value;

use super::sender::Host;

/// A push that somebody made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pushed {
    /// The repository, `owner/name`.
    pub(super) identifier: String,
    /// What was pushed.
    pub(super) push: Push,
    /// The commit.
    pub(super) commit: String,
    /// Who.
    pub(super) sender: Option<String>,
    /// Where people find what changed.
    pub(super) compare_url: Option<String>,
}

/// Most changed files that are told apart; of more, all may have changed.
const FILES: usize = 10_000;
/// GitHub lists no more commits than these.
const COMMITS: usize = 2048;

/// Reads a push. `None` for anything else, and for a branch or tag that was deleted.
pub(super) fn pushed(host: Host, event: &str, payload: &Value) -> Option<Pushed> {
    if !matches!((host, event), (Host::Github | Host::Gitea, "push") | (Host::Gitlab, "Push Hook" | "Tag Push Hook")) {
        return None;
    }
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (identifier, default, sender, compare) = match host {
        Host::Github => ("/repository/full_name", "/repository/default_branch", "/sender/login", "/compare"),
        Host::Gitea => ("/repository/full_name", "/repository/default_branch", "/sender/login", "/compare_url"),
        Host::Gitlab => ("/project/path_with_namespace", "/project/default_branch", "/user_username", "/"),
    };
    // GitLab tells the commit that an annotated tag is of separately.
    let commit = text("/checkout_sha").or_else(|| text("/after")).filter(|sha| is_commit(sha))?;
    text("/after").filter(|sha| is_commit(sha))?;
    let reference = text("/ref")?;
    let reference = match (reference.strip_prefix("refs/heads/"), reference.strip_prefix("refs/tags/")) {
        (Some(branch), _) => Reference::Branch { is_default: text(default) == Some(branch), name: branch.to_owned() },
        (None, Some(tag)) => Reference::Tag(tag.to_owned()),
        (None, None) => return None,
    };
    Some(Pushed {
        identifier: text(identifier)?.to_owned(),
        push: Push { reference, changed: changed(payload) },
        commit: commit.to_owned(),
        sender: text(sender).map(str::to_owned),
        compare_url: text(compare).map(str::to_owned),
    })
}

/// The files that the commits of a push changed; `None` unless every commit is there with its files: a new branch, one that
/// was pushed by force, and one with many commits tell less than what changed.
fn changed(payload: &Value) -> Option<Vec<String>> {
    let is_new = payload["before"].as_str().is_none_or(|sha| !is_commit(sha));
    let commits = payload["commits"].as_array().filter(|commits| !commits.is_empty() && commits.len() < COMMITS)?;
    let total = ["total_commits", "total_commits_count"].iter().find_map(|key| payload[key].as_u64());
    let are_all = total.is_none_or(|total| total == commits.len() as u64);
    if is_new || !are_all || payload["forced"].as_bool() == Some(true) {
        return None;
    }
    let mut files = BTreeSet::new();
    for commit in commits {
        for kind in ["added", "removed", "modified"] {
            match &commit[kind] {
                Value::Array(names) => {
                    for name in names {
                        files.insert(name.as_str()?);
                    }
                }
                // Gitea writes null for none; a host that leaves the list out does not know.
                Value::Null if commit.get(kind).is_some() => {}
                _ => return None,
            }
        }
    }
    (!files.is_empty() && files.len() <= FILES).then(|| files.into_iter().map(str::to_owned).collect())
}

/// Whether this names a commit; zeros stand for none.
fn is_commit(sha: &str) -> bool {
    matches!(sha.len(), 40 | 64)
        && sha.bytes().all(|byte| byte.is_ascii_hexdigit())
        && sha.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn github(changes: Value) -> Value {
        let mut payload = json!({
            "ref": "refs/heads/main",
            "before": "a".repeat(40),
            "after": "b".repeat(40),
            "forced": false,
            "compare": "https://github.com/acme/net/compare/a...b",
            "repository": { "full_name": "acme/net", "default_branch": "main" },
            "sender": { "login": "ada" },
            "commits": [
                { "added": ["a.tf"], "removed": [], "modified": ["b.tf"] },
                { "added": [], "removed": ["c.tf"], "modified": ["a.tf"] },
            ],
        });
        payload.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        payload
    }

    fn files(payload: &Value) -> Option<Vec<String>> {
        pushed(Host::Github, "push", payload).unwrap().push.changed
    }

    #[test]
    fn a_push_to_github_says_what_changed_and_who_did_it() {
        let told = pushed(Host::Github, "push", &github(json!({}))).unwrap();
        assert_eq!(told.identifier, "acme/net");
        assert_eq!(told.push.reference, Reference::Branch { name: "main".into(), is_default: true });
        assert_eq!(told.push.changed.unwrap(), ["a.tf", "b.tf", "c.tf"]);
        assert_eq!((told.commit, told.sender.as_deref()), ("b".repeat(40), Some("ada")));
    }

    #[test]
    fn files_are_unknown_where_not_every_commit_is_told() {
        assert!(files(&github(json!({}))).is_some());
        for less in [
            json!({ "forced": true }),
            json!({ "before": "0".repeat(40) }),
            json!({ "commits": [] }),
            json!({ "total_commits": 3 }),
            json!({ "total_commits_count": 21 }),
            json!({ "commits": [{ "id": "x" }] }),
            json!({ "commits": [{ "added": [], "removed": [], "modified": [] }] }),
        ] {
            assert_eq!(files(&github(less.clone())), None, "{less}");
        }
    }

    #[test]
    fn what_was_deleted_and_what_is_no_push_is_nothing() {
        assert_eq!(pushed(Host::Github, "push", &github(json!({ "after": "0".repeat(40) }))), None);
        assert_eq!(pushed(Host::Github, "ping", &github(json!({}))), None);
        assert_eq!(pushed(Host::Github, "push", &github(json!({ "ref": "refs/notes/x" }))), None);
        assert_eq!(pushed(Host::Github, "push", &json!([])), None);
    }

    #[test]
    fn gitlab_tells_the_commit_of_a_tag_and_the_project_by_its_path() {
        let payload = json!({
            "ref": "refs/tags/v1",
            "before": "0".repeat(40),
            "after": "c".repeat(40),
            "checkout_sha": "d".repeat(40),
            "user_username": "ada",
            "project": { "path_with_namespace": "acme/sub/net", "default_branch": "main" },
            "commits": [],
        });
        let told = pushed(Host::Gitlab, "Tag Push Hook", &payload).unwrap();
        assert_eq!(told.push.reference, Reference::Tag("v1".into()));
        assert_eq!((told.identifier.as_str(), told.commit), ("acme/sub/net", "d".repeat(40)));
    }

    #[test]
    fn gitea_leaves_out_commits_and_says_how_many_there_were() {
        let commit = json!({ "added": null, "removed": null, "modified": ["x.tf"] });
        let told = |total: u32| {
            let payload = github(json!({ "commits": [commit], "total_commits": total }));
            pushed(Host::Gitea, "push", &payload).unwrap().push.changed
        };
        assert_eq!(told(1).unwrap(), ["x.tf"]);
        assert_eq!(told(6), None);
    }
}
