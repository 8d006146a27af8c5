//! Selectors: short words that say which workspaces of a stack are meant, with what they need or what needs them.
//!
//! | selector | means |
//! |---|---|
//! | `app`, `app-*` | workspaces of that name; `*` stands for any text |
//! | `...app` | with everything it needs |
//! | `app...` | with everything that needs it |
//! | `...app...` | both |
//! | `[main...HEAD]` | what changed in git between the two; `[main]` is `[main...HEAD]` |
//! | `!app` | left out, whatever else takes it |
//!
//! Several are a union; what `!` names is taken out of it. The dots stand on the side of what they take along, as a stack is
//! drawn: what runs before to the left, what runs after to the right. In Terragrunt's filters they stand the other way round.
//! Absent: git, and which files belong to which workspace; the caller resolves what changed.

use std::collections::BTreeSet;

use super::{Graph, near};
use crate::Problem;

/// Two commits of git, as somebody named them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The older one.
    pub from: String,
    /// The newer one.
    pub to: String,
}

impl Range {
    /// Reads `FROM...TO`; `FROM` alone is `FROM...HEAD`.
    ///
    /// # Errors
    /// `stack/selector` (422) when it is none.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        range(text.trim()).ok_or_else(|| {
            let message = format!("\"{}\" does not name two commits.", text.escape_debug());
            Problem::invalid("stack/selector", message)
                .advice("Write them with three dots between them, like main...HEAD.")
        })
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}...{}", self.from, self.to)
    }
}

/// One selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    text: String,
    is_exclusion: bool,
    with_upstreams: bool,
    with_downstreams: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// A name, in which `*` stands for any text.
    Name(String),
    Changed(Range),
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// `stack/selector` (422) when it is none.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let whole = text.trim();
        let (is_exclusion, rest) = match whole.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, whole),
        };
        let (with_upstreams, rest) = match rest.strip_prefix("...") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (with_downstreams, rest) = match rest.strip_suffix("...") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let what = match rest.strip_prefix('[').map(|inner| inner.strip_suffix(']')) {
            Some(Some(inner)) => What::Changed(range(inner).ok_or_else(|| no_selector(text))?),
            Some(None) => return Err(no_selector(text)),
            None if is_name(rest) => What::Name(rest.to_owned()),
            None => return Err(no_selector(text)),
        };
        Ok(Self { text: whole.to_owned(), is_exclusion, with_upstreams, with_downstreams, what })
    }

    /// What has changed in git between the two, with everything that needs it.
    pub fn affected(range: Range) -> Self {
        let text = format!("[{range}]...");
        let what = What::Changed(range);
        Self { text, is_exclusion: false, with_upstreams: false, with_downstreams: true, what }
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The workspaces that the selectors name. Without any that takes something, all are taken before `!` leaves out.
/// `changed` says which workspaces changed in a range.
///
/// # Errors
/// `stack/unknown-workspace` (422) when a name fits no workspace, with names that may have been meant; those of `changed`. A
/// range in which nothing changed is no error.
pub fn select(
    graph: &Graph,
    selectors: &[Selector],
    mut changed: impl FnMut(&Range) -> Result<BTreeSet<String>, Problem>,
) -> Result<BTreeSet<String>, Problem> {
    let mut taken = BTreeSet::new();
    let mut left_out = BTreeSet::new();
    for selector in selectors {
        let named = match &selector.what {
            What::Name(pattern) => named(graph, pattern)?,
            What::Changed(range) => changed(range)?.into_iter().filter(|name| graph.contains(name)).collect(),
        };
        let set = if selector.is_exclusion { &mut left_out } else { &mut taken };
        for name in &named {
            if selector.with_upstreams {
                set.extend(graph.all_upstreams(name).into_iter().map(str::to_owned));
            }
            if selector.with_downstreams {
                set.extend(graph.all_downstreams(name).into_iter().map(str::to_owned));
            }
        }
        set.extend(named);
    }
    if selectors.iter().all(|selector| selector.is_exclusion) {
        taken = graph.names().map(str::to_owned).collect();
    }
    Ok(taken.difference(&left_out).cloned().collect())
}

fn named(graph: &Graph, pattern: &str) -> Result<BTreeSet<String>, Problem> {
    let named: BTreeSet<String> = graph.names().filter(|name| fits(pattern, name)).map(str::to_owned).collect();
    if !named.is_empty() {
        return Ok(named);
    }
    if !pattern.contains('*') {
        return Err(near::unknown(pattern, graph.names()));
    }
    let message = format!("No workspace of the stack has a name like \"{}\".", pattern.escape_debug());
    let advice = near::advice(pattern.trim_matches('*'), graph.names());
    Err(Problem::invalid("stack/unknown-workspace", message).advice(advice))
}

/// Whether a pattern, in which `*` stands for any text, fits a whole name.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(end)
}

fn is_name(text: &str) -> bool {
    let is_allowed = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '*');
    !text.is_empty() && text.chars().all(is_allowed)
}

fn range(text: &str) -> Option<Range> {
    let (from, to) = text.split_once("...").unwrap_or((text, "HEAD"));
    // A name that begins with a dash would be an option of git.
    let is_commit = |name: &str| !name.is_empty() && !name.starts_with('-') && !name.contains(char::is_whitespace);
    let has_one_range = !to.contains("..") && !from.contains("..");
    (is_commit(from) && is_commit(to) && has_one_range).then(|| Range { from: from.to_owned(), to: to.to_owned() })
}

fn no_selector(text: &str) -> Problem {
    let message = format!("\"{}\" is not a selector.", text.escape_debug());
    Problem::invalid("stack/selector", message).advice(
        "Write a workspace's name (* stands for any text) or [main...HEAD]; put ... before it for what it needs and \
         after it for what needs it, and ! in front to leave it out.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::drawn::drawn;

    fn taken(selectors: &[&str]) -> String {
        let graph = drawn("network -> cluster\n cluster -> dns\n cluster -> app\n app-eu\n app-us\n logs").unwrap();
        let selectors: Vec<_> = selectors.iter().map(|text| Selector::parse(text).unwrap()).collect();
        let changed = |range: &Range| {
            Ok(match (range.from.as_str(), range.to.as_str()) {
                ("main", "HEAD") => BTreeSet::from(["cluster".to_owned(), "gone".to_owned()]),
                _ => BTreeSet::new(),
            })
        };
        select(&graph, &selectors, changed).unwrap().into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn dots_take_along_what_a_workspace_needs_and_what_needs_it() {
        assert_eq!(taken(&["cluster"]), "cluster");
        assert_eq!(taken(&["...cluster"]), "cluster network");
        assert_eq!(taken(&["cluster..."]), "app cluster dns");
        assert_eq!(taken(&["...cluster..."]), "app cluster dns network");
    }

    #[test]
    fn several_are_a_union_and_exclusions_come_last_whatever_the_order() {
        assert_eq!(taken(&["logs", "app"]), "app logs");
        assert_eq!(taken(&["!app", "cluster..."]), "cluster dns");
        assert_eq!(taken(&["cluster...", "!app"]), "cluster dns");
        assert_eq!(taken(&["!cluster..."]), "app-eu app-us logs network");
        assert_eq!(taken(&[]), "app app-eu app-us cluster dns logs network");
    }

    #[test]
    fn a_star_stands_for_any_text() {
        assert_eq!(taken(&["app-*"]), "app-eu app-us");
        assert_eq!(taken(&["*"]), "app app-eu app-us cluster dns logs network");
        assert_eq!(taken(&["*o*s"]), "logs");
        for (pattern, name, fit) in [
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*-*-x", "a-b-x", true),
            ("*b", "abc", false),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }

    #[test]
    fn what_changed_in_git_is_selected_like_a_name_and_nothing_changed_is_no_error() {
        assert_eq!(taken(&["[main...HEAD]"]), "cluster");
        assert_eq!(taken(&["[main]"]), "cluster");
        assert_eq!(taken(&["...[main...HEAD]"]), "cluster network");
        assert_eq!(taken(&["[main...HEAD]...", "!dns"]), "app cluster");
        assert_eq!(taken(&["[v1.0...v2.0]"]), "");
        let range = Range { from: "main".into(), to: "HEAD".into() };
        assert_eq!(Selector::affected(range), Selector::parse("[main...HEAD]...").unwrap());
    }

    #[test]
    fn what_is_no_selector_is_refused_with_how_to_write_one() {
        for text in
            ["", "!", "...", "a b", "[main", "main]", "[]", "[a...]", "[-x]", "[a..b]", "a/b", "!!a", "[a...b...c]"]
        {
            assert_eq!(Selector::parse(text).map_err(|problem| problem.code).unwrap_err(), "stack/selector", "{text}");
        }
    }

    #[test]
    fn two_commits_have_three_dots_between_them_and_one_alone_is_up_to_head() {
        let told = |text: &str| Range::parse(text).map(|range| range.to_string());
        assert_eq!(told("v1.0...release/2").unwrap(), "v1.0...release/2");
        assert_eq!(told("HEAD~2").unwrap(), "HEAD~2...HEAD");
        expect_test::expect![[
            r#""main..HEAD" does not name two commits. Write them with three dots between them, like main...HEAD."#
        ]]
        .assert_eq(&told("main..HEAD").unwrap_err().to_string());
    }

    #[test]
    fn what_git_cannot_say_is_said_by_the_selection() {
        let graph = drawn("a -> b").unwrap();
        let selector = Selector::parse("[main]").unwrap();
        let problem = select(&graph, &[selector], |_| Err(Problem::invalid("git/missing", "No git."))).unwrap_err();
        assert_eq!(problem.code, "git/missing");
    }

    #[test]
    fn a_name_that_is_not_there_is_refused_with_near_names() {
        let graph = drawn("network -> cluster").unwrap();
        let told = |text: &str| {
            select(&graph, &[Selector::parse(text).unwrap()], |_| Ok(BTreeSet::new())).unwrap_err().to_string()
        };
        assert_eq!(told("...clutser"), "The stack has no workspace named \"clutser\". Did you mean \"cluster\"?");
        assert_eq!(told("!netwrok"), "The stack has no workspace named \"netwrok\". Did you mean \"network\"?");
        assert_eq!(
            told("net-*"),
            "No workspace of the stack has a name like \"net-*\". The stack has \"cluster\" and \"network\"."
        );
    }
}
