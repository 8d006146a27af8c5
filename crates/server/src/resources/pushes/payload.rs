//! What hosts tell of pushes and of pull requests, and what of it counts here.
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

/// A pull request, or a merge request, that somebody opened, opened again, or pushed to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Requested {
    /// The repository that it is for, `owner/name`.
    pub(super) identifier: String,
    /// The branch that it is for.
    pub(super) base: Reference,
    /// The commit that it proposes.
    pub(super) commit: String,
    /// The branch that the commit is on.
    pub(super) branch: String,
    /// Whether that branch is in another repository, where others decide what is in it.
    pub(super) is_from_fork: bool,
    /// Its number.
    pub(super) number: u64,
    /// Its title.
    pub(super) title: Option<String>,
    /// Where people find it.
    pub(super) url: Option<String>,
    /// Who did it.
    pub(super) sender: Option<String>,
}

/// Reads a pull request that is to be planned. `None` for anything else.
pub(super) fn requested(host: Host, event: &str, payload: &Value) -> Option<Requested> {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let names = match (host, event) {
        (Host::Github | Host::Gitea, "pull_request") => &Names {
            action: "/action",
            identifier: "/repository/full_name",
            default: "/repository/default_branch",
            base: "/pull_request/base/ref",
            branch: "/pull_request/head/ref",
            commit: "/pull_request/head/sha",
            number: "/pull_request/number",
            title: "/pull_request/title",
            url: "/pull_request/html_url",
            sender: "/sender/login",
        },
        (Host::Gitlab, "Merge Request Hook") => &Names {
            action: "/object_attributes/action",
            identifier: "/project/path_with_namespace",
            default: "/project/default_branch",
            base: "/object_attributes/target_branch",
            branch: "/object_attributes/source_branch",
            commit: "/object_attributes/last_commit/id",
            number: "/object_attributes/iid",
            title: "/object_attributes/title",
            url: "/object_attributes/url",
            sender: "/user/username",
        },
        _ => return None,
    };
    let is_new = match (host, text(names.action)?) {
        (Host::Github | Host::Gitea, action) => {
            matches!(action, "opened" | "reopened" | "synchronize" | "synchronized")
        }
        // Of what was changed, commits are told by the commit that was the newest before.
        (Host::Gitlab, "update") => text("/object_attributes/oldrev").is_some(),
        (Host::Gitlab, action) => matches!(action, "open" | "reopen"),
    };
    // A repository that is not named is gone, and was another one.
    let is_from_fork = match host {
        Host::Github | Host::Gitea => text("/pull_request/head/repo/full_name") != text(names.identifier),
        Host::Gitlab => {
            let project = |end: &str| payload["object_attributes"][end].as_u64();
            project("source_project_id").is_none() || project("source_project_id") != project("target_project_id")
        }
    };
    let base = text(names.base)?;
    let branch = domain::vcs::branch(text(names.branch)?).ok()?;
    is_new.then_some(Requested {
        identifier: text(names.identifier)?.to_owned(),
        base: Reference::Branch { name: base.to_owned(), is_default: text(names.default) == Some(base) },
        commit: text(names.commit).filter(|sha| is_commit(sha))?.to_owned(),
        branch: branch.to_owned(),
        is_from_fork,
        number: payload.pointer(names.number)?.as_u64()?,
        title: text(names.title).map(str::to_owned),
        url: text(names.url).map(str::to_owned),
        sender: text(names.sender).map(str::to_owned),
    })
}

/// Where a host writes what counts of a pull request.
struct Names {
    action: &'static str,
    identifier: &'static str,
    default: &'static str,
    base: &'static str,
    branch: &'static str,
    commit: &'static str,
    number: &'static str,
    title: &'static str,
    url: &'static str,
    sender: &'static str,
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

    fn request(action: &str, head: &str) -> Value {
        json!({
            "action": action,
            "repository": { "full_name": "acme/net", "default_branch": "main" },
            "pull_request": {
                "number": 5,
                "title": "Add x",
                "html_url": "https://git.example/acme/net/pulls/5",
                "base": { "ref": "main" },
                "head": { "ref": "add-x", "sha": "c".repeat(40), "repo": { "full_name": head } },
            },
        })
    }

    #[test]
    fn a_pull_request_is_planned_when_its_commits_are_new_and_never_when_it_ends() {
        for action in ["opened", "reopened", "synchronize", "synchronized"] {
            let told = requested(Host::Gitea, "pull_request", &request(action, "acme/net")).unwrap();
            assert_eq!((told.number, told.is_from_fork, told.branch.as_str()), (5, false, "add-x"));
            assert_eq!(told.base, Reference::Branch { name: "main".into(), is_default: true });
        }
        for action in ["closed", "edited", "labeled"] {
            assert_eq!(requested(Host::Github, "pull_request", &request(action, "acme/net")), None);
        }
    }

    #[test]
    fn a_pull_request_of_another_repository_or_of_none_is_one_of_a_fork() {
        let is_from_fork = |payload: &Value| requested(Host::Github, "pull_request", payload).unwrap().is_from_fork;
        assert!(is_from_fork(&request("opened", "eve/net")));
        let mut gone = request("opened", "");
        gone["pull_request"]["head"]["repo"] = Value::Null;
        assert!(is_from_fork(&gone));
    }

    #[test]
    fn a_merge_request_of_gitlab_is_one_and_an_edited_title_is_not() {
        let payload = |action: &str, more: Value| {
            let mut all = json!({
                "action": action, "iid": 7, "target_branch": "main", "source_branch": "x",
                "source_project_id": 1, "target_project_id": 1, "last_commit": { "id": "d".repeat(40) },
            });
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "project": { "path_with_namespace": "acme/net" }, "object_attributes": all })
        };
        let of = |action: &str, more: Value| requested(Host::Gitlab, "Merge Request Hook", &payload(action, more));
        assert!(!of("open", json!({})).unwrap().is_from_fork);
        assert!(of("open", json!({ "source_project_id": 2 })).unwrap().is_from_fork);
        assert!(of("update", json!({ "oldrev": "e".repeat(40) })).is_some());
        assert_eq!(of("update", json!({})), None);
        assert_eq!(of("merge", json!({})), None);
    }

    #[test]
    fn no_payload_panics_whoever_it_says_it_is_of() {
        let seeds: &[&[u8]] = &[
            br#"{"ref":"refs/heads/main","after":"dddddddddddddddddddddddddddddddddddddddd","deleted":false,"repository":{"full_name":"acme/net","default_branch":"main"},"sender":{"login":"ada"},"compare":"https://h/c","commits":[{"added":["a/main.tf"],"modified":[],"removed":["b"]}],"head_commit":{"message":"m"}}"#,
            br#"{"object_kind":"push","ref":"refs/tags/v1","checkout_sha":"dddddddddddddddddddddddddddddddddddddddd","project":{"path_with_namespace":"acme/net","default_branch":"main"},"total_commits_count":1,"commits":[{"added":[],"modified":["x"],"removed":[]}]}"#,
            br#"{"action":"opened","number":7,"repository":{"full_name":"acme/net","default_branch":"main"},"pull_request":{"head":{"sha":"dddddddddddddddddddddddddddddddddddddddd","ref":"x","repo":{"full_name":"acme/net"}},"base":{"ref":"main"},"title":"t"}}"#,
            br#"{"project":{"path_with_namespace":"acme/net"},"object_attributes":{"action":"open","iid":7,"target_branch":"main","source_branch":"x","source_project_id":1,"target_project_id":1,"last_commit":{"id":"dddddddddddddddddddddddddddddddddddddddd"}}}"#,
        ];
        fuzz::survives("webhooks", seeds, &|bytes| {
            let Ok(payload) = serde_json::from_slice(bytes) else { return };
            for host in [Host::Github, Host::Gitlab, Host::Gitea] {
                for event in ["push", "Push Hook", "Tag Push Hook", "pull_request", "Merge Request Hook"] {
                    drop(pushed(host, event, &payload));
                    drop(requested(host, event, &payload));
                }
            }
        });
    }
}
