//! The `type` of every resource. Clients refuse a document whose type is spelled otherwise.

macro_rules! kinds {
    ($($name:ident = $text:literal;)*) => {
        $(#[doc = concat!("`", $text, "`")] pub const $name: &str = $text;)*
    };
}

kinds! {
    APPLIES = "applies";
    AUTHENTICATION_TOKENS = "authentication-tokens";
    COMMENTS = "comments";
    CONFIGURATION_VERSIONS = "configuration-versions";
    EFFECTIVE_TAG_BINDINGS = "effective-tag-bindings";
    ENTITLEMENT_SETS = "entitlement-sets";
    ORGANIZATION_MEMBERSHIPS = "organization-memberships";
    INGRESS_ATTRIBUTES = "ingress-attributes";
    OAUTH_CLIENTS = "oauth-clients";
    OAUTH_TOKENS = "oauth-tokens";
    ORGANIZATIONS = "organizations";
    ORGANIZATION_CAPACITY = "organization-capacity";
    PLANS = "plans";
    PROJECTS = "projects";
    RUNS = "runs";
    RUN_EVENTS = "run-events";
    RUN_LIMITS = "run-limits";
    RUN_TRIGGERS = "run-triggers";
    STACK_LIFETIMES = "stack-lifetimes";
    STACK_PLANS = "stack-plans";
    STACKS = "stacks";
    STATE_VERSIONS = "state-versions";
    STATE_VERSION_OUTPUTS = "state-version-outputs";
    TAGS = "tags";
    TAG_BINDINGS = "tag-bindings";
    TASK_STAGES = "task-stages";
    TEAMS = "teams";
    TRIGGER_DECISIONS = "trigger-decisions";
    TEAM_PROJECTS = "team-projects";
    TEAM_WORKSPACES = "team-workspaces";
    USERS = "users";
    VARIABLES = "vars";
    VARIABLE_SETS = "varsets";
    WORKSPACES = "workspaces";
    WORKSPACE_EDGES = "workspace-edges";
    WORKSPACE_OUTPUTS = "workspace-outputs";
}
