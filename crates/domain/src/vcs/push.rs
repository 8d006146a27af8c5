//! What a push means to workspaces: which of those that its repository feeds run.
//!
//! The rules are those of HCP Terraform (Settings, Version Control), but for one: of workspaces that a run trigger joins, the
//! upstream alone is started, since the trigger starts the other. Where the changed files are not known, all of them may have changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::trigger::Edge;

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A branch.
    Branch {
        /// Its name.
        name: String,
        /// Whether it is the repository's default one.
        is_default: bool,
    },
    /// A tag.
    Tag(String),
}

/// A push, as far as it decides which workspaces run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// What was pushed.
    pub reference: Reference,
    /// Paths of the changed files from the top of the repository; `None` when they are not known, or are too many.
    pub changed: Option<Vec<String>>,
}

/// What a workspace wants to run for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// Its branch; empty for the default one.
    pub branch: String,
    /// Tags that start a run, as a regular expression; commits start none then.
    pub tags: Option<String>,
    /// Only pushes that change certain files start a run.
    pub by_files: bool,
    /// Folder of the root module; empty for the top.
    pub folder: String,
    /// More folders whose files start a run.
    pub prefixes: Vec<String>,
    /// Patterns of files that start a run; where there are some, they alone decide.
    pub patterns: Vec<String>,
}

/// How names are held against what people wrote; the languages of both are those of libraries.
#[derive(Clone, Copy)]
pub struct Matching {
    /// Whether a regular expression finds something in a tag.
    pub tag: fn(regex: &str, tag: &str) -> bool,
    /// Whether a pattern (`*`, `?` and `**`) is one of a path without a slash at its beginning.
    pub file: fn(pattern: &str, path: &str) -> bool,
}

/// Whether a push has the workspace run.
pub fn concerns(push: &Push, watch: &Watch, matching: Matching) -> bool {
    match (&push.reference, &watch.tags) {
        (Reference::Tag(name), Some(tags)) => (matching.tag)(tags, name),
        (Reference::Branch { name, is_default }, None) => {
            let is_its_own = if watch.branch.is_empty() { *is_default } else { *name == watch.branch };
            is_its_own && touches(push.changed.as_deref(), watch, matching)
        }
        (Reference::Tag(_), None) | (Reference::Branch { .. }, Some(_)) => false,
    }
}

/// Whether changed files are some that the workspace runs for.
pub fn touches(changed: Option<&[String]>, watch: &Watch, matching: Matching) -> bool {
    let Some(changed) = changed.filter(|_| watch.by_files) else { return true };
    if !watch.patterns.is_empty() {
        let patterns = watch.patterns.iter().map(|pattern| pattern.trim_start_matches('/'));
        return patterns.into_iter().any(|pattern| changed.iter().any(|file| (matching.file)(pattern, file)));
    }
    let folders = std::iter::once(&watch.folder).filter(|folder| !trimmed(folder).is_empty());
    let folders: Vec<_> = folders.chain(&watch.prefixes).map(|folder| trimmed(folder)).collect();
    folders.is_empty() || changed.iter().any(|file| folders.iter().any(|folder| is_below(file, folder)))
}

/// Of workspaces that are to run, those that no other one of them is upstream of, directly or not: run triggers start the others.
/// The order stays.
pub fn heads(touched: &[String], edges: &[Edge]) -> Vec<String> {
    let mut sources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in edges {
        sources.entry(&edge.target).or_default().push(&edge.source);
    }
    let all: BTreeSet<&str> = touched.iter().map(String::as_str).collect();
    let has_upstream = |workspace: &str| {
        let mut seen = BTreeSet::from([workspace]);
        let mut open = vec![workspace];
        while let Some(at) = open.pop() {
            for source in sources.get(at).into_iter().flatten().copied() {
                if seen.insert(source) {
                    if all.contains(source) {
                        return true;
                    }
                    open.push(source);
                }
            }
        }
        false
    };
    touched.iter().filter(|workspace| !has_upstream(workspace)).cloned().collect()
}

fn trimmed(folder: &str) -> &str {
    folder.trim_start_matches("./").trim_matches('/')
}

fn is_below(file: &str, folder: &str) -> bool {
    folder.is_empty() || folder == "." || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concerns(push: &Push, watch: &Watch) -> bool {
        let matching = Matching { tag: |regex, tag| tag.starts_with(regex), file: |pattern, path| pattern == path };
        super::concerns(push, watch, matching)
    }

    fn push(name: &str, changed: &[&str]) -> Push {
        Push {
            reference: Reference::Branch { name: name.into(), is_default: name == "main" },
            changed: Some(changed.iter().map(|&file| file.to_owned()).collect()),
        }
    }

    fn files(folder: &str, prefixes: &[&str], patterns: &[&str]) -> Watch {
        let list = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let (prefixes, patterns) = (list(prefixes), list(patterns));
        Watch { by_files: true, folder: folder.into(), prefixes, patterns, ..Watch::default() }
    }

    #[test]
    fn a_workspace_runs_for_its_own_branch_and_without_one_for_the_default_one() {
        let named = Watch { branch: "next".into(), ..Watch::default() };
        assert!(concerns(&push("next", &[]), &named));
        assert!(!concerns(&push("main", &[]), &named));
        assert!(concerns(&push("main", &[]), &Watch::default()));
        assert!(!concerns(&push("next", &[]), &Watch::default()));
    }

    #[test]
    fn a_workspace_that_follows_tags_runs_for_those_that_match_and_for_no_commit() {
        let tag = |name: &str| Push { reference: Reference::Tag(name.into()), changed: None };
        let watch = Watch { tags: Some("v".into()), ..Watch::default() };
        assert!(concerns(&tag("v1.2"), &watch));
        assert!(!concerns(&tag("x1.2"), &watch));
        assert!(!concerns(&push("main", &["a"]), &watch));
        assert!(!concerns(&tag("v1.2"), &Watch::default()));
    }

    #[test]
    fn without_file_triggers_every_push_runs_and_so_does_one_whose_files_are_unknown() {
        let watch = files("net", &[], &[]);
        assert!(!concerns(&push("main", &["app/main.tf"]), &watch));
        assert!(concerns(&push("main", &["app/main.tf"]), &Watch { by_files: false, ..watch.clone() }));
        assert!(concerns(&Push { changed: None, ..push("main", &[]) }, &watch));
    }

    #[test]
    fn files_of_the_working_directory_and_of_the_prefixes_count() {
        let watch = files("/env/prod/", &["modules/net", "/shared"], &[]);
        for file in ["env/prod/main.tf", "modules/net/x/y.tf", "shared/a"] {
            assert!(concerns(&push("main", &["z", file]), &watch), "{file}");
        }
        for file in ["env/production/main.tf", "modules/network/a", "main.tf", "x/shared/a"] {
            assert!(!concerns(&push("main", &[file]), &watch), "{file}");
        }
        assert!(concerns(&push("main", &["any"]), &files("", &[], &[])), "the top is everything");
        assert!(!concerns(&push("main", &["any"]), &files("", &["net"], &[])), "unless folders are named");
    }

    #[test]
    fn patterns_decide_alone_where_there_are_some() {
        let watch = files("env", &["net"], &["/modules/a.tf", "b"]);
        assert!(concerns(&push("main", &["modules/a.tf"]), &watch));
        assert!(concerns(&push("main", &["x", "b"]), &watch));
        assert!(!concerns(&push("main", &["env/main.tf", "net/a", "modules/b"]), &watch));
    }

    #[test]
    fn of_workspaces_that_triggers_join_the_upstream_alone_starts_also_across_one_that_was_not_touched() {
        let edge = |source: &str, target: &str| Edge { source: source.into(), target: target.into() };
        let edges = [edge("a", "b"), edge("b", "c"), edge("x", "y")];
        let of = |touched: &[&str]| heads(&touched.iter().map(|&it| it.to_owned()).collect::<Vec<_>>(), &edges);
        assert_eq!(of(&["c", "b", "a"]), ["a"]);
        assert_eq!(of(&["c", "a"]), ["a"]);
        assert_eq!(of(&["c", "y"]), ["c", "y"]);
        assert_eq!(of(&["y", "a", "x"]), ["a", "x"]);
    }
}
