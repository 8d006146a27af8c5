//! Typed ids: a prefix that says what the id names, a dash, and 16 base58 characters, as HCP Terraform has them
//! (`ws-fSX576JZGENVaeMi`). One registry below lists every kind, so that an id of the wrong kind is refused with words.

use crate::Problem;

/// Characters of an id's random part: base58, so that no two look alike.
pub const ALPHABET: [char; 58] = [
    '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P',
    'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'm', 'n',
    'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
];

/// Length of an id's random part in characters.
pub const LENGTH: usize = 16;

/// What every id type can do; implemented by the registry macro alone.
pub trait Id: Sized + Clone + std::fmt::Display {
    /// What stands before the dash (`ws`).
    const PREFIX: &'static str;
    /// What the id names, for messages (`workspace`).
    const NOUN: &'static str;

    /// Makes the id from its random part, which the id source port supplies.
    fn from_suffix(suffix: &str) -> Self;

    /// Reads an id that somebody sent.
    ///
    /// # Errors
    /// `id/invalid` when the prefix is another kind's or the rest is not letters and digits.
    fn parse(text: &str) -> Result<Self, Problem>;

    /// The whole id as text.
    fn as_str(&self) -> &str;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $noun:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            const NOUN: &'static str = $noun;

            fn from_suffix(suffix: &str) -> Self {
                Self(format!(concat!($prefix, "-{}"), suffix))
            }

            fn parse(text: &str) -> Result<Self, Problem> {
                check(text, $prefix, $noun)?;
                Ok(Self(text.to_owned()))
            }

            fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Problem;
            fn from_str(text: &str) -> Result<Self, Problem> {
                Self::parse(text)
            }
        }
    )*};
}

ids! {
    /// Names an organization inside the database; clients name it by its name.
    OrganizationId = "org", "organization";
    /// Names a project.
    ProjectId = "prj", "project";
    /// Names a workspace.
    WorkspaceId = "ws", "workspace";
    /// Names a variable of a workspace or of a variable set.
    VariableId = "var", "variable";
    /// Names a variable set.
    VariableSetId = "varset", "variable set";
    /// Names an edge between two workspaces.
    EdgeId = "edge", "edge";
    /// Names a stack, or a teardown of one.
    StackId = "stk", "stack";
    /// Names the plan of a whole stack that somebody is asked about.
    StackPlanId = "spl", "stack plan";
    /// Names a run trigger.
    RunTriggerId = "rt", "run trigger";
    /// Names a decision about a workspace whose upstreams have settled.
    TriggerDecisionId = "td", "trigger decision";
    /// Names a configuration version.
    ConfigurationId = "cv", "configuration version";
    /// Names a run.
    RunId = "run", "run";
    /// Names the plan of a run.
    PlanId = "plan", "plan";
    /// Names the apply of a run.
    ApplyId = "apply", "apply";
    /// Names a state version.
    StateId = "sv", "state version";
    /// Names one output of a state version.
    OutputId = "wsout", "state version output";
    /// Names a user.
    UserId = "user", "user";
    /// Names a team.
    TeamId = "team", "team";
    /// Names what a team may do on a workspace.
    TeamWorkspaceId = "tws", "access of a team to a workspace";
    /// Names what a team may do on a project.
    TeamProjectId = "tprj", "access of a team to a project";
    /// Names the membership of a user in an organization.
    MembershipId = "ou", "membership";
    /// Names an API token (never the secret itself).
    TokenId = "at", "token";
    /// Names a comment on a run.
    CommentId = "wsc", "comment";
    /// Names a connection to a host of git repositories.
    OauthClientId = "oc", "OAuth client";
    /// Names the credentials of a connection.
    OauthTokenId = "ot", "OAuth token";
    /// Names the commit that a configuration version came from.
    IngressId = "ia", "ingress attributes";
    /// Names an event in the life of a run.
    RunEventId = "re", "run event";
}

fn check(text: &str, prefix: &str, noun: &str) -> Result<(), Problem> {
    let rest = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    match rest {
        Some(rest) if !rest.is_empty() && rest.len() <= 64 && rest.bytes().all(|b| b.is_ascii_alphanumeric()) => Ok(()),
        _ => Err(Problem::invalid("id/invalid", format!("\"{}\" is not the id of a {noun}.", text.escape_debug()))
            .advice(format!("Use an id that begins with \"{prefix}-\"."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_wrong_kind_is_refused_with_words() {
        let problem = RunId::parse("ws-fSX576JZGENVaeMi").unwrap_err();
        assert_eq!(problem.message, "\"ws-fSX576JZGENVaeMi\" is not the id of a run.");
        assert_eq!(problem.advice, "Use an id that begins with \"run-\".");
    }

    #[test]
    fn an_id_survives_the_way_out_and_in() {
        let id = WorkspaceId::from_suffix("fSX576JZGENVaeMi");
        assert_eq!(WorkspaceId::parse(&id.to_string()).unwrap(), id);
    }

    #[test]
    fn an_id_never_carries_a_path_or_a_space() {
        for text in ["ws-../../etc", "ws-a b", "ws-", "ws", "", "ws-a/b"] {
            assert!(WorkspaceId::parse(text).is_err(), "{text}");
        }
    }
}
