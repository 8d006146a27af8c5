//! What the audit log calls the things in the tables. Like migrations it knows the tables by name and nothing else of the rooms; one that
//! is not here is called as its table is.

/// What is in a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) table: &'static str,
    /// Its word in the log, that of the API.
    pub(super) word: &'static str,
    /// What its ids begin with.
    prefixes: &'static [&'static str],
    /// Column of its name; empty when it has none.
    pub(super) name: &'static str,
    /// Column of the organization, or of what it belongs to; empty when it is the server's.
    pub(super) parent: &'static str,
    /// It has a column `status`.
    pub(super) has_status: bool,
}

const fn kind(
    table: &'static str,
    word: &'static str,
    prefixes: &'static [&'static str],
    name: &'static str,
    parent: &'static str,
) -> Kind {
    Kind { table, word, prefixes, name, parent, has_status: false }
}

const fn moving(
    table: &'static str,
    word: &'static str,
    prefixes: &'static [&'static str],
    name: &'static str,
    parent: &'static str,
) -> Kind {
    Kind { table, word, prefixes, name, parent, has_status: true }
}

const KINDS: &[Kind] = &[
    kind("organizations", "organizations", &["org"], "name", ""),
    kind("projects", "projects", &["prj"], "name", "organization_id"),
    kind("workspaces", "workspaces", &["ws"], "name", "organization_id"),
    moving("runs", "runs", &["run"], "", "organization_id"),
    moving("stack_plans", "stack-plans", &["spl"], "", "organization_id"),
    moving("stacks", "stacks", &["stk"], "name", "organization_id"),
    kind("teams", "teams", &["team"], "name", "organization_id"),
    kind("variable_sets", "varsets", &["varset"], "name", "organization_id"),
    kind("variables", "vars", &["var"], "key", "owner_id"),
    kind("oauth_clients", "oauth-clients", &["oc"], "name", "organization_id"),
    kind("oauth_tokens", "oauth-tokens", &["ot"], "", "organization_id"),
    kind("run_triggers", "run-triggers", &["rt"], "", "organization_id"),
    moving("configurations", "configuration-versions", &["cv"], "", "workspace_id"),
    moving("states", "state-versions", &["sv"], "", "workspace_id"),
    kind("grants", "team-access", &["tws", "tprj"], "role", "team_id"),
    kind("tokens", "authentication-tokens", &["at"], "description", "subject_id"),
    kind("comments", "comments", &[], "", "run_id"),
    kind("workspace_edges", "edges", &["edge"], "", "downstream_id"),
    kind("users", "users", &["user"], "username", ""),
    kind("memberships", "organization-memberships", &["ou"], "", "organization_id"),
    kind("invitations", "invitations", &[], "", "organization_id"),
    kind("phases", "phases", &["plan", "apply"], "", "run_id"),
    kind("sessions", "sessions", &[], "", ""),
];

/// Tables that keep the engine's own books: turns, waits, notes, copies of what is told elsewhere. What is written only there changes
/// nothing that anybody has; together with anything else it is told by that.
const BOOKS: &[&str] = &[
    "apply_inputs",
    "configuration_reads",
    "deleted_states",
    "fetches",
    "ingresses",
    "phases",
    "pinned_variables",
    "project_turns",
    "repository_heads",
    "run_inputs",
    "run_waits",
    "stack_plan_rows",
    "state_outputs",
    "trigger_notes",
];

/// What is in that table, if it is one that has a word of its own.
pub(super) fn of_table(table: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.table == table)
}

/// What an id names.
pub(super) fn of_id(id: &str) -> Option<&'static Kind> {
    let (prefix, _) = id.split_once('-')?;
    KINDS.iter().find(|kind| kind.prefixes.contains(&prefix))
}

/// Whether a table is one of the engine's own books.
pub(super) fn is_book(table: &str) -> bool {
    BOOKS.contains(&table)
}

/// The word of what is in a table.
pub(super) fn word(table: &str) -> String {
    of_table(table).map_or_else(|| table.replace('_', "-"), |kind| kind.word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_known_by_its_table_and_by_its_id() {
        assert_eq!(word("variable_sets"), "varsets");
        assert_eq!(word("team_members"), "team-members");
        assert_eq!(of_id("ws-abc").map(|kind| kind.table), Some("workspaces"));
        assert!(of_id("nothing").is_none() && of_id("zz-1").is_none());
    }
}
