//! Addresses of hosts, repositories and submodules. What is accepted here reaches git's command line, so it is little.

use super::ServiceProvider;
use crate::Problem;

/// How a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// TLS.
    Https,
    /// In clear, which is for loopback addresses alone.
    Http,
    /// SSH, with the connection's key.
    Ssh,
    /// A folder of the server's machine.
    File,
}

impl Scheme {
    /// As it stands in addresses; also git's name of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::File => "file",
        }
    }
}

/// The address of a host, under which its repositories are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// How it is reached.
    pub scheme: Scheme,
    /// Host with port and, for SSH, user; empty for a folder.
    pub authority: String,
    /// Path without a slash at its end; begins with one unless it is empty.
    pub path: String,
}

/// Longest address in bytes.
const LONGEST: usize = 1024;

impl Base {
    /// Takes the address of a host: `https://HOST`, `ssh://USER@HOST`, `file:///FOLDER`, or, on loopback, `http://HOST`.
    ///
    /// # Errors
    /// `oauth_client/address` (422).
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let refuse = |why: &str| {
            let advice = "Give the base URL of the host, such as https://github.com or ssh://git@git.example.com.";
            Err(Problem::invalid("oauth_client/address", why).advice(advice).attribute("http-url"))
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return refuse("The host's address has no scheme.");
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" => Scheme::Ssh,
            "file" => Scheme::File,
            _ => return refuse("A host is reached by https, ssh or file alone."),
        };
        if text.len() > LONGEST || !rest.bytes().all(plain) {
            return refuse("The host's address is too long, or has characters that no address of a host needs.");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        if path.split('/').any(|part| part == "..") || path.contains("//") {
            return refuse("The host's address leads out of itself.");
        }
        let base = Self { scheme, authority: authority.to_owned(), path: path.to_owned() };
        match scheme {
            Scheme::File if !authority.is_empty() => refuse("A folder's address begins with file:///."),
            Scheme::File if path.is_empty() => refuse("The address names no folder."),
            Scheme::File => Ok(base),
            Scheme::Https | Scheme::Http if authority.contains('@') => {
                refuse("A name or a password has no place in the host's address: give the token for itself.")
            }
            Scheme::Http if !is_loopback(authority) => {
                refuse("Over plain HTTP the token would travel in clear; only a loopback address is reached so.")
            }
            _ if !is_host(authority) => refuse("The address names no host."),
            _ => Ok(base),
        }
    }

    /// The address of a repository for git. For a folder it is below that folder, and the caller looks where it leads.
    pub fn repository(&self, provider: ServiceProvider, identifier: &str) -> String {
        match self.scheme {
            Scheme::File => format!("file://{}/{identifier}", self.path),
            _ => format!("{}/{}", self.url(), provider.repository_path(identifier)),
        }
    }

    /// Where people find a repository; `None` where there are no pages.
    pub fn page(&self, identifier: &str) -> Option<String> {
        let identifier = identifier.trim_end_matches(".git");
        matches!(self.scheme, Scheme::Https | Scheme::Http).then(|| format!("{}/{identifier}", self.url()))
    }

    /// Where people find a commit.
    pub fn commit_page(&self, provider: ServiceProvider, identifier: &str, commit: &str) -> Option<String> {
        self.page(identifier).map(|page| format!("{page}/{}", provider.commit_path(commit)))
    }

    /// The address itself.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme.as_str(), self.authority, self.path)
    }

    /// Whether an address is on this host, so that the connection's credentials may go there.
    pub fn covers(&self, url: &str) -> bool {
        let prefix = format!("{}://{}/", self.scheme.as_str(), self.authority);
        url.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(&prefix))
    }
}

/// Takes the name of a repository below its host: `owner/name`, or more parts.
///
/// # Errors
/// `repository/identifier` (422).
pub fn identifier(text: &str) -> Result<&str, Problem> {
    let part_is_plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.starts_with('-')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~+%-".contains(&byte))
    };
    if text.len() <= 400 && text.split('/').all(part_is_plain) {
        return Ok(text);
    }
    Err(Problem::invalid("repository/identifier", format!("\"{}\" is not the name of a repository.", shown(text)))
        .advice("Give it as the host writes it, such as acme/network, without the host itself.")
        .attribute("vcs-repo"))
}

/// Takes the name of a branch; empty stands for the repository's default one. The rules are those of
/// `git check-ref-format`, and what they forbid cannot be a branch.
///
/// # Errors
/// `repository/branch` (422).
pub fn branch(text: &str) -> Result<&str, Problem> {
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let part_is_fine = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let is_fine = text.len() <= 255
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !text.contains(forbidden)
        && !text.contains("..")
        && !text.contains("@{")
        && text != "@"
        && text.split('/').all(part_is_fine);
    if text.is_empty() || is_fine {
        return Ok(text);
    }
    Err(Problem::invalid("repository/branch", format!("\"{}\" is not the name of a branch.", shown(text)))
        .advice("Correct the branch, or leave it empty for the repository's default branch.")
        .attribute("vcs-repo"))
}

/// The address of a submodule, as `.gitmodules` of the repository at `parent` gives it; relative ones begin with `./` or
/// `../`. `None` when it is not on the host of `base`: nothing else is fetched, and nothing outside of a folder's root.
pub fn submodule(base: &Base, parent: &str, url: &str) -> Option<String> {
    if url.len() > LONGEST || !url.bytes().all(plain) {
        return None;
    }
    let whole = if url.starts_with("./") || url.starts_with("../") { relative(parent, url)? } else { url.to_owned() };
    let (_, path) = whole.split_once("://")?;
    let leads_out = path.split('/').any(|part| part == ".." || part.starts_with('-'));
    (base.covers(&whole) && !leads_out).then_some(whole)
}

fn relative(parent: &str, url: &str) -> Option<String> {
    let (scheme, rest) = parent.split_once("://")?;
    let mut parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    for part in url.split('/') {
        match part {
            "" | "." => {}
            // The host itself is no part of the path.
            ".." if parts.len() > 1 => drop(parts.pop()),
            ".." => return None,
            part => parts.push(part),
        }
    }
    Some(format!("{scheme}://{}", parts.join("/")))
}

/// What may stand in an address: nothing that a shell, a log or git's credential protocol takes for something else.
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._~+%-@:[]".contains(&byte)
}

fn is_host(authority: &str) -> bool {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let starts_well = |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    starts_well(host) && (user.is_empty() || (starts_well(user) && !user.contains([':', '@'])))
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn shown(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Base {
        Base::parse(text).unwrap()
    }

    #[test]
    fn a_host_is_reached_by_https_ssh_or_a_folder_and_in_clear_on_loopback_alone() {
        for text in [
            "https://github.com",
            "https://git.example.com:8443/base/",
            "ssh://git@git.example.com:2222",
            "file:///srv/git",
            "http://127.0.0.1:3000",
            "http://localhost",
            "http://[::1]:80",
        ] {
            assert!(Base::parse(text).is_ok(), "{text}");
        }
        for text in [
            "github.com",
            "ext::sh -c id",
            "git://github.com",
            "http://github.com",
            "http://127.0.0.1.evil.example",
            "https://user:secret@github.com",
            "https://",
            "https://-oProxyCommand=id",
            "ssh://-oProxyCommand=id/x",
            "ssh://git:pw@host",
            "file://host/srv",
            "file:///",
            "file:///srv/../etc",
            "https://a b",
            "https://a\n",
            "https://a?x=1",
        ] {
            assert_eq!(Base::parse(text).unwrap_err().code, "oauth_client/address", "{text}");
        }
    }

    #[test]
    fn a_repository_has_the_address_that_its_kind_of_host_gives_it() {
        let of = |url: &str, provider, name: &str| base(url).repository(provider, name);
        assert_eq!(of("https://github.com/", ServiceProvider::Github, "a/b"), "https://github.com/a/b.git");
        assert_eq!(
            of("https://gl.example/x", ServiceProvider::GitlabCommunity, "a/b.git"),
            "https://gl.example/x/a/b.git"
        );
        assert_eq!(of("https://bb.example", ServiceProvider::BitbucketServer, "A/b"), "https://bb.example/scm/A/b.git");
        assert_eq!(
            of("https://dev.azure.com", ServiceProvider::AdoServices, "o/p/_git/r"),
            "https://dev.azure.com/o/p/_git/r"
        );
        assert_eq!(of("ssh://git@h:22", ServiceProvider::Github, "a/b"), "ssh://git@h:22/a/b.git");
        assert_eq!(of("file:///srv/git", ServiceProvider::Github, "a/b"), "file:///srv/git/a/b");
    }

    #[test]
    fn people_find_commits_where_there_are_pages() {
        let github = base("https://github.com");
        let page = github.commit_page(ServiceProvider::Github, "a/b.git", "c0ffee");
        assert_eq!(page.as_deref(), Some("https://github.com/a/b/commit/c0ffee"));
        let gitlab = base("https://gitlab.com").commit_page(ServiceProvider::GitlabHosted, "a/b", "1");
        assert_eq!(gitlab.as_deref(), Some("https://gitlab.com/a/b/-/commit/1"));
        assert_eq!(base("ssh://git@h").commit_page(ServiceProvider::Github, "a/b", "1"), None);
    }

    #[test]
    fn a_repository_name_is_no_option_and_leads_nowhere_else() {
        for text in ["acme/network", "a/b/c.git", "org/my%20project/_git/r"] {
            assert_eq!(identifier(text), Ok(text));
        }
        for text in
            ["", "/a", "a/", "a//b", "../a", "a/../b", "-a/b", "a/-b", "a b", "a;b", "a\n", "https://h/a", "a$b"]
        {
            assert!(identifier(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_branch_is_what_git_takes_for_one() {
        for text in ["", "main", "feature/x-1", "v1.2", "é"] {
            assert_eq!(branch(text), Ok(text));
        }
        for text in ["-x", "a..b", "a b", "a~1", "a:b", "a/", "/a", "a.lock", ".a", "a/.b", "@", "a@{1}", "a.", "a*"] {
            assert!(branch(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_submodule_stays_on_the_host_of_the_connection() {
        let host = base("https://git.example/base");
        let parent = "https://git.example/base/a/b.git";
        let of = |url: &str| submodule(&host, parent, url);
        assert_eq!(of("../c.git").as_deref(), Some("https://git.example/base/a/c.git"));
        assert_eq!(of("./d").as_deref(), Some("https://git.example/base/a/b.git/d"));
        assert_eq!(of("https://git.example/x/y.git").as_deref(), Some("https://git.example/x/y.git"));
        for url in [
            "https://evil.example/x.git",
            "https://git.example.evil/x.git",
            "http://git.example/x.git",
            "ext::sh -c id",
            "file:///etc",
            "/etc",
            "git@git.example:x.git",
            "../../../../..",
            "../../../../../evil.example/x",
            "https://git.example/-u/x",
            "https://git.example/../x",
            "--upload-pack=id",
            "",
        ] {
            assert_eq!(of(url), None, "{url}");
        }
    }

    #[test]
    fn no_address_panics_and_what_is_accepted_stays_where_it_is() {
        let seeds: &[&[u8]] = &[
            b"https://git.example:8443/base",
            b"ssh://git@git.example:2222/x",
            b"http://[::1]:80",
            b"file:///srv/git",
            b"../../c/d.git",
            b"acme/net%20work/_git/r",
            b"feature/x-1",
        ];
        let host = base("https://git.example/base");
        fuzz::survives("vcs-addresses", seeds, &|bytes| {
            let text = String::from_utf8_lossy(bytes);
            if let Ok(base) = Base::parse(&text) {
                assert!(
                    !base.authority.starts_with('-') && base.covers(&format!("{}/", base.url()))
                        || base.scheme == Scheme::File
                );
            }
            if let Some(url) = submodule(&host, "https://git.example/base/a/b.git", &text) {
                assert!(url.starts_with("https://git.example/") && !url.contains("/../"), "{url}");
            }
            if let Ok(name) = identifier(&text) {
                assert!(
                    name.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.starts_with('-')),
                    "{name}"
                );
            }
            if let Ok(name) = branch(&text) {
                assert!(!name.starts_with('-'), "{name}");
            }
            drop(text.parse::<crate::reach::Allowed>());
        });
    }
}
