//! The words that a custom role is put together from, as they come from a client and are stored.

use domain::Problem;
use domain::roles::{
    Mocks, ProjectGrant, ProjectSettings, Runs, States, Teams, VariableSets, Variables, WorkspaceGrant,
};
use serde::{Deserialize, Serialize};

/// Words of a custom role; `None` is the least, and in an edit leaves things as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Custom {
    /// On the project itself.
    pub settings: Option<String>,
    /// On the access of teams to the project.
    pub teams: Option<String>,
    /// On the project's variable sets.
    pub variable_sets: Option<String>,
    /// Making workspaces in the project.
    pub create: Option<bool>,
    /// Moving workspaces out of the project.
    pub relocate: Option<bool>,
    /// Deleting workspaces.
    pub delete: Option<bool>,
    /// Locking workspaces.
    pub locking: Option<bool>,
    /// Run tasks.
    pub run_tasks: Option<bool>,
    /// Overriding policies.
    pub policy_overrides: Option<bool>,
    /// On runs.
    pub runs: Option<String>,
    /// On variables.
    pub variables: Option<String>,
    /// On state versions.
    pub state_versions: Option<String>,
    /// On Sentinel mocks.
    pub sentinel_mocks: Option<String>,
}

impl Custom {
    /// These words, and for what they leave open the older ones.
    #[must_use]
    pub fn over(self, older: Self) -> Self {
        Self {
            settings: self.settings.or(older.settings),
            teams: self.teams.or(older.teams),
            variable_sets: self.variable_sets.or(older.variable_sets),
            create: self.create.or(older.create),
            relocate: self.relocate.or(older.relocate),
            delete: self.delete.or(older.delete),
            locking: self.locking.or(older.locking),
            run_tasks: self.run_tasks.or(older.run_tasks),
            policy_overrides: self.policy_overrides.or(older.policy_overrides),
            runs: self.runs.or(older.runs),
            variables: self.variables.or(older.variables),
            state_versions: self.state_versions.or(older.state_versions),
            sentinel_mocks: self.sentinel_mocks.or(older.sentinel_mocks),
        }
    }

    /// What they grant on a workspace.
    ///
    /// # Errors
    /// `grant/level` for a word that is none.
    pub fn on_workspace(&self) -> Result<WorkspaceGrant, Problem> {
        Ok(WorkspaceGrant {
            delete: self.delete.unwrap_or_default(),
            relocate: self.relocate.unwrap_or_default(),
            locking: self.locking.unwrap_or_default(),
            run_tasks: self.run_tasks.unwrap_or_default(),
            policy_overrides: self.policy_overrides.unwrap_or_default(),
            runs: level("runs", self.runs.as_deref(), Runs::parse)?,
            variables: level("variables", self.variables.as_deref(), Variables::parse)?,
            states: level("state-versions", self.state_versions.as_deref(), States::parse)?,
            mocks: level("sentinel-mocks", self.sentinel_mocks.as_deref(), Mocks::parse)?,
            ..WorkspaceGrant::default()
        })
    }

    /// What they grant on a project.
    ///
    /// # Errors
    /// `grant/level` for a word that is none.
    pub fn on_project(&self) -> Result<ProjectGrant, Problem> {
        Ok(ProjectGrant {
            settings: level("settings", self.settings.as_deref(), ProjectSettings::parse)?,
            teams: level("teams", self.teams.as_deref(), Teams::parse)?,
            variable_sets: level("variable-sets", self.variable_sets.as_deref(), VariableSets::parse)?,
            create: self.create.unwrap_or_default(),
            workspaces: self.on_workspace()?,
        })
    }
}

fn level<T: Default>(attribute: &str, word: Option<&str>, parse: fn(&str) -> Option<T>) -> Result<T, Problem> {
    let Some(word) = word else { return Ok(T::default()) };
    parse(word).ok_or_else(|| {
        Problem::invalid("grant/level", format!("\"{}\" is no level of {attribute}.", word.escape_debug()))
            .advice("Use a level of HCP Terraform's custom permissions.")
            .attribute(attribute)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_edit_leaves_open_stays_as_it_was() {
        let old = Custom { runs: Some("plan".into()), locking: Some(true), ..Custom::default() };
        let new = Custom { runs: Some("apply".into()), ..Custom::default() }.over(old);
        let grant = new.on_workspace().unwrap();
        assert!(grant.locking);
        assert_eq!((grant.runs, grant.states), (Runs::Apply, States::None));
    }

    #[test]
    fn a_word_that_is_no_level_is_refused_with_its_attribute() {
        let custom = Custom { teams: Some("write".into()), ..Custom::default() };
        let problem = custom.on_project().unwrap_err();
        assert_eq!(problem.code, "grant/level");
        assert_eq!(problem.pointer.as_deref(), Some("/data/attributes/teams"));
    }
}
