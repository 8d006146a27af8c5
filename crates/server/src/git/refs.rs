//! What a host says it has: branches, tags, and which branch is the default one.

use domain::{Fault, Problem};

use super::process::Call;
use super::{Git, Remote};

/// Which commit is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// The newest of a branch; of the default one when the name is empty.
    Branch(String),
    /// That of a tag.
    Tag(String),
    /// That of any other name, such as `refs/pull/5/merge`.
    Reference(String),
    /// This one, which was the newest of a branch when somebody saw it.
    Commit {
        /// Its name.
        sha: String,
        /// The branch; empty for the default one.
        branch: String,
    },
}

/// A commit as the host names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its name: 40 or 64 hexadecimal digits.
    pub sha: String,
    /// The branch; empty for one that is of a tag or of another name.
    pub branch: String,
    /// The tag, if it is of one.
    pub tag: Option<String>,
    /// Whether the branch is the repository's default one.
    pub is_default: bool,
}

impl Git {
    /// Asks the host for the commit that is wanted.
    ///
    /// # Errors
    /// `git/branch-missing`, `git/tag-missing`, `git/empty`, and what a git that fails says.
    pub async fn head(&self, remote: &Remote, want: &Want) -> Result<Head, Problem> {
        let listing = self.list(remote, &names(want)).await?;
        chosen(&listing, want).ok_or_else(|| absent(&listing, remote, want))
    }

    /// What the host has of these names, as `git ls-remote` prints it. A whole name (`refs/heads/*`) may end in a star.
    ///
    /// # Errors
    /// What a git that fails says.
    pub async fn list(&self, remote: &Remote, names: &[String]) -> Result<String, Problem> {
        self.prepare()?;
        let mut arguments = vec!["ls-remote".into(), "--symref".into(), "--quiet".into(), "--".into()];
        arguments.push(remote.located(self)?);
        arguments.extend(names.iter().map(Into::into));
        let time = self.0.limits.ask;
        let call = Call { arguments, mirror: None, remote: Some(remote), output: 8 * 1024 * 1024, time };
        let output = self.call(call).await?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }
}

fn names(want: &Want) -> Vec<String> {
    let more = match want {
        Want::Branch(name) | Want::Commit { branch: name, .. } if name.is_empty() => None,
        Want::Branch(name) => Some(format!("refs/heads/{name}")),
        // A tag with words of its own is listed twice, the second time as the commit that it is of.
        Want::Tag(name) => Some(format!("refs/tags/{name}*")),
        Want::Reference(name) => Some(name.clone()),
        Want::Commit { branch, .. } => Some(format!("refs/heads/{branch}")),
    };
    std::iter::once("HEAD".to_owned()).chain(more).collect()
}

fn chosen(listing: &str, want: &Want) -> Option<Head> {
    let default = default_branch(listing);
    let of = |name: &str| find(listing, name).map(str::to_owned);
    match want {
        Want::Branch(name) if name.is_empty() => {
            Some(Head { sha: of("HEAD")?, branch: default.unwrap_or_default().to_owned(), tag: None, is_default: true })
        }
        Want::Branch(name) => Some(Head {
            sha: of(&format!("refs/heads/{name}"))?,
            branch: name.clone(),
            tag: None,
            is_default: default == Some(name),
        }),
        Want::Tag(name) => {
            let whole = format!("refs/tags/{name}");
            let sha = of(&format!("{whole}^{{}}")).or_else(|| of(&whole))?;
            Some(Head { sha, branch: String::new(), tag: Some(name.clone()), is_default: false })
        }
        Want::Reference(name) => Some(Head { sha: of(name)?, branch: String::new(), tag: None, is_default: false }),
        Want::Commit { sha, branch } if branch.is_empty() => {
            Some(Head { sha: sha.clone(), branch: default.unwrap_or_default().to_owned(), tag: None, is_default: true })
        }
        Want::Commit { sha, branch } => {
            Some(Head { sha: sha.clone(), branch: branch.clone(), tag: None, is_default: default == Some(branch) })
        }
    }
}

/// The commit of a whole name in a listing.
pub(super) fn find<'a>(listing: &'a str, name: &str) -> Option<&'a str> {
    lines(listing).find(|(_, found)| *found == name).map(|(sha, _)| sha)
}

/// Commits and names of a listing.
fn lines(listing: &str) -> impl Iterator<Item = (&str, &str)> {
    listing.lines().filter_map(|line| line.split_once('\t')).filter(|(sha, _)| is_sha(sha))
}

fn default_branch(listing: &str) -> Option<&str> {
    let target = listing.lines().find_map(|line| line.strip_prefix("ref: ")?.strip_suffix("\tHEAD"))?;
    target.strip_prefix("refs/heads/")
}

/// Whether this is the name of a commit, and nothing that git takes for an option or an expression.
pub(super) fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn absent(listing: &str, remote: &Remote, want: &Want) -> Problem {
    let url = &remote.url;
    let (code, message, advice) = match want {
        _ if lines(listing).next().is_none() && matches!(want, Want::Branch(name) if name.is_empty()) => (
            "git/empty",
            format!("The repository {url} has no commit on its default branch."),
            "Push one, or name a branch in the workspace's vcs_repo.",
        ),
        Want::Tag(name) => (
            "git/tag-missing",
            format!("The repository {url} has no tag \"{name}\"."),
            "Push the tag again, or start a run on a branch.",
        ),
        Want::Branch(name) => (
            "git/branch-missing",
            format!("The repository {url} has no branch \"{name}\"."),
            "Correct the branch in the workspace's vcs_repo, or push it.",
        ),
        Want::Reference(_) | Want::Commit { .. } => (
            "git/commit-missing",
            format!("The commit is not in {url} any more."),
            "Start a new run, which takes the newest commit.",
        ),
    };
    Problem::new(Fault::NotFound, code, message).advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "ref: refs/heads/main\tHEAD\n\
        1111111111111111111111111111111111111111\tHEAD\n\
        2222222222222222222222222222222222222222\trefs/heads/next\n\
        3333333333333333333333333333333333333333\trefs/heads/x/next\n\
        4444444444444444444444444444444444444444\trefs/tags/v1\n\
        5555555555555555555555555555555555555555\trefs/tags/v1^{}\n\
        not a commit\trefs/heads/odd\n";

    #[test]
    fn the_default_branch_is_what_the_host_calls_head() {
        let head = chosen(LISTING, &Want::Branch(String::new())).unwrap();
        assert_eq!((head.sha.as_bytes()[0], head.branch.as_str(), head.is_default), (b'1', "main", true));
    }

    #[test]
    fn a_branch_is_found_by_its_whole_name_alone() {
        let head = chosen(LISTING, &Want::Branch("next".into())).unwrap();
        assert_eq!((head.sha.as_bytes()[0], head.is_default), (b'2', false));
        assert_eq!(chosen(LISTING, &Want::Branch("odd".into())), None);
        assert_eq!(chosen(LISTING, &Want::Branch("gone".into())), None);
    }

    #[test]
    fn a_tag_with_words_of_its_own_stands_for_the_commit_it_is_of() {
        let head = chosen(LISTING, &Want::Tag("v1".into())).unwrap();
        assert_eq!((head.sha.as_bytes()[0], head.tag.as_deref()), (b'5', Some("v1")));
    }
}
