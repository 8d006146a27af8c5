//! Kinds of hosts, as the HCP Terraform API names them. Strict clients refuse any other word, so a host of another kind
//! (Gitea, Forgejo, a plain git server) is connected under the name of the one that it resembles.

/// A kind of host of git repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceProvider {
    /// github.com.
    Github,
    /// GitHub on a host of its own.
    GithubEnterprise,
    /// gitlab.com.
    GitlabHosted,
    /// GitLab Community Edition.
    GitlabCommunity,
    /// GitLab Enterprise Edition.
    GitlabEnterprise,
    /// bitbucket.org.
    BitbucketHosted,
    /// Bitbucket Server.
    BitbucketServer,
    /// Bitbucket Server before version 5.4.
    BitbucketServerLegacy,
    /// Bitbucket Data Center.
    BitbucketDataCenter,
    /// Azure DevOps Server.
    AdoServer,
    /// Azure DevOps Services.
    AdoServices,
}

impl ServiceProvider {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Github,
        Self::GithubEnterprise,
        Self::GitlabHosted,
        Self::GitlabCommunity,
        Self::GitlabEnterprise,
        Self::BitbucketHosted,
        Self::BitbucketServer,
        Self::BitbucketServerLegacy,
        Self::BitbucketDataCenter,
        Self::AdoServer,
        Self::AdoServices,
    ];

    /// The kind as the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::GithubEnterprise => "github_enterprise",
            Self::GitlabHosted => "gitlab_hosted",
            Self::GitlabCommunity => "gitlab_community_edition",
            Self::GitlabEnterprise => "gitlab_enterprise_edition",
            Self::BitbucketHosted => "bitbucket_hosted",
            Self::BitbucketServer => "bitbucket_server",
            Self::BitbucketServerLegacy => "bitbucket_server_legacy",
            Self::BitbucketDataCenter => "bitbucket_data_center",
            Self::AdoServer => "ado_server",
            Self::AdoServices => "ado_services",
        }
    }

    /// The kind that the API writes so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// The kind for people.
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::GithubEnterprise => "GitHub Enterprise",
            Self::GitlabHosted => "GitLab.com",
            Self::GitlabCommunity => "GitLab Community Edition",
            Self::GitlabEnterprise => "GitLab Enterprise Edition",
            Self::BitbucketHosted => "Bitbucket Cloud",
            Self::BitbucketServer | Self::BitbucketServerLegacy => "Bitbucket Server",
            Self::BitbucketDataCenter => "Bitbucket Data Center",
            Self::AdoServer => "Azure DevOps Server",
            Self::AdoServices => "Azure DevOps Services",
        }
    }

    /// What a configuration version that comes from such a host says of its source: a closed list of the API.
    pub fn configuration_source(self) -> &'static str {
        match self.family() {
            Family::Github => "github",
            Family::Gitlab => "gitlab",
            Family::BitbucketHosted | Family::BitbucketServer => "bitbucket",
            Family::Ado => "ado",
        }
    }

    /// The user name that goes with a token over HTTP. Hosts that take any name get one that says what comes.
    pub fn token_user(self) -> &'static str {
        match self.family() {
            Family::Github => "x-access-token",
            Family::Gitlab => "oauth2",
            Family::BitbucketHosted => "x-token-auth",
            Family::BitbucketServer | Family::Ado => "token",
        }
    }

    /// Path of a repository below the host's address, for git.
    pub(super) fn repository_path(self, identifier: &str) -> String {
        let with_suffix = |prefix: &str| match identifier.ends_with(".git") {
            true => format!("{prefix}{identifier}"),
            false => format!("{prefix}{identifier}.git"),
        };
        match self.family() {
            Family::Ado => identifier.to_owned(),
            Family::BitbucketServer => with_suffix("scm/"),
            Family::Github | Family::Gitlab | Family::BitbucketHosted => with_suffix(""),
        }
    }

    /// Path of a commit below the repository's page.
    pub(super) fn commit_path(self, commit: &str) -> String {
        match self.family() {
            Family::Github | Family::Ado => format!("commit/{commit}"),
            Family::Gitlab => format!("-/commit/{commit}"),
            Family::BitbucketHosted | Family::BitbucketServer => format!("commits/{commit}"),
        }
    }

    fn family(self) -> Family {
        match self {
            Self::Github | Self::GithubEnterprise => Family::Github,
            Self::GitlabHosted | Self::GitlabCommunity | Self::GitlabEnterprise => Family::Gitlab,
            Self::BitbucketHosted => Family::BitbucketHosted,
            Self::BitbucketServer | Self::BitbucketServerLegacy | Self::BitbucketDataCenter => Family::BitbucketServer,
            Self::AdoServer | Self::AdoServices => Family::Ado,
        }
    }
}

/// Hosts that behave alike.
enum Family {
    Github,
    Gitlab,
    BitbucketHosted,
    BitbucketServer,
    Ado,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_survives_the_way_out_and_in_and_no_other_word_is_one() {
        for kind in ServiceProvider::ALL {
            assert_eq!(ServiceProvider::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(ServiceProvider::parse("gitea"), None);
    }
}
