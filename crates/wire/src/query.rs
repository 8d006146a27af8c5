//! Query parameters, as `serde_qs` reads them in its form encoding mode (`page[number]=2`, brackets encoded or not).
//!
//! Parameters that a struct does not name are ignored, because clients send junk beside the real ones.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Most items on a page.
pub const LARGEST_PAGE: u64 = 100;
/// Items on a page when the client does not say.
pub const USUAL_PAGE: u64 = 20;

/// `page[number]` and `page[size]`. What is not a number counts as absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PageQuery {
    /// As sent.
    #[serde(deserialize_with = "lenient_number")]
    pub number: Option<u64>,
    /// As sent.
    #[serde(deserialize_with = "lenient_number")]
    pub size: Option<u64>,
}

impl PageQuery {
    /// The page that is meant, from 1.
    pub fn number(&self) -> u64 {
        self.number.unwrap_or(1).max(1)
    }

    /// How many items it may have: 20 unless said, 1 to 100.
    pub fn size(&self) -> u64 {
        self.size.unwrap_or(USUAL_PAGE).clamp(1, LARGEST_PAGE)
    }

    /// How many items come before it.
    pub fn offset(&self) -> u64 {
        (self.number() - 1).saturating_mul(self.size())
    }

    /// Whether the client said nothing; some lists then come whole.
    pub fn is_absent(&self) -> bool {
        self.number.is_none() && self.size.is_none()
    }
}

fn lenient_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(String::deserialize(deserializer)?.trim().parse().ok())
}

/// `include=`: which related resources shall come along, as a comma list. go-tfe writes `task_stages`, pytfe
/// `task-stages`; both are kept as the former.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Include(pub Vec<String>);

impl Include {
    /// Whether this path (`current_run.plan`) shall come along. A longer path asks for all on its way.
    pub fn has(&self, path: &str) -> bool {
        let wanted = spelled(path);
        self.0.iter().any(|asked| {
            asked.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Whether nothing shall come along.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn spelled(path: &str) -> String {
    path.trim().replace('-', "_").to_ascii_lowercase()
}

impl<'de> Deserialize<'de> for Include {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Commas::deserialize(deserializer)?.0.iter().map(|path| spelled(path)).collect()))
    }
}

/// A comma list; empty items are dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commas(pub Vec<String>);

impl Commas {
    /// Whether the list is empty, which filters nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Commas {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()))
    }
}

/// `q=` or, for organizations, `q[name]=` and `q[email]=`: what the results shall contain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Anywhere.
    pub anywhere: Option<String>,
    /// In the name.
    pub name: Option<String>,
    /// In the address.
    pub email: Option<String>,
}

impl<'de> Deserialize<'de> for Search {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;

        impl<'de> Visitor<'de> for Shape {
            type Value = Search;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a text for name and email")
            }

            fn visit_str<E>(self, text: &str) -> Result<Search, E> {
                let anywhere = Some(text.to_owned()).filter(|text| !text.is_empty());
                Ok(Search { anywhere, ..Search::default() })
            }

            fn visit_unit<E>(self) -> Result<Search, E> {
                Ok(Search::default())
            }

            fn visit_none<E>(self) -> Result<Search, E> {
                Ok(Search::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Search, A::Error> {
                let mut search = Search::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => search.name = Some(map.next_value()?),
                        "email" => search.email = Some(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(search)
            }
        }

        deserializer.deserialize_any(Shape)
    }
}

/// Query of a read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ReadQuery {
    /// What shall come along.
    pub include: Include,
}

/// Query of a read of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunQuery {
    /// What shall come along.
    pub include: Include,
    /// The status in which the client knows the run: while it has it, a held answer is not worth giving.
    pub unless_status: Option<String>,
}

/// Query of something whose answer may be held until it has another status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct HeldQuery {
    /// The status in which the client knows it.
    pub unless_status: Option<String>,
}

/// Query of a list that has pages and nothing more to ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// Which page.
    pub page: PageQuery,
    /// What shall come along.
    pub include: Include,
    /// What the results shall contain.
    pub q: Search,
}

/// Query of a list of teams.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TeamsQuery {
    /// Which page.
    pub page: PageQuery,
    /// What shall come along.
    pub include: Include,
    /// What the name shall contain.
    pub q: Search,
    /// What results must fit.
    pub filter: TeamsFilter,
}

/// `filter[…]` of teams.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TeamsFilter {
    /// One of these whole names.
    pub names: Commas,
}

/// Query of a list of what teams may do on one workspace or project, and of a list of memberships.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AccessQuery {
    /// Which page.
    pub page: PageQuery,
    /// What shall come along.
    pub include: Include,
    /// What results must fit.
    pub filter: AccessFilter,
    /// What the name or address shall contain.
    pub q: Search,
}

/// `filter[…]` of what teams may do, and of memberships.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AccessFilter {
    /// The workspace.
    pub workspace: OneFilter,
    /// The project.
    pub project: OneFilter,
    /// One of these addresses.
    pub email: Commas,
    /// `active` or `invited`.
    pub status: Option<String>,
}

/// Query of an administrator's list of users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AdminUsersQuery {
    /// Which page.
    pub page: PageQuery,
    /// What the name or address shall contain.
    pub q: Search,
    /// What results must fit.
    pub filter: AdminUsersFilter,
}

/// `filter[…]` of users: `true` or `false`, anything else filters nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AdminUsersFilter {
    /// Whether they administer the site.
    pub admin: Option<String>,
    /// Whether they are shut out.
    pub suspended: Option<String>,
}

/// `filter[…][id]`: one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OneFilter {
    /// Its id.
    pub id: Option<String>,
}

/// Query of the token of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TokenQuery {
    /// `audit-trails` for the token that reads the audit trail, which does not exist here.
    pub token: Option<String>,
}

/// Query of a list of projects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProjectsQuery {
    /// Which page.
    pub page: PageQuery,
    /// What shall come along.
    pub include: Include,
    /// What the name shall contain.
    pub q: Search,
    /// `name` or `-name`.
    pub sort: Option<String>,
    /// What results must fit.
    pub filter: ProjectsFilter,
}

/// `filter[…]` of projects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProjectsFilter {
    /// One of these whole names, without regard to case.
    pub names: Commas,
    /// All of these tag bindings, by an index that means nothing.
    pub tagged: BTreeMap<String, TaggedFilter>,
}

/// `filter[tagged][i]`: a key, and perhaps its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TaggedFilter {
    /// The key.
    pub key: String,
    /// The value; absent for any.
    pub value: Option<String>,
}

/// Query of a list of workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct WorkspacesQuery {
    /// Which page.
    pub page: PageQuery,
    /// What shall come along.
    pub include: Include,
    /// `name`, `current-run.created-at` or `latest-change-at`, with `-` for the other direction.
    pub sort: Option<String>,
    /// What results must match.
    pub search: WorkspacesSearch,
    /// What results must fit.
    pub filter: WorkspacesFilter,
}

/// `search[…]` of workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspacesSearch {
    /// The name contains this.
    pub name: Option<String>,
    /// The name matches this, where `*` at an end stands for anything.
    pub wildcard_name: Option<String>,
    /// It has all of these flat tags or keys.
    pub tags: Commas,
    /// It has none of these.
    pub exclude_tags: Commas,
}

/// `filter[…]` of workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspacesFilter {
    /// It is in this project.
    pub project: IdFilter,
    /// It has all of these tag bindings, by an index that means nothing.
    pub tagged: BTreeMap<String, TaggedFilter>,
    /// Its current run fits.
    pub current_run: StatusFilter,
}

/// `filter[…][id]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IdFilter {
    /// The id.
    pub id: Option<String>,
}

/// `filter[…][name]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NameFilter {
    /// The name.
    pub name: Option<String>,
}

/// `filter[…][status]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StatusFilter {
    /// One of these statuses.
    pub status: Commas,
}

/// Query of a list of variable sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct VariableSetsQuery {
    /// Which page.
    pub page: PageQuery,
    /// What shall come along.
    pub include: Include,
    /// What the name shall contain.
    pub q: Search,
    /// What results must fit.
    pub filter: VariableSetsFilter,
}

/// `filter[…]` of variable sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct VariableSetsFilter {
    /// `true` or `false`; anything else filters nothing.
    pub global: Option<String>,
}

/// Query of a list of run triggers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RunTriggersQuery {
    /// Which page.
    pub page: PageQuery,
    /// What shall come along.
    pub include: Include,
    /// What results must fit; required.
    pub filter: RunTriggersFilter,
}

/// `filter[…]` of run triggers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RunTriggersFilter {
    /// Which way they point.
    pub run_trigger: TypeFilter,
}

/// `filter[…][type]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TypeFilter {
    /// The word.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// Query of a list of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RunsQuery {
    /// Which page.
    pub page: PageQuery,
    /// What shall come along.
    pub include: Include,
    /// What results must match.
    pub search: RunsSearch,
    /// What results must fit.
    pub filter: RunsFilter,
}

/// `search[…]` of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RunsSearch {
    /// Made by a user whose name contains this.
    pub user: Option<String>,
    /// Of a commit that begins so.
    pub commit: Option<String>,
    /// Id, message, commit or user contains this.
    pub basic: Option<String>,
}

/// `filter[…]` of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RunsFilter {
    /// One of these statuses.
    pub status: Commas,
    /// One of `plan_and_apply`, `plan_only`, `refresh_only`, `destroy`, `empty_apply`, `save_plan`. Runs that only plan
    /// are left out unless this names them.
    pub operation: Commas,
    /// One of these sources.
    pub source: Commas,
    /// `non_final`, `final` or `discardable`.
    pub status_group: Option<String>,
    /// A year, or `year` for the last twelve months.
    pub timeframe: Option<String>,
    /// Of one of these workspaces, by name.
    pub workspace_names: Commas,
}

/// Query of a list of state versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StateVersionsQuery {
    /// Which page.
    pub page: PageQuery,
    /// What shall come along.
    pub include: Include,
    /// What results must fit.
    pub filter: StateVersionsFilter,
}

/// `filter[…]` of state versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StateVersionsFilter {
    /// Of this workspace; required.
    pub workspace: NameFilter,
    /// Of this organization; required.
    pub organization: NameFilter,
    /// One of these statuses.
    pub status: Commas,
}

/// Query of a log: which bytes of it. Offsets count the framing bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LogQuery {
    /// Most bytes; absent for all there are.
    #[serde(deserialize_with = "lenient_number")]
    pub limit: Option<u64>,
    /// First byte; the first of the log by default.
    #[serde(deserialize_with = "lenient_number")]
    pub offset: Option<u64>,
}
